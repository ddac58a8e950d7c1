"""Recurring events, expanded within bounds (RFC 5545, 3.3.10 and 3.8.5).

`recurring-ical-events` expands; here every rule is first brought to a form whose expansion ends soon: nothing finer
than a day, an UNTIL within the horizon instead of a COUNT, and no rule that never comes true, which `dateutil` would
follow to the year 9999.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import recurring_ical_events  # type: ignore[import-untyped]
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar, Event
from icalendar.prop import vDDDTypes, vRecur

from rentals.calendars.ical.records import Record, key_of
from rentals.calendars.ical.times import Moment, Unreadable, read_moment

#: How far ahead recurrences are followed.
HORIZON = timedelta(days=2 * 365 + 1)
#: How far back: the longest stay that may still be running.
LOOK_BACK = timedelta(days=366)
#: The most instances of one event.
MOST_INSTANCES = 500
#: The most days that all rules of one calendar may walk through, so that no calendar keeps a worker busy for long.
MOST_DAYS = 1_000_000

_LONGEST_RULE = 1000  # characters; honest ones have some dozens
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_FINER = ("BYHOUR", "BYMINUTE", "BYSECOND")
_FILTERS = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYMONTH"})
#: Rules with these parts alone come true every month or year: "on the first Monday", "on 24 December".
_REGULAR = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_MARK = "X-RECORD"
#: The Gregorian calendar repeats after 400 years, weekdays included.
_CYCLE_YEARS = 400
_MOST_RULES = 8
_MOST_DATES = 5000
#: What following a rule costs besides its days: any rule, one that may come true seldom, one that never does.
_DAYS_OF_EVENT, _DAYS_OF_SELDOM, _DAYS_OF_NEVER = 500, 20_000, _CYCLE_YEARS * 365
_DAYS_OF_STEP = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence: the record that describes it, its times and its place in the series."""

    record: Record
    starts: date
    ends: date
    recurrence_id: str


class Budget:
    """What is left of `MOST_DAYS` for one calendar."""

    def __init__(self) -> None:
        self.days = MOST_DAYS

    def spend(self, days: int) -> None:
        self.days -= max(days, 0)
        if self.days < 0:
            raise Unreadable("The calendar holds too many recurring events to follow.")


def expand(master: Record, overrides: Sequence[Record], now: datetime, budget: Budget) -> list[Instance]:
    """The occurrences of a recurring event from a year ago to two years ahead, the nearest 500 at most.

    Raises `Unreadable` for a rule that is finer than daily or cannot be followed.
    """
    budget.spend(_DAYS_OF_EVENT)
    records = [master, *overrides]
    try:
        frame = _Frame(master, now, budget)
        calendar = Calendar()
        for number, record in enumerate(records):
            calendar.add_component(frame.component(record, number))
        instances = _instances(recurring_ical_events.of(calendar).between(frame.begin, frame.end), records)
    except Unreadable:
        raise
    except Exception as error:
        # The libraries have no single error of their own; whatever they met costs this event alone.
        raise Unreadable("Its recurrence cannot be followed.") from error
    return _nearest(instances, now)


class _Frame:
    """The window of an expansion in the terms of its master: days, or wall times in its zone."""

    def __init__(self, master: Record, now: datetime, budget: Budget) -> None:
        self.master, self.budget = master, budget
        first, last = now - LOOK_BACK, now + HORIZON
        zone = master.start.zone
        if master.start.wall is None or zone is None:
            self.begin = datetime.combine(first.date(), time())
            self.end = datetime.combine(last.date(), time())
            self.wall_end = self.end
        else:
            self.begin, self.end = first.astimezone(UTC), last.astimezone(UTC)
            self.wall_end = last.astimezone(zone).replace(tzinfo=None)

    def component(self, record: Record, number: int) -> Event:
        """What the library needs of a record. Its length is put right afterwards, see `_instances`."""
        event = Event()
        event.add("UID", record.uid)
        event.add("DTSTART", record.start.local)
        event.add("DTEND", _end_like(record.start, record.end))
        event.add(_MARK, str(number))
        if record.recurrence is not None:
            event["RECURRENCE-ID"] = vDDDTypes(_like(record.recurrence, self.master.start))
            if record.this_and_future:
                event["RECURRENCE-ID"].params["RANGE"] = "THISANDFUTURE"
            return event
        if len(record.rules) > _MOST_RULES:
            raise Unreadable("It has too many recurrence rules.")
        for raw in dict.fromkeys(record.rules):
            rule = self.rule(raw)
            if rule is not None:
                event.add("RRULE", rule)
        for name, values in (("RDATE", record.rdates), ("EXDATE", record.exdates)):
            dates = self.dates(record, values)
            if dates:
                event.add(name, dates)
        return event

    def dates(self, record: Record, values: Iterable[tuple[Any, str]]) -> list[date]:
        """RDATE or EXDATE values within the window, in the terms of the master."""
        found: set[date] = set()
        for params, line in values:
            for raw in line.split(","):
                if not raw.strip():
                    continue
                moment = read_moment(raw.partition("/")[0], params, record.zones)
                if self.begin.date() <= moment.day <= self.end.date():
                    found.add(_like(moment, self.master.start))
        if len(found) > _MOST_DATES:
            raise Unreadable("It recurs on too many single days.")
        return sorted(found)

    def rule(self, raw: str) -> vRecur | None:
        """A rule that ends within the horizon; None when it adds nothing to the first day. Raises `Unreadable`."""
        rule = _checked(raw)
        wall = datetime.combine(self.master.start.day, time())
        if self.master.start.wall is not None:
            wall = self.master.start.wall
        else:
            for name in _FINER:
                rule.pop(name, None)  # to be ignored for days
        until = self._until(rule)
        if until < max(wall, self.begin.replace(tzinfo=None) - LOOK_BACK):
            return None
        _shorten_step(rule, (until - wall).days)
        self.budget.spend(self._days(rule, wall))
        count = rule.pop("COUNT", None)
        rule.pop("UNTIL", None)
        if not _comes_true(rule, wall):
            self.budget.spend(_DAYS_OF_NEVER)
            raise Unreadable("Its recurrence rule never comes true.")
        if count:
            text = f"{_text(rule)};UNTIL={min(until, self.wall_end):%Y%m%dT%H%M%S}"
            until = max(islice(rrulestr(text, dtstart=wall), int(count[0])), default=wall)
        return self._with_until(rule, until)

    def _days(self, rule: vRecur, wall: datetime) -> int:
        days = (self.wall_end - wall).days
        if not _is_regular(rule):
            return days + _DAYS_OF_SELDOM
        return days if "BYDAY" in rule else days // _DAYS_OF_STEP[str(rule["FREQ"][0]).upper()]

    def _until(self, rule: vRecur) -> datetime:
        """The rule's own end or the horizon's, whichever is earlier, on the master's wall clock."""
        given = rule.get("UNTIL")
        if not given:
            return self.wall_end
        until = given[0]
        if not isinstance(until, datetime):
            return min(datetime.combine(until, time(23, 59, 59)), self.wall_end)
        zone = self.master.start.zone
        if self.master.start.wall is None or zone is None:
            return min(datetime.combine(until.date(), time(23, 59, 59)), self.wall_end)
        if until.tzinfo is not None:
            until = until.astimezone(zone).replace(tzinfo=None)
        return min(until, self.wall_end)

    def _with_until(self, rule: vRecur, until: datetime) -> vRecur:
        zone = self.master.start.zone
        if self.master.start.wall is None or zone is None:
            rule["UNTIL"] = [until.date()]
        else:
            rule["UNTIL"] = [until.replace(tzinfo=zone).astimezone(UTC)]
        return rule


