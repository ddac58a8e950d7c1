"""Codes under changed names, and a 404 without an envelope: what was wrong when the state machine learned of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import code_overrides
from pins.models import LockState
from rentals.models import Booking
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("fault", ["timeout_lost", "timeout_applied", "late"])
def test_a_renamed_code_whose_removal_was_lost_is_still_removed(
    house: House, clock: time_machine.Traveller, fault: str
) -> None:
    """Under its id stands a name that says nothing: only reading it tells whether it is still ours."""
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 5 * DAY)
    house.live(clock, MINUTE)
    (remote,) = house.cloud.pins(door.device_id)
    house.cloud.change_pin(door.device_id, remote.id, alias="Neighbour")
    booking.status = Booking.Status.CANCELLED
    booking.save()
    house.cloud.script(door.device_id, [f"DELETE:{fault}"])
    house.live(clock, HOUR)

    assert house.cloud.pins(door.device_id) == []
    assert pin_of(booking, door).state == State.REMOVED


def test_a_renamed_code_that_outlived_its_end_is_removed(clock: time_machine.Traveller) -> None:
    """The lock was out of reach at the end, so its list is asked; the list names the code otherwise each time."""
    house = House(expiry_lag=3600.0)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 2 * HOUR)
    house.live(clock, MINUTE)
    (remote,) = house.cloud.pins(door.device_id)
    house.cloud.change_pin(door.device_id, remote.id, alias="Neighbour")
    clock.shift(HOUR + 5 * MINUTE)
    house.run(door)
    house.live(clock, 5 * MINUTE)

    assert house.cloud.pins(door.device_id) == []
    assert pin_of(booking, door).state == State.REMOVED
    assert house.requests < 10


@pytest.mark.parametrize("error_body", ["empty", "problem"])
@pytest.mark.parametrize("extended", [False, True])
def test_a_code_that_somebody_deleted_is_set_again_where_a_404_has_no_envelope(
    house: House, clock: time_machine.Traveller, error_body: Literal["empty", "problem"], extended: bool
) -> None:
    """The list lacks it, and its id is not found. It was read again and again, and the guest had no code."""
    house.cloud.settings = replace(house.cloud.settings, error_body=error_body)
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 5 * DAY)
    house.live(clock, MINUTE)
    (remote,) = house.cloud.pins(door.device_id)
    house.cloud.remove_pin(door.device_id, remote.id)
    if extended:
        booking.check_out += DAY
        booking.save()
    else:
        LockState.objects.update(audit_at=timezone.now())
    house.live(clock, 10 * MINUTE)

    assert_one_right_pin(house, booking, door)
    assert house.requests < 12


@pytest.mark.parametrize("fault", ["PUT:timeout_applied", "PUT:timeout_lost", "PUT:ok"])
def test_a_gateway_that_lost_its_way_ends_no_belief(house: House, clock: time_machine.Traveller, fault: str) -> None:
    """The list still shows the code, whatever the gateway says about its id."""
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 5 * DAY)
    house.live(clock, MINUTE)
    (remote,) = house.cloud.pins(door.device_id)
    booking.check_out += DAY
    booking.save()
    house.cloud.script(door.device_id, [fault, "GET:html_404", "GET:html_404", "GET:html_404"])
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert [pin.id for pin in house.cloud.pins(door.device_id)] == [remote.id]


@pytest.mark.parametrize("what", ["renewed", "cancelled"])
def test_a_lost_code_under_a_cut_name_is_found_although_the_wish_moved_on(
    house: House, clock: time_machine.Traveller, what: str
) -> None:
    """It landed late and has the value of the earlier wish. List and read followed each other without end."""
    house.cloud.settings = replace(house.cloud.settings, alias_shape="cut")
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["POST:drop_late"])
    house.settle()
    if what == "renewed":
        code_overrides.renew_code(pin_of(booking, door).grant_id, timezone.now())
    else:
        booking.status = Booking.Status.CANCELLED
        booking.save()
    house.live(clock, 20 * MINUTE)

    pin = pin_of(booking, door)
    left = [remote.value for remote in house.cloud.pins(door.device_id)]
    assert left == ([pin.grant.code] if what == "renewed" else [])
    assert pin.state == (State.SET if what == "renewed" else State.REMOVED)
    assert house.requests < 15
