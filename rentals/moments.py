"""Wall times to instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def local_moment(day: date, at: time, zone: str) -> datetime:
    """The UTC instant of a wall time in an IANA zone.

    A time that the clock change skips takes the offset before the gap, a time that comes twice means the first
    (RFC 5545, 3.3.5). Both are what `fold=0` stands for.
    """
    return datetime.combine(day, at.replace(fold=0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
