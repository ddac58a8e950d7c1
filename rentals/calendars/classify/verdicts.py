"""What an event is: a stay, a block, not yet certain, or nothing at all. Pure.

Whatever is not known to be something else is a stay: an unneeded code does no harm, but a guest in front of a locked
door is the worst outcome. Doubtful readings are marked for review, and each gives its reason in words for the host.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from rentals.calendars.classify.details import guest_of, signed_by_manager, without_asides
from rentals.calendars.classify.phrases import Kind, Said, fold, read
from rentals.calendars.events import Calendar, Channel, Event, Guest, Options, Reading, Verdict
from rentals.phrases import Phrase, phrase, phrases

#: How a channel writes itself in PRODID or behind the "@" of a UID.
_SIGNS = (
    (Channel.AIRBNB, ("airbnb",)),
    (Channel.BOOKING, ("booking.com",)),
    (Channel.VRBO, ("homeaway", "vrbo", "abritel", "fewo-direkt", "fewodirekt", "stayz", "bookabach")),
    (Channel.GUESTY, ("guesty",)),
    (Channel.SMOOBU, ("smoobu",)),
    (Channel.HOSTAWAY, ("hostaway",)),
    (Channel.HOSPITABLE, ("hospitable", "smartbnb")),
    (Channel.OWNERREZ, ("ownerrez", "ownerreservations")),
    (Channel.BEDS24, ("beds24",)),
    (Channel.GOOGLE, ("google",)),
)
_OURS = re.compile(r"(?:^|//)turnkey//", re.IGNORECASE)
#: Guesty's UIDs of what nobody booked: advance notice, booking window, blocked days.
_GUESTY_TAG = re.compile(r"_(?:an|bw|bd)_", re.IGNORECASE)
_CLOSED_NAMELESS = frozenset({"closed - not available", "closed not available", "closed - unavailable"})
_CLOSED_HEAD = re.compile(r"closed\s*(?:[\u2013\u2014:-])\s*(.+)", re.IGNORECASE)
_DASH = re.compile(r"\s*-\s*")
_SHORT = timedelta(hours=24)


def recognise(calendar: Calendar, chosen: Channel) -> Channel:
    """The channel of a calendar: the one set by hand, else by PRODID, else by most of its UIDs' hosts.

    A calendar that we publish ourselves is recognised whatever was chosen, so that nobody's stays go round in circles.
    """
    if _OURS.search(calendar.prodid):
        return Channel.TURNKEY
    if chosen is not Channel.AUTO:
        return chosen
    return _channel_in(calendar.prodid) or _channel_of_most(calendar) or Channel.OTHER


def _channel_in(text: str) -> Channel | None:
    lowered = text.casefold()
    return next((channel for channel, signs in _SIGNS if any(sign in lowered for sign in signs)), None)


def _channel_of_most(calendar: Calendar) -> Channel | None:
    hosts: dict[str, int] = {}
    for event in calendar.events:
        host = event.uid.rpartition("@")[2] if "@" in event.uid else ""
        hosts[host] = hosts.get(host, 0) + 1
    counts: dict[Channel, int] = {}
    for host, count in hosts.items():
        channel = _channel_in(host)
        if channel is not None:
            counts[channel] = counts.get(channel, 0) + count
    best = max(counts, key=lambda channel: counts[channel], default=None)
    return best if best is not None and 2 * counts[best] > len(calendar.events) else None


def classify(events: Sequence[Event], channel: Channel, options: Options) -> tuple[Reading, ...]:
    """Read each event; `channel` is what `recognise` said. In the order of the events."""
    readings = [_reading(event, channel, options) for event in events]
    if any(reading.verdict is Verdict.MARKER for reading in readings):
        readings = _markers_beside_stays(readings, channel)
    return tuple(readings)


def _reading(event: Event, channel: Channel, options: Options) -> Reading:
    """One event by itself, in this order: its status, Guesty's tags, Booking.com's own words, then its text."""
    if event.status == "CANCELLED":
        code = guest_of(event, channel, "").reservation_code  # by which it is found under a new UID
        reason = phrase("The calendar says that it is cancelled (STATUS:CANCELLED).")
        return Reading(event, Verdict.CANCELLED, reason, guest=Guest(reservation_code=code))
    if channel is Channel.GUESTY and _GUESTY_TAG.search(event.uid):
        return Reading(event, Verdict.BLOCK, phrase("Guesty marks days that nobody booked with such a UID."))
    if channel is Channel.BOOKING:
        closed = _closed_at_booking(event, options)
        if closed is not None:
            return closed
    summary, signed = signed_by_manager(event.summary)
    said = read(summary)
    if signed and said.kind is not Kind.UNKNOWN and not said.whole:
        # A guest may be called Mr Closed, but "Unavailable (manual block)" names nobody.
        named = said.kind is Kind.BLOCK and not read(without_asides(summary)).whole
        said = Said(Kind.STAY, summary) if named else said
    if said.kind is Kind.BLOCK:
        return _block(event, channel, options)
    return _by_word(event, channel, said, signed)


def _by_word(event: Event, channel: Channel, said: Said, signed: bool) -> Reading:
    guest = guest_of(event, channel, said.rest)
    if said.kind is Kind.CANCELLED:
        reason = phrase("Its text says that it is cancelled, but its STATUS does not. Please decide.")
        return Reading(event, Verdict.REVIEW, reason, needs_review=True, guest=guest)
    if event.status == "TENTATIVE":
        reason = phrase("The calendar says that it is not confirmed yet (STATUS:TENTATIVE).")
        return Reading(event, Verdict.TENTATIVE, reason, guest=guest)
    if said.kind is Kind.TENTATIVE:
        return Reading(event, Verdict.TENTATIVE, phrase("Its text means: not confirmed yet."), guest=guest)
    if said.kind is Kind.MARKER:
        return Reading(event, Verdict.MARKER, phrase("It marks the arrival or departure of a stay in this calendar."))
    if said.kind is Kind.STAY:
        airbnb = channel is Channel.AIRBNB
        reason = phrase("Airbnb marks a stay as “Reserved”.") if airbnb else phrase("Its text means: a stay.")
        return Reading(event, Verdict.STAY, reason, guest=guest)
    if signed:
        return Reading(event, Verdict.STAY, phrase("It names a guest and the channel of the booking."), guest=guest)
    return _unknown(event, channel, said.rest)


def _unknown(event: Event, channel: Channel, rest: str) -> Reading:
    """Treated as a stay: better a code that nobody needs than a guest in front of a locked door."""
    reason = (
        phrase("Its text is not known to us: treated as a stay, please check.")
        if event.summary
        else phrase("It has no text (SUMMARY): treated as a stay, please check.")
    )
    guest, worded = guest_of(event, channel, ""), guest_of(event, channel, rest)
    # A name in the description is surer than an unknown text; but the code in that text may be the only one.
    guest = replace(guest if guest.name else worded, reservation_code=worded.reservation_code)
    return Reading(event, Verdict.STAY, reason, needs_review=True, guest=guest)


def _block(event: Event, channel: Channel, options: Options) -> Reading:
    if not options.blocked_items_are_stays:
        return Reading(event, Verdict.BLOCK, phrase("Its text means: closed, nobody comes."))
    reason = phrase("Blocked items of this calendar count as stays, as you chose.")
    guest = guest_of(event, channel, "")
    if event.status == "TENTATIVE":
        return Reading(event, Verdict.TENTATIVE, phrase("The calendar says that it is not confirmed yet."), guest=guest)
    if _nights(event) > options.longest_stay_nights:
        reason = phrases(
            "Blocked items of this calendar may be stays or closed days, and this one has {number} night (longest "
            "stay: {longest}). Please decide.",
            "Blocked items of this calendar may be stays or closed days, and this one has {number} nights (longest "
            "stay: {longest}). Please decide.",
            _nights(event),
            longest=options.longest_stay_nights,
        )
        return _long(event, reason)
    return Reading(event, Verdict.STAY, reason, guest=guest)


def _long(event: Event, reason: Phrase) -> Reading:
    """Closed days of a channel that writes stays in the same words, and longer than stays usually are."""
    return Reading(event, Verdict.REVIEW, reason, needs_review=True)


def _closed_at_booking(event: Event, options: Options) -> Reading | None:
    """Booking.com writes "CLOSED - Not available" for stays and closed days alike; older calendars name the guest."""
    folded = _DASH.sub(" - ", fold(event.summary))
    if folded in _CLOSED_NAMELESS:
        if event.status == "TENTATIVE":
            return Reading(event, Verdict.TENTATIVE, phrase("The calendar says that it is not confirmed yet."))
        if _nights(event) <= options.longest_stay_nights:
            reason = phrase("Booking.com marks stays and closed days alike; this one is short enough to be a stay.")
            return Reading(event, Verdict.STAY, reason, guest=guest_of(event, Channel.BOOKING, ""))
        reason = phrases(
            "Booking.com marks stays and closed days alike, and this one has {number} night (longest stay: "
            "{longest}). Please decide.",
            "Booking.com marks stays and closed days alike, and this one has {number} nights (longest stay: "
            "{longest}). Please decide.",
            _nights(event),
            longest=options.longest_stay_nights,
        )
        return _long(event, reason)
    named = _CLOSED_HEAD.fullmatch(event.summary)
    if named is None or event.status == "TENTATIVE":
        return None
    said = read(named[1])
    if said.kind is Kind.BLOCK or said.whole:
        return None
    reason = phrase("Booking.com marks a stay as “CLOSED - ” with a name.")
    # A guest may be called Held or Option: such a stay gets its code, and a person should look at it.
    doubtful = said.kind is not Kind.UNKNOWN
    guest = guest_of(event, Channel.BOOKING, named[1])
    return Reading(event, Verdict.STAY, reason, needs_review=doubtful, guest=guest)


def may_be_joined(event: Event) -> bool:
    """Whether Booking.com may have made this of several stays: whole days, and no word about a guest."""
    whole = not isinstance(event.starts, datetime) and not isinstance(event.ends, datetime)
    return whole and _DASH.sub(" - ", fold(event.summary)) in _CLOSED_NAMELESS


def _nights(event: Event) -> int:
    return (_day(event.ends) - _day(event.starts)).days


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _markers_beside_stays(readings: list[Reading], channel: Channel) -> list[Reading]:
    """A marker says nothing new when its stay is there. Alone, or longer than a day, it is all that we know of a
    guest, and counts as a stay like any unknown text."""
    occupied: set[date] = set()
    for reading in readings:
        if reading.verdict in (Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW, Verdict.CANCELLED):
            first = _day(reading.event.starts)
            occupied.update(first + timedelta(days=day) for day in range(_nights(reading.event) + 1))
    return [
        _alone(reading.event, channel)
        if reading.verdict is Verdict.MARKER and not _beside(reading.event, occupied)
        else reading
        for reading in readings
    ]


def _beside(event: Event, occupied: set[date]) -> bool:
    starts, ends = event.starts, event.ends
    if isinstance(starts, datetime) and isinstance(ends, datetime):
        short = ends - starts < _SHORT
    else:
        short = _nights(event) <= 1
    return short and _day(starts) in occupied


def _alone(event: Event, channel: Channel) -> Reading:
    reason = phrase("It marks an arrival or departure, but no stay goes with it: treated as a stay, please check.")
    guest = guest_of(event, channel, read(event.summary).rest)
    return Reading(event, Verdict.STAY, reason, needs_review=True, guest=guest)