def _checked(raw: str) -> vRecur:
    """The parsed rule when it is one that we follow. Raises `Unreadable`."""
    if len(raw) > _LONGEST_RULE:
        raise Unreadable("Its recurrence rule is too long.")
    try:
        rule: vRecur = vRecur.from_ical(raw)
        frequency = str(rule["FREQ"][0]).upper()
        interval = int(rule.get("INTERVAL", [1])[0])
        count = int(rule.get("COUNT", [1])[0])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unreadable("Its recurrence rule cannot be read.") from error
    if frequency not in _FREQUENCIES or any(len(rule.get(name, ())) > 1 for name in _FINER):
        raise Unreadable("It recurs more often than daily: that is no stay.")
    if count < 1:
        rule.pop("COUNT")  # some exporters write COUNT=-1 for "without end"
    if interval < 1 or "RSCALE" in rule or "SKIP" in rule:
        raise Unreadable("Its recurrence rule cannot be followed.")
    return rule


def _shorten_step(rule: vRecur, days: int) -> None:
    """Let an INTERVAL of days or weeks lead just out of the window: `dateutil` walks through all months of a longer
    one, to the year 9999."""
    step = _DAYS_OF_STEP[str(rule["FREQ"][0]).upper()]
    if "INTERVAL" in rule and step <= 7:
        beyond = max(days, 0) // step + 2
        rule["INTERVAL"] = [min(int(rule["INTERVAL"][0]), beyond)]


def _is_regular(rule: vRecur) -> bool:
    """Whether it surely comes true again and again, so that following it ends soon."""
    frequency = str(rule["FREQ"][0]).upper()
    if frequency in ("DAILY", "WEEKLY"):
        return not any(name in _FILTERS for name in rule)
    if set(rule) - _REGULAR - {"BYDAY", "BYMONTHDAY", "BYMONTH"} or {"BYDAY", "BYMONTHDAY"} <= set(rule):
        return False
    if "BYMONTH" in rule and frequency == "MONTHLY":
        return False
    months = [int(month) for month in rule.get("BYMONTH", ())]
    days = [abs(int(day)) for day in rule.get("BYMONTHDAY", ())]
    weeks = [str(day).lstrip("+-")[:-2] for day in rule.get("BYDAY", ())]
    usual = all(1 <= month <= 12 for month in months) and all(1 <= day <= 28 for day in days)
    return usual and all(week in ("", "1", "2", "3", "4") for week in weeks)


def _comes_true(rule: vRecur, wall: datetime) -> bool:
    """Whether the rule ever occurs, asked so late in the calendar that the answer comes soon."""
    if _is_regular(rule):
        return True
    late = wall.year + (9999 - wall.year - 3) // _CYCLE_YEARS * _CYCLE_YEARS
    try:
        return next(iter(rrulestr(_text(rule), dtstart=wall.replace(year=late))), None) is not None
    except (ValueError, OverflowError, TypeError) as error:
        raise Unreadable("Its recurrence rule cannot be followed.") from error


def _text(rule: vRecur) -> str:
    return str(rule.to_ical().decode())  # type: ignore[no-untyped-call]


def _like(moment: Moment, start: Moment) -> date:
    """A moment in the terms of the master's start: a day, or a wall time in its zone."""
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
