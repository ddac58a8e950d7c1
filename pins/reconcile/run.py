"""Makes one lock hold what it should: the observed side and its only writer.

`reconcile_lock` may be called by anyone, any number of times, at any moment. It takes the lock's lease, puts right
what a crashed run left, then performs due steps one request at a time, the most urgent first, until nothing is due,
the lock or its account rests, or its time is over. It returns when the lock has work again; the same moment is in the
database, so that losing the message costs one sweep.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from config import log_context
from pins.core import transitions
from pins.core.plan import Delete, Look
from pins.models import OBSERVE_ONLY, LockState, Pin, PinAttempt
from pins.reconcile import (
    account_limits,
    after_loss,
    attempts,
    audit,
    keypad_room,
    leases,
    pile_up,
    request_budget,
    responses,
    wakes,
    write_scope,
)
from pins.reconcile.agenda import Agenda, Choice
from pins.reconcile.clients import client_for
from pins.reconcile.endings import Endings
from pins.reconcile.known import KnownLock
from pins.reconcile.observations import locked_pin, save_observed
from pins.reconcile.purse import Purse
from pins.reconcile.statements import Rows, kept, slot
from pins.reconcile.tokens import TokenNotReady
from pins.tedee.client import TedeeClient
from rentals.models import Lock, LockAccount

logger = logging.getLogger(__name__)

#: A run ends after so many seconds, so that one busy lock does not keep a worker's thread for itself.
LONGEST_RUN = 60.0
#: How often a lock of an observe-only account is searched for due reads. Costs no request by itself.
OBSERVE_ONLY_PAUSE = timedelta(minutes=5)
#: How long the number of foreign PINs on a lock is believed after a look. Then we try; the lock says when it is full.
FOREIGN_PINS_KNOWN = timedelta(hours=1)


#: Set when the process was asked to end: runs finish the request under way and begin no other.
stopping = threading.Event()


@dataclass(frozen=True)
class Report:
    """What a run did, and when the lock has work again (UTC; `None`: not before a wish changes)."""

    next_at: datetime | None
    requests: int = 0
    alarm_at: datetime | None = None  # for when an alarm was set already, as far as the run saw


def reconcile_lock(
    lock_id: int,
    *,
    clients: Callable[[LockAccount], TedeeClient] = client_for,
    clock: Callable[[], datetime] = timezone.now,
) -> Report:
    """Bring one lock as far as possible now. Never raises for what the API does."""
    wakes.arrived(lock_id, clock())
    lock = _with_prospects(lock_id)
    if lock is None or leases.is_taken(lock, clock()):
        return Report(None)
    waiting_until = _rests_until(lock, clock()) or _next_due(lock, clock())
    if waiting_until is None or waiting_until > clock():
        return Report(waiting_until, alarm_at=_alarm_of(lock))
    lease = leases.acquire(lock)
    if isinstance(lease, leases.Taken):
        return Report(lease.until)
    rest: datetime | None = None
    work: _Work | None = None
    endings = Endings(lock_id)
    try:
        known = KnownLock(lock_id, clock())
        _take_over(known, endings, clock())
        work = _Work(known, lease, endings, clients, clock)
        rest = work.do()
        endings.write(clock())
    except attempts.LeaseLostError:
        logger.warning("lease_lost", extra={"lock_id": lock.pk})
    finally:
        leases.release(lease)
    requests = work.requests if work is not None else 0
    # Looked up after the release: a run that came meanwhile found the lease taken and left its work to us.
    lock = _with_prospects(lock_id)
    next_due = _next_due(lock, clock()) if lock is not None else None
    if lock is None or next_due is None:
        return Report(None, requests)
    rest = rest or _rests_until(lock, clock())
    return Report(max(next_due, rest) if rest is not None else next_due, requests, _alarm_of(lock))


def _alarm_of(lock: Lock) -> datetime | None:
    state: LockState | None = getattr(lock, "operation", None)
    return state.dispatched_at if state is not None else None


def _with_prospects(lock_id: int) -> Lock | None:
    """A lock with its account, the states of both, and when the first of its codes is due, all by one query."""
    return next(iter(_prospects().read({"lock": lock_id})), None)


@kept
def _prospects() -> Rows[Lock]:
    lock = Lock.objects.select_related("operation", "account__operation").filter(pk=slot("lock", Lock, "id"))
    return Rows(lock.annotate(first_due=Min("pins__next_try_at")))


def _rests_until(lock: Lock, now: datetime) -> datetime | None:
    """Until when the lock or its account rests (UTC); `None` when neither does. `lock`: from `_with_prospects`.

    A pause for a spent budget keeps the sweep away, but not a run: urgent work may have come, and it may spend more.
    The same goes for that of a lock whose list could not be compared yet after a restore, and for the pause of an
    account that is observe-only, or whose key may not write: that may be over by now.
    """
    softly = (request_budget.BUDGET_SPENT, OBSERVE_ONLY, account_limits.WRITES_REST, after_loss.LOOK_FIRST)
    state: LockState | None = getattr(lock, "operation", None)
    paused = state.paused_until if state is not None and state.pause_cause not in softly else None
    account_paused = account_limits.rests_until(lock, getattr(lock.account, "operation", None), now)
    resting = (moment for moment in (paused, account_paused) if moment is not None and moment > now)
    return max(resting, default=None)


def _next_due(lock: Lock, now: datetime) -> datetime | None:
    """When the lock has work (UTC). A lock that was added again has work at once: none of its codes came along.
    `lock`: from `_with_prospects`."""
    state: LockState | None = getattr(lock, "operation", None)
    if state is not None and state.device_id is not None and state.device_id != lock.device_id:
        return now
    moments = (getattr(lock, "first_due", None), state.audit_at if state is not None else None)
    return min((moment for moment in moments if moment is not None), default=None)


class _Work:
    """What one run does while it holds the lease of its lock."""

    def __init__(
        self,
        known: KnownLock,
        lease: leases.Lease,
        endings: Endings,
        clients: Callable[[LockAccount], TedeeClient],
        clock: Callable[[], datetime],
    ) -> None:
        self._known, self._lease, self._endings, self._clock = known, lease, endings, clock
        self._lock, self._account = known.lock, known.lock.account  # whose key is used, even if the lock moves
        self._client = partial(clients, self._account)
        self._agenda, self._breaker = Agenda(self._lock, clock), pile_up.Breaker(known)
        self.requests = 0
        # Until when only reads are sent, and why. Whether the account is observe-only is learned from `prepare`.
        self._writes_rest = write_scope.writes_rest_until(self._lock, known.account_state, clock())
        self._cause = account_limits.WRITES_REST

    def do(self) -> datetime | None:
        """Perform due steps until none is left. Returns until when the lock rests (UTC), if it must."""
        ends = time.monotonic() + LONGEST_RUN
        with closing(Purse(self._account.budget_key)) as purse:
            while time.monotonic() < ends and not stopping.is_set():
                choice = self._agenda.next(reads_only=self._writes_rest is not None)
                log_context.note(pin_id=choice.pin.pk if choice is not None else None)
                try:
                    client = self._client()  # before anything is written down: this may renew a token
                except TokenNotReady as wait:
                    return wait.until
                must_look = after_loss.must_look_first(self._known.at(self._clock()))
                if must_look or (choice is None and audit.is_due(self._known.state, self._clock())):
                    rest = self._compare(client, must_look=must_look)
                elif choice is None:
                    return _rest(self._lock, self._writes_rest, self._cause) if self._writes_rest is not None else None
                else:
                    rest = self._perform(client, choice, purse)
                if rest is not None:
                    return rest
        return None

    def _compare(self, client: TedeeClient, *, must_look: bool) -> datetime | None:
        """The lock's list, with what we believe. Returns until when the lock rests (UTC), if it must."""
        self._endings.write(self._clock())
        compared = audit.compare(self._lock, self._lease, client, self._clock)
        self._known.outdated()
        self._agenda.changed()
        self.requests += compared.requests
        if compared.rest is not None:
            return compared.rest
        now = self._clock()
        later = after_loss.looks_again_at(self._known.at(now), now) if must_look else None
        return _rest(self._lock, later, after_loss.LOOK_FIRST) if later is not None else None

    def _perform(self, client: TedeeClient, choice: Choice, purse: Purse) -> datetime | None:
        """One request, from its preparation to what follows from its answer. Returns as above."""
        prepared = attempts.prepare(self._known, self._lease, choice, purse, self._clock(), self._breaker)
        if isinstance(prepared, attempts.ObserveOnly):
            self._writes_rest, self._cause = self._clock() + OBSERVE_ONLY_PAUSE, OBSERVE_ONLY
            return None
        if isinstance(prepared, attempts.Rest):
            return _rest(self._lock, self._clock() + request_budget.BUDGET_PAUSE, request_budget.BUDGET_SPENT)
        if prepared is None or isinstance(prepared, attempts.LookFirst):  # the latter: it was released a moment ago
            self._agenda.changed()
            return None
        if not self._lease.is_fresh():
            raise attempts.LeaseLostError  # the commit took so long that the request could outlive the lease
        answer = attempts.send(client, prepared)
        self.requests += 1
        may_read = None
        if write_scope.is_refused_write(prepared, answer):
            may_read = write_scope.may_read(self._lock, self._lease, client, self._clock())
            self.requests += 1
        settled = responses.settle(self._known, self._endings, choice.pin, prepared, answer, self._clock(), may_read)
        alone = answer.error is None and not isinstance(prepared.step, Look | Delete)
        if settled.pin is not None and alone:
            self._agenda.follow_up(settled.pin)
        else:
            self._agenda.changed()  # a list teaches all; a removal or a refusal may give the place to another
        return settled.rest


