"""One run at a time per lock, even when processes die.

A lease is a row with an owner and an expiry by the database's clock, since the clocks of several workers differ. It is
renewed before every request, and a request is sent only while the lease surely outlives the request's own deadline.
So two requests to one lock cannot be under way at once: not after a crash, not after a long pause of the process.
"""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, F, Func, QuerySet
from django.db.models.expressions import Combinable
from django.utils import timezone

from pins.models import LockState
from pins.reconcile import request_budget, statements, wakes
from pins.reconcile.account_limits import LEASE, NOT_IN_TURN
from pins.reconcile.elapsed import stepped_ahead
from pins.reconcile.statements import Rows, Statement, kept, slot
from rentals.models import Lock

#: Total deadline of one request, in seconds (connect, send, receive).
REQUEST_DEADLINE = 40.0
#: A request is not begun with less than this left: its deadline plus room for a server that works on after a hang.
LEFT_TO_SEND = timedelta(seconds=55)
#: How soon to ask again, in seconds, when as many requests are under way as the account may have. Random, so that
#: waiting runs do not return together.
CROWDED_PAUSE = (1.0, 3.0)


class Block(Enum):
    """What becomes of requests that a run took from the budget in advance."""

    SENT = auto()
    GIVEN_BACK = auto()


@dataclass
class Lease:
    """The right to speak to one lock. `renewed` is read from the monotonic clock, which no clock step disturbs."""

    lock_id: int
    owner: uuid.UUID
    renewed: float = field(default_factory=time.monotonic)

    def is_fresh(self) -> bool:
        """May a request be begun?"""
        return time.monotonic() - self.renewed <= (LEASE - LEFT_TO_SEND).total_seconds()


@dataclass(frozen=True)
class Taken:
    """Not now. `until`: when to ask again (UTC); `None`: the run that holds the lease looks once more when it ends."""

    until: datetime | None


def database_now() -> datetime | Combinable:
    """The database's clock, for a query. SQLite has none of its own: it lives on this machine."""
    if connection.vendor != "postgresql":
        return timezone.now()
    return Func(function="CLOCK_TIMESTAMP", output_field=DateTimeField())


def _now_and_end() -> tuple[Combinable, Combinable]:
    """The present moment, and the end of a lease that is taken now, for a statement that is kept."""
    now = database_now()
    if isinstance(now, datetime):
        return slot("now", LockState, "lease_until"), slot("end", LockState, "lease_until")
    return now, now + LEASE


def _is_by_machine() -> bool:
    """Of what a statement with a moment in it depends: whose clock is read."""
    return isinstance(database_now(), datetime)


def acquire(lock: Lock) -> Lease | Taken:
    """Take the lease of a lock, if it is free and the account has room for one more request.

    1. The budget row of the rate group is locked, so that leases of one group are counted one after the other.
    2. Unexpired leases are counted: at most TEDEE_MAX_IN_FLIGHT, and a single probe while the cloud is out of reach.
    3. The lease is taken where nobody holds it. One that ends later than any could now was taken before the clock
       stepped back: its run may still live, with a request under way. So it is cut to the length of a lease, and ends
       by then, unless that run renews it. One that a step forward would have ended holds for the same length.
    """
    key = lock.account.budget_key
    if getattr(lock, "operation", None) is None:
        LockState.objects.get_or_create(lock=lock)
    with transaction.atomic():
        request_budget.locked_budget(key)
        now = timezone.now()
        values = {"lock": lock.pk, "key": key, "now": now, "end": now + LEASE}
        if _is_by_machine() and (ahead := stepped_ahead(f"lease:{key}", now)):
            _outlast_step(key, now, ahead)
        under_way = _under_way(_is_by_machine()).read(values)
        if len(under_way) >= settings.TEDEE_MAX_IN_FLIGHT:
            return Taken(now + timedelta(seconds=random.uniform(*CROWDED_PAUSE)))
        # Those of the account itself matter only while its cloud is out of reach.
        if any(account_id == lock.account_id and outages for account_id, outages in under_way):
            return Taken(now + timedelta(seconds=random.uniform(*NOT_IN_TURN)))
        lease = Lease(lock.pk, uuid.uuid4())
        if _taking(_is_by_machine()).run({**values, "owner": lease.owner}) == 1:
            return lease
        _cutting(_is_by_machine()).run(values)
        return Taken(None)


