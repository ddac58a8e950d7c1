"""What limits an account: its budget of requests, a dead key, an outage of the cloud. Reads and writes their rows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from pins.core import budget
from pins.core.retry import OUTAGE_SPAN, outage, outage_delay
from pins.models import AccountState, Incident, InstallationKey, LockState, RateBudget
from pins.tedee.errors import Cause
from rentals.models import LockAccount

#: The pause of a lock whose account has no requests left.
BUDGET_SPENT = "budget"


def rules() -> budget.Rules:
    """The account limit from the settings (Tedee API, rate limits)."""
    return budget.Rules(limit=settings.TEDEE_RATE_LIMIT, window_seconds=settings.TEDEE_RATE_WINDOW)


def spend(key: str, purpose: budget.Purpose, deadline: datetime, now: datetime) -> datetime | None:
    """Take one request from the budget before it is sent. `None`: it was taken; otherwise when to ask again (UTC)."""
    with transaction.atomic():
        row, _ = RateBudget.objects.select_for_update().get_or_create(key=key)
        usage = budget.Usage.from_json(row.usage)
        if purpose is not budget.Purpose.CONNECTIVITY and row.cutoff_at is not None and deadline > row.cutoff_at:
            return now + timedelta(seconds=settings.SWEEP_SECONDS)
        reserve = budget.reserve_for(purpose, deadline - now, rules())
        spent = budget.spend(usage, rules(), now, reserve=reserve)
        if spent is None:
            return budget.affordable_at(usage, rules(), now, reserve=reserve)
        row.usage = spent.to_json()
        row.save(update_fields=["usage"])
        return None


def rate_limited(account: LockAccount, retry_after: float | None, now: datetime) -> None:
    """429: the budget learns when the next window begins (`retry_after`, in seconds) and lets nothing through until
    then. It is a row, so this survives any restart."""
    with transaction.atomic():
        row, _ = RateBudget.objects.select_for_update().get_or_create(key=account.budget_key)
        usage = budget.learn(budget.Usage.from_json(row.usage), rules(), now, retry_after)
        row.usage = usage.to_json()
        row.save(update_fields=["usage"])


def paused_until(account: LockAccount, now: datetime) -> datetime | None:
    """Until when nothing may be sent for the account (UTC). A new key ends the pause of a dead one at once."""
    state = AccountState.objects.filter(account=account).first()
    if state is None or state.paused_until is None or state.paused_until <= now:
        return None
    if state.dead_key and state.dead_key != key_fingerprint(account):
        # `outages` stays: the new key is tried with one request before all others follow.
        AccountState.objects.filter(account=account, dead_key=state.dead_key).update(
            dead_key="", paused_until=None, pause_cause=""
        )
        return None
    return state.paused_until


def key_refused(account: LockAccount, rest: timedelta, now: datetime) -> datetime:
    """401: stop the account, open one incident, probe rarely with one request, go on at once when the key changes.
    Returns until when the account rests (UTC)."""
    AccountState.objects.update_or_create(
        account=account,
        defaults={
            "dead_key": key_fingerprint(account),
            "paused_until": now + rest,
            "pause_cause": Cause.UNAUTHORIZED.value,
            "outages": 1,
        },
    )
    Incident.open(Incident.Kind.DEAD_KEY, now, about=account)
    return now + rest


def forgive_new_keys(now: datetime) -> None:
    """End the pauses that a key caused, of accounts and of locks, where the account has another key now."""
    dead = LockAccount.objects.filter(operation__isnull=False).exclude(operation__dead_key="")
    for account in dead:
        paused_until(account, now)
    for state in LockState.objects.exclude(forbidden_key="").select_related("lock__account"):
        if state.forbidden_key != key_fingerprint(state.lock.account):
            LockState.objects.filter(pk=state.pk, forbidden_key=state.forbidden_key).update(
                forbidden_key="", paused_until=None
            )


def cloud_failed(account: LockAccount, lock_id: int, now: datetime) -> datetime | None:
    """A network or server fault. Faults of several locks within a minute are an outage of the cloud: the account rests,
    and one probe at a time is sent. Returns until when the account rests (UTC), if it does."""
    with transaction.atomic():
        state, _ = AccountState.objects.select_for_update().get_or_create(account=account)
        faults = [(lock, at) for lock, at in state.recent_faults if now.timestamp() - at <= OUTAGE_SPAN.total_seconds()]
        faults.append((lock_id, now.timestamp()))
        state.recent_faults = faults[-50:]
        seen = [(lock, datetime.fromtimestamp(at, tz=now.tzinfo)) for lock, at in faults]
        if state.outages or outage(seen, now):
            state.paused_until = now + outage_delay(state.outages) * random.uniform(0.5, 1)
            state.pause_cause = Cause.NETWORK.value
            state.outages += 1
        state.save(update_fields=["recent_faults", "paused_until", "pause_cause", "outages"])
        return state.paused_until if state.outages else None


def answered(account: LockAccount, now: datetime) -> None:
    """The cloud answered with the account's key: whatever was wrong with either is over."""
    troubled = AccountState.objects.filter(account=account).exclude(outages=0, dead_key="")
    if troubled.update(outages=0, dead_key="", recent_faults=[], paused_until=None, pause_cause=""):
        Incident.resolve(now, about=account, kinds=(Incident.Kind.DEAD_KEY,))


def key_fingerprint(account: LockAccount) -> str:
    """Tells keys apart without keeping them."""
    return InstallationKey.fingerprint("key", account.secret)
