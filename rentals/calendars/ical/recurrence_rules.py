"""One recurrence rule, brought to a form whose expansion ends soon (RFC 5545, 3.3.10).

That is: nothing finer than a day, an UNTIL within the horizon instead of a COUNT, and no rule that never comes true,
which `dateutil` would follow to the year 9999.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar.prop import vRecur

from rentals.calendars.ical.times import Moment, Unreadable
from rentals.phrases import phrase

#: How far ahead recurrences are followed.
HORIZON = timedelta(days=2 * 365 + 1)
#: How far back: the longest stay that may still be running.
LOOK_BACK = timedelta(days=366)
#: The most days that all rules of one calendar may walk through, so that no calendar keeps a worker busy for long.
MOST_DAYS = 1_000_000

_LONGEST_RULE = 1000  # characters; honest ones have some dozens
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_FINER = ("BYHOUR", "BYMINUTE", "BYSECOND")
_FILTERS = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYMONTH"})
#: Rules with these parts alone come true every month or year: "on the first Monday", "on 24 December".
_REGULAR = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
#: The Gregorian calendar repeats after 400 years, weekdays included.
_CYCLE_YEARS = 400
#: What following a rule costs besides its days, when it may come true seldom, and when it never does.
_DAYS_OF_SELDOM, _DAYS_OF_NEVER = 20_000, _CYCLE_YEARS * 365
_DAYS_OF_STEP = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}


class Budget:
    """What is left of `MOST_DAYS` for one calendar."""

    def __init__(self) -> None:
        self.days = MOST_DAYS

    def spend(self, days: int) -> None:
        self.days -= max(days, 0)
        if self.days < 0:
            raise Unreadable(phrase("The calendar holds too many recurring events to follow."))


@dataclass(frozen=True, slots=True)
class Window:
    """What of a series is followed, in the terms of its first event: days, or wall times in its zone."""

    start: Moment  # of the first event
    begin: datetime  # UTC for wall times, naive for days
    end: datetime
    wall_end: datetime  # naive, on the first event's clock

    @classmethod
    def around(cls, now: datetime, start: Moment) -> Window:
        """From a year before `now` (UTC) to two years ahead."""
        first, last = now - LOOK_BACK, now + HORIZON
        if start.wall is None or start.zone is None:
            end = datetime.combine(last.date(), time())
            return cls(start, datetime.combine(first.date(), time()), end, end)
        return cls(start, first.astimezone(UTC), last.astimezone(UTC), last.astimezone(start.zone).replace(tzinfo=None))


def bounded_rule(raw: str, window: Window, budget: Budget) -> vRecur | None:
    """The rule with an end within the horizon; None when it adds nothing to the first day.

    Raises `Unreadable` for a rule that is finer than daily, never comes true, or cannot be followed.
    """
    rule = _checked(raw)
    wall = datetime.combine(window.start.day, time())
    if window.start.wall is not None:
        wall = window.start.wall
    else:
        for name in _FINER:
            rule.pop(name, None)  # to be ignored for days
    until = _until(rule, window)
    if until < max(wall, window.begin.replace(tzinfo=None) - LOOK_BACK):
        return None
    _shorten_step(rule, (until - wall).days)
    budget.spend(_days(rule, wall, window))
    count = rule.pop("COUNT", None)
    rule.pop("UNTIL", None)
    if not _comes_true(rule, wall):
        budget.spend(_DAYS_OF_NEVER)
        raise Unreadable(phrase("Its recurrence rule never comes true."))
    if count:
        text = f"{_text(rule)};UNTIL={min(until, window.wall_end):%Y%m%dT%H%M%S}"
        until = max(islice(rrulestr(text, dtstart=wall), int(count[0])), default=wall)
    return _with_until(rule, until, window)


def _days(rule: vRecur, wall: datetime, window: Window) -> int:
    days = (window.wall_end - wall).days
    if not _is_regular(rule):
        return days + _DAYS_OF_SELDOM
    return days if "BYDAY" in rule else days // _DAYS_OF_STEP[str(rule["FREQ"][0]).upper()]


def _until(rule: vRecur, window: Window) -> datetime:
    """The rule's own end or the horizon's, whichever is earlier, on the first event's wall clock."""
    given = rule.get("UNTIL")
    if not given:
        return window.wall_end
    until = given[0]
    if not isinstance(until, datetime):
        return min(datetime.combine(until, time(23, 59, 59)), window.wall_end)
    zone = window.start.zone
    if window.start.wall is None or zone is None:
        return min(datetime.combine(until.date(), time(23, 59, 59)), window.wall_end)
    if until.tzinfo is not None:
        until = until.astimezone(zone).replace(tzinfo=None)
    return min(until, window.wall_end)


def _with_until(rule: vRecur, until: datetime, window: Window) -> vRecur:
    zone = window.start.zone
    if window.start.wall is None or zone is None:
        rule["UNTIL"] = [until.date()]
    else:
        rule["UNTIL"] = [until.replace(tzinfo=zone).astimezone(UTC)]
    return rule


def _checked(raw: str) -> vRecur:
    """The parsed rule when it is one that we follow. Raises `Unreadable`."""
    if len(raw) > _LONGEST_RULE:
        raise Unreadable(phrase("Its recurrence rule is too long."))
    try:
        rule: vRecur = vRecur.from_ical(raw)
        frequency = str(rule["FREQ"][0]).upper()
        interval = int(rule.get("INTERVAL", [1])[0])
        count = int(rule.get("COUNT", [1])[0])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unreadable(phrase("Its recurrence rule cannot be read.")) from error
    if frequency not in _FREQUENCIES or any(len(rule.get(name, ())) > 1 for name in _FINER):
        raise Unreadable(phrase("It recurs more often than daily: that is no stay."))
    if count < 1:
        rule.pop("COUNT")  # some exporters write COUNT=-1 for "without end"
    if interval < 1 or "RSCALE" in rule or "SKIP" in rule:
        raise Unreadable(phrase("Its recurrence rule cannot be followed."))
    return rule


def _shorten_step(rule: vRecur, days: int) -> None:
    """Limit an INTERVAL of days or weeks to what leads just out of the window: with a longer one, `dateutil` walks
    through all months to the year 9999."""
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
        raise Unreadable(phrase("Its recurrence rule cannot be followed.")) from error


def _text(rule: vRecur) -> str:
    return str(rule.to_ical().decode())  # type: ignore[no-untyped-call]
