"""When an event takes place at a property: days become instants, instants get their local days. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rentals.calendars.events import Event, Guest, Quarantined, Reading, Verdict
from rentals.local_time import local_moment


class Key(NamedTuple):
    """What identifies an event within its feed (RFC 5545, 3.8.4.7 and 3.8.4.4: UID and RECURRENCE-ID)."""

    uid: str
    recurrence_id: str
    part: str


NOBODY = Guest()


@dataclass(frozen=True, slots=True)
class Hours:
    """When stays begin and end at a property, as wall times in its zone."""

    zone: str
    check_in: time
    check_out: time


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a feed says now: a reading with its place in time. `starts_at` and `ends_at` are UTC instants."""

    key: Key
    verdict: Verdict
    reason: str
    summary: str
    starts_on: date | None = None
    ends_on: date | None = None  # the check-out day
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    whole_days: bool = False  # its times are the property's
    guest: Guest = NOBODY
    needs_review: bool = False
    excerpt: str = ""
    end_assumed: bool = False

    @property
    def days(self) -> tuple[date | None, date | None]:
        return self.starts_on, self.ends_on


def key_of(event: Event | Quarantined) -> Key:
    return Key(event.uid, event.recurrence_id, event.part if isinstance(event, Event) else "")


def place(reading: Reading, hours: Hours) -> Arrival:
    """Give a reading its instants and days; one that turns out to have no length is quarantined."""
    event = reading.event
    zone = ZoneInfo(hours.zone)
    starts_at, starts_on = _moment(event.starts, hours.check_in, zone, hours.zone)
    ends_at, ends_on = _moment(event.ends, hours.check_out, zone, hours.zone)
    if ends_at <= starts_at:
        return unreadable(
            Quarantined(
                uid=event.uid,
                recurrence_id=event.recurrence_id,
                summary=event.summary,
                reason="It would end before it starts, with this property's check-in and check-out times.",
            )
        )
    return Arrival(
        key=key_of(event),
        verdict=reading.verdict,
        reason=reading.reason,
        summary=event.summary,
        starts_on=starts_on,
        ends_on=ends_on,
        starts_at=starts_at,
        ends_at=ends_at,
        whole_days=not isinstance(event.starts, datetime) and not isinstance(event.ends, datetime),
        guest=reading.guest,
        needs_review=reading.needs_review,
        end_assumed=event.end_assumed,
    )


def unreadable(event: Quarantined) -> Arrival:
    """A quarantined event as something to be stored and shown."""
    return Arrival(
        key=key_of(event),
        verdict=Verdict.QUARANTINED,
        reason=event.reason,
        summary=event.summary,
        excerpt=event.excerpt,
    )


def _moment(when: date, wall: time, zone: ZoneInfo, name: str) -> tuple[datetime, date]:
    if isinstance(when, datetime):
        # Whole seconds, like everything that is sent to a lock.
        return when.replace(microsecond=0), when.astimezone(zone).date()
    return local_moment(when, wall, name), when
