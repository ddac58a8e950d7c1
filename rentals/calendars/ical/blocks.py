"""From content lines to the blocks they form, so that damage to one event stays with that event.

The library's parser of whole calendars gives up at the first line that it dislikes. Cut into blocks beforehand, a
calendar loses only what is really damaged, and we know whether damage may hide an event.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from rentals.calendars.events import FeedError, FeedFault
from rentals.phrases import phrase

#: The largest number of events that is read.
MAX_EVENTS = 20_000

_KNOWN = frozenset(
    {
        *("VTODO", "VJOURNAL", "VFREEBUSY", "VALARM", "VAVAILABILITY", "AVAILABLE", "VTIMEZONE", "STANDARD"),
        *("DAYLIGHT", "VLOCATION", "VRESOURCE", "PARTICIPANT", "VPOLL", "VVENUE", "VOTE", "VREPLY"),
    }
)
_EDGE = re.compile(r"(BEGIN|END)[ \t]*:[ \t]*(\S+)[ \t]*", re.IGNORECASE)
#: Properties of events. Found outside of every event, they mean that an event lost its BEGIN.
_OF_AN_EVENT = re.compile(r"(?:DTSTART|DTEND)[;:]", re.IGNORECASE)


@dataclass(slots=True)
class Head:
    """What one VCALENDAR says about itself: its own properties and its time zones."""

    lines: list[str] = field(default_factory=list)
    zones: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """The lines of one event, without BEGIN and END and without what is nested in it."""

    head: Head
    lines: list[str] = field(default_factory=list)
    damage: str = ""  # why it cannot be read


@dataclass(slots=True)
class Blocks:
    """A file cut into pieces. `complete` is False when damage may hide an event."""

    heads: list[Head] = field(default_factory=list)
    events: list[Block] = field(default_factory=list)
    complete: bool = True


def cut(lines: list[str]) -> Blocks:
    """Cut the lines of a file, which may hold several VCALENDAR objects.

    Raises `FeedError` when there is no calendar, when one has no end (a download that broke off) and when there are
    too many events.
    """
    cutter = _Cutter()
    for line in lines:
        edge = _EDGE.fullmatch(line) if line[0] in "bBeE" else None
        if edge is None:
            cutter.content(line)
        elif edge[1].upper() == "BEGIN":
            cutter.begin(edge[2].upper())
        else:
            cutter.end(edge[2].upper())
    return cutter.finish()


class _Cutter:
    """One pass over the lines: which calendar, which event and which nested component we are in."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.head: Head | None = None
        self.event: Block | None = None
        self.open: Counter[str] = Counter()  # how many of each name are in `nested`
        self.nested: list[str] = []  # open components that are neither calendar nor event
        self.zone: list[str] | None = None
        self.hidden: Block | None = None  # lines that may be an event that lost its name

    # -- one line

    def begin(self, name: str) -> None:
        if name == "VCALENDAR":
            if self.head is not None:
                raise _truncated()
            self.head = Head()
            self.blocks.heads.append(self.head)
        elif name == "VEVENT":
            self._begin_event()
        elif self.head is not None:
            self._begin_nested(name)

    def end(self, name: str) -> None:
        if name == "VCALENDAR":
            self._end_calendar()
        elif name == "VEVENT":
            self._end_event()
        elif self.open[name]:
            while (gone := self.nested.pop()) != name:
                self.open[gone] -= 1
                self.blocks.complete = False
            self.open[name] -= 1
            self._zone_line(f"END:{name}")
            if name == "VTIMEZONE":
                self.zone = None
            if not self.nested:
                self.hidden = None
        elif self.head is not None and name not in _KNOWN and not name.startswith("X-"):
            self.blocks.complete = False  # an END that belongs to nothing, perhaps of an event

    def content(self, line: str) -> None:
        if self.hidden is not None:
            self.hidden.lines.append(line)
        elif self.nested:
            self._zone_line(line)
        elif self.event is not None:
            self.event.lines.append(line)
        elif self.head is not None:
            if _OF_AN_EVENT.match(line):
                self._hide(phrase("It has no BEGIN:VEVENT."), [line])
            else:
                self.head.lines.append(line)

    def finish(self) -> Blocks:
        if not self.blocks.heads:
            raise FeedError(
                FeedFault.NOT_A_CALENDAR,
                phrase("The content is not a calendar: it has no BEGIN:VCALENDAR. Check the link."),
            )
        if self.head is not None:
            raise _truncated()
        return self.blocks

    # -- steps

    def _begin_event(self) -> None:
        if self.event is not None:
            self._damaged(phrase("It has no END:VEVENT."))
        if self.nested:
            self.blocks.complete = False
        self._leave_nested()
        if len(self.blocks.events) >= MAX_EVENTS:
            raise _too_many()
        self.event = Block(self.head or Head())
        self.blocks.events.append(self.event)
        if self.head is None:
            self._damaged(phrase("It is outside of the calendar."))

    def _end_event(self) -> None:
        if self.nested and self.event is not None:
            self.blocks.complete = False  # what is nested never ended and may have swallowed lines of the event
        elif self.event is None:
            self.blocks.complete = False
        self._leave_nested()
        self.event = None

    def _end_calendar(self) -> None:
        if self.event is not None:
            self._damaged(phrase("It has no END:VEVENT."))
            self.event = None
        if self.nested:
            self.blocks.complete = False
        self._leave_nested()
        self.head = None

    def _begin_nested(self, name: str) -> None:
        if self.hidden is not None and not self.nested:
            self.hidden = None  # it was loose lines, and they end here
        self.nested.append(name)
        self.open[name] += 1
        if name == "VTIMEZONE" and self.head is not None:
            self.zone = []
            self.head.zones.append(self.zone)
        self._zone_line(f"BEGIN:{name}")
        if name not in _KNOWN and not name.startswith("X-") and self.hidden is None:
            self._hide(phrase("Its BEGIN line is damaged."), [])

    def _hide(self, damage: str, lines: list[str]) -> None:
        """Keep lines that may be an event under another name, so that a person sees what is not imported."""
        self.blocks.complete = False
        if len(self.blocks.events) >= MAX_EVENTS:
            raise _too_many()
        self.hidden = Block(self.head or Head(), lines, damage)
        self.blocks.events.append(self.hidden)

    def _zone_line(self, line: str) -> None:
        if self.zone is not None:
            self.zone.append(line)

    def _damaged(self, why: str) -> None:
        self.blocks.complete = False
        if self.event is not None and not self.event.damage:
            self.event.damage = why

    def _leave_nested(self) -> None:
        self.nested = []
        self.open = Counter()
        self.zone = None
        self.hidden = None


def _truncated() -> FeedError:
    return FeedError(FeedFault.TRUNCATED, phrase("The calendar has no end (END:VCALENDAR): the download broke off."))


def _too_many() -> FeedError:
    most = f"{MAX_EVENTS:,}"
    return FeedError(FeedFault.TOO_MANY_EVENTS, phrase("The calendar has more than {most} events.", most=most))
