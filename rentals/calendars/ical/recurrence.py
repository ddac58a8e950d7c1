"""Recurring events, expanded within bounds (RFC 5545, 3.8.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar, Event
from icalendar.prop import vDDDTypes

from rentals.calendars.ical.records import Record, key_of
from rentals.calendars.ical.recurrence_rules import Budget, Window, bounded_rule
from rentals.calendars.ical.times import Moment, Unreadable, read_moment
from rentals.phrases import phrase

#: The most instances of one event.
MOST_INSTANCES = 500

_MARK = "X-RECORD"
_MOST_RULES = 8
_MOST_DATES = 5000
_DAYS_OF_EVENT = 500  # what any recurring event costs of the budget


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence: the record that describes it, its times and its place in the series."""

    record: Record
    starts: date
    ends: date
    recurrence_id: str


def expand(master: Record, overrides: Sequence[Record], now: datetime, budget: Budget) -> list[Instance]:
    """The occurrences of a recurring event from a year ago to two years ahead, the nearest 500 at most.

    Raises `Unreadable` for a rule that is finer than daily or cannot be followed.
    """
    budget.spend(_DAYS_OF_EVENT)
    records = [master, *overrides]
    try:
        window = Window.around(now, master.start)
        calendar = Calendar()
        for number, record in enumerate(records):
            calendar.add_component(_component(record, number, window, budget))
        instances = _instances(recurring_ical_events.of(calendar).between(window.begin, window.end), records)
    except Unreadable:
        raise
    except Exception as error:
        # The libraries have no single error of their own; whatever they met costs this event alone.
        raise Unreadable(phrase("Its recurrence cannot be followed.")) from error
    return _nearest(instances, now)


def _component(record: Record, number: int, window: Window, budget: Budget) -> Event:
    """What the library needs of a record. Its length is corrected afterwards, see `_instances`."""
    event = Event()
    event.add("UID", record.uid)
    event.add("DTSTART", record.start.local)
    event.add("DTEND", _end_like(record.start, record.end))
    event.add(_MARK, str(number))
    if record.recurrence is not None:
        event["RECURRENCE-ID"] = vDDDTypes(_like(record.recurrence, window.start))
        if record.this_and_future:
            event["RECURRENCE-ID"].params["RANGE"] = "THISANDFUTURE"
        return event
    if len(record.rules) > _MOST_RULES:
        raise Unreadable(phrase("It has too many recurrence rules."))
    for raw in dict.fromkeys(record.rules):
        rule = bounded_rule(raw, window, budget)
        if rule is not None:
            event.add("RRULE", rule)
    for name, values in (("RDATE", record.rdates), ("EXDATE", record.exdates)):
        dates = _dates(record, values, window)
        if dates:
            event.add(name, dates)
    return event


def _dates(record: Record, values: Iterable[tuple[Any, str]], window: Window) -> list[date]:
    """RDATE or EXDATE values within the window, in the terms of the first event."""
    found: set[date] = set()
    for params, line in values:
        for raw in line.split(","):
            if not raw.strip():
                continue
            moment = read_moment(raw.partition("/")[0], params, record.zones)
            if window.begin.date() <= moment.day <= window.end.date():
                found.add(_like(moment, window.start))
    if len(found) > _MOST_DATES:
        raise Unreadable(phrase("It recurs on too many single days."))
    return sorted(found)


def _like(moment: Moment, start: Moment) -> date:
    """A moment in the terms of the first event's start: a day, or a wall time in its zone."""
    if start.wall is None or start.zone is None:
        return moment.day
    if moment.wall is None:
        return datetime.combine(moment.day, start.wall.time(), tzinfo=start.zone)
    if moment.zone is start.zone:
        return moment.local
    value = moment.value
    return value.astimezone(start.zone) if isinstance(value, datetime) else value


def _end_like(start: Moment, end: Moment) -> date:
    """An end that the library can take: of the same kind as the start and after it."""
    ends = _like(end, start)
    begins = start.local
    return ends if ends > begins else begins + timedelta(days=1)


def _instances(found: Iterable[Any], records: Sequence[Record]) -> list[Instance]:
    instances: dict[str, Instance] = {}
    for component in found:
        record = records[int(component[_MARK])]
        starts = component["DTSTART"].dt
        identity = _moment(component["RECURRENCE-ID"].dt, records[0])
        if record.recurrence is not None and starts == record.start.local:
            one = Instance(record, record.starts, record.ends, record.recurrence_id)
        else:
            start = _moment(starts, record)
            recurrence_id = key_of(start.value if record.recurrence is not None else identity.value)
            one = Instance(record, start.value, _shifted_end(record, start), recurrence_id)
        instances.setdefault(one.recurrence_id, one)
    return list(instances.values())


def _moment(value: date, record: Record) -> Moment:
    zone = record.start.zone
    if not isinstance(value, datetime):
        return Moment(value)
    if record.start.wall is None or zone is None:
        return Moment(value.date())
    wall = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo is not zone else value.replace(tzinfo=None)
    return Moment(wall.date(), wall, zone)


def _shifted_end(record: Record, start: Moment) -> date:
    """The end of an occurrence: as many nights later, at the same wall time (RFC 5545, 3.8.5.3)."""
    day = start.day + (record.end.day - record.start.day)
    if record.end.wall is None or record.end.zone is None:
        return day
    return Moment(day, datetime.combine(day, record.end.wall.time()), record.end.zone).value


def _nearest(instances: list[Instance], now: datetime) -> list[Instance]:
    """All in order of time, or when there are too many, those that are not over, from the nearest on."""
    instances.sort(key=lambda one: (_when(one.starts), one.recurrence_id))
    if len(instances) <= MOST_INSTANCES:
        return instances
    living = [one for one in instances if _when(one.ends) >= now - timedelta(days=2)]
    return living[:MOST_INSTANCES]


def _when(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), tzinfo=UTC)
