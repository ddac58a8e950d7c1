"""Which clock a page shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rentals.wording import clock_time


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day with the name of its zone. `is_local`: the browser puts the reader's own time in its place."""

    said: str
    is_local: bool
    zone: ZoneInfo


def clock(now: datetime, zones: Iterable[ZoneInfo]) -> Clock:
    """The time at these properties if their clocks agree. Else no clock is better than another: UTC, until the browser
    puts the reader's own time in its place."""
    times = {clock_time(now, zone): zone for zone in zones}
    if len(times) == 1:
        ((said, zone),) = times.items()
        return Clock(said, is_local=False, zone=zone)
    return Clock(f"{now.astimezone(UTC):%H:%M} UTC", is_local=True, zone=ZoneInfo("UTC"))
