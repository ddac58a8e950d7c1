"""Calendars for tests: the samples, and small ones made to order."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tests.support.paths import SAMPLES

AIRBNB = "-//Airbnb Inc//Hosting Calendar 1.0//EN"
BOOKING = "-//admin.booking.com\\\\\\, b.v.//NONSGML v1.0//EN"
PLAIN = "-//Some PMS//EN"


def sample(number: str) -> bytes:
    """The bytes of a sample by its number, such as "01"."""
    (found,) = SAMPLES.glob(f"{number}-*.ics")
    return found.read_bytes()


def event(uid: str, starts: date, ends: date, summary: str = "Reserved", **more: str) -> str:
    """One VEVENT; `more` are further properties, with `_` for `-`."""
    lines = ["BEGIN:VEVENT"]
    if uid:
        lines.append(f"UID:{uid}")
    lines += [_when("DTSTART", starts), _when("DTEND", ends), f"SUMMARY:{summary}", "DTSTAMP:20270301T061512Z"]
    lines += [f"{name.upper().replace('_', '-')}:{value}" for name, value in more.items()]
    return "\r\n".join([*lines, "END:VEVENT"])


def calendar(*events: str, prodid: str = PLAIN) -> bytes:
    lines = ["BEGIN:VCALENDAR", f"PRODID:{prodid}", "VERSION:2.0", *events, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def airbnb(uid: str, starts: date, ends: date, code: str) -> str:
    url = f"Reservation URL: https://www.airbnb.com/hosting/reservations/details/{code}"
    return event(f"{uid}@airbnb.com", starts, ends, "Reserved", description=url)


def closed(uid: str, starts: date, ends: date) -> str:
    """A stay as Booking.com exports it."""
    return event(f"{uid}@booking.com", starts, ends, "CLOSED - Not available")


def day(month: int, number: int) -> date:
    return date(2027, month, number)


def at(month: int, number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2027, month, number, hour, minute, tzinfo=UTC)


def _when(name: str, moment: date) -> str:
    if isinstance(moment, datetime):
        return f"{name}:{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{name};VALUE=DATE:{moment:%Y%m%d}"
