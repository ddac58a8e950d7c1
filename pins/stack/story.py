"""What happens on the locks, printed line by line: two looks at the database, and a sentence for each difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch

from pins.core.alias import SPARE
from pins.core.pin_state import State
from pins.models import AccessGrant, Pin, PinAttempt, StaffAccess
from pins.status.staff import staff_holder
from pins.tedee.errors import Cause
from rentals.fields import behind

REASONS = {
    Cause.TIMEOUT: "no answer in time",
    Cause.BUSY: "lock was busy",
    Cause.OFFLINE: "lock was offline",
    Cause.SERVER: "error in the cloud",
    Cause.NETWORK: "connection lost",
    Cause.RATE_LIMITED: "too many requests",
    Cause.PIN_EXISTS: "digits already in use",
    Cause.NO_ROOM: "no room on the lock",
    Cause.BAD_REQUEST: "digits refused",
    Cause.UNAUTHORIZED: "access key refused",
    Cause.FORBIDDEN: "no permission",
    Cause.RENEWAL: "access renewed",
}
_WRITES = (PinAttempt.Kind.POST, PinAttempt.Kind.PUT, PinAttempt.Kind.DELETE)


@dataclass(frozen=True)
class PinSeen:
    """One PIN at one moment, in the words of the story; never the code itself."""

    stay: str  # "3-8 Mar, Anna at Garden flat"
    lock: str
    state: str
    wanted: bool
    over: bool  # the stay's period has ended
    attempts: tuple[tuple[int, str, str], ...] = ()  # (id, kind of request, cause of its failure), oldest first
    is_staff: bool = False  # `stay` says who works there, or that it is a spare code

    def since(self, before: PinSeen | None) -> tuple[tuple[int, str, str], ...]:
        """The requests that `before` did not show."""
        known = before.attempts[-1][0] if before and before.attempts else 0
        return tuple(attempt for attempt in self.attempts if attempt[0] > known)


def look_at_pins(now: datetime) -> dict[int, PinSeen]:
    """Every PIN, by id; `now` is aware."""
    finished = PinAttempt.objects.exclude(outcome=PinAttempt.Outcome.OPEN).order_by("pk")
    pins = Pin.objects.select_related("lock", "grant__booking__property", "grant__staff").prefetch_related(
        Prefetch("attempts", queryset=finished, to_attr="finished_attempts")
    )
    # The code columns are not read: codes have no place in a terminal's output.
    pins = pins.defer(*Pin.SECRETS, *behind("grant", AccessGrant.SECRETS), *behind("grant__staff", StaffAccess.SECRETS))
    return {pin.pk: _seen_pin(pin, now) for pin in pins}


def _seen_pin(pin: Pin, now: datetime) -> PinSeen:
    grant = pin.grant
    booking = grant.booking
    where = booking.property.name if booking else "a deleted booking"
    if grant.kind == AccessGrant.Kind.STAFF:
        said = staff_holder(grant.holder_name, grant.staff.kind if grant.staff is not None else "")
    elif grant.is_reserve:
        said = SPARE
    else:
        said = f"{_period(grant)}, {grant.holder_name or 'guest'} at {where}"
    return PinSeen(
        stay=said,
        lock=pin.lock.name,
        state=pin.state,
        wanted=pin.wanted,
        over=grant.ends_at <= now,
        is_staff=grant.kind == AccessGrant.Kind.STAFF or grant.is_reserve,
        attempts=tuple((attempt.pk, attempt.op, attempt.cause) for attempt in getattr(pin, "finished_attempts", ())),
    )


def _period(grant: AccessGrant) -> str:
    booking = grant.booking
    return days(booking.arrival_date, booking.departure_date) if booking else days(grant.starts_at, grant.ends_at)


def days(first: date, last: date) -> str:
    """`3-8 Mar`, `28 Feb-3 Mar`, `30 Dec 2026-2 Jan 2027`."""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}-{last.day} {last:%b}"
    if first.year == last.year:
        return f"{first.day} {first:%b}-{last.day} {last:%b}"
    return f"{first.day} {first:%b %Y}-{last.day} {last:%b %Y}"


class Storyteller:
    """Remembers what was printed, and the requests of each PIN since it was last set or removed."""

    def __init__(self, start: Mapping[int, PinSeen]) -> None:
        self._seen = dict(start)
        self._settled = dict(start)

    def tell(self, pins: Mapping[int, PinSeen]) -> list[str]:
        """The sentences for what changed since the last call."""
        lines: list[str] = []
        for pk, pin in sorted(pins.items()):
            before = self._seen.get(pk)
            if before is None or before.state != pin.state:
                lines += self._changed(pk, before, pin)
            if pin.state in (State.SET, State.REMOVED):
                self._settled[pk] = pin
        self._seen = dict(pins)
        return lines

    def _changed(self, pk: int, before: PinSeen | None, pin: PinSeen) -> Iterable[str]:
        head = f"{pin.stay}:" if pin.is_staff else f"Stay {pin.stay}:"
        settled = self._settled.get(pk)
        had_code = settled is not None and settled.state == State.SET
        requests = pin.since(settled)
        if pin.state == State.SET:
            verb = "updated" if had_code else "set"
            yield f"{head} code {verb} on {pin.lock}{effort(requests)}"
        elif pin.state == State.REMOVED and (had_code or requests):
            why = "after check-out" if pin.over and pin.wanted else "because the stay changed"
            yield f"{head} code removed from {pin.lock} {why}{effort(requests)}"
        elif pin.state == State.BLOCKED:
            yield f"{head} {pin.lock} needs a person: see the incidents in the admin"
        elif pin.state == State.IN_DOUBT and (before is None or before.state != State.IN_DOUBT):
            yield f"{head} no certain answer from {pin.lock}, looking before doing anything else"


def effort(requests: Iterable[tuple[int, str, str]]) -> str:
    """` (3 tries, lock was busy 2 times)`; empty when the first try succeeded."""
    requests = tuple(requests)
    tries = sum(1 for _, kind, _ in requests if kind in _WRITES)
    causes = Counter(REASONS[Cause(cause)] for _, _, cause in requests if cause in REASONS)
    if not causes:
        return ""
    parts = [f"{tries} {'try' if tries == 1 else 'tries'}"] if tries else []
    parts += [reason if count == 1 else f"{reason} {count} times" for reason, count in causes.items()]
    return f" ({', '.join(parts)})"
