"""From bytes to events: the reading half of a calendar import. Pure; `classify` decides what the events are.

The `icalendar` library parses what stands in a line (parameters, escapes, dates, durations, rules, zones). The lines
themselves are prepared here, because its parser of whole calendars gives up on all events when one line is broken:

1. `unfold`: bytes to content lines. 2. `blocks`: lines to events. 3. `records`: one event to values, or the reason
why not. 4. `versions`: which of several events with one key counts. 5. `recurrence`: occurrences within bounds.

METHOD means nothing here: a published calendar with METHOD:CANCEL is an exporter's mistake, and believing it would
cancel every stay at once. Only the STATUS of an event cancels it. TRANSP, CLASS and alarms mean nothing either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo

from rentals.calendars.events import AT_MIDNIGHT, NO_LENGTH, Calendar, Event, Quarantined
from rentals.calendars.ical.blocks import MAX_EVENTS, Block, Blocks, Head, cut
from rentals.calendars.ical.midnights import days_of
from rentals.calendars.ical.properties import EXCERPT_LENGTH, SUMMARY_LENGTH, paragraphs, split, text
from rentals.calendars.ical.properties import uid as uid_of
from rentals.calendars.ical.records import Fields, Record, fields_of, known_dates, record_of, status_of
from rentals.calendars.ical.recurrence import MOST_INSTANCES, Instance, expand
from rentals.calendars.ical.recurrence_rules import Budget
from rentals.calendars.ical.times import USUAL_NIGHTS, BeyondBelief, Unreadable
from rentals.calendars.ical.unfold import content_lines
from rentals.calendars.ical.versions import settle
from rentals.calendars.ical.zones import Zones
from rentals.phrases import phrase, phrases
from rentals.plain_text import one_line

_NAME_LENGTH = 120
_MANY = ("RRULE", "RDATE")
_SAME_TIME = phrase("It begins and ends at one time of day, written in UTC: perhaps days of another time zone.")


def read_calendar(body: bytes, *, zone: str, now: datetime) -> Calendar:
    """Read a calendar to its end.

    `zone` is the property's, for times that name none in a calendar without X-WR-TIMEZONE; `now` (UTC) bounds
    recurrences and dates. An event that cannot be read is in `quarantined` with its reason and costs no other event.
    Raises `FeedError` when the content as a whole cannot be believed: no calendar, no end, too large, too many
    events.
    """
    blocks = cut(content_lines(body))
    reading = _Reading(now, complete=blocks.complete)
    reading.read(blocks, zone)
    settled = settle(reading.records)
    records = settled.records
    reading.quarantined += [_left_out(record) for record in settled.doubtful if record.status != "CANCELLED"]
    recurring = any(record.recurs for record in records)
    events = reading.expanded(records) if recurring else [_event(record) for record in records]
    return Calendar(
        events=tuple(events),
        quarantined=tuple(reading.quarantined),
        prodid=_about(blocks.heads).get("PRODID", ""),
        complete=reading.complete,
        has_versions=settled.by_stamps,
        has_recurrences=recurring,
    )


@dataclass(slots=True)
class _Reading:
    """What was read so far of one file."""

    now: datetime
    complete: bool
    records: list[Record] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)

    def read(self, blocks: Blocks, zone: str) -> None:
        zones = {id(head): _zones(head, zone) for head in blocks.heads}
        outside = Zones((), "", zone)
        for order, block in enumerate(blocks.events):
            fields, its_zones = fields_of(block), zones.get(id(block.head), outside)
            try:
                if block.damage:
                    raise Unreadable(block.damage)
                self.records.append(record_of(fields, order, its_zones, self.now))
            except Unreadable as reason:
                self._quarantine(fields, block, its_zones, reason)

    def expanded(self, records: list[Record]) -> list[Event]:
        """Events of all records, those that recur as their occurrences, in the order of the file."""
        overrides: dict[str, list[Record]] = defaultdict(list)
        recurring = {record.uid for record in records if record.recurs and record.recurrence is None}
        for record in records:
            if record.recurrence is not None and record.uid in recurring:
                overrides[record.uid].append(record)
        budget = Budget()
        events: list[Event] = []
        for record in records:
            if record.recurrence is not None and record.uid in recurring:
                continue
            if not record.recurs or record.recurrence is not None:
                events.append(_event(record))
                continue
            try:
                if len(events) + MOST_INSTANCES > MAX_EVENTS:
                    budget.days = 0
                instances = expand(record, overrides.pop(record.uid, ()), self.now, budget)
            except Unreadable as reason:
                self.quarantined.append(
                    Quarantined(
                        record.uid,
                        reason.text,
                        summary=record.summary,
                        starts=self._ahead(record.starts),
                        status=record.status,
                    )
                )
                continue
            events += [_event(one.record, one, record.part) for one in instances]
        return events

    def _ahead(self, starts: date | None) -> date | None:
        """Where an event that recurs may come next: nobody knows once it has begun."""
        return None if starts is None or _is_before(starts, self.now) else starts

    def _quarantine(self, fields: Fields, block: Block, zones: Zones, reason: Unreadable) -> None:
        starts, ends = known_dates(fields, zones)
        if any(fields.several.get(name) for name in _MANY):
            starts = self._ahead(starts)
        uid = uid_of(fields.text("UID"))
        if fields.merged or not uid:
            self.complete = False  # an event may be hidden in it
        self.quarantined.append(
            Quarantined(
                uid=uid,
                reason=reason.text,
                starts=starts,
                ends=ends,
                status=status_of(fields.raw("STATUS")),
                beyond_belief=isinstance(reason, BeyondBelief),
                recurrence_id=one_line(fields.raw("RECURRENCE-ID"), 64),
                summary=one_line(fields.text("SUMMARY"), SUMMARY_LENGTH),
                excerpt=paragraphs("\n".join(block.lines[:60]), EXCERPT_LENGTH),
            )
        )


def _is_before(value: date, now: datetime) -> bool:
    return value < now if isinstance(value, datetime) else value < now.date()


def _may_be_midnights_elsewhere(record: Record) -> bool:
    """Whether both ends were written in UTC at one time of day: the exporter's midnight, in a zone that it does not
    name? Taken as instants, such a code ends hours before the check-out of its last day."""
    start, end = record.start, record.end
    if start.wall is None or end.wall is None or record.by_length or record.end_assumed or record.no_length:
        return False
    return start.zone is UTC and end.zone is UTC and start.wall.time() == end.wall.time() and start.day < end.day


def _event(record: Record, instance: Instance | None = None, part: str = "") -> Event:
    starts, ends = (record.starts, record.ends) if instance is None else (instance.starts, instance.ends)
    days = days_of(starts, ends, _midnight_zones(record), record.zones.home)
    doubts: list[str] = [] if days is None or days.certain else [AT_MIDNIGHT]
    if days is None and _may_be_midnights_elsewhere(record):
        doubts.append(_SAME_TIME)
    if days is not None:
        starts, ends = days.starts, days.ends
    if record.no_length:
        doubts.append(NO_LENGTH)
    if (nights := (record.end.day - record.start.day).days) > USUAL_NIGHTS:
        doubts.append(
            phrases(
                "It lasts {number} night, longer than a year.", "It lasts {number} nights, longer than a year.", nights
            )
        )
    return Event(
        uid=record.uid,
        starts=starts,
        ends=ends,
        summary=record.summary,
        recurrence_id=record.recurrence_id if instance is None else instance.recurrence_id,
        part=part or record.part,
        description=record.description,
        url=record.url,
        status=record.status,
        end_assumed=record.end_assumed,
        by_length=record.by_length,
        no_length=record.no_length,
        from_midnights=days is not None,
        doubts=tuple(doubts),
    )


def _left_out(record: Record) -> Quarantined:
    """What a newer row with the same UID replaced, although it seems to be another stay."""
    event = _event(record)
    return Quarantined(
        record.uid,
        phrase("A newer row has the same UID, other days and other words, and only that one counts."),
        recurrence_id=record.recurrence_id,
        summary=record.summary,
        starts=event.starts,
        ends=event.ends,
        status=record.status,
    )


def _midnight_zones(record: Record) -> Iterator[tzinfo]:
    """In whose midnights the exporter may have written days: as it says itself, then the property's and the calendar's
    own zone, at last UTC."""
    for zone in (record.start.zone, record.end.zone, record.zones.home, record.zones.floating):
        if zone is not None and zone is not UTC:
            yield zone
    yield UTC


def _about(heads: Iterable[Head]) -> dict[str, str]:
    """The calendar's own properties as plain text. Of several objects in a file, the first one counts."""
    about: dict[str, str] = {}
    for head in heads:
        for line in head.lines:
            read = split(line)
            if read is not None:
                about.setdefault(read[0], one_line(text(read[2]), _NAME_LENGTH))
    return about


def _zones(head: Head, zone: str) -> Zones:
    return Zones(head.zones, _about([head]).get("X-WR-TIMEZONE", ""), zone)
