"""What an answer means, from the PIN that asked to the account. Read `settle` from top to bottom.

Called by the run that holds the lock's lease, after each request.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from pins.core import interpret
from pins.core.interpret import PreparedAttempt, Response
from pins.core.pin_state import State
from pins.core.plan import Create, Delete, Write
from pins.core.retry import Scope, delay
from pins.models import AccountState, Incident, LockState, Pin
from pins.reconcile import account_limits, keypad_room, listings, observations, request_budget, statements, write_scope
from pins.reconcile.endings import BY_ANSWER, Endings
from pins.reconcile.known import KnownLock
from pins.reconcile.statements import Statement, kept, slot
from pins.tedee.errors import AmbiguousError, Cause, NetworkFault, TedeeError
from rentals.models import Lock

logger = logging.getLogger(__name__)


_ACCOUNT_TROUBLES = ("outages", "dead_key", "recent_faults", "writes_refused")


@dataclass(frozen=True)
class Settled:
    """What is to be known after an answer."""

    pin: Pin | None  # the one that asked, as stored; `None`: the answer came too late
    rest: datetime | None = None  # until when the lock rests (UTC), if it must


def settle(
    known: KnownLock,
    endings: Endings,
    pin: Pin,
    attempt: PreparedAttempt,
    response: Response,
    now: datetime,
    may_read: bool | None = None,
) -> Settled:
    """Store what the answer means. `pin`: the one that asked, as stored when the request was written down. `may_read`:
    after a refused change, whether the key may read the lock (`write_scope.may_read`).

    1. The PIN that asked learns. If another run took over meanwhile, nothing else is believed either.
    2. Other PINs of the lock learn, from a list or from an id that is used again.
    3. Success: lock and account are well, and incidents end.
    4. A failure that concerns the PIN alone: the lock answered, and only the PIN rests.
    5. A change was refused to a key that may read: perhaps it may change nothing.
    6. Any other failure: the lock rests, or the whole account.
    """
    error, lock = response.error, known.lock
    if error is not None or not isinstance(attempt.step, Write):
        endings.write(now)  # what follows may open one of those incidents again
        known.outdated()
    if error is not None:
        facts = {"lock_id": lock.pk, "pin_id": attempt.pin_id, "cause": error.cause.value, "status": error.status}
        logger.info("request_failed", extra=facts)
    seen = listings.weigh(lock, response.listing, now) if response.listing is not None else None
    stored = observations.record(known, pin, attempt, response, seen, now)
    if stored is None:
        return Settled(None)  # the next `prepare` finds the lease lost
    if response.created_id is not None:
        observations.distrust_reused_id(known, stored, response.created_id, now)
    if seen is not None:
        observations.share_list(stored.pk, seen, now)
        note_list(lock, seen, now)
    if error is None:
        _is_well(known, endings, stored, attempt, now)
        return Settled(stored)
    if may_read and write_scope.is_refused_write(attempt, response):
        return Settled(stored, write_scope.refused(lock, now))
    begun = attempt.deadline <= now and stored.view.desired.is_live(now)
    return Settled(stored, rest_after(lock, attempt, error, now, pin=stored, begun=begun))


def note_list(lock: Lock, seen: listings.SeenList, now: datetime) -> None:
    """Every PIN has learned from the list: write down what the next one is compared with, and what it says of room."""
    listings.remember(seen, now)
    keypad_room.listed(lock, len(seen.listing.pins), now)


def rest_after(
    lock: Lock,
    attempt: PreparedAttempt,
    error: TedeeError,
    now: datetime,
    *,
    pin: Pin | None = None,
    begun: bool = False,
) -> datetime | None:
    """Who rests after a failure, and until when the lock does (UTC), if it must. `pin`: the one that asked, if one did.
    `begun`: its guest waits at the door."""
    scope = interpret.scope_of(attempt.step, error)
    if scope is Scope.PIN:
        account_limits.answered(lock.account, now)
        if error.cause is Cause.NO_ROOM and pin is not None:
            keypad_room.refused(lock, pin, now)
        return None
    if scope is Scope.ACCOUNT:
        return _rest_account(lock, attempt, error, now)
    return _rest_lock(lock, attempt, error, now, begun=begun)


def _is_well(known: KnownLock, endings: Endings, pin: Pin, attempt: PreparedAttempt, now: datetime) -> None:
    """Success. Written is only what differs from what the run knows; incidents end with the run."""
    lock, state = known.lock, known.state
    if not isinstance(attempt.step, Write):
        lock_is_well(lock, now, wrote=False)
        endings.learned(pin)
    else:
        _answered(lock, now, wrote=True)
        endings.changed(pin, attempt.step)
    if isinstance(attempt.step, Create):
        keypad_room.taken(state)
    gone = pin.state == State.REMOVED or isinstance(attempt.step, Delete)
    if gone and (known.waits_for_room or state.learned_room is not None):
        keypad_room.freed(lock, now)
        known.outdated()


def lock_is_well(lock: Lock, now: datetime, *, wrote: bool) -> None:
    """The lock answered, and so did its account. `wrote`: to a change."""
    troubled = LockState.objects.filter(lock=lock).exclude(failures=0, pause_cause="", offline_since=None)
    if not wrote:  # reading a lock that refuses changes proves nothing about changes
        troubled = troubled.exclude(pause_cause=Cause.FORBIDDEN.value)
    if troubled.update(**listings.CALM, offline_since=None):
        Incident.resolve(now, about=lock, kinds=BY_ANSWER)
    _answered(lock, now, wrote=wrote)


def _answered(lock: Lock, now: datetime, *, wrote: bool) -> None:
    if lock.is_connected is False:  # it answered: what we were told earlier is over
        Lock.objects.filter(pk=lock.pk).update(is_connected=True)
        lock.is_connected = True
    # Asked after every answer: other locks of the account note their faults there, and this answer refutes an outage.
    if not _is_troubled().finds({"account": lock.account_id}):
        return
    states = AccountState.objects.filter(pk=lock.account_id)
    for outages, dead_key, recent_faults, writes_refused in states.values_list(*_ACCOUNT_TROUBLES):
        if outages or dead_key or recent_faults:
            account_limits.answered(lock.account, now)
        if wrote and writes_refused:
            write_scope.proven(lock.account, now)


@kept
def _is_troubled() -> Statement:
    calm = Q(outages=0, dead_key="", recent_faults=[], writes_refused=0)
    return statements.question(AccountState.objects.filter(~calm, pk=slot("account", AccountState)))


def _rest_account(lock: Lock, attempt: PreparedAttempt, error: TedeeError, now: datetime) -> datetime | None:
    """A dead key (401) or a spent limit (429): nothing is sent to any lock of the account for a while."""
    if error.cause is Cause.RENEWAL:
        return None  # the next request is sent with another token, or waits for it
    wait = _wait(error, attempt, 1, 1, now)
    if error.cause is Cause.UNAUTHORIZED:
        return account_limits.key_refused(lock.account, wait, now, lock.pk)
    request_budget.rate_limited(lock.account, error.retry_after, now)
    return now + wait


def _rest_lock(
    lock: Lock, attempt: PreparedAttempt, error: TedeeError, now: datetime, *, begun: bool
) -> datetime | None:
    """Until when the lock rests (UTC); `None`: the run goes on, and looks what became of a lost change."""
    state = LockState.objects.get(lock=lock)
    failures = state.failures + 1
    alike = state.failures_alike + 1 if state.pause_cause == error.cause.value else 1
    until = now + _wait(error, attempt, failures, alike, now, begun=begun)
    LockState.objects.filter(lock=lock).update(
        failures=failures, failures_alike=alike, paused_until=until, pause_cause=error.cause.value
    )
    rest = until if until > now else None
    if error.cause in (Cause.SERVER, Cause.NETWORK):
        account_until = account_limits.cloud_failed(lock.account, lock.pk, now, first=failures == 1)
        return max(until, account_until) if account_until is not None else rest
    account_limits.answered(lock.account, now)
    if error.cause is Cause.NOT_FOUND:
        Incident.open(Incident.Kind.LOCK_UNKNOWN, now, about=lock)
    if error.cause is Cause.FORBIDDEN:
        LockState.objects.filter(lock=lock).update(forbidden_key=account_limits.key_fingerprint(lock.account))
        Incident.open(Incident.Kind.NO_PERMISSION, now, about=lock)
    return rest


def _wait(
    error: TedeeError, attempt: PreparedAttempt, failures: int, alike: int, now: datetime, *, begun: bool = False
) -> timedelta:
    """How long to rest. `failures` of the lock in a row, `alike` of them with this cause; `begun`: a guest waits."""
    return delay(
        error.cause,
        failures,
        until_deadline=attempt.deadline - now,
        retry_after=error.retry_after,
        hung=isinstance(error, NetworkFault) and error.hung,
        alike=alike,
        begun=begun,
        in_doubt=isinstance(error, AmbiguousError) and isinstance(attempt.step, Write),
        jitter=random.uniform(0.5, 1),
    )
