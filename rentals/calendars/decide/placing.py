"""When an event takes place at a property: days become instants, instants get their local days. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rentals.calendars.events import Event, Guest, Quarantined, Reading, Verdict
from rentals.local_time import local_moment
from rentals.phrases import phrase, together


class Key(NamedTuple):
    """What identifies an event within its feed (RFC 5545, 3.8.4.7 and 3.8.4.4: UID and RECURRENCE-ID)."""

    uid: str
    recurrence_id: str
    part: str


NOBODY = Guest()
_BESIDE_TIMES = phrase("From midnight to midnight, beside stays with times of day: read as whole days.")
_TOO_SHORT = phrase("It lasts less than an hour: read as one night.")
_SHORTEST = timedelta(hours=1)
#: How some systems write the end of a day.
_LAST_MINUTE = time(23, 59)
_MAY_BE_STAYS = frozenset({Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW})


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
    try:
        starts_at, starts_on = _moment(event.starts, hours.check_in, zone, hours.zone)
        ends_at, ends_on = _moment(_end_of(reading, starts_on), hours.check_out, zone, hours.zone)
    except (ValueError, OverflowError):
        return _quarantined(event, phrase("A date in it is out of range."))
    if ends_at <= starts_at:
        why = phrase("It would end before it starts, with this property's check-in and check-out times.")
        return _with_first_day(_quarantined(event, why), starts_at, starts_on)
    doubts = event.doubts or _doubts(reading, ends_at, hours, zone)
    doubtful = bool(doubts) and reading.verdict in _MAY_BE_STAYS
    return Arrival(
        key=key_of(event),
        verdict=reading.verdict,
        reason=_reason(reading, doubts if doubtful else ()),
        summary=event.summary,
        starts_on=starts_on,
        ends_on=ends_on,
        starts_at=starts_at,
        ends_at=ends_at,
        whole_days=not isinstance(event.starts, datetime) and not isinstance(event.ends, datetime),
        guest=reading.guest,
        needs_review=reading.needs_review or doubtful,
        end_assumed=event.end_assumed,
    )


def beside_true_times(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Where every stay of a calendar lasts from midnight to midnight, its midnights are days. Beside stays with true
    times each is decided by itself, and a person should look at it."""
    stays = [one.event for one in readings if one.verdict in _MAY_BE_STAYS]
    true_times = any(isinstance(one.starts, datetime) or isinstance(one.ends, datetime) for one in stays)
    if not true_times or not any(one.from_midnights and not one.doubts for one in stays):
        return tuple(readings)
    return tuple(
        replace(one, event=replace(one.event, doubts=(_BESIDE_TIMES,)))
        if one.event.from_midnights and not one.event.doubts
        else one
        for one in readings
    )


def _reason(reading: Reading, doubts: Sequence[str]) -> str:
    """A doubt about the dates says why we ask, beside another doubt if there is one."""
    if not doubts:
        return reading.reason
    return together(*doubts, reading.reason if reading.needs_review else phrase("Please check."))


def _end_of(reading: Reading, starts_on: date) -> date:
    """A single night that had to be assumed ends with the check-out of the next day, whatever the time of its start."""
    assumed = reading.event.no_length or _is_too_short(reading)
    return starts_on + timedelta(days=1) if assumed else reading.event.ends


def _is_too_short(reading: Reading) -> bool:
    """Whether its end is none: it marks the moment of an arrival."""
    starts, ends = reading.event.starts, reading.event.ends
    if reading.verdict not in _MAY_BE_STAYS or not isinstance(starts, datetime) or not isinstance(ends, datetime):
        return False
    return ends - starts < _SHORTEST


def _doubts(reading: Reading, ends_at: datetime, hours: Hours, zone: ZoneInfo) -> tuple[str, ...]:
    doubt = _TOO_SHORT if _is_too_short(reading) else _ends_in_the_night(reading.event, ends_at, hours, zone)
    return (doubt,) if doubt else ()


def _ends_in_the_night(event: Event, ends_at: datetime, hours: Hours, zone: ZoneInfo) -> str:
    """Whether an instant may be a day that nobody recognised, so that the code would end before the check-out time."""
    if not isinstance(event.ends, datetime) or event.no_length:
        return ""
    local = ends_at.astimezone(zone).time()
    clock = f"{local:%H:%M}"
    if local >= _LAST_MINUTE > hours.check_out:
        return phrase("Its code ends at {time}, perhaps on its last night.", time=clock)
    if local >= hours.check_out:
        return ""
    whole = isinstance(event.starts, datetime) and not (event.ends - event.starts) % timedelta(days=1)
    if not whole and not any(one == time() or one >= _LAST_MINUTE for one in (local, ends_at.time())):
        return ""
    return phrase("Its code ends at {time}, before the check-out time.", time=clock)


def place_unreadable(event: Quarantined, hours: Hours) -> Arrival:
    """A quarantined event as something to be stored and shown, with its first and last day where they can be read."""
    placed, zone = unreadable(event), ZoneInfo(hours.zone)
    starts = _known_moment(event.starts, hours.check_in, zone, hours.zone)
    ends = _known_moment(event.ends, hours.check_out, zone, hours.zone)
    if starts is not None:
        placed = _with_first_day(placed, *starts)
    if ends is not None and (starts is None or ends[0] > starts[0]):  # an end before the start says nothing
        placed = replace(placed, ends_at=ends[0], ends_on=ends[1])
    return placed


def _known_moment(when: date | None, wall: time, zone: ZoneInfo, name: str) -> tuple[datetime, date] | None:
    try:
        return None if when is None else _moment(when, wall, zone, name)
    except (ValueError, OverflowError):
        return None


def _quarantined(event: Event, reason: str) -> Arrival:
    return unreadable(Quarantined(event.uid, reason, event.recurrence_id, event.summary))


def _with_first_day(arrival: Arrival, starts_at: datetime, starts_on: date) -> Arrival:
    return replace(arrival, starts_at=starts_at, starts_on=starts_on)


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