def _rest(lock: Lock, until: datetime, cause: str) -> datetime:
    LockState.objects.filter(lock=lock).update(paused_until=until, pause_cause=cause)
    return until


def _take_over(known: KnownLock, endings: Endings, now: datetime) -> None:
    """Put right what concerns the whole lock, before the first step of a run. We hold the lease, so no run is alive:

    1. a request without an answer was abandoned: its run crashed, or lost the lease;
    2. the lock was added again under another device id: nothing we knew about ids holds any more;
    3. the keypad's room is given to the nearest arrivals.
    """
    lock, state = known.lock, known.state
    in_flight = {pin.pk for pin in known.pins if pin.op and not pin.op_in_doubt}
    abandoned = dict(_unanswered().read({"lock": lock.pk}))
    for pin_id in sorted(in_flight | {pin_id for pin_id in abandoned.values() if pin_id is not None}):
        with transaction.atomic():
            pin = locked_pin(pin_id)
            pin.op_token = uuid.uuid4()  # if the old run still lives somewhere, its answer must not be stored
            pin.put_observed(transitions.lost(pin.observed, now + timedelta(seconds=settings.LATE_SECONDS)))
            save_observed(pin, now)
        known.outdated()
    if abandoned:
        left = PinAttempt.objects.filter(pk__in=abandoned)
        left.update(outcome=PinAttempt.Outcome.LOST, finished_at=now, cause="crash")
    if state.device_id != lock.device_id:
        _follow_device(lock, state.device_id, now)
        known.outdated()
    if state.audit_at is None:
        audit.schedule_first(lock.pk, now)
        known.outdated()
    known.at(now)
    seen = known.state.looked_at is not None and known.state.looked_at > now - FOREIGN_PINS_KNOWN
    changed, have_room = keypad_room.admit(lock, known.pins, known.state.foreign_pins if seen else 0, known.state, now)
    if changed:
        known.outdated()
    if have_room:
        endings.all_have_room()


