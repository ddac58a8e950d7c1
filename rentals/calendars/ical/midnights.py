"""Days that an exporter wrote as instants: a stay from midnight to midnight means those days.

Systems write a day as midnight, floating, in a named zone, as the property's midnight in UTC, or as midnight in UTC
whatever the zone. Taken as instants such a stay ends in the night before its departure day, or begins a day early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from rentals.calendars.ical.zones import instant

_DAY = timedelta(days=1)
_MIDNIGHT = time()
#: How some systems write the end of a day.
_LAST_MINUTE = time(23, 59)

_Pair = tuple[date, date]
_Way = Callable[[date, date, tzinfo], _Pair | None]


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a stay. `certain`: both ends are midnights of one zone."""

    starts: date
    ends: date  # the check-out day
    certain: bool


def days_of(starts: date, ends: date, zones: Iterable[tzinfo], home: tzinfo) -> Days | None:
    """The days that a start and an end mean; None where they are true times, or days already.

    An instant is a `datetime` in UTC. `zones`: in whose midnights the exporter may have written, the likeliest first;
    `home`: the property's, whose offset some exporters keep through summer and winter.
    """
    if not isinstance(starts, datetime) and not isinstance(ends, datetime):
        return None
    likely = tuple(dict.fromkeys(zones))
    certain = _first(starts, ends, likely, _midnights)
    if certain is not None:
        return Days(*certain, certain=True)
    found = (
        _first(starts, ends, likely, _whole_nights)
        or _first(starts, ends, likely, _last_minutes)
        or _first(starts, ends, _offsets(home, starts), _midnights)
    )
    return None if found is None else Days(*found, certain=False)


def _first(starts: date, ends: date, zones: Iterable[tzinfo], way: _Way) -> _Pair | None:
    found = (way(starts, ends, zone) for zone in zones)
    return next((pair for pair in found if pair is not None and pair[0] < pair[1]), None)


def _midnights(starts: date, ends: date, zone: tzinfo) -> _Pair | None:
    first, last = day_at_midnight(starts, zone), day_at_midnight(ends, zone)
    return None if first is None or last is None else (first, last)


def _whole_nights(starts: date, ends: date, zone: tzinfo) -> _Pair | None:
    """One end is midnight and the other lies whole days away: the exporter counted hours through a change of the
    clock."""
    if not isinstance(starts, datetime) or not isinstance(ends, datetime) or (ends - starts) % _DAY:
        return None
    nights = ends - starts
    first, last = day_at_midnight(starts, zone), day_at_midnight(ends, zone)
    if first is not None:
        return first, first + nights
    return None if last is None else (last - nights, last)


def _last_minutes(starts: date, ends: date, zone: tzinfo) -> _Pair | None:
    """From midnight to the last minute of a day."""
    first = day_at_midnight(starts, zone)
    if first is None or not isinstance(ends, datetime):
        return None
    local = ends.astimezone(zone)
    return (first, local.date() + _DAY) if local.time() >= _LAST_MINUTE else None


def day_at_midnight(value: date, zone: tzinfo) -> date | None:
    """The day that begins at this instant in a zone; a day is itself. None at any other time of day."""
    if not isinstance(value, datetime):
        return value
    local = value.astimezone(zone)
    if local.time() == _MIDNIGHT:
        return local.date()
    # Some zones change their clocks at midnight: there the day begins at one o'clock.
    begins = instant(datetime.combine(local.date(), _MIDNIGHT), zone)
    return local.date() if begins == value else None


def _offsets(home: tzinfo, starts: date) -> tuple[tzinfo, ...]:
    """The property's offsets of winter and summer, each all the year round."""
    days = (datetime(starts.year, month, 1, 12, tzinfo=home) for month in (1, 7))
    return tuple(dict.fromkeys(timezone(day.utcoffset() or timedelta()) for day in days))
