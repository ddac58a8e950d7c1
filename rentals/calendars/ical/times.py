"""When an event begins and ends: dates, wall times and instants as exporters write them (RFC 5545, 3.3.4 to 3.3.6)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from icalendar.prop import vDate, vDatetime, vDuration

from rentals.calendars.ical.properties import Params
from rentals.calendars.ical.zones import Zones, instant
from rentals.phrases import phrase

#: The longest stay that is believed, in nights, and the longest that is believed without a look.
LONGEST_NIGHTS = 800
USUAL_NIGHTS = 365
#: The farthest year that is believed, counted from now.
FARTHEST_YEARS = 10
#: Nothing that matters began before this year.
EARLIEST_YEAR = 1970

_SHAPE = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[Tt ]\s*(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_LONGEST_DATE = 40
_ONE_DAY = timedelta(days=1)
_OLDEST = datetime(1, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """An event that cannot be read. The text tells the operator why, and quotes nothing of the event."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text  # for `said`


class BeyondBelief(Unreadable):
    """An event whose dates can be read, but not believed as those of a stay."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or a wall time with its zone."""

    day: date  # the local day
    wall: datetime | None = None  # naive; None: the whole day
    zone: tzinfo | None = None  # of the wall time

    @property
    def value(self) -> date:
        """A `date`, or the instant as a `datetime` in UTC."""
        if self.wall is None or self.zone is None:
            return self.day
        return instant(self.wall, self.zone)

    @property
    def local(self) -> date:
        """A `date`, or the wall time with its zone."""
        return self.day if self.wall is None else self.wall.replace(tzinfo=self.zone)


def read_moment(raw: str, params: Params, zones: Zones) -> Moment:
    """A DTSTART, DTEND, RECURRENCE-ID, EXDATE or RDATE value. Raises `Unreadable`.

    The shape of the value decides, not its VALUE parameter, which exporters get wrong; only midnight under VALUE=DATE
    means the day. A TZID that nobody knows counts as a floating time.
    """
    read = _date_of(raw)
    if isinstance(read, datetime):
        if params.get("VALUE", "").upper() == "DATE" and not (read.hour or read.minute or read.second):
            return Moment(read.date())  # also midnight "in UTC": a day has no zone
        if read.tzinfo is not None:
            return Moment(read.date(), read.replace(tzinfo=None), read.tzinfo)
        zone = zones.named(params["TZID"]) if "TZID" in params else None
        return Moment(read.date(), read, zone or zones.floating)
    return Moment(read)


def _date_of(raw: str) -> date:
    raw = raw.strip()
    if len(raw) > _LONGEST_DATE:
        raise Unreadable(phrase("A date in it cannot be read."))
    return _basic(raw)


@lru_cache(maxsize=8192)
def _basic(raw: str) -> date:
    """The library reads the basic form alone, so the other forms in use are converted to it first."""
    shape = _SHAPE.fullmatch(raw)
    if shape is None:
        raise Unreadable(phrase("A date in it cannot be read."))
    year, month, day, hour, minute, second, offset = shape.groups()
    if int(year) < EARLIEST_YEAR:
        raise Unreadable(phrase("A date in it is in the distant past."))
    try:
        if hour is None:
            read = vDate.from_ical(f"{year}{month}{day}")  # type: ignore[no-untyped-call]
            return date(read.year, read.month, read.day)
        # ISO 8601 knows midnight at the end of a day and leap seconds; the library does not.
        late = _ONE_DAY if (hour, minute, second or "00") == ("24", "00", "00") else timedelta()
        clock = "000000" if late else f"{hour}{minute}{'59' if second == '60' else second or '00'}"
        wall = vDatetime.from_ical(f"{year}{month}{day}T{clock}")  # type: ignore[no-untyped-call]
        return _with_offset(wall + late, offset)
    except (ValueError, OverflowError):
        raise Unreadable(phrase("A date in it does not exist.")) from None


def _with_offset(wall: datetime, offset: str | None) -> datetime:
    if offset is None:
        return wall
    if offset in "Zz":
        return wall.replace(tzinfo=UTC)
    delta = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return wall.replace(tzinfo=timezone(delta if offset[0] == "+" else -delta))


def after(start: Moment, raw: str) -> Moment:
    """The end that a DURATION gives: days count on the wall clock, hours exactly (RFC 5545, 3.3.6)."""
    days, letter, clock = raw.strip().upper().partition("T")
    try:
        nominal = _length(days) if days.strip("+-") != "P" else timedelta()
        exact = _length(f"PT{clock}") if letter else timedelta()
    except ValueError:
        raise Unreadable(phrase("Its length (DURATION) cannot be read.")) from None
    if days.startswith("-"):
        raise Unreadable(phrase("It ends before it starts."))
    try:
        if start.wall is None or start.zone is None:
            return Moment(start.day + timedelta(days=math.ceil((nominal + exact) / _ONE_DAY)))
        ends = start.wall + nominal
        if exact:
            ends = (instant(ends, start.zone) + exact).astimezone(start.zone).replace(tzinfo=None)
        return Moment(ends.date(), ends, start.zone)
    except OverflowError:
        raise Unreadable(phrase("Its end is out of range.")) from None


def _length(raw: str) -> timedelta:
    return vDuration.from_ical(raw)  # type: ignore[no-any-return, no-untyped-call]


def next_day(start: Moment) -> Moment:
    """The end of an event that names none: one night, to the same wall time."""
    try:
        if start.wall is None:
            return Moment(start.day + _ONE_DAY)
        return Moment(start.day + _ONE_DAY, start.wall + _ONE_DAY, start.zone)
    except OverflowError:
        raise Unreadable(phrase("Its end is out of range.")) from None


def has_no_length(start: Moment, end: Moment) -> bool:
    """Whether it ends when it starts: on that day or at that instant. A day and a time on it may be a stay: `placing`
    knows the property's hours."""
    if (start.wall is None) != (end.wall is None):
        return False
    try:
        return start.value == end.value
    except OverflowError:
        return False


def check_period(start: Moment, end: Moment, now: datetime) -> tuple[date, date]:
    """Start and end as values, if they make sense as a stay. Raises `Unreadable`."""
    try:
        starts, ends = start.value, end.value
    except OverflowError:
        raise Unreadable(phrase("A date in it is out of range.")) from None
    if isinstance(starts, datetime) and isinstance(ends, datetime):
        length = ends - starts
    else:
        length = end.day - start.day
    if length < timedelta(0):
        raise Unreadable(phrase("It ends before it starts."))
    if (end.day - start.day).days > LONGEST_NIGHTS:
        raise BeyondBelief(phrase("It lasts more than {nights} nights.", nights=LONGEST_NIGHTS))
    if (end.day.year, end.day.month, end.day.day) > (now.year + FARTHEST_YEARS, now.month, now.day):
        raise BeyondBelief(phrase("It is more than {years} years ahead.", years=FARTHEST_YEARS))
    return starts, ends


def stamp(raw: str) -> datetime:
    """A DTSTAMP or LAST-MODIFIED, to compare versions by. An unreadable one is older than everything."""
    try:
        read = _date_of(raw)
    except Unreadable:
        return _OLDEST
    if not isinstance(read, datetime):
        return datetime(read.year, read.month, read.day, tzinfo=UTC)
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
