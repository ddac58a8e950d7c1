"""From events to arrivals: the calendar's channel, what its events mean, and where they lie in the property's time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rentals.calendars.classify.verdicts import classify, recognise
from rentals.calendars.decide import last_nights
from rentals.calendars.decide.joined_events import JOINING
from rentals.calendars.decide.placing import Arrival, Hours, Key, beside_true_times, place, place_unreadable
from rentals.calendars.events import (
    Calendar,
    Channel,
    EndDates,
    Event,
    FeedError,
    FeedFault,
    Options,
    Quarantined,
    Verdict,
)
from rentals.calendars.imports import joined_rows
from rentals.calendars.imports.ledger import Ledger
from rentals.models import CalendarFeed
from rentals.phrases import phrase


def channel_of(calendar: Calendar, feed: CalendarFeed) -> Channel:
    """The calendar's channel. Raises FeedError for a calendar that we publish ourselves.

    A channel that is suddenly no longer recognised is still the one it was: otherwise a new PRODID would turn every
    stay of Booking.com into closed days.
    """
    channel = recognise(calendar, Channel(feed.channel))
    if channel is Channel.TURNKEY:
        raise FeedError(
            FeedFault.OWN_CALENDAR,
            phrase("This calendar is published by Turnkey itself. Use the link that the booking channel gives you."),
        )
    if channel is Channel.OTHER and feed.channel == Channel.AUTO.value and feed.state.detected_channel:
        return Channel(feed.state.detected_channel)
    return channel


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a calendar lists. `last_nights`: after how many rows a single day is missing, see `last_nights`."""

    listed: tuple[Arrival, ...]
    last_nights: int = 0


def arrivals_of(calendar: Calendar, ledger: Ledger) -> Arrivals:
    """Everything that the calendar lists, placed in the property's time, each under a key of its own."""
    prop, channel, options = ledger.feed.property, ledger.channel, ledger.feed.options
    hours = Hours(prop.timezone, prop.check_in_time, prop.check_out_time)
    events, remainders = (
        tuple(last_nights.by_option(one, options.end_dates) for one in calendar.events),
        frozenset[Key](),
    )
    if channel in JOINING:
        split = joined_rows.split(events, ledger)
        events, remainders = split.events, split.remainders
    readings = beside_true_times(classify(events, channel, options))
    found = last_nights.signs(readings) if options.end_dates is EndDates.UNDECIDED else last_nights.Signs()
    arrivals = [place(reading, hours) for reading in last_nights.mark(readings, found)]
    arrivals = joined_rows.marked(arrivals, remainders)
    arrivals += [_unreadable(event, channel, options, hours) for event in calendar.quarantined]
    return Arrivals(tuple(_distinct(arrivals)), len(found.gaps))


def _unreadable(event: Quarantined, channel: Channel, options: Options, hours: Hours) -> Arrival:
    """Closed days may last for years. They are read as what they are; whatever else cannot be read is told."""
    if event.beyond_belief and event.starts is not None and event.ends is not None:
        as_event = Event(event.uid, event.starts, event.ends, event.summary, event.recurrence_id, status=event.status)
        (reading,) = classify([as_event], channel, options)
        if reading.verdict is Verdict.BLOCK and (placed := place(reading, hours)).verdict is Verdict.BLOCK:
            return placed
    return place_unreadable(event, hours)


def _distinct(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Keys are unique in the table: of several with one key, the later ones are told apart by a number."""
    taken: set[Key] = set()
    result: list[Arrival] = []
    for arrival in arrivals:
        key = arrival.key
        if not key.uid:
            said = hashlib.sha256(f"{arrival.summary}\n{arrival.excerpt}".encode()).hexdigest()
            key = Key(f"unreadable:{said[:40]}", "", "")
        number = 1
        while key in taken:
            number += 1
            key = Key(key.uid, key.recurrence_id, f"{arrival.key.part}#{number}")
        taken.add(key)
        result.append(arrival if key == arrival.key else replace(arrival, key=key))
    return result
