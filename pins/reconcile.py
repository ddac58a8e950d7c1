"""Makes one lock hold what it should: the observed side and its only writer.

`run` may be called by anyone, any number of times, at any moment. It takes the lock's lease, puts right what a crashed
run left, then performs due steps one request at a time, the most urgent first, until nothing is due, the lock or its
account rests, or its time is over. It tells when the lock has work again; the same moment is in the database, so that
losing the message costs one sweep.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pins import accounts, flights, grants, leases, outcomes
from pins.clients import client_for
from pins.facts import Blocked
from pins.models import Incident, LockState, Pin, PinAttempt
from pins.plan import Block, Create, Look, Request, Rotate, Wait, deadline, next_step
from pins.references import reference_in
from pins.retry import Scope, delay, scope
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, NetworkFault, TedeeError
from pins.tedee.messages import PinListing
from rentals.models import Lock, LockAccount

logger = logging.getLogger(__name__)

#: A run ends after this long, so that one busy lock does not keep a worker's thread for itself.
LONGEST_RUN = 60.0
#: The pause of a lock whose account has no requests left. Short: what is due grows more urgent, and may spend more.
BUDGET_SPENT = "budget"
LONGEST_BUDGET_PAUSE = timedelta(minutes=5)
#: A confirmed success ends these.
_ENDED_BY_SUCCESS = (Incident.Kind.CODE_LATE, Incident.Kind.VALUE_REFUSED, Incident.Kind.VALUE_TAKEN)


#: Set when the process was asked to end: runs finish the request under way and begin no other.
stopping = threading.Event()


@dataclass(frozen=True)
class Report:
    """What a run did, and when the lock has work again (`None`: not before a wish changes)."""

    next_at: datetime | None
    requests: int = 0


@dataclass(frozen=True)
class _Choice:
    pin_id: int
    step: Request
    due: datetime


def run(
    lock_id: int,
    *,
    clients: Callable[[LockAccount], TedeeClient] = client_for,
    clock: Callable[[], datetime] = timezone.now,
) -> Report:
    """Bring one lock as far as possible now. Never raises for what the API does."""
    lock = Lock.objects.select_related("account").filter(pk=lock_id).first()
    if lock is None:
        return Report(None)
    waiting_until = rests_until(lock, clock())
    if waiting_until is None:
        waiting_until = _next_due(lock, clock())
    if waiting_until is None or waiting_until > clock():
        return Report(waiting_until)
    lease = leases.acquire(lock)
    if isinstance(lease, leases.Taken):
        return Report(lease.until)
    requests = 0
    rest: datetime | None = None
    try:
        _take_over(lock, clock())
        requests, rest = _work(lock, lease, clients, clock)
    except flights.LeaseLostError:
        logger.warning("lease_lost", extra={"lock_id": lock.pk})
    finally:
        leases.release(lease)
    # Looked up after the release: whoever came meanwhile found the lease taken and left.
    next_due = _next_due(lock, clock())
    if next_due is None:
        return Report(None, requests)
    rest = rest or rests_until(lock, clock())
    return Report(max(next_due, rest) if rest is not None else next_due, requests)


def rests_until(lock: Lock, now: datetime) -> datetime | None:
    """Until when the lock or its account rests; `None` when neither does.

    A pause for want of budget keeps the sweep away, not a run: something urgent may have come, which may spend more.
    """
    resting = LockState.objects.filter(lock=lock, paused_until__gt=now).exclude(pause_cause=BUDGET_SPENT)
    paused = resting.values_list("paused_until", flat=True).first()
    account_paused = accounts.paused_until(lock.account, now)
    return max((moment for moment in (paused, account_paused) if moment is not None), default=None)


def _next_due(lock: Lock, now: datetime) -> datetime | None:
    """When the lock has work. One that was added again has work at once: none of its codes came along."""
    if LockState.objects.filter(lock=lock, device_id__isnull=False).exclude(device_id=lock.device_id).exists():
        return now
    due = Pin.objects.filter(lock=lock, next_try_at__isnull=False).order_by("next_try_at")
    return due.values_list("next_try_at", flat=True).first()


def _work(
    lock: Lock, lease: leases.Lease, clients: Callable[[LockAccount], TedeeClient], clock: Callable[[], datetime]
) -> tuple[int, datetime | None]:
    """Perform due steps until none is left. Returns the requests sent and until when the lock rests, if it must."""
    requests = 0
    ends = time.monotonic() + LONGEST_RUN
    while time.monotonic() < ends and not stopping.is_set():
        choice = _choose(lock, clock())
        if choice is None:
            return requests, None
        prepared = flights.take_off(lock, lease, choice.pin_id, choice.step, clock())
        if isinstance(prepared, flights.Rest):
            until = min(prepared.until, clock() + LONGEST_BUDGET_PAUSE)
            LockState.objects.filter(lock=lock).update(paused_until=until, pause_cause=BUDGET_SPENT)
            return requests, until
        if prepared is None:
            continue
        if not lease.is_fresh():
            raise flights.LeaseLostError  # the commit took so long that the request could outlive the lease
        answer = flights.send(clients(lock.account), prepared)
        requests += 1
        rest = _settle(lock, prepared, answer, clock())
        if rest is not None:
            return requests, rest
    return requests, None


def _choose(lock: Lock, now: datetime) -> _Choice | None:
    """The most urgent request among the due PINs. Steps that need no request are done on the way."""
    best: _Choice | None = None
    for pin in (
        Pin.objects.filter(lock=lock, next_try_at__lte=now).select_related("grant").order_by("deadline_at")[:200]
    ):
        step = next_step(pin.view, now)
        if isinstance(step, Wait | Rotate | Block):
            _decide_without_request(pin.pk, step, now)
            continue
        due = deadline(pin.view, now)
        if best is None or due < best.due:
            best = _Choice(pin.pk, step, due)
    return best


def _decide_without_request(pin_id: int, step: Wait | Rotate | Block, now: datetime) -> None:
    with transaction.atomic():
        if isinstance(step, Rotate):
            # The grant's row is locked before its PINs, as everywhere.
            grant_id = Pin.objects.values_list("grant_id", flat=True).get(pk=pin_id)
            grants.lock_row(grant_id)
        pin = flights.locked_pin(pin_id)
        if next_step(pin.view, now) != step:
            return
        observed = pin.observed
        if isinstance(step, Block):
            kind = Incident.Kind.VALUE_TAKEN if step.reason is Blocked.VALUE_TAKEN else Incident.Kind.VALUE_REFUSED
            Incident.open(kind, now, about=pin)
            observed = outcomes.stopped(observed, step.reason, pin.desired_rev)
        if isinstance(step, Rotate):
            pin.put_observed(outcomes.rotated(observed))
            flights.save_observed(pin, now)
            grants.rotate(pin.grant_id, now, forced=step.forced)
            return
        pin.put_observed(observed)
        flights.save_observed(pin, now)


def _settle(lock: Lock, prepared: flights.Prepared, answer: flights.Answer, now: datetime) -> datetime | None:
    """Store what the answer means for PIN, lock and account. Returns until when the lock rests, if it must."""
    error = answer.error
    if error is None:
        if not flights.land(prepared, answer, now, rest=None):
            return None  # the next take-off finds the lease lost
        if answer.listing is not None:
            _share_look(lock, prepared, answer.listing, now)
        _after_success(lock, prepared, now)
        return None
    logger.info(
        "request_failed",
        extra={"lock_id": lock.pk, "pin_id": prepared.pin_id, "cause": error.cause.value, "status": error.status},
    )
    if scope(error.cause) is Scope.PIN:
        rest = _pin_rest(prepared, error, now)
        flights.land(prepared, answer, now, rest=rest)
        accounts.answered(lock.account, now)
        if error.cause is Cause.NO_ROOM:
            Incident.open(Incident.Kind.NO_ROOM, now, about=lock)
        return None
    flights.land(prepared, answer, now, rest=None)
    return _pause(lock, prepared, error, now)


def _pin_rest(prepared: flights.Prepared, error: TedeeError, now: datetime) -> timedelta:
    troubles = Pin.objects.values_list("troubles", flat=True).get(pk=prepared.pin_id) + 1
    return delay(error.cause, troubles, until_deadline=prepared.deadline - now, jitter=_jitter())


def _pause(lock: Lock, prepared: flights.Prepared, error: TedeeError, now: datetime) -> datetime:
    state = LockState.objects.get(lock=lock)
    failures = state.failures + 1 if scope(error.cause) is Scope.LOCK else 1
    alike = state.failures_alike + 1 if state.pause_cause == error.cause.value else 1
    wait = delay(
        error.cause,
        failures,
        until_deadline=prepared.deadline - now,
        retry_after=error.retry_after,
        hung=isinstance(error, NetworkFault) and error.hung,
        alike=alike if scope(error.cause) is Scope.LOCK else 1,
        jitter=_jitter(),
    )
    if error.cause is Cause.UNAUTHORIZED:
        return accounts.key_refused(lock.account, wait, now)
    if error.cause is Cause.RATE_LIMITED:
        accounts.rate_limited(lock.account, error.retry_after, now)
        return now + wait
    until = now + wait
    LockState.objects.filter(lock=lock).update(
        failures=failures, failures_alike=alike, paused_until=until, pause_cause=error.cause.value
    )
    if error.cause in (Cause.SERVER, Cause.NETWORK):
        account_until = accounts.cloud_failed(lock.account, lock.pk, now)
        return max(until, account_until) if account_until is not None else until
    accounts.answered(lock.account, now)
    if error.cause is Cause.FORBIDDEN:
        LockState.objects.filter(lock=lock).update(forbidden_key=accounts.key_fingerprint(lock.account))
        Incident.open(Incident.Kind.NO_PERMISSION, now, about=lock)
    return until


def _after_success(lock: Lock, prepared: flights.Prepared, now: datetime) -> None:
    troubled = LockState.objects.filter(lock=lock).exclude(failures=0, pause_cause="")
    if troubled.update(failures=0, failures_alike=0, paused_until=None, pause_cause="", forbidden_key=""):
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.NO_PERMISSION,))
    accounts.answered(lock.account, now)
    if isinstance(prepared.step, Create):
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.NO_ROOM,))
    pin = Pin.objects.get(pk=prepared.pin_id)
    if pin.state in ("set", "removed"):
        Incident.resolve(now, about=pin, kinds=_ENDED_BY_SUCCESS)
    if pin.state == "removed":
        Incident.resolve(now, about=pin, kinds=(Incident.Kind.CODE_STAYS, Incident.Kind.CODE_CHANGED))
        _offer_room(lock, now)


def _offer_room(lock: Lock, now: datetime) -> None:
    """A place on the keypad became free: those who were refused for lack of room need not wait longer."""
    waiting = Pin.objects.filter(lock=lock, last_cause=Cause.NO_ROOM.value, hold_until__gt=now)
    waiting.update(hold_until=now, next_try_at=now)


def _share_look(lock: Lock, prepared: flights.Prepared, listing: PinListing, now: datetime) -> None:
    """One list answers every PIN of the lock that wanted to look, and corrects those that we believed elsewhere; it
    also tells how many foreign PINs there are."""
    listed: defaultdict[str | None, list[int]] = defaultdict(list)
    for one in listing.pins:
        listed[reference_in(one.alias)].append(one.id)
    known = Q(next_try_at__isnull=False) | Q(remote_id__isnull=False) | Q(grant__reference__in=list(filter(None, listed)))
    pins = Pin.objects.filter(known, lock=lock).exclude(pk=prepared.pin_id).select_related("grant")
    for pin in list(pins):
        ours = listed[pin.grant.reference]
        if not _learns_from(pin, ours, now):
            continue
        with transaction.atomic():
            fresh = flights.locked_pin(pin.pk)
            if _learns_from(fresh, ours, now):
                fresh.put_observed(outcomes.looked(fresh.observed, ours, now))
                flights.save_observed(fresh, now)
    references = set(Pin.objects.filter(lock=lock).values_list("grant__reference", flat=True))
    foreign = sum(len(ids) for reference, ids in listed.items() if reference not in references)
    LockState.objects.filter(lock=lock).exclude(foreign_pins=foreign).update(foreign_pins=foreign)


def _learns_from(pin: Pin, ours: list[int], now: datetime) -> bool:
    """Does a list that shows these ids as the PIN's tell it something?"""
    return isinstance(next_step(pin.view, now), Look) or outcomes.contradicts(pin.observed, ours)


