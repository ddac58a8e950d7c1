"""Which time zone a TZID means, and which instant a wall time in it is.

The library keeps every VTIMEZONE it ever parsed in one cache for the whole process, by name: a definition from one
host's calendar would then move the stays of another. So zones are resolved here, one calendar at a time: the IANA
zone of that name first (its rules are right also for next year), then Windows names, then the calendar's own
definition, then plain offsets.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from rentals.calendars.ical.properties import split, text
from rentals.plain_text import one_line

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
#: "(UTC+01:00) Amsterdam, Berlin", "(GMT+01.00) Sarajevo/Warsaw": what Outlook shows people.
_SHOWN = re.compile(r"\((?:UTC|GMT)\s*(?:([+-])(\d{1,2})[:.]?(\d{2})?)?\)\s*(.*)", re.IGNORECASE)
_MICROSOFT = re.compile(r"tzone://microsoft/", re.IGNORECASE)
#: Abbreviations that name no IANA zone, in hours east of UTC. Each already says whether it means summer time.
_ABBREVIATIONS = {
    "edt": -4, "cdt": -5, "cst": -6, "mdt": -6, "pdt": -7, "pst": -8, "akst": -9, "akdt": -8, "ast": -4, "adt": -3,
    "bst": 1, "west": 1, "cest": 2, "mez": 1, "mesz": 2, "eest": 3, "msk": 3, "jst": 9, "aest": 10, "aedt": 11,
}  # fmt: skip
_SPOKEN = {
    "eastern time": "America/New_York",
    "central time": "America/Chicago",
    "mountain time": "America/Denver",
    "pacific time": "America/Los_Angeles",
    "atlantic time": "America/Halifax",
}
_UTC_NAMES = frozenset({"utc", "z", "gmt", "zulu", "etc/utc", "coordinated universal time"})
#: A definition is evaluated only when an event needs it. No calendar of stays has more of them than this.
_MOST_DEFINITIONS = 16
_LONGEST_DEFINITION = 20_000  # characters
#: The rules by which zones really change. Any other could keep the library busy for hours.
_RULE = re.compile(
    r"(?:;?(?:FREQ=YEARLY|BYMONTH=\d{1,2}|BYDAY=[+-]?[1-5]?(?:MO|TU|WE|TH|FR|SA|SU)|INTERVAL=1|COUNT=\d{1,4}"
    r"|BYMONTHDAY=(?:1?\d|2[0-8])(?:,(?:[12]?\d|3[01]))*|UNTIL=\d{8}(?:T\d{6}Z?)?|WKST=(?:MO|SU)))+",
    re.IGNORECASE,
)
_DAY = timedelta(days=1)


class Zones:
    """The zones that one VCALENDAR knows. `floating` is for times that name none."""

    def __init__(self, definitions: Iterable[Sequence[str]], stated: str, fallback: str) -> None:
        """`stated`: X-WR-TIMEZONE, may be empty; `fallback`: the property's zone."""
        self._definitions: dict[str, Sequence[str]] = {}
        for lines in definitions:
            tzid = _property(lines, "TZID")
            if tzid and len(self._definitions) < _MOST_DEFINITIONS:
                self._definitions.setdefault(tzid, lines)
        self._known: dict[str, tzinfo | None] = {}
        self._fallback = named(fallback)
        self.home: tzinfo = self._fallback or UTC  # the property's
        self.floating: tzinfo = self.named(stated) or self.home

    def named(self, tzid: str) -> tzinfo | None:
        """The zone of a TZID, or None when nobody knows it."""
        tzid = one_line(tzid, 255).strip("\"'")
        if tzid not in self._known:
            self._known[tzid] = self._resolve(tzid)
        return self._known[tzid]

    def _resolve(self, tzid: str) -> tzinfo | None:
        if not tzid:
            return None
        lines = self._definitions.get(tzid)
        location = _property(lines, "X-LIC-LOCATION") if lines else ""
        found = named(tzid) or named(location) or (_defined(lines) if lines else None) or _offset(tzid)
        return found or self._shown(tzid) or _abbreviated(tzid)

    def _shown(self, tzid: str) -> tzinfo | None:
        """A zone as Outlook shows it: by a city in it, else the property's own if the offset agrees, else the
        offset as it is."""
        shown = _SHOWN.fullmatch(tzid)
        if shown is None:
            return None
        offset = _offset(f"{shown[1]}{shown[2]}:{shown[3] or '00'}") if shown[1] else UTC
        if offset is None:
            return None
        cities = (_city(word) for word in re.split(r"[,/&;]", shown[4]))
        for zone in (*cities, _spoken(shown[4]), self._fallback):
            if zone is not None and _standard(zone) == _standard(offset):
                return zone
        return offset


