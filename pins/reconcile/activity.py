"""Reads the activity of locks, for accounts that ask for it: who came, and who entered a wrong code.

Only of locks that a guest's stay needs now or within hours, each in its own rhythm (`pins.core.arrival.read_again`). It
is spent last: from the half of the budget that checks may use, not while a sweep rations what is left, not before all
that is due on doors can be paid, and never of a lock that has work of its own. Codes do not depend on it: where it
cannot be read, a person is told with a notice, and the board says so. All times are UTC.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from pins.core import alias
from pins.core.arrival import EARLY, Sign, sign_of
from pins.core.budget import Purpose
from pins.models import AccessGrant, DoorEntry, Incident, InstallationKey, LockActivity, LockState, Pin
from pins.reconcile import account_limits, arrivals, request_budget
from pins.reconcile.clients import client_for
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, TedeeError
from pins.tedee.messages import ActivityItem
from rentals.fields import UndecryptableValue, behind
from rentals.models import Lock, LockAccount
from rentals.models.periods import During

logger = logging.getLogger(__name__)

#: How many locks one tick reads, and how many seconds it goes on; the next tick comes soon.
MOST: Final = 60
SECONDS: Final = 40.0
#: A lock that is being read is left alone by others for so long.
TURN: Final = timedelta(minutes=2)
#: After a refusal it is asked again so late; after any other failure, so soon.
REFUSED, FAILED = timedelta(hours=1), timedelta(minutes=5)
#: Behind every deadline of a door.
_LAST: Final = timedelta(days=3650)
#: Lines that are older are not stored, and no line comes from the future, but for clocks that differ.
KEEP: Final = timedelta(days=14)
#: So few lines are all that there is. Of more nobody knows how many a page may have, nor how many cannot be read.
ALL_THERE_IS: Final = 20
_AHEAD: Final = timedelta(minutes=10)
_KIND: Final = Incident.Kind.NO_ACTIVITY

Clients = Callable[[LockAccount], TedeeClient]


def read_due(now: datetime, clients: Clients = client_for) -> int:
    """Read the locks whose moment has come, and say what it means for their stays. Returns how many were read. Where no
    account asks for it, nothing is sent."""
    accounts = list(LockAccount.objects.filter(reads_activity=True).values_list("pk", flat=True))
    _end_of_others(accounts, now)
    ends_at, count = time.monotonic() + SECONDS, 0
    refused: set[int] = set()
    for lock in due(accounts, now) if accounts else ():
        if time.monotonic() >= ends_at:
            break
        if lock.account_id in refused:
            continue
        try:
            if account_limits.paused_until(lock.account, now) is not None:
                continue
            outcome = _read(lock, clients, now)
        except UndecryptableValue:
            logger.warning("activity_impossible", extra={"account_id": lock.account_id})
            refused.add(lock.account_id)
            continue
        except (IntegrityError, ValueError):  # a row that was deleted meanwhile, or says nothing that can be judged
            logger.exception("activity_not_judged", extra={"lock_id": lock.pk})
            LockActivity.objects.filter(lock=lock).update(rest_until=now + FAILED)
            continue
        if outcome is None:
            count += 1
        else:  # one failure is enough to leave the account alone in this tick
            refused.add(lock.account_id)
        if outcome is Cause.NETWORK:
            break
    return count


def hurry(lock_ids: Iterable[int], now: datetime) -> None:
    """Somebody stands before one of these doors: read them with the next tick."""
    LockActivity.objects.filter(lock__in=lock_ids, lock__account__reads_activity=True).update(due_at=now)


def needed(now: datetime) -> Q:
    """Guests' codes that work now or within hours."""
    return Q(During("starts_at", "ends_at", now, now + EARLY), kind=AccessGrant.Kind.GUEST, wanted=True)


def due(accounts: list[int], now: datetime) -> QuerySet[Lock]:
    """The locks to read, those that wait longest first. Begins with the stays that run or are about to."""
    theirs = Pin.objects.filter(
        grant__in=AccessGrant.objects.filter(needed(now)), wanted=True, lock__account__in=accounts
    )
    told = LockActivity.objects.filter(lock=OuterRef("lock"))
    # A stay that was entered, or came near, since the last time, has its own rhythm.
    newer = Q(grant__created_at__gt=OuterRef("read_at")) | Q(grant__starts_at__gt=OuterRef("read_at") + EARLY)
    seen_all = told.filter(due_at__gt=now).exclude(Exists(theirs.filter(newer, lock=OuterRef("lock"))))
    waiting = theirs.exclude(Exists(seen_all)).exclude(Exists(told.filter(rest_until__gt=now)))
    busy = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__lte=now)
    rests = LockState.objects.filter(lock=OuterRef("pk")).filter(Q(paused_until__gt=now) | Q(lease_until__gt=now))
    found = Lock.objects.filter(pk__in=waiting.order_by().values("lock"), is_active=True)
    found = found.exclude(Exists(busy)).exclude(Exists(rests)).select_related("account")
    found = found.defer(*behind("account", LockAccount.SECRETS))  # one that cannot be read concerns its account alone
    return found.order_by(F("activity__due_at").asc(nulls_first=True), "pk")[:MOST]


