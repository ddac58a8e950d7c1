"""Removals: confirmed many at a time, tried again, and told when they are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.incidents import sweep_checks
from pins.models import Incident, Pin
from tests.support.booking_actions import change, open_incidents, requests_sent
from tests.support.house import House
from tests.support.reconciling import assert_one_right_pin, methods

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_one_list_confirms_many_removals_long_after_their_end(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    for n in range(6):
        house.stay(flat, n * HOUR, HOUR)
    house.settle()
    clock.shift(2 * DAY)  # nothing of ours ran for two days
    before = house.requests
    house.settle()
    assert house.requests == before + 1
    assert {pin.state for pin in Pin.objects.all()} == {State.REMOVED}


@pytest.mark.parametrize("extended", [False, True])
def test_a_pin_that_outlives_its_end_is_removed_without_looking_for_ever(
    clock: time_machine.Traveller, extended: bool
) -> None:
    house = House(expiry_lag=7 * 86400.0)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    clock.move_to(booking.check_out + 2 * HOUR)  # nobody of ours was there at the end

    if extended:
        change(booking, check_out=booking.check_out + DAY)
    house.live(clock, MINUTE)

    if extended:
        assert_one_right_pin(house, booking, door)
        assert methods() == ["post", "list", "delete", "post"]
    else:
        assert house.ours(door) == []
        assert methods() == ["post", "list", "delete"]


def test_a_removal_that_is_refused_rests_and_is_told(clock: time_machine.Traveller) -> None:
    """The same DELETE was repeated without any pause until the account had no requests left."""
    house = House(expiry_lag=7 * 86400.0)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    house.cloud.script(door.device_id, ["DELETE:400"] * 50)
    clock.move_to(booking.check_out + MINUTE)
    house.live(clock, HOUR)

    assert len(requests_sent()) < 15
    sweep_checks.check(timezone.now())
    assert open_incidents() == [Incident.Kind.CODE_STAYS]


def test_a_bare_404_to_a_removal_is_a_fault_also_near_the_end(clock: time_machine.Traveller) -> None:
    """Without the envelope it may be a proxy's: the list must show that the code is gone."""
    house = House(expiry_lag=7 * 86400.0)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    clock.move_to(booking.check_out + SECOND)
    house.cloud.script(door.device_id, ["DELETE:html_404"])
    house.live(clock, MINUTE)
    assert methods() == ["post", "delete", "list", "delete"]
    assert house.ours(door) == []
    assert open_incidents() == []