@cache
def _iana() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


@cache
def _windows() -> dict[str, str]:
    return {name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()}


def named(name: str) -> tzinfo | None:
    """The zone of an IANA or Windows name, also behind a prefix such as "/freeassociation.sourceforge.net/"."""
    key = _MICROSOFT.sub("", name.strip()).casefold()
    if key in _UTC_NAMES:
        return UTC
    parts = [part for part in key.split("/") if part]
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if start and len(parts) - start == 1:
            break  # the last word of a longer name alone ("/x/EST") proves nothing
        found = _iana().get(tail) or _iana().get(_windows().get(tail, "").casefold())
        if found is not None:
            return ZoneInfo(found)
    return None


@cache
def _cities() -> dict[str, str]:
    """IANA zones by their city, "buenos aires" for America/Argentina/Buenos_Aires."""
    return {name.rpartition("/")[2].replace("_", " ").casefold(): name for name in _iana().values() if "/" in name}


def _city(word: str) -> tzinfo | None:
    found = _cities().get(word.strip().casefold())
    return ZoneInfo(found) if found else None


def _spoken(name: str) -> tzinfo | None:
    found = _SPOKEN.get(name.partition("(")[0].strip().casefold())
    return ZoneInfo(found) if found else None


def _abbreviated(tzid: str) -> tzinfo | None:
    hours = _ABBREVIATIONS.get(tzid.strip().casefold())
    return _spoken(tzid) if hours is None else timezone(timedelta(hours=hours))


def _standard(zone: tzinfo) -> timedelta:
    """The offset without daylight saving time: the smaller one of the year."""
    days = (datetime(2027, 1, 1, tzinfo=zone), datetime(2027, 7, 1, tzinfo=zone))
    return min(day.utcoffset() or timedelta() for day in days)


def _offset(tzid: str) -> tzinfo | None:
    found = _OFFSET.fullmatch(tzid)
    if found is None:
        return None
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 14 or minutes > 59:
        return None
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(delta if found[1] == "+" else -delta)


def _defined(lines: Sequence[str]) -> tzinfo | None:
    """The zone that a VTIMEZONE defines. Its name is replaced, so that the library's cache never grows."""
    kept = [line for line in lines if line[:4].upper() != "TZID" and line[:2].upper() != "X-"]
    kept.insert(1, "TZID:calendar")
    rules = [line.partition(":")[2] for line in kept if line[:5].upper() == "RRULE"]
    if sum(map(len, kept)) > _LONGEST_DEFINITION or not all(_RULE.fullmatch(rule.strip()) for rule in rules):
        return None
    try:
        component = Timezone.from_ical("\r\n".join([*kept, ""]))
        zone = component.to_tz(lookup_tzid=False) if isinstance(component, Timezone) else None
        datetime(2027, 1, 1, tzinfo=zone).astimezone(UTC)
    except Exception:  # noqa: BLE001 - a foreign definition may break the library in any way; it is then unknown
        return None
    return zone if isinstance(zone, tzinfo) else None


def _property(lines: Sequence[str], name: str) -> str:
    for line in lines:
        read = split(line)
        if read is not None and read[0] == name:
            return one_line(text(read[2]), 255)
    return ""


@lru_cache(maxsize=4096)
def _offsets_around(zone: tzinfo, day: date) -> tuple[timedelta, timedelta]:
    """The offsets a day before and a day after a day; a calendar asks for the same days again and again."""
    noon = datetime.combine(day, time(12))
    before = (noon - _DAY).replace(tzinfo=zone).utcoffset() or timedelta()
    after = (noon + _DAY).replace(tzinfo=zone).utcoffset() or timedelta()
    return before, after


def instant(wall: datetime, zone: tzinfo) -> datetime:
    """The instant, in UTC, of a naive wall time in a zone (RFC 5545, 3.3.5).

    A wall time that DST skips takes the offset before the gap, one that comes twice means the first. Raises
    `OverflowError` at the ends of the calendar.
    """
    if isinstance(zone, ZoneInfo | timezone):
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    # Zones from a VTIMEZONE answer for a gap with the offset after it, so both offsets are tried in order.
    before, after = _offsets_around(zone, wall.date())
    if before == after:
        return (wall - before).replace(tzinfo=UTC)
    for offset in (before, after):
        moment = (wall - offset).replace(tzinfo=UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall:
            return moment
    return (wall - before).replace(tzinfo=UTC)
