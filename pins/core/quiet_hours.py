"""When a message may go, and when it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rentals.local_time import local_moment

#: How long news is worth sending; a summary only on its own morning.
NEWS_KEEP: Final = timedelta(days=3)
SUMMARY_KEEPS: Final = timedelta(hours=4)
#: Waits after failures of a channel in a row, the last one for all further ones.
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600, 7200))
#: A channel that has failed for this long is shown as failing.
FAILS_LONG: Final = timedelta(minutes=30)


@dataclass(frozen=True)
class Quiet:
    """Hours in which a channel wants no messages, half-open, in its own zone. They may span midnight."""

    starts: time
    ends: time
    zone: str

    def until(self, now: datetime) -> datetime | None:
        """The end (UTC) of the quiet hours that `now` lies in; `None` outside of them. Right at both clock changes."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        for day in (today - timedelta(days=1), today):
            end_day = day if self.starts < self.ends else day + timedelta(days=1)
            ends_at = local_moment(end_day, self.ends, self.zone)
            if local_moment(day, self.starts, self.zone) <= now < ends_at:
                return ends_at
        return None


@dataclass(frozen=True)
class Arrival:
    """The arrival of a guest whom a message concerns."""

    at: datetime  # check-in
    zone: str  # of the property
    shut_out: bool = False  # the stay has begun, and a door that matters does not open to its code


def held_until(quiet: Quiet | None, arrivals: Iterable[Arrival], now: datetime) -> datetime | None:
    """When a message should be looked at again (UTC); `None`: it may go now.

    Quiet hours do not hold for a guest who arrives today by the property's own calendar, who arrives before the quiet
    hours end, or who stands before the door. If the day of an arrival begins before the quiet hours end, the message
    is looked at again then.
    """
    ends_at = quiet.until(now) if quiet is not None else None
    if ends_at is None:
        return None
    looks = [ends_at]
    for one in arrivals:
        zone = ZoneInfo(one.zone)
        day = one.at.astimezone(zone).date()
        if one.shut_out or day == now.astimezone(zone).date() or now <= one.at < ends_at:
            return None
        day_begins = local_moment(day, time(0), one.zone)
        if now < day_begins:
            looks.append(day_begins)
    return min(looks)


def summary_day(at: time, zone: str, now: datetime, since: datetime) -> date | None:
    """The local day whose summary is due now. `None`: it is too early, hours too late, or the time came before `since`,
    the moment from which the channel listens."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for day in (today, today - timedelta(days=1)):
        due = local_moment(day, at, zone)
        if since <= due <= now < due + SUMMARY_KEEPS:
            return day
    return None


def wait(failures: int, jitter: float) -> timedelta:
    """How long a channel rests after `failures` in a row (at least one); `jitter` is 0.5 to 1."""
    return WAITS[min(failures, len(WAITS)) - 1] * jitter
