"""What an answer means beyond its PIN: for the lock, its other PINs and the account.

Called by the run that holds the lock's lease, after each request.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from pins.core import transitions
from pins.core.alias import foreign_name, reference_in
from pins.core.pin_state import State
from pins.core.plan import Create, Look, next_step
from pins.core.retry import Scope, delay, scope
from pins.models import Incident, InstallationKey, LockState, Pin
from pins.reconcile import account_limits, attempts
from pins.tedee.errors import Cause, NetworkFault, TedeeError
from pins.tedee.messages import PinListing
from rentals.models import Lock

logger = logging.getLogger(__name__)

#: A confirmed success ends these.
_ENDED_BY_SUCCESS = (
    Incident.Kind.CODE_LATE,
    Incident.Kind.OUTCOME_UNKNOWN,
    Incident.Kind.VALUE_REFUSED,
    Incident.Kind.VALUE_TAKEN,
)
#: What a lock that answers again is no longer.
_ENDED_BY_ANSWER = (Incident.Kind.NO_PERMISSION, Incident.Kind.LOCK_UNKNOWN, Incident.Kind.LOCK_OFFLINE)
_MOST_FOREIGN_NAMES = 120


def settle(lock: Lock, prepared: attempts.PreparedAttempt, answer: attempts.Response, now: datetime) -> datetime | None:
    """Store what the answer means for PIN, lock and account. Returns until when the lock rests, if it must."""
    error = answer.error
    if error is None:
        if not attempts.record(prepared, answer, now, rest=None):
            return None  # the next take-off finds the lease lost
        if answer.listing is not None:
            _share_look(lock, prepared, answer.listing, now)
        _after_success(lock, prepared, now)
        return None
    logger.info(
        "request_failed",
        extra={"lock_id": lock.pk, "pin_id": prepared.pin_id, "cause": error.cause.value, "status": error.status},
    )
    # A 404 to a POST or to the list is not about a PIN: Tedee does not know the lock.
    lock_unknown = error.cause is Cause.NOT_FOUND and isinstance(prepared.step, Create | Look)
    concerns_pin = scope(error.cause) is Scope.PIN and not lock_unknown
    rest = _pin_rest(prepared, error, now) if concerns_pin else None
    if not attempts.record(prepared, answer, now, rest=rest):
        return None
    if not concerns_pin:
        return _pause(lock, prepared, error, now)
    account_limits.answered(lock.account, now)
    if error.cause is Cause.NO_ROOM:
        Incident.open(Incident.Kind.NO_ROOM, now, about=lock)
    return None


def _pin_rest(prepared: attempts.PreparedAttempt, error: TedeeError, now: datetime) -> timedelta:
    troubles = Pin.objects.values_list("troubles", flat=True).get(pk=prepared.pin_id) + 1
    return delay(error.cause, troubles, until_deadline=prepared.deadline - now, jitter=_jitter())


def _pause(lock: Lock, prepared: attempts.PreparedAttempt, error: TedeeError, now: datetime) -> datetime:
    state = LockState.objects.get(lock=lock)
    is_locks = scope(error.cause) is not Scope.ACCOUNT
    failures = state.failures + 1 if is_locks else 1
    alike = state.failures_alike + 1 if state.pause_cause == error.cause.value else 1
    wait = delay(
        error.cause,
        failures,
        until_deadline=prepared.deadline - now,
        retry_after=error.retry_after,
        hung=isinstance(error, NetworkFault) and error.hung,
        alike=alike if is_locks else 1,
        jitter=_jitter(),
    )
    if error.cause is Cause.UNAUTHORIZED:
        return account_limits.key_refused(lock.account, wait, now)
    if error.cause is Cause.RATE_LIMITED:
        account_limits.rate_limited(lock.account, error.retry_after, now)
        return now + wait
    until = now + wait
    LockState.objects.filter(lock=lock).update(
        failures=failures, failures_alike=alike, paused_until=until, pause_cause=error.cause.value
    )
    if error.cause in (Cause.SERVER, Cause.NETWORK):
        account_until = account_limits.cloud_failed(lock.account, lock.pk, now)
        return max(until, account_until) if account_until is not None else until
    account_limits.answered(lock.account, now)
    if error.cause is Cause.NOT_FOUND:
        Incident.open(Incident.Kind.LOCK_UNKNOWN, now, about=lock)
    if error.cause is Cause.FORBIDDEN:
        LockState.objects.filter(lock=lock).update(forbidden_key=account_limits.key_fingerprint(lock.account))
        Incident.open(Incident.Kind.NO_PERMISSION, now, about=lock)
    return until


def _after_success(lock: Lock, prepared: attempts.PreparedAttempt, now: datetime) -> None:
    troubled = LockState.objects.filter(lock=lock).exclude(failures=0, pause_cause="", offline_since=None)
    calm = {"failures": 0, "failures_alike": 0, "paused_until": None, "pause_cause": "", "forbidden_key": ""}
    if troubled.update(**calm, offline_since=None):
        Incident.resolve(now, about=lock, kinds=_ENDED_BY_ANSWER)
    if lock.is_connected is False:  # it answered: what we were told earlier is over
        Lock.objects.filter(pk=lock.pk).update(is_connected=True)
        lock.is_connected = True
    account_limits.answered(lock.account, now)
    if isinstance(prepared.step, Create):
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.NO_ROOM,))
    pin = Pin.objects.only("state").get(pk=prepared.pin_id)
    if pin.state in (State.SET, State.REMOVED):
        Incident.resolve(now, about=pin, kinds=_ENDED_BY_SUCCESS)
    if pin.state == State.REMOVED:
        Incident.resolve(now, about=pin, kinds=(Incident.Kind.CODE_STAYS, Incident.Kind.CODE_CHANGED))
        _offer_room(lock, now)


def _offer_room(lock: Lock, now: datetime) -> None:
    """A place on the keypad became free: those who were refused for lack of room need not wait longer."""
    waiting = Pin.objects.filter(lock=lock, last_cause=Cause.NO_ROOM.value, hold_until__gt=now)
    waiting.update(hold_until=now, next_try_at=now)


def _share_look(lock: Lock, prepared: attempts.PreparedAttempt, listing: PinListing, now: datetime) -> None:
    """One list answers every PIN of the lock that wanted to look, and corrects those that we believed elsewhere; it
    also tells which foreign PINs there are."""
    listed: defaultdict[str | None, list[int]] = defaultdict(list)
    for one in listing.pins:
        listed[reference_in(one.alias)].append(one.id)
    known = (
        Q(next_try_at__isnull=False) | Q(remote_id__isnull=False) | Q(grant__reference__in=list(filter(None, listed)))
    )
    pins = Pin.objects.filter(known, lock=lock).exclude(pk=prepared.pin_id).select_related("grant")
    for pin in list(pins):
        ours = listed[pin.grant.reference]
        if not _learns_from(pin, ours, now):
            continue
        with transaction.atomic():
            fresh = attempts.locked_pin(pin.pk)
            if _learns_from(fresh, ours, now):
                if fresh.desired.is_live(now) and transitions.taken_away(fresh.observed, ours, now):
                    Incident.open(Incident.Kind.CHANGED_IN_APP, now, about=fresh)
                fresh.put_observed(transitions.looked(fresh.observed, ours, now))
                attempts.save_observed(fresh, now)
    references = set(Pin.objects.filter(lock=lock).values_list("grant__reference", flat=True))
    foreign = [one.alias for one in listing.pins if reference_in(one.alias) not in references]
    key = InstallationKey.load() if foreign else b""
    names = [foreign_name(alias, key) for alias in foreign[:_MOST_FOREIGN_NAMES]]
    LockState.objects.filter(lock=lock).update(foreign_pins=len(foreign), foreign_names=names, looked_at=now)


def _learns_from(pin: Pin, ours: list[int], now: datetime) -> bool:
    """Does a list that shows these ids as the PIN's tell it something?"""
    return isinstance(next_step(pin.view, now), Look) or transitions.contradicts(pin.observed, ours)


def _jitter() -> float:
    return random.uniform(0.5, 1)
