"""States and times as people read them, on every screen and in every message. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Tone(StrEnum):
    """How urgent a state is. Each tone has its own sign, because many people cannot tell colours apart."""

    READY = "ready"
    BUSY = "busy"
    WAITING = "waiting"
    TROUBLE = "trouble"  # goes on by itself
    ACT = "act"  # a person must do something
    OVER = "over"

    @property
    def sign(self) -> str:
        return {"ready": "✓", "busy": "↻", "waiting": "○", "trouble": "!", "act": "✕", "over": "◦"}[self.value]


#: What a list shows first when it cannot show everything.
WORST_FIRST: Final = (Tone.ACT, Tone.TROUBLE, Tone.OVER, Tone.BUSY, Tone.WAITING, Tone.READY)


@dataclass(frozen=True)
class Badge:
    """A state in a word or two. Logic compares the kind, of an enumeration that the module of the state defines: the
    label may change, or name a lock as well."""

    label: str
    tone: Tone
    kind: StrEnum | None = None  # None: a state that nothing asks for


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """`14:05 CET`. The short name of the zone tells the two 02:30 of an autumn night apart."""
    return f"{moment.astimezone(zone):%H:%M %Z}"


def day_and_time(moment: datetime, zone: ZoneInfo) -> str:
    """`Wed 3 Mar 2027, 15:00 CET`, in the given zone."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"


def brief(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Wed 3 Mar, 15:00 CET`; with the year if it is not the present one."""
    local = moment.astimezone(zone)
    year = "" if local.year == now.astimezone(zone).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M %Z}"


def soon(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A coming moment as people say it: `now`, `14:05 CET` today, or with its day."""
    if moment <= now:
        return "now"
    if moment.astimezone(zone).date() == now.astimezone(zone).date():
        return clock_time(moment, zone)
    return day_and_time(moment, zone)


def counted(number: int, what: str) -> str:
    """`1 lock`, `2 locks`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def ago(moment: datetime, now: datetime) -> str:
    """`5 minutes ago`."""
    span = _span(now - moment)
    return f"{span} ago" if span else "just now"


def ahead(moment: datetime, now: datetime) -> str:
    """`in 5 minutes`."""
    span = _span(moment - now)
    return f"in {span}" if span else "in a moment"


def _span(length: timedelta) -> str:
    """The length in its largest whole unit, rounded down: `5 minutes`; empty below a minute."""
    for unit, name in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        if length >= unit:
            return counted(length // unit, name)
    return ""


def day(of: date) -> str:
    return f"{of.day} {of:%b %Y}"


def span(starts: date, ends: date, today: date) -> str:
    """`12 to 22 Mar`, as short as it can be understood: months and years that differ are on both days, and a year
    that is not the present one is said."""
    if starts.year != ends.year:
        return f"{day(starts)} to {day(ends)}"
    year = "" if starts.year == today.year else f" {ends.year}"
    if starts == ends:
        return f"{starts.day} {starts:%b}{year}"
    month = "" if starts.month == ends.month else f" {starts:%b}"
    return f"{starts.day}{month} to {ends.day} {ends:%b}{year}"


def days(starts: date | None, ends: date | None) -> str:
    """`3 Mar to 8 Mar 2027`: arrival and departure day."""
    if starts is None or ends is None:
        known = starts or ends
        return day(known) if known else "unknown dates"
    year = "" if starts.year == ends.year else f" {starts.year}"
    return f"{starts.day} {starts:%b}{year} to {day(ends)}"