@kept
def _unanswered() -> Rows[tuple[int, int | None]]:
    lock = Q(pin__lock=slot("lock", PinAttempt)) | Q(lock=slot("lock", PinAttempt))
    return Rows(PinAttempt.objects.filter(lock, outcome=PinAttempt.Outcome.OPEN).values_list("pk", "pin_id"))


def _follow_device(lock: Lock, old_device: int | None, now: datetime) -> None:
    with transaction.atomic():
        if old_device is not None:
            known = ~Q(op="") | Q(remote_id__isnull=False) | Q(late_until__isnull=False) | Q(must_look=True)
            known |= ~Q(extra_ids=[]) | ~Q(nominees=[]) | ~Q(posts=[]) | Q(suspected_at__isnull=False)
            judged = ~Q(blocked="") | Q(hold_until__isnull=False) | Q(exists=True) | Q(refused=True)
            pins = Pin.objects.filter(known | judged, lock=lock).order_by("pk")
            for pin_id in list(pins.values_list("pk", flat=True)):
                pin = locked_pin(pin_id)
                pin.op_token = uuid.uuid4()
                pin.put_observed(transitions.moved_to_new_device(pin.observed))
                save_observed(pin, now)
        nothing_seen = {"foreign_pins": 0, "foreign_names": [], "strangers_since": None}
        nothing_seen |= {"looked_at": None, "list_version": None}
        nothing_seen |= {"confirmed_since": 0, "list_proven_at": None, "written_at": None}
        nothing_seen |= {"audited_version": None, "confirmed_since_audit": 0}
        nothing_seen |= {"learned_room": None, "learned_room_at": None, "yielded_at": None}
        LockState.objects.filter(lock=lock).update(device_id=lock.device_id, **nothing_seen)
