"""One VEVENT read into values, before versions and recurrences are settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from icalendar.prop import vInt

from rentals.calendars.events import UNNAMED
from rentals.calendars.ical.blocks import Block
from rentals.calendars.ical.properties import (
    DESCRIPTION_LENGTH,
    SUMMARY_LENGTH,
    URL_LENGTH,
    Params,
    paragraphs,
    split,
    text,
    uid,
)
from rentals.calendars.ical.times import Moment, Unreadable, after, check_period, has_no_length, next_day, read_moment
from rentals.calendars.ical.zones import Zones
from rentals.phrases import phrase
from rentals.plain_text import one_line

#: Properties that an event has at most once (RFC 5545, 3.6.1). Twice means that two events ran into one.
_ONCE = frozenset({"UID", "DTSTART", "DTEND", "RECURRENCE-ID"})
_MANY = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE"})
_TEXTS = frozenset({"SUMMARY", "DESCRIPTION", "UID", "URL"})
_SCHEMES = frozenset({"HTTP", "HTTPS"})  # a link at the beginning of a line looks like a property
_FOLD_LENGTHS = range(70, 78)  # octets
_NOTHING: tuple[tuple[Params, str], ...] = ()


@dataclass(slots=True)
class Fields:
    """The properties of one event, still raw."""

    single: dict[str, tuple[Params, str]]
    several: dict[str, list[tuple[Params, str]]]
    merged: bool = False  # holds lines of two events

    def raw(self, name: str) -> str:
        """The value of a property as written, without space around it; "" when it is not there."""
        found = self.single.get(name)
        return found[1].strip() if found else ""

    def text(self, name: str) -> str:
        found = self.single.get(name)
        return text(found[1]) if found else ""


@dataclass(slots=True)
class Record:
    """One event with its times, and what versions and recurrences need to know."""

    order: int  # its place in the file
    uid: str
    start: Moment
    end: Moment
    starts: date
    ends: date
    zones: Zones
    summary: str
    description: str
    url: str
    status: str
    recurrence: Moment | None = None  # RECURRENCE-ID
    this_and_future: bool = False
    sequence: int = 0
    dtstamp: str = ""
    last_modified: str = ""
    rules: tuple[str, ...] = ()
    rdates: tuple[tuple[Params, str], ...] = _NOTHING
    exdates: tuple[tuple[Params, str], ...] = _NOTHING
    part: str = ""
    end_assumed: bool = False  # neither DTEND nor DURATION
    by_length: bool = False  # DURATION instead of DTEND
    no_length: bool = False  # it ended when it started; `end` is a night later

    @property
    def unnamed(self) -> bool:
        """Whether it came without a UID."""
        return self.uid.startswith(UNNAMED)

    @property
    def recurrence_id(self) -> str:
        return "" if self.recurrence is None else key_of(self.recurrence.value)

    @property
    def recurs(self) -> bool:
        return bool(self.rules or self.rdates)

    @property
    def content(self) -> tuple[object, ...]:
        """What it says, without its stamps: two records with the same content are one event written twice."""
        said = (self.starts, self.ends, self.summary, self.description, self.url, self.status)
        return (*said, self.rules, tuple(v for _, v in self.rdates), tuple(v for _, v in self.exdates))


def key_of(value: date) -> str:
    """A day or an instant as part of a key."""
    return value.isoformat()


def fields_of(block: Block) -> Fields:
    """The properties of an event. Other lines are dropped unless they continue a text, see `_continue`."""
    fields = Fields({}, {})
    last, length = "", 0
    for line in block.lines:
        read = split(line)
        if read is None or read[0] in _SCHEMES:
            if last in _TEXTS:
                _continue(fields, last, line, length)
                length = len(line.encode())
            continue
        last, params, value = read
        length = len(line)
        if last in _MANY:
            fields.several.setdefault(last, []).append((params, value))
        elif last not in fields.single:
            fields.single[last] = (params, value)
        elif last in _ONCE and value.strip() != fields.single[last][1].strip():
            fields.merged = True
    return fields


def _continue(fields: Fields, name: str, line: str, length: int) -> None:
    """Add a line that is no property to the text before it. After a line of the length at which exporters fold, it is
    the rest of a fold that lacks its space; otherwise it is a line of its own, which only a DESCRIPTION has."""
    params, value = fields.single[name]
    if length in _FOLD_LENGTHS:
        fields.single[name] = (params, f"{value}{line}")
    elif name == "DESCRIPTION":
        fields.single[name] = (params, f"{value}\\n{line}")


def record_of(fields: Fields, order: int, zones: Zones, now: datetime) -> Record:
    """Read an event. Raises `Unreadable` with the reason."""
    if fields.merged:
        raise Unreadable(phrase("A property that an event has only once is there twice: two events ran into one."))
    start, end = _period(fields, zones)
    recurrence, this_and_future = _recurrence_id(fields, zones)
    rules = tuple(value.strip() for _, value in fields.several.get("RRULE", ()) if value.strip())
    if fields.several.get("EXRULE"):
        raise Unreadable(phrase("Its recurrence uses EXRULE, which is obsolete."))
    rdates = tuple(fields.several.get("RDATE", ()))
    no_length = has_no_length(start, end)
    if no_length:
        end = next_day(start)
    starts, ends = check_period(start, end, now)
    return Record(
        order=order,
        uid=uid(fields.text("UID")) or f"{UNNAMED}{key_of(starts)}/{key_of(ends)}",
        start=start,
        end=end,
        starts=starts,
        ends=ends,
        zones=zones,
        summary=one_line(fields.text("SUMMARY"), SUMMARY_LENGTH),
        description=paragraphs(fields.text("DESCRIPTION"), DESCRIPTION_LENGTH),
        url=one_line(fields.raw("URL"), URL_LENGTH),
        status=status_of(fields.raw("STATUS")),
        recurrence=recurrence,
        this_and_future=this_and_future,
        sequence=_sequence(fields.raw("SEQUENCE")),
        dtstamp=fields.raw("DTSTAMP"),
        last_modified=fields.raw("LAST-MODIFIED"),
        rules=rules,
        rdates=rdates,
        exdates=tuple(fields.several.get("EXDATE", ())),
        end_assumed=not (fields.raw("DTEND") or fields.raw("DURATION")),
        by_length=bool(fields.raw("DURATION") and not fields.raw("DTEND")),
        no_length=no_length,
    )


def known_dates(fields: Fields, zones: Zones) -> tuple[date | None, date | None]:
    """Start and end of an event that cannot be read as a whole, as far as each can be read by itself. Of two events
    that ran into one neither is known, and of one that recurs only the beginning."""
    if fields.merged:
        return None, None
    if any(fields.several.get(name) for name in ("RRULE", "RDATE")):
        return _known_date(fields, zones, "DTSTART"), None
    return _known_date(fields, zones, "DTSTART"), _known_date(fields, zones, "DTEND")


def _known_date(fields: Fields, zones: Zones, name: str) -> date | None:
    found = fields.single.get(name)
    if found is None:
        return None
    try:
        return read_moment(found[1], found[0], zones).value
    except (Unreadable, OverflowError):
        return None


def _period(fields: Fields, zones: Zones) -> tuple[Moment, Moment]:
    """DTEND is the check-out; without it DURATION counts, without both it is one night."""
    if "DTSTART" not in fields.single:
        raise Unreadable(phrase("It has no start (DTSTART)."))
    params, value = fields.single["DTSTART"]
    start = read_moment(value, params, zones)
    if fields.raw("DTEND"):
        params, value = fields.single["DTEND"]
        return start, read_moment(value, params, zones)
    if fields.raw("DURATION"):
        return start, after(start, fields.raw("DURATION"))
    return start, next_day(start)


def _recurrence_id(fields: Fields, zones: Zones) -> tuple[Moment | None, bool]:
    if not fields.raw("RECURRENCE-ID"):
        return None, False
    params, value = fields.single["RECURRENCE-ID"]
    read = read_moment(value, params, zones)
    try:
        _ = read.value
    except OverflowError:
        raise Unreadable(phrase("A date in it is out of range.")) from None
    return read, params.get("RANGE", "").upper() == "THISANDFUTURE"


def status_of(raw: str) -> str:
    """A STATUS in the spelling of RFC 5545, 3.8.1.11."""
    status = one_line(raw, 32).upper()
    return "CANCELLED" if status == "CANCELED" else status


def _sequence(raw: str) -> int:
    if not raw:
        return 0
    try:
        return int(vInt.from_ical(raw))
    except ValueError:
        return 0
