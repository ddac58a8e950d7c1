"""When people who work in a flat may open its doors: at fixed hours, or between two stays. Pure.

A lock compares weekdays and hours with its own clock, and takes the hours as they are written: 8 to 16 o'clock is sent
as `08:00` and `16:00` (Tedee API, "Create a new pin"). So they stay what a clock on the wall shows when the clocks
change. Periods are instants in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from pins.tedee.messages import Recurrence
from rentals.local_time import local_moment
from rentals.phrases import phrase

#: After the last known guest a cleaner has so long. A stay that is entered later makes the gap longer.
OPEN_GAP: Final = timedelta(days=3)
#: The last minute of a day: a window that ends at midnight ends here, since a lock compares the hours of one day.
LAST_MINUTE: Final = time(23, 59)
_MIDNIGHT: Final = time(0)
_DAY: Final = timedelta(days=1)
_EVERY_DAY: Final = 127
_WEEK: Final = 7

OVER_MIDNIGHT: Final = phrase(
    "This window goes over midnight. A lock compares the hours of one day, and one keypad takes the same digits once, "
    "so it cannot be one code. End it at 00:00, or tick “Two codes”: one until midnight, another one after it."
)


class Mode(StrEnum):
    SCHEDULE = "schedule"  # at fixed hours
    TURNOVER = "turnover"  # between two stays


class Part(StrEnum):
    """Which code of an access it is: most have one."""

    HOURS = "hours"  # on all its locks, at fixed hours or always
    EVENING = "evening"  # of two codes, the one until midnight
    NIGHT = "night"  # the one after midnight
    GAP = "gap"  # on the locks of one property alone, between two stays
    SHARED = "shared"  # at fixed hours, on the locks that other properties use too


@dataclass(frozen=True)
class Terms:
    """What a person agreed with somebody who works there."""

    mode: Mode
    weekdays: int = _EVERY_DAY  # Tedee's flags: Monday 1 to Sunday 64
    day_start: time | None = None  # both or none; wall times
    day_end: time | None = None  # 00:00 is midnight at the end of the day
    valid_from: datetime | None = None  # UTC
    valid_until: datetime | None = None
    two_codes: bool = False  # a window over midnight is made as two codes
    after_check_out: timedelta = timedelta(0)  # a gap begins so much later; less than nothing: earlier
    before_check_in: timedelta = timedelta(0)  # a gap ends so much earlier

    @property
    def is_over_midnight(self) -> bool:
        start, end = self.day_start, self.day_end
        return start is not None and end is not None and _MIDNIGHT < end < start


@dataclass(frozen=True)
class Span:
    """`[starts_at, ends_at)` in UTC; `None`: without a beginning, without an end."""

    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class Gap:
    """A property without guests: `[starts_at, ends_at)` in UTC, margins taken off."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Place:
    """A property, as far as a turnover needs it."""

    property_id: int
    zone: str
    ahead: timedelta  # so long before a gap its code goes onto the locks
    stays: tuple[tuple[datetime, datetime], ...]  # confirmed: check-in and check-out, UTC
    own_locks: frozenset[int]  # that no other property uses


@dataclass(frozen=True)
class StaffWish:
    """One code that an access asks for."""

    part: Part
    span: Span
    recurrence: Recurrence | None
    lock_ids: frozenset[int]
    property_id: int | None = None  # of a gap
    issue_at: datetime | None = None  # not on the locks before this moment (UTC); `None`: at once

    @property
    def key(self) -> tuple[int | None, str]:
        return self.property_id, self.part.value


def refusals(terms: Terms) -> tuple[tuple[str, str], ...]:
    """Why these terms cannot be kept: the field, and a phrase that says what to do. Empty where they can."""
    found: list[tuple[str, str]] = []
    start, end = terms.day_start, terms.day_end
    if not 1 <= terms.weekdays <= _EVERY_DAY:
        found.append(("weekdays", phrase("Choose at least one weekday.")))
    if (start is None) != (end is None):
        missing = "day_end" if end is None else "day_start"
        found.append((missing, phrase("Enter both times, or none for the whole day.")))
    if start is not None and start == end != _MIDNIGHT:
        found.append(
            ("day_end", phrase("The window is empty. End it later, or leave both times empty for the whole day."))
        )
    if terms.is_over_midnight and terms.mode is Mode.TURNOVER:
        found.append(("day_end", phrase("Between stays a window lies within one day. End it at 00:00 at the latest.")))
    elif terms.is_over_midnight and not terms.two_codes:
        found.append(("day_end", OVER_MIDNIGHT))
    if terms.valid_from is not None and terms.valid_until is not None and terms.valid_until <= terms.valid_from:
        found.append(("valid_until", phrase("It must end after it begins.")))
    return tuple(found)


