"""Stays and turnovers of a property as an iCalendar (RFC 5545), for the host's own calendar. Pure.

What is published never holds a door code, a phone number or a reservation code, because hosts pass the link on.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from icalendar import Calendar, Event

from rentals.published.turnovers import Stay, Turnover, turnovers

PRODID = "-//Turnkey//Stays and turnovers//EN"
#: How often readers are asked to look again (RFC 7986, 5.7).
REFRESH = timedelta(hours=1)
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class PublishedStay:
    """What is published of one booking."""

    stay: Stay
    tentative: bool = False
    guest_name: str = field(default="", repr=False)  # empty: not to be shown


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a published calendar; aware instants."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str = field(repr=False)
    status: str = "CONFIRMED"
    blocks: bool = True  # whether a calendar should show the time as busy


def entries(stays: Sequence[PublishedStay], zone: tzinfo, *, since: datetime, with_turnovers: bool) -> list[Entry]:
    """The events of a property that end after `since`. `zone` is the property's.

    `stays` may hold earlier ones too: a turnover that is still going on may have begun long ago.
    """
    found = [_stay_entry(one) for one in stays]
    if with_turnovers:
        found += [_turnover_entry(one) for one in turnovers((one.stay for one in stays if not one.tentative), zone)]
    return sorted((one for one in found if one.ends_at > since), key=lambda one: (one.starts_at, one.uid))


def etag(name: str, listed: Iterable[Entry]) -> str:
    """A weak validator (RFC 9110, 8.8.3): equal while the calendar says the same, whenever it was asked for."""
    digest = hashlib.sha256(repr((PRODID, name, [astuple(one) for one in listed])).encode())
    return f'W/"{digest.hexdigest()[:32]}"'


def render(name: str, listed: Iterable[Entry], now: datetime) -> bytes:
    """The calendar's bytes; `name` is what calendar programs call it."""
    calendar = Calendar()
    calendar.add("PRODID", PRODID)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("X-WR-CALNAME", clean(name))
    calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    for entry in listed:
        calendar.add_component(_event(entry, clean(name), now))
    body: bytes = calendar.to_ical()
    return body


def clean(text: str) -> str:
    """One line of text without control and direction characters, short enough for every calendar program."""
    seen = "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign) not in ("Cc", "Cf", "Cs"))
    return " ".join(seen.split())[:_LONGEST_TEXT]


def length_in_words(length: timedelta) -> str:
    """`4 h`, `3 h 30 min`, `2 days 5 h`."""
    minutes = int(length.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} day{'' if days == 1 else 's'}"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes and not days else []
    return " ".join(parts) or "no time"


def _stay_entry(one: PublishedStay) -> Entry:
    return Entry(
        uid=f"booking-{one.stay.key}@turnkey",
        starts_at=one.stay.check_in,
        ends_at=one.stay.check_out,
        summary=clean(one.guest_name) or "Guest",
        status="TENTATIVE" if one.tentative else "CONFIRMED",
    )


def _turnover_entry(one: Turnover) -> Entry:
    """Its UID names the arriving stay, which has exactly one turnover. Where two stays overlap, nobody can clean in
    between: the time that both share is shown instead."""
    uid = f"turnover-{one.arrives.key}@turnkey"
    if one.overlaps:
        both_until = min(one.leaves.check_out, one.arrives.check_out)
        return Entry(uid, one.arrives.check_in, both_until, "Two stays overlap", blocks=False)
    length = length_in_words(one.length)
    summary = f"Turnover, same day ({length})" if one.same_day else f"Turnover ({length})"
    return Entry(uid, one.starts_at, one.ends_at, summary, blocks=False)


def _event(entry: Entry, place: str, now: datetime) -> Event:
    event = Event()
    event.add("UID", entry.uid)
    event.add("DTSTAMP", now.astimezone(UTC).replace(microsecond=0))
    event.add("DTSTART", entry.starts_at.astimezone(UTC).replace(microsecond=0))
    if entry.ends_at > entry.starts_at:  # DTEND must be later than DTSTART (RFC 5545, 3.8.2.2)
        event.add("DTEND", entry.ends_at.astimezone(UTC).replace(microsecond=0))
    event.add("SUMMARY", entry.summary)
    event.add("LOCATION", place)
    event.add("STATUS", entry.status)
    event.add("TRANSP", "OPAQUE" if entry.blocks else "TRANSPARENT")
    return event
