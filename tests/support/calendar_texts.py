"""Calendars for unit tests: sample files, and events written line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rentals.calendars.classify.verdicts import classify, recognise
from rentals.calendars.events import Calendar, Channel, Options, Reading
from rentals.calendars.ical.parse import read_calendar
from tests.support.paths import SAMPLES

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ZONE = "Europe/Warsaw"


def sample(number: str) -> bytes:
    """A sample file by its number: "01"."""
    (path,) = SAMPLES.glob(f"{number}-*.ics")
    return path.read_bytes()


def vevent(*lines: str, uid: str | None = "one@test.invalid", dates: str | None = "20270310/20270312") -> list[str]:
    """The lines of an event. `dates`: whole days, first and check-out; None when the lines say it."""
    head = [] if uid is None else [f"UID:{uid}"]
    if dates is not None:
        first, last = dates.split("/")
        head += [f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{last}"]
    return ["BEGIN:VEVENT", *head, *lines, "END:VEVENT"]


def vcalendar(*events: Sequence[str], head: Sequence[str] = (), end: str = "\r\n") -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        *head,
        *(line for event in events for line in event),
        "END:VCALENDAR",
        "",
    ]
    return end.join(lines).encode()


def read(body: bytes, zone: str = ZONE, now: datetime = NOW) -> Calendar:
    return read_calendar(body, zone=zone, now=now)


def readings(body: bytes, options: Options | None = None) -> tuple[Reading, ...]:
    """Read and decide, with the channel of the options or the recognised one."""
    chosen = options or Options()
    calendar = read(body)
    return classify(calendar.events, recognise(calendar, chosen.channel), chosen)


def reading(summary: str, *lines: str, channel: Channel = Channel.AUTO, options: Options | None = None) -> Reading:
    """What becomes of one event of two nights with this SUMMARY."""
    chosen = options or Options(channel=channel)
    (one,) = readings(vcalendar(vevent(f"SUMMARY:{summary}", *lines)), chosen)
    return one
