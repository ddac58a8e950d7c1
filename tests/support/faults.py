"""Calendars that people's reports made us build, one folder for each kind of fault (tests/ical/faults)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import time_machine
from django.utils import timezone

from pins.incidents import slow_checks, sweep_checks
from pins.models import AccessGrant
from rentals.calendars.imports import run
from rentals.calendars.imports.summary import Summary
from rentals.models import Booking, CalendarFeed, Property
from tests.support.house import House
from tests.support.paths import SAMPLES

AMSTERDAM: Final = "Europe/Amsterdam"


def fault(kind: str, name: str) -> bytes:
    """The bytes of one calendar of a kind."""
    return (SAMPLES / "faults" / kind / f"{name}.ics").read_bytes()


def home(house: House, zone: str = AMSTERDAM, **fields: object) -> Property:
    """A flat with a lock, check-in 15:00, check-out 11:00, whose codes are issued long before."""
    facts: dict[str, object] = {"timezone": zone, "check_in_time": time(15), "check_out_time": time(11)}
    return house.flat(house.lock(), **{**facts, **fields})


def local(booking: Booking) -> tuple[str, str]:
    """Arrival and departure as the guest's clock shows them: "05-09 15:00"."""
    zone = ZoneInfo(booking.property.timezone)
    arrives, leaves = (moment.astimezone(zone) for moment in (booking.check_in, booking.check_out))
    return f"{arrives:%m-%d %H:%M}", f"{leaves:%m-%d %H:%M}"


def confirmed(flat: Property) -> list[Booking]:
    found = Booking.objects.filter(property=flat, status=Booking.Status.CONFIRMED).select_related("property")
    return list(found.order_by("check_in", "check_out", "pk"))


def local_stays(flat: Property) -> list[tuple[str, str]]:
    """The confirmed stays of a property, in its time."""
    return [local(one) for one in confirmed(flat)]


def code_of(booking: Booking) -> str:
    """The code of a stay that is wanted; "" for none."""
    found = AccessGrant.objects.filter(booking=booking, wanted=True).first()
    return found.code if found is not None else ""


def at(clock: time_machine.Traveller, text: str) -> datetime:
    """Move the clock to "05-08 09:00" UTC in 2027."""
    moment = datetime.strptime(f"2027-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    clock.move_to(moment)
    return moment


def fetched(feed: CalendarFeed, body: bytes) -> Summary:
    """Import these bytes now."""
    return run.import_calendar(feed.pk, body, timezone.now())


def fetched_and_checked(feed: CalendarFeed, body: bytes) -> Summary:
    """The same, then the periodic checks look: for tests of what people are told."""
    summary = fetched(feed, body)
    look()
    return summary


def look() -> None:
    """The periodic checks, once."""
    now = timezone.now()
    sweep_checks.check(now)
    slow_checks.check(now)