def _outlast_step(key: str, now: datetime, ahead: timedelta) -> None:
    """The clock stepped forward by so much: leases that held before are not over. A request may be under way."""
    held = LockState.objects.filter(rate_key=key, lease_owner__isnull=False)
    held.filter(lease_until__gt=now - ahead, lease_until__lte=now).update(lease_until=now + LEASE)


@kept
def _under_way(_by_machine: bool) -> Rows[tuple[int, int | None]]:
    """The accounts of the other locks that are spoken to, with the outages of their clouds."""
    now, _ = _now_and_end()
    others = LockState.objects.filter(rate_key=slot("key", LockState, "rate_key"), lease_until__gt=now)
    others = others.exclude(lock=slot("lock", LockState))
    return Rows(others.values_list("lock__account_id", "lock__account__operation__outages"))


@kept
def _taking(_by_machine: bool) -> Statement:
    now, end = _now_and_end()
    free = LockState.objects.filter(lock=slot("lock", LockState)).exclude(lease_until__gt=now)
    taken = {"lease_owner": slot("owner", LockState, "lease_owner"), "lease_until": end, "block_is_void": False}
    return statements.update(free, {**taken, "rate_key": slot("key", LockState, "rate_key")})


@kept
def _cutting(_by_machine: bool) -> Statement:
    _, end = _now_and_end()
    of_before = LockState.objects.filter(lock=slot("lock", LockState), lease_until__gt=end)
    return statements.update(of_before, {"lease_until": end})


def is_taken(lock: Lock, now: datetime) -> bool:
    """Whether a run has the lock already, as its loaded state says: the cheap answer before `acquire`, which decides.
    `now`: of this machine. If its clock is slow, a lease that was never given back seems to hold a little longer."""
    until = state.lease_until if (state := getattr(lock, "operation", None)) is not None else None
    # One that ends later than any could now was taken before the clock stepped back: `acquire` cuts it.
    return until is not None and now < until <= now + LEASE


def renew(lease: Lease, *, writes_at: datetime | None = None, block: Block | None = None) -> bool:
    """Extend the lease by its full length. False: it expired and may be somebody else's; send nothing more.

    `writes_at`: a change is sent next (UTC): from now on the version of the lock's list is expected to rise.
    `block`: whether requests that the run took in advance are to be sent, so that False may also mean that they must
    not; or whether it has given them back.
    """
    started, now = time.monotonic(), timezone.now()
    values = {"lock": lease.lock_id, "owner": lease.owner, "now": now, "end": now + LEASE, "written_at": writes_at}
    if _renewal(_is_by_machine(), writes_at is not None, block).run(values) != 1:
        return False
    lease.renewed = started
    return True


@kept
def _renewal(_by_machine: bool, writes: bool, block: Block | None) -> Statement:
    now, end = _now_and_end()
    mine = _held_by_owner().filter(lease_until__gt=now)
    changes: dict[str, Any] = {"lease_until": end}
    if block is Block.SENT:
        mine = mine.filter(block_is_void=False)
    if block is Block.GIVEN_BACK:
        changes["block_is_void"] = False
    if writes:
        changes |= {"writes_since": F("writes_since") + 1, "written_at": slot("written_at", LockState)}
    return statements.update(mine, changes)


def release(lease: Lease) -> None:
    """Give the lease back, unless it has passed to another run. This run also served earlier requests for a run, so
    their mark goes with it; look for work after this, as `wakes` explains."""
    ahead = timezone.now() + wakes.CLOCKS_DIFFER
    _release().run({"lock": lease.lock_id, "owner": lease.owner, "ahead": ahead})


@kept
def _release() -> Statement:
    unmarked = wakes.without_mark(slot("ahead", LockState, "dispatched_at"))
    return statements.update(_held_by_owner(), {"lease_owner": None, "lease_until": None, "dispatched_at": unmarked})


def _held_by_owner() -> QuerySet[LockState]:
    return LockState.objects.filter(lock=slot("lock", LockState), lease_owner=slot("owner", LockState, "lease_owner"))
