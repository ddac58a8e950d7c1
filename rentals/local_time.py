"""Wall times to instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def zone_names() -> frozenset[str]:
    """The names of the IANA time zone database, as this machine has it.

    Read once: finding them searches folders and opens hundreds of files. After an update of the database the processes
    are started again anyway, as `ZoneInfo` keeps zones too.
    """
    return frozenset(available_timezones())


def local_moment(day: date, at: time, zone: str) -> datetime:
    """The instant, in UTC, of a wall time in a zone such as "Europe/Warsaw" (RFC 5545, 3.3.5).

    A wall time that DST skips takes the offset before the gap (02:30 becomes what the clock shows as 03:30); one
    that comes twice means the first. Raises `ValueError` for an unknown zone or a time that carries its own zone.
    """
    if at.tzinfo is not None:
        raise ValueError("A wall time carries no zone of its own.")
    try:
        region = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError("The time zone is not known.") from None
    try:
        # fold=0 is exactly the rule of the RFC, in the gap and in the repeated hour (PEP 495).
        return datetime.combine(day, at.replace(fold=0), tzinfo=region).astimezone(UTC)
    except OverflowError:
        raise ValueError("The moment lies beyond the calendar.") from None
