"""An id that Tedee gives to another PIN: nobody else's PIN is changed or removed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.plan import FRESH_END
from pins.models import Pin
from rentals.models import Booking, Lock, Property
from tests.support.booking_actions import change
from tests.support.house import House, pin_of
from tests.support.observe_only import watch
from tests.support.reconciling import assert_one_right_pin, methods

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_a_removal_without_an_answer_whose_id_is_given_to_another_guest(clock: time_machine.Traveller) -> None:
    house = House(id_reuse=True)
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, 2 * DAY, 2 * DAY, name="Leaving")
    house.settle()
    old_id = pin_of(leaving, door).remote_id

    house.cloud.script(door.device_id, ["timeout_applied"])
    leaving.status = Booking.Status.CANCELLED
    leaving.save()
    house.settle()
    arriving = house.stay(flat, 3 * DAY, 2 * DAY, name="Arriving")
    other = pin_of(arriving, door)
    Pin.objects.exclude(pk=other.pk).update(next_try_at=None)  # the new guest's code goes first
    clock.shift(10 * SECOND)
    house.run(door)
    assert pin_of(arriving, door).remote_id == old_id
    Pin.objects.exclude(pk=other.pk).update(next_try_at=timezone.now())
    house.live(clock, HOUR)

    assert_one_right_pin(house, arriving, door)
    assert pin_of(leaving, door).state == State.REMOVED


@pytest.mark.parametrize("extended", [False, True])
def test_the_id_of_an_expired_pin_may_be_a_foreign_pins_by_now(clock: time_machine.Traveller, extended: bool) -> None:
    """A DELETE, or a PUT with the extended stay, would have hit the cleaner's PIN."""
    house = House(id_reuse=True)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    clock.move_to(booking.check_out + (SECOND if extended else FRESH_END))  # nothing of ours ran for a while
    foreign = house.cloud.add_foreign_pin(door.device_id)
    assert foreign.id == pin_of(booking, door).remote_id

    if extended:
        change(booking, check_out=booking.check_out + DAY)
    house.live(clock, HOUR)

    assert foreign in house.cloud.pins(door.device_id)
    if extended:
        assert_one_right_pin(house, booking, door)
    else:
        assert house.ours(door) == []
        assert pin_of(booking, door).state == State.REMOVED


def test_an_adopted_pin_with_a_reused_id_ends_what_we_believed_of_another(clock: time_machine.Traveller) -> None:
    """The guest who left still counted as the owner of the id, and the removal took the next guest's code away."""
    house = House(id_reuse=True)
    door = house.lock()
    flat = house.flat(door)
    leaving, arriving = house.stay(flat, HOUR, DAY, name="Leaving"), house.stay(flat, 40 * DAY, DAY, name="Arriving")
    house.settle()
    old_id = pin_of(leaving, door).remote_id
    house.cloud.set_connected(door.device_id, False)
    clock.move_to(leaving.check_out)  # expires on the lock while it is out of our reach
    house.settle()
    house.cloud.set_connected(door.device_id, True)
    change(arriving, check_in=leaving.check_out + MINUTE, check_out=leaving.check_out + DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.live(clock, DAY / 2)

    assert_one_right_pin(house, arriving, door)
    assert pin_of(arriving, door).remote_id == old_id
    assert pin_of(leaving, door).state == State.REMOVED


def outlived(clock: time_machine.Traveller, watched: bool) -> tuple[House, Lock, Property, Booking]:
    """A code that is still on its lock after its end, found there by a list, and may not be removed for an hour."""
    house = House(id_reuse=True, expiry_lag=600.0)
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, HOUR, DAY, name="Leaving")
    house.settle()
    watch(house.account)
    clock.move_to(leaving.check_out)
    house.live(clock, HOUR if watched else 9 * MINUTE)
    assert pin_of(leaving, door).extra_ids == [1]
    assert methods() == ["post", "list"], "one list is enough while nothing may be removed"
    clock.shift(20 * MINUTE)
    return house, door, flat, leaving


def test_a_surplus_id_that_the_lock_gave_to_the_next_guest(clock: time_machine.Traveller) -> None:
    """The removal of the former guest's code took the new one away, and the board said that it was set."""
    house, door, flat, leaving = outlived(clock, watched=False)
    arriving = house.stay(flat, timedelta(0), DAY, name="Arriving")
    watch(house.account, only=False)
    house.live(clock, MINUTE)

    assert_one_right_pin(house, arriving, door)
    assert pin_of(arriving, door).remote_id == 1
    assert pin_of(leaving, door).state == State.REMOVED


def test_a_surplus_id_that_the_lock_gave_to_a_foreign_pin(clock: time_machine.Traveller) -> None:
    house, door, _, leaving = outlived(clock, watched=True)
    foreign = house.cloud.add_foreign_pin(door.device_id)
    assert foreign.id == 1
    watch(house.account, only=False)
    house.live(clock, MINUTE)

    assert foreign in house.cloud.pins(door.device_id)
    assert pin_of(leaving, door).state == State.REMOVED