def gaps(stays: Iterable[tuple[datetime, datetime]], terms: Terms) -> tuple[Gap, ...]:
    """The gaps between the stays of one property, in order. Stays that overlap or meet leave none between them; after
    the last one comes a gap of `OPEN_GAP`."""
    found: list[Gap] = []
    left: datetime | None = None  # when the last of all earlier guests leaves
    for check_in, check_out in sorted(stays):
        if left is not None and left < check_in:
            found += _gap(left + terms.after_check_out, check_in - terms.before_check_in)
        left = check_out if left is None else max(left, check_out)
    if left is not None:
        found += _gap(left + terms.after_check_out, left + OPEN_GAP)
    return tuple(found)


def _gap(starts_at: datetime, ends_at: datetime) -> Iterator[Gap]:
    if starts_at < ends_at:
        yield Gap(starts_at, ends_at)


def wishes(terms: Terms, places: Iterable[Place], lock_ids: frozenset[int], now: datetime) -> tuple[StaffWish, ...]:
    """The codes that an access asks for at `now`. `lock_ids`: those that are open at fixed hours; for a turnover the
    locks that belong to no single one of its `places`. Terms that are refused ask for nothing."""
    if refusals(terms) or (terms.valid_until is not None and terms.valid_until <= now):
        return ()
    fixed = tuple(_at_fixed_hours(terms, lock_ids)) if lock_ids else ()
    if terms.mode is Mode.SCHEDULE:
        return fixed
    between = (_between_stays(terms, place, now) for place in places if place.own_locks)
    return (*fixed, *(one for one in between if one is not None))


def _at_fixed_hours(terms: Terms, lock_ids: frozenset[int]) -> Iterator[StaffWish]:
    span = Span(terms.valid_from, terms.valid_until)
    start, end, days = terms.day_start, terms.day_end, terms.weekdays
    if terms.is_over_midnight:
        yield StaffWish(Part.EVENING, span, Recurrence.of(days, start, LAST_MINUTE), lock_ids)
        yield StaffWish(Part.NIGHT, span, Recurrence.of(following_days(days), _MIDNIGHT, end), lock_ids)
        return
    part = Part.HOURS if terms.mode is Mode.SCHEDULE else Part.SHARED
    yield StaffWish(part, span, _recurrence(terms), lock_ids)


def _recurrence(terms: Terms) -> Recurrence | None:
    end = LAST_MINUTE if terms.day_end == _MIDNIGHT else terms.day_end
    return Recurrence.of(terms.weekdays, terms.day_start, end)


def following_days(weekdays: int) -> int:
    """The days after these: a night that begins on Sunday ends on Monday."""
    return (weekdays << 1) & _EVERY_DAY | weekdays >> (_WEEK - 1)


def _between_stays(terms: Terms, place: Place, now: datetime) -> StaffWish | None:
    """The code of the gap that runs, or else of the next one."""
    for gap in gaps(place.stays, terms):
        starts_at = max(gap.starts_at, terms.valid_from or gap.starts_at)
        ends_at = min(gap.ends_at, terms.valid_until or gap.ends_at)
        if ends_at <= now or ends_at <= starts_at:
            continue
        within = _within(terms, Gap(starts_at, ends_at), place.zone)
        if within is not None and within[0].ends_at > now:
            span, recurrence = within
            issue_at = span.starts_at - place.ahead
            period = Span(span.starts_at, span.ends_at)
            return StaffWish(Part.GAP, period, recurrence, place.own_locks, place.property_id, issue_at)
    return None


def _within(terms: Terms, gap: Gap, zone: str) -> tuple[Gap, Recurrence | None] | None:
    """The part of a gap in which the work is done, from the first window to the last; with several windows their hours
    as well, because the doors stay shut between them. `None`: no window lies in the gap."""
    recurrence = _recurrence(terms)
    if recurrence is None:
        return gap, None
    # A zone is at most 14 hours from UTC.
    first_day, last_day = (gap.starts_at - _DAY).date(), (gap.ends_at + _DAY).date()
    around = range(_WEEK + 3)
    first = _window_on(terms, gap, zone, (first_day + number * _DAY for number in around))
    last = _window_on(terms, gap, zone, (last_day - number * _DAY for number in around))
    if first is None or last is None:
        return None
    return (first, None) if first == last else (Gap(first.starts_at, last.ends_at), recurrence)


def _window_on(terms: Terms, gap: Gap, zone: str, days: Iterable[date]) -> Gap | None:
    """The window within the gap on the first of these days that has one."""
    for day in days:
        if not terms.weekdays >> day.weekday() & 1:
            continue
        start, end = terms.day_start or _MIDNIGHT, terms.day_end or _MIDNIGHT
        opens = local_moment(day, start, zone).astimezone(UTC)
        shuts = local_moment(day if end > _MIDNIGHT else day + _DAY, end, zone).astimezone(UTC)
        starts_at, ends_at = max(opens, gap.starts_at), min(shuts, gap.ends_at)
        if starts_at < ends_at:
            return Gap(starts_at, ends_at)
    return None