def _read(lock: Lock, clients: Clients, now: datetime) -> Cause | None:
    """Read one lock. None: it was read, or somebody else does; otherwise why not."""
    if not _take_turn(lock.pk, now):
        return None
    mine = LockActivity.objects.filter(lock=lock)
    try:
        client = clients(lock.account)  # first: where its key cannot be read, no request is taken
        if request_budget.spend(lock.account.budget_key, Purpose.ACTIVITY, now + _LAST, now) is not None:
            mine.update(rest_until=now + FAILED, trouble=request_budget.BUDGET_SPENT)
            return Cause.RATE_LIMITED
        answer = client.activity(lock.device_id)
    except TedeeError as error:
        _failed(lock, error, now)
        return error.cause
    store(lock, answer.value, now)
    again = arrivals.judge_lock(lock.pk, now)
    mine.update(due_at=again, rest_until=None, trouble="")
    Incident.objects.filter(kind=_KIND, resolved_at=None).filter(Q(lock=lock) | Q(account=lock.account)).update(
        resolved_at=now
    )
    return None


def _take_turn(lock_id: int, now: datetime) -> bool:
    """False: another worker reads it."""
    LockActivity.objects.get_or_create(lock_id=lock_id)
    free = LockActivity.objects.filter(lock=lock_id).exclude(rest_until__gt=now)
    return free.update(rest_until=now + TURN) == 1


def _failed(lock: Lock, error: TedeeError, now: datetime) -> None:
    """A refusal says nothing about the key, which opens other doors: reading activity is a right of its own."""
    is_refusal = error.cause in (Cause.UNAUTHORIZED, Cause.FORBIDDEN, Cause.NOT_FOUND)
    logger.info("activity_not_read", extra={"lock_id": lock.pk, "cause": error.cause.value})
    if error.cause is Cause.RATE_LIMITED:
        request_budget.rate_limited(lock.account, error.retry_after, now)
    rest = now + (REFUSED if is_refusal else FAILED)
    rows = LockActivity.objects.filter(lock=lock)
    if is_refusal:
        others = LockActivity.objects.filter(
            lock__account=lock.account, trouble="", read_at__gt=now - timedelta(days=1)
        )
        if others.exclude(lock=lock).exists():
            Incident.open(_KIND, now, about=lock)
        else:  # none of its locks can be read
            Incident.open(_KIND, now, about=lock.account)
            rows = LockActivity.objects.filter(lock__account=lock.account)
    rows.update(rest_until=rest, trouble=error.cause.value)


def _end_of_others(accounts: list[int], now: datetime) -> None:
    """What could not be read, and need not be read any more, is nobody's concern."""
    open_ones = Incident.objects.filter(kind=_KIND, resolved_at=None)
    open_ones.exclude(Q(account__in=accounts) | Q(lock__account__in=accounts)).update(resolved_at=now)


def store(lock: Lock, items: Iterable[ActivityItem], now: datetime) -> None:
    """Keep the lines that are about codes, each once, and note how far the activity is known."""
    lines = list(items)
    dated = [one for one in lines if one.date is not None and one.date <= now + _AHEAD]
    moments = [one.date for one in dated if one.date is not None]
    named = _Names(lock)
    rows = [
        DoorEntry(
            lock=lock, remote_id=str(one.id)[:64], sign=sign.value, at=min(one.date, now), **named.of(one.user_name)
        )
        for one in dated
        if one.date is not None and one.date > now - KEEP and (sign := sign_of(one.event)) is not None
    ]
    DoorEntry.objects.bulk_create(rows, ignore_conflicts=True)
    activity = LockActivity.objects.get_or_create(lock=lock)[0]
    oldest = min(moments, default=now)
    if len(lines) < ALL_THERE_IS:
        since = min(now - KEEP, oldest)
    elif activity.read_at is not None and oldest <= activity.read_at:
        since = min(activity.whole_since or oldest, oldest)
    else:  # the first time, or lines between then and now are missing
        since = oldest
    LockActivity.objects.filter(lock=lock).update(read_at=now, whole_since=since)


class _Names:
    """Whose code a name of the activity is. The documents call the field the user's name; locks may put the name of the
    code there, and whatever is neither ours nor a known foreign code says nothing."""

    def __init__(self, lock: Lock) -> None:
        self._lock, self._key = lock, InstallationKey.load()
        state = LockState.objects.filter(lock=lock).values_list("foreign_names", flat=True).first()
        self._foreign = {str(one).casefold() for one in state or ()}
        self._known: dict[str, dict[str, object]] = {"": {}}

    def of(self, name: str) -> dict[str, object]:
        """The columns `grant` and `is_foreign` of an entry."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> dict[str, object]:
        reference = alias.reference_in(name)
        if reference is not None and alias.is_ours(reference, self._key):
            grant = AccessGrant.objects.filter(reference=reference).values_list("pk", flat=True).first()
            return {"grant_id": grant} if grant is not None else {"is_foreign": True}
        return {"is_foreign": True} if alias.foreign_name(name, self._key).casefold() in self._foreign else {}


def wrong_codes(lock_ids: Iterable[int], since: datetime) -> set[int]:
    """At which of these locks a wrong code was entered since then."""
    wrong = DoorEntry.objects.filter(lock__in=lock_ids, sign=Sign.WRONG, at__gte=since)
    return set(wrong.values_list("lock", flat=True))