def _take_over(lock: Lock, now: datetime) -> None:
    """Put right what concerns the whole lock, before the first step of a run. We hold the lease, so no run is alive:

    1. a request without an answer was abandoned: its run crashed, or lost the lease;
    2. the lock was added again under another device id: nothing we knew about ids holds any more;
    3. the keypad's room is given to the nearest arrivals.
    """
    state = LockState.objects.get(lock=lock)
    abandoned = (Q(op_in_doubt=False) & ~Q(op="")) | Q(attempts__outcome=PinAttempt.Outcome.OPEN)
    for pin_id in set(Pin.objects.filter(abandoned, lock=lock).values_list("pk", flat=True)):
        with transaction.atomic():
            pin = flights.locked_pin(pin_id)
            pin.op_token = uuid.uuid4()  # should the old run still be alive somewhere, its answer is not ours
            pin.put_observed(outcomes.lost(pin.observed, now + timedelta(seconds=settings.LATE_SECONDS)))
            flights.save_observed(pin, now)
    PinAttempt.objects.filter(pin__lock=lock, outcome=PinAttempt.Outcome.OPEN).update(
        outcome=PinAttempt.Outcome.LOST, finished_at=now, cause="crash"
    )
    if state.device_id != lock.device_id:
        _follow_device(lock, state.device_id, now)
    grants.admit(lock, state.foreign_pins, now)


