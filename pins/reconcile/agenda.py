"""Which request of a lock comes next during a run. Steps that need no request are done on the way."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from pins.core import transitions
from pins.core.budget import BLOCK
from pins.core.deadlines import deadline
from pins.core.pin_state import Blocked
from pins.core.plan import Block, Request, Rotate, Wait, Write, next_step
from pins.desired import grants
from pins.models import Incident, Pin, ValueClaim
from pins.reconcile.observations import locked_pin, save_observed
from pins.reconcile.statements import Rows, kept, slot
from rentals.models import Lock

#: So many due PINs are looked at together; the others follow when these are done.
_MOST_PINS = 200
#: What was read is used for so long. Whoever wished for something meanwhile waits no longer than this for its turn.
_FRESH = timedelta(seconds=5)
_BLOCKED = {
    Blocked.VALUE_TAKEN: Incident.Kind.VALUE_TAKEN,
    Blocked.VALUE_REFUSED: Incident.Kind.VALUE_REFUSED,
    Blocked.CREATED_OFTEN: Incident.Kind.CREATED_OFTEN,
}


@dataclass(frozen=True)
class Choice:
    """A request that is due, and until when it should be done (UTC). Checked once more when it is written down."""

    pin: Pin  # as it was read
    step: Request
    due: datetime
    later: tuple[datetime, ...] = ()  # until when the next ones should be done, as many as may be paid together with it


class Agenda:
    """The due requests of one lock. Read together, because reading all of them before each request would cost more
    than the requests. Belongs to the run that holds the lock's lease."""

    def __init__(self, lock: Lock, clock: Callable[[], datetime]) -> None:
        self._lock, self._clock = lock, clock
        self._choices: dict[int, Choice] = {}
        self._read_at: datetime | None = None

    def next(self, *, reads_only: bool) -> Choice | None:
        """The most urgent request; `None`: nothing is due, as of this moment."""
        now = self._clock()
        if not self._is_fresh(now):
            self._read(now)
        chosen = self._take(reads_only=reads_only)
        if chosen is None and not self._is_fresh(now):  # a decision on the way made something else due
            self._read(now)
            chosen = self._take(reads_only=reads_only)
        return chosen

    def _is_fresh(self, now: datetime) -> bool:
        return self._read_at is not None and self._read_at <= now < self._read_at + _FRESH

    def changed(self) -> None:
        """Something was learned that may concern several PINs."""
        self._read_at = None

    def follow_up(self, pin: Pin) -> None:
        """The PIN's request was answered, and this is what was stored: it may have another step."""
        now = self._clock()
        if pin.next_try_at is not None and pin.next_try_at <= now:
            self._note(pin, now)

    def _take(self, *, reads_only: bool) -> Choice | None:
        allowed = (one for one in self._choices.values() if not (reads_only and isinstance(one.step, Write)))
        chosen = min(allowed, key=lambda one: one.due, default=None)
        if chosen is not None:
            del self._choices[chosen.pin.pk]
            following = heapq.nsmallest(BLOCK - 1, (one.due for one in self._choices.values()))
            return replace(chosen, later=tuple(following))
        return None

    def _read(self, now: datetime) -> None:
        self._choices, self._read_at = {}, now
        for pin in _due().read({"lock": self._lock.pk, "now": now}):
            pin.claims_held = pin.claims  # type: ignore[attr-defined]
            pin.note_read()
            self._note(pin, now)

    def _note(self, pin: Pin, now: datetime) -> None:
        step = next_step(pin.view, now)
        if isinstance(step, Wait | Rotate | Block):
            decide_without_request(pin.pk, step, now)
            self._read_at = None  # it may be due again, with another step
        else:
            self._choices[pin.pk] = Choice(pin, step, deadline(pin.view, now))


@kept
def _due() -> Rows[Pin]:
    pins = Pin.objects.filter(lock=slot("lock", Pin), next_try_at__lte=slot("now", Pin, "next_try_at"))
    held = ValueClaim.objects.filter(grant=OuterRef("grant"), lock=OuterRef("lock"), released_at__isnull=True)
    count = held.order_by().values("lock").annotate(count=Count("pk")).values("count")
    pins = pins.select_related("grant").annotate(claims=Coalesce(Subquery(count), 0))
    return Rows(pins.order_by("deadline_at")[:_MOST_PINS])


def decide_without_request(pin_id: int, step: Wait | Rotate | Block, now: datetime) -> None:
    """Choose another value, stop, or wait."""
    with transaction.atomic():
        if isinstance(step, Rotate):
            # The grant's row is locked before its PINs, as everywhere.
            grant_id = Pin.objects.values_list("grant_id", flat=True).get(pk=pin_id)
            grants.lock_row(grant_id)
        pin = locked_pin(pin_id)
        if next_step(pin.view, now) != step:
            return
        observed = pin.observed
        if isinstance(step, Block):
            if not pin.desired.reserve:  # nobody waits for it; `spares_short` tells of it
                Incident.open(_BLOCKED[step.reason], now, about=pin)
            observed = transitions.stopped(observed, step.reason, pin.desired_rev)
        if isinstance(step, Rotate):
            pin.put_observed(transitions.rotated(observed, pin.grant.code))
            save_observed(pin, now)
            grants.rotate(pin.grant_id, now, forced=step.forced)
            return
        pin.put_observed(observed)
        save_observed(pin, now)
