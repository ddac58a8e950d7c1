"""The lists show who arrives without a confirmed code, and cost the same for many stays as for few."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.pin_state import State
from pins.models import LockState, Pin
from rentals.models import Booking
from tests.support.booking_actions import cancel, change
from tests.support.house import House
from tests.support.imports import feed_of

pytestmark = pytest.mark.django_db

BOOKINGS, PROPERTIES, LOCKS = "/admin/rentals/booking/", "/admin/rentals/property/", "/admin/rentals/lock/"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def shown(host: Client, **asked: str) -> set[str]:
    return {one.guest_name for one in host.get(BOOKINGS, asked).context["cl"].result_list}


def cost(host: Client, address: str) -> int:
    host.get(address)
    with CaptureQueriesContext(connection) as asked:
        host.get(address)
    return len(asked)


def test_the_list_finds_guests_who_arrive_without_a_confirmed_code(host: Client, house: House) -> None:
    door, dead = house.lock("Door"), house.lock("Dead")
    good, bad, bare = house.flat(door, name="Good"), house.flat(door, dead, name="Bad"), house.flat(name="Bare")
    for flat, begins, name in (
        (good, 3 * HOUR, "ready"),
        (bad, 3 * HOUR, "half"),
        (bad, 2 * DAY, "later"),
        (bad, 5 * DAY, "far"),
        (bare, 3 * HOUR, "doorless"),
        (bad, -HOUR, "waits outside"),
        (bad, -3 * DAY, "over"),
    ):
        house.stay(flat, begins, DAY, name)
    cancel(house.stay(bad, 3 * HOUR, DAY, "cancelled"))
    change(house.stay(bad, 3 * HOUR, DAY, "tentative"), status="tentative")
    LockState.objects.update_or_create(lock=dead, defaults={"paused_until": timezone.now() + DAY})
    house.run(door)
    assert shown(host, unconfirmed="24h") == {"half", "doorless", "waits outside"}
    assert shown(host, unconfirmed="3d") == {"half", "doorless", "waits outside", "later"}
    everybody = {"ready", "half", "later", "far", "doorless", "waits outside", "cancelled", "tentative"}
    assert shown(host) == shown(host, unconfirmed="nonsense") == everybody
    # A code that is being changed is not confirmed as it should be.
    booking = Booking.objects.get(guest_name="ready")
    change(booking, check_out=booking.check_out + HOUR)
    assert Pin.objects.get(grant__booking=booking).state == State.CHANGING
    assert "ready" in shown(host, unconfirmed="24h")


def test_pages_ask_as_much_for_many_stays_as_for_few(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    addresses = [
        f"{PROPERTIES}{flat.pk}/change/",
        PROPERTIES,
        LOCKS,
        f"{LOCKS}{door.pk}/change/",
        f"{BOOKINGS}?unconfirmed=3d",
        f"{BOOKINGS}?unconfirmed=24h",
    ]

    def furnish(first: int, last: int) -> None:
        for number in range(first, last):
            flat.locks.add(house.lock(f"Lock {number}"))
            house.flat(door, name=f"Flat {number}")
            house.stay(flat, timedelta(hours=2 + number), HOUR, f"Guest{number}")
            feed_of(flat, name=f"Feed {number}")

    furnish(0, 2)
    few = [cost(host, one) for one in addresses]
    furnish(2, 8)
    assert [cost(host, one) for one in addresses] == few