def _follow_device(lock: Lock, old_device: int | None, now: datetime) -> None:
    with transaction.atomic():
        if old_device is not None:
            known = ~Q(op="") | Q(remote_id__isnull=False) | Q(late_until__isnull=False) | Q(must_look=True)
            for pin_id in list(Pin.objects.filter(known, lock=lock).order_by("pk").values_list("pk", flat=True)):
                pin = flights.locked_pin(pin_id)
                pin.op_token = uuid.uuid4()
                pin.put_observed(outcomes.moved_to_new_device(pin.observed))
                flights.save_observed(pin, now)
        LockState.objects.filter(lock=lock).update(device_id=lock.device_id, foreign_pins=0)


def try_now(pin_ids: list[int], now: datetime) -> set[int]:
    """A person says: try again now. Lifts blocks, rests and the lock's pause; returns the locks to run."""
    touched: set[int] = set()
    for pin_id in sorted(pin_ids):
        with transaction.atomic():
            pin = flights.locked_pin(pin_id)
            pin.put_observed(outcomes.retried(pin.observed))
            flights.save_observed(pin, now)
            touched.add(pin.lock_id)
    LockState.objects.filter(lock_id__in=touched).update(paused_until=None)
    return touched


def _jitter() -> float:
    return random.uniform(0.5, 1)
