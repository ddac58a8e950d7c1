"""What makes an account rest: a dead key, an outage of the cloud. Reads and writes their rows.

Its budget of requests is in `pins.reconcile.request_budget`; a key that may read but not change anything in
`pins.reconcile.write_scope`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from pins.core import budget
from pins.core.retry import OUTAGE_SPAN, next_probe, outage, outage_delay
from pins.models import OBSERVE_ONLY, AccountState, AccountTokens, Incident, InstallationKey, LockState, Pin, RateBudget
from pins.reconcile import request_budget
from pins.tedee.errors import Cause
from rentals.fields import UndecryptableValue, behind
from rentals.models import Lock, LockAccount

#: The pause of an account whose key may not change anything, and of its locks where a change is due. Reads go on.
WRITES_REST = "no_write_scope"
#: The pause of an account whose connection Tedee no longer accepts: only a person can make another one.
CONNECTION_REST = "connection"
#: What an answer to an account's key ends.
DEAD = (Incident.Kind.DEAD_KEY, Incident.Kind.CONNECTION_ENDED)
#: Locks that were removed and added again: none of their codes came along, so there is work at once.
ADDED_AGAIN = Q(operation__device_id__isnull=False) & ~Q(operation__device_id=F("device_id"))
#: How long a run has a lock for itself, unless it renews this.
LEASE = timedelta(seconds=60)
#: How soon a lock asks again, in seconds, while another one has the probe. Random: not all return together.
NOT_IN_TURN = (5.0, 15.0)
#: So many locks are remembered with their last fault, and each of them is probed once soon.
_MOST_FAULTS = 50


def paused_until(account: LockAccount, now: datetime) -> datetime | None:
    """Until when nothing may be sent for the account (UTC). A new key ends the pause of a dead one at once."""
    return _paused(account, AccountState.objects.filter(account=account).first(), now)


def _paused(account: LockAccount, state: AccountState | None, now: datetime) -> datetime | None:
    if state is None or state.paused_until is None or state.paused_until <= now:
        return None
    if state.dead_key and state.dead_key != key_fingerprint(account):
        _forgive(account, state, now)
        return None
    return None if state.pause_cause == WRITES_REST else state.paused_until


def _forgive(account: LockAccount, state: AccountState, now: datetime) -> None:
    # `outages` stays: the new key is tried with one request before all others follow.
    ended = AccountState.objects.filter(account=account, dead_key=state.dead_key)
    ended.update(dead_key="", paused_until=None, pause_cause="", writes_refused=0)
    LockState.objects.filter(lock__account=account, pause_cause=WRITES_REST).update(paused_until=None, pause_cause="")
    Incident.resolve(now, about=account, kinds=(Incident.Kind.NO_WRITE_SCOPE,))


def rests_until(lock: Lock, state: AccountState | None, now: datetime) -> datetime | None:
    """Until when this lock must send nothing because of its account (UTC): the account rests; or the cloud is out of
    reach, and the one request that probes belongs to another lock. `state`: of the account."""
    paused = _paused(lock.account, state, now)
    if paused is not None or state is None or not state.outages:
        return paused
    if _probing_lock(state, now) in (None, lock.pk):
        return None
    return now + timedelta(seconds=random.uniform(*NOT_IN_TURN))


def probing_locks(now: datetime, troubled: Iterable[AccountState]) -> set[int]:
    """The locks that may probe the cloud now, one for each account that cannot reach it and does not rest. `troubled`:
    from `forgive_new_keys`."""
    rested = [state for state in troubled if state.paused_until is None or state.paused_until <= now]
    return {lock for state in rested if state.outages and (lock := _probing_lock(state, now)) is not None}


def _probing_lock(state: AccountState, now: datetime) -> int | None:
    """Sweep and run must come to the same answer, or each lock waits for another one."""
    return next_probe(able_to_probe(state.account, now), _failed_at(state), state.probed_lock)


def able_to_probe(account: LockAccount, now: datetime) -> set[int]:
    """Locks of an account with due work. Where requests are scarce, those where codes are due that may spend, if there
    are any: another one is neither woken nor paid, and would keep the probe for itself."""
    due = with_work(now).filter(account=account).values_list("pk", flat=True)
    row, limit = RateBudget.objects.filter(key=account.budget_key).first() or RateBudget(), request_budget.rules()
    left = request_budget.requests_left(row, now)
    until = budget.spendable_until(left, row.cutoff_at, limit, now)
    if until is None and left > budget.reserve_for(budget.Purpose.AUDIT, None, limit):
        return set(due)
    payable = Q(pins__deadline_at__lte=until) if until is not None else Q(pins__deadline_at__isnull=False)
    return set(due.filter(payable, pins__next_try_at__lte=now)) or set(due)


def with_work(now: datetime) -> QuerySet[Lock]:
    """Locks with due work that do not rest and are not in a run. Begins with what is due, not with the locks."""
    # A lock stops resting once its account may be written to again, even if `update()` switched it without a signal.
    released = Q(operation__pause_cause=OBSERVE_ONLY, account__observe_only=False)
    # Whether the budget is enough now, the sweep knows better than the run that found it spent; but not at once.
    rested = now + request_budget.BUDGET_PAUSE - timedelta(seconds=settings.SWEEP_SECONDS)
    released |= Q(operation__pause_cause=request_budget.BUDGET_SPENT, operation__paused_until__lte=rested)
    # A lease that ends later than any could now was taken before the clock stepped back.
    in_a_run = Q(operation__lease_until__gt=now, operation__lease_until__lte=now + LEASE)
    codes = Pin.objects.filter(next_try_at__lte=now).order_by().values("lock")
    audits = LockState.objects.filter(audit_at__lte=now).values("lock")
    due = Lock.objects.filter(Q(pk__in=codes) | Q(pk__in=audits) | ADDED_AGAIN)
    return due.exclude(Q(operation__paused_until__gt=now) & ~released).exclude(in_a_run)


def _failed_at(state: AccountState) -> dict[int, datetime]:
    return {lock: datetime.fromtimestamp(at, tz=UTC) for lock, at in state.recent_faults}


def key_refused(account: LockAccount, rest: timedelta, now: datetime, lock_id: int | None = None) -> datetime:
    """401: stop the account, open one incident, probe rarely with one request, go on at once when the key changes.
    Returns until when the account rests (UTC)."""
    connected = account.kind == LockAccount.Kind.OAUTH
    AccountState.objects.update_or_create(
        account=account,
        defaults={
            "dead_key": key_fingerprint(account),
            "paused_until": now + rest,
            "pause_cause": CONNECTION_REST if connected else Cause.UNAUTHORIZED.value,
            "outages": 1,
            "probed_lock": lock_id,
        },
    )
    Incident.open(Incident.Kind.CONNECTION_ENDED if connected else Incident.Kind.DEAD_KEY, now, about=account)
    return now + rest


def forgive_new_keys(now: datetime) -> list[AccountState]:
    """End the pauses that a key caused where the account has another key now. Returns the states of the accounts whose
    cloud is out of reach, or whose key was refused: as they are after this."""
    states = AccountState.objects.exclude(outages=0, dead_key="").select_related("account")
    troubled = list(states.defer(*behind("account", LockAccount.SECRETS)))
    for state in troubled:
        if state.dead_key and _has_another_key(state.account, state.dead_key):
            _forgive(state.account, state, now)
            state.dead_key, state.paused_until, state.pause_cause = "", None, ""
    return troubled


def forgive_new_locks(now: datetime) -> None:
    """The same for locks that were forbidden to a key."""
    forbidden = LockState.objects.exclude(forbidden_key="")
    # Each sweep asks, and hardly ever there are any: `exists` asks for no columns.
    states = forbidden.select_related("lock__account").defer(*behind("lock__account", LockAccount.SECRETS))
    for state in states if forbidden.exists() else ():
        if _has_another_key(state.lock.account, state.forbidden_key):
            as_read = LockState.objects.filter(pk=state.pk, forbidden_key=state.forbidden_key)
            as_read.update(forbidden_key="", paused_until=None)


def cloud_failed(account: LockAccount, lock_id: int, now: datetime, *, first: bool) -> datetime | None:
    """A network or server fault. Faults of several locks within a minute, and no answer in between, are an outage of
    the cloud: the account rests, and one probe at a time is sent. Returns until when it rests (UTC), if it does.

    `first`: the lock was well before. A lock that fails on and on, while the cloud answers others, proves no new
    outage.
    """
    with transaction.atomic():
        state, _ = AccountState.objects.select_for_update().get_or_create(account=account)
        if not first and not state.outages:
            return None
        faults = _failed_at(state)
        faults.pop(lock_id, None)
        faults[lock_id] = now  # the newest last
        if not state.outages:
            faults = {lock: at for lock, at in faults.items() if now - at <= OUTAGE_SPAN}
        state.recent_faults = [[lock, at.timestamp()] for lock, at in faults.items()][-_MOST_FAULTS:]
        if state.outages or outage(list(faults.items()), now):
            wait = outage_delay(state.outages, len(state.recent_faults), begun=_guest_waits(account, now))
            state.paused_until = now + wait * random.uniform(0.5, 1)
            state.pause_cause = Cause.NETWORK.value
            state.outages += 1
            state.probed_lock = lock_id
        state.save(update_fields=["recent_faults", "paused_until", "pause_cause", "outages", "probed_lock"])
        return state.paused_until if state.outages else None


def _guest_waits(account: LockAccount, now: datetime) -> bool:
    """Whether a guest is at a door of the account, and the lock does not hold what they need."""
    due = Pin.objects.filter(lock__account=account, next_try_at__lte=now, deadline_at__lte=now, wanted=True)
    return due.filter(grant__wanted=True, grant__ends_at__gt=now).exists()


def answered(account: LockAccount, now: datetime) -> None:
    """The cloud answered with the account's key: both are well, and faults before this prove no outage. A key that may
    not change anything still may not. Writes only where there was something."""
    states, reached = AccountState.objects.filter(account=account), {"outages": 0, "recent_faults": []}
    if not states.exclude(dead_key="", **reached).update(**reached):
        return
    if states.exclude(pause_cause=WRITES_REST).update(dead_key="", paused_until=None, pause_cause=""):
        Incident.resolve(now, about=account, kinds=DEAD)


def _has_another_key(account: LockAccount, refused: str) -> bool:
    """Whether the account's key is another one by now than the one that was `refused`, given by its fingerprint. Of a
    key that cannot be decrypted nobody knows: its own locks go on resting, and the sweep goes on for all others."""
    try:
        return key_fingerprint(account) != refused
    except UndecryptableValue:
        return False


def key_fingerprint(account: LockAccount) -> str:
    """Tells keys apart without keeping them. A connection stays the same while its tokens are renewed: what it may not
    do, they may not do either."""
    if account.kind == LockAccount.Kind.OAUTH:
        connection = AccountTokens.objects.filter(account=account).values_list("connection", flat=True).first()
        if connection is not None:
            return InstallationKey.fingerprint("connection", connection.hex)
    return InstallationKey.fingerprint("key", account.secret)
