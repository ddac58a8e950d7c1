"""The board publishes how the promise was kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from rentals.models import Property
from tests.support.board_pages import part
from tests.support.house import House
from tests.support.measuring import count, live_and_count

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_it_says_how_many_codes_were_in_time(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    count()
    assert "Nobody has arrived since Turnkey began to count." in part(host.get("/"), "promise")
    house.stay(flat, 2 * DAY, DAY)
    house.stay(flat, 5 * HOUR, DAY, name="Late Booker")
    house.stay(house.flat(name="No door yet"), 2 * DAY, DAY, name="Locked Out")
    live_and_count(house, clock, 2 * DAY + HOUR, HOUR)
    said = part(host.get("/"), "promise")
    assert "24 hours before check-in 50 % 50 %, 1 of 2 arrivals" in said
    assert "4 hours before check-in 66 % 66 %, 2 of 3 arrivals" in said
    assert "At check-in 66 % 66 %, 2 of 3 arrivals" in said
    assert "entered later is not counted" in said


def test_it_says_when_the_counting_stands_still(host: Client, house: House, clock: time_machine.Traveller) -> None:
    count()
    clock.shift(HOUR - timedelta(minutes=2))
    assert "Counted until" not in part(host.get("/"), "promise")
    clock.shift(timedelta(minutes=2))
    assert "Counted until" in part(host.get("/"), "promise")
    count()
    assert "Counted until" not in part(host.get("/"), "promise")
