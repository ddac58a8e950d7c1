"""The promise and how it was kept: whether the codes of each arrival were confirmed 24 hours before check-in, 4 hours
before, and at check-in.

`record` judges each mark once, soon after it passed, from what is stored (`pins.core.marks`). `lately` adds up the last
30 days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, OuterRef, Q, Subquery

from pins.core.marks import BEFORE, CodeFacts, Mark, StayFacts, Verdict, judge, passed
from pins.core.pin_state import State
from pins.measures.cursor import add, next_span
from pins.models import AccessGrant, ArrivalRecord, Heartbeat, Pin, PinAttempt
from rentals.access import Scope, visible
from rentals.models import Booking

#: The name of the counter in `Tally`.
ARRIVALS = "arrivals"
#: What the board and `/metrics` speak of.
LATELY: Final = timedelta(days=30)
#: Records are kept as long as the stays' other records (`pins.retention.records`).
KEEP: Final = timedelta(days=120)
#: When the counting is so far behind, people who look at the numbers are told.
LONGEST_SILENCE: Final = timedelta(hours=1)
_CURSOR: Final = "marks"
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """How one mark went, in so many arrivals."""

    mark: Mark
    arrivals: int  # to which the mark applied
    kept: int
    unknown: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; `None` without arrivals. What is unknown counts as not kept."""
        return self.kept / self.arrivals if self.arrivals else None


def lately(now: datetime, scope: Scope) -> tuple[Kept, ...]:
    """The arrivals of the last 30 days, by mark: one query, which reads these arrivals and no others. A stay that was
    cancelled or moved away before check-in is none of them."""
    recent = ArrivalRecord.objects.filter(check_in__gt=now - LATELY, check_in__lte=now).exclude(at_check_in="")
    numbers = visible(recent, scope).aggregate(
        **{
            f"{column}_{verdict.value}": Count("pk", filter=Q(**{column: verdict.value}))
            for column in ArrivalRecord.COLUMNS.values()
            for verdict in Verdict
        }
    )
    return tuple(
        Kept(
            mark,
            sum(numbers[f"{column}_{verdict.value}"] for verdict in Verdict),
            numbers[f"{column}_{Verdict.KEPT.value}"],
            numbers[f"{column}_{Verdict.UNKNOWN.value}"],
        )
        for mark, column in ArrivalRecord.COLUMNS.items()
    )


def behind_since(now: datetime) -> datetime | None:
    """Until when arrivals were counted (UTC), if the counting stands still: then `lately` tells of the past. `None`: it
    goes on, or never began."""
    counted = Heartbeat.objects.filter(name=_CURSOR).values_list("at", flat=True).first()
    return counted if counted is not None and now - counted > LONGEST_SILENCE else None


def record(now: datetime) -> None:
    """Judge the marks that passed since the last time. `now`: UTC. Reads the arrivals of these marks alone."""
    with next_span(_CURSOR, now) as span:
        if span is None:
            return
        near = Q()
        for before in BEFORE.values():
            near |= Q(check_in__gt=span.since + before, check_in__lte=span.until + before)
        arrivals = Booking.objects.filter(near, status=Booking.Status.CONFIRMED, property__is_active=True)
        rows = list(arrivals.select_related("property").order_by())  # an order would tempt from the index
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            _judge({one: passed(one.check_in, span.since, span.until) for one in batch})


def purge(now: datetime) -> int:
    """Delete records of arrivals of long ago; return how many."""
    return ArrivalRecord.objects.filter(check_in__lte=now - KEEP).delete()[0]


def _judge(passing: Mapping[Booking, Collection[Mark]]) -> None:
    known = {one.booking_id: one for one in ArrivalRecord.objects.filter(booking__in=passing)}
    stories = _Stories(list(passing))
    fresh: list[ArrivalRecord] = []
    totals: Counter[str] = Counter()
    for booking, marks in passing.items():
        kept = known.get(booking.pk)
        if kept is None:
            kept = ArrivalRecord(booking=booking)
            fresh.append(kept)
        if kept.check_in != booking.check_in:  # new, or the stay was moved: marks of the former check-in tell nothing
            kept.day_before = kept.hours_before = kept.at_check_in = ""
        kept.property_id, kept.check_in = booking.property_id, booking.check_in
        for mark in marks:
            verdict = stories.verdict(booking, booking.check_in - BEFORE[mark])
            setattr(kept, ArrivalRecord.COLUMNS[mark], verdict.value if verdict is not None else "")
        if Mark.CHECK_IN in marks:
            totals.update(_totals(kept))
    ArrivalRecord.objects.bulk_create(fresh)
    columns = ["property", "check_in", *ArrivalRecord.COLUMNS.values()]
    ArrivalRecord.objects.bulk_update(known.values(), columns)
    if totals:
        add(ARRIVALS, totals)


def _totals(kept: ArrivalRecord) -> list[str]:
    """The counters that an arrival adds to. Without a verdict about check-in it is no arrival of ours."""
    if not kept.at_check_in:
        return []
    verdicts = {mark: getattr(kept, column) for mark, column in ArrivalRecord.COLUMNS.items()}
    return [f"{mark.value},{verdict}" for mark, verdict in verdicts.items() if verdict]


_READ: Final = ("state", "state_changed_at", "wished_at", "lock__has_keypad", "lock__account__observe_only")


@dataclass(frozen=True, slots=True)
class _StoredCode:
    """The columns of `_READ`, and when a request for the present wish was first begun that may have set the code."""

    state: str
    changed_at: datetime
    wished_at: datetime
    has_keypad: bool | None
    observe_only: bool
    first_sent: datetime | None

    def facts(self, at: datetime) -> CodeFacts:
        was_sent = self.first_sent is not None and self.first_sent <= at
        return CodeFacts(State(self.state), self.changed_at, self.wished_at, self.has_keypad is not False, was_sent)


#: When the first request was begun that may have set the present wish. Refused ones set nothing.
_FIRST_SENT: Final = Subquery(
    PinAttempt.objects.filter(pin=OuterRef("pk"), rev=OuterRef("desired_rev"), op__in=("post", "put"))
    .exclude(outcome=PinAttempt.Outcome.REFUSED)
    .order_by("started_at")
    .values("started_at")[:1]
)


class _Stories:
    """What is stored about the codes of some stays, read with two queries."""

    def __init__(self, bookings: Collection[Booking]) -> None:
        grants = AccessGrant.objects.filter(booking__in=bookings, kind=AccessGrant.Kind.GUEST)
        self._grants = {one.booking_id: one for one in grants.defer(*AccessGrant.SECRETS)}
        self._codes: defaultdict[int, list[_StoredCode]] = defaultdict(list)
        wanted = Pin.objects.filter(grant__booking__in=bookings, grant__kind=AccessGrant.Kind.GUEST, wanted=True)
        for row in wanted.values_list("grant_id", *_READ, _FIRST_SENT):
            self._codes[row[0]].append(_StoredCode(*row[1:]))

    def verdict(self, booking: Booking, at: datetime) -> Verdict | None:
        grant = self._grants.get(booking.pk)
        codes = self._codes[grant.pk] if grant is not None else []
        ours = [one for one in codes if not one.observe_only]
        prop = booking.property
        ahead = timedelta(days=prop.issue_ahead_days, minutes=prop.early_minutes)
        return judge(
            StayFacts(
                entered_at=grant.created_at if grant is not None else None,
                issue_at=grant.issue_at if grant is not None else booking.check_in - ahead,
                codes=[one.facts(at) for one in ours],
                observed=bool(codes) and not ours,
                withdrawn=grant is not None and grant.revoked_at is not None,
            ),
            at,
        )
