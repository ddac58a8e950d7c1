"""Stays that change while their codes are on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant, Incident
from rentals.models import Booking
from tests.support.booking_actions import change, requests_sent
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin, during, methods

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_created_while_the_booking_is_edited(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)

    def extend() -> None:
        edited = Booking.objects.get(pk=booking.pk)
        edited.check_out += DAY
        edited.save()

    during(house, "POST", extend)
    house.live(clock, HOUR)

    assert methods() == ["post", "put"]  # the 201 was kept although the wish had moved on
    assert_one_right_pin(house, booking, door)


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_extension_around_the_removal(house: House, clock: time_machine.Traveller, moment: str) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, 2 * DAY)
    house.settle()
    code = AccessGrant.objects.get().code

    def extend() -> None:
        edited = Booking.objects.get(pk=booking.pk)
        edited.check_out += DAY
        edited.save()

    if moment == "before":
        clock.move_to(booking.check_out - MINUTE)
        extend()
    else:
        clock.move_to(booking.check_out)
        if moment == "during":
            house.cloud.settings = replace(house.cloud.settings, expiry_lag=60.0)
            during(house, "DELETE", extend)
            house.settle()
        else:
            house.settle()
            extend()
    house.live(clock, HOUR)

    booking.refresh_from_db()
    assert_one_right_pin(house, booking, door)
    assert AccessGrant.objects.get().code == code


def test_two_bookings_swap_their_properties(house: House, clock: time_machine.Traveller) -> None:
    left, right, entrance = house.lock("Left"), house.lock("Right"), house.lock("Entrance")
    one, two = house.flat(left, entrance, name="One"), house.flat(right, entrance, name="Two")
    first, second = house.stay(one, 2 * DAY, 2 * DAY, name="First"), house.stay(two, 2 * DAY, 2 * DAY, name="Second")
    house.settle()

    first.property, second.property = two, one
    first.save()
    second.save()
    house.live(clock, HOUR)

    assert_one_right_pin(house, first, right)
    assert_one_right_pin(house, second, left)
    assert_one_right_pin(house, first, entrance)
    assert_one_right_pin(house, second, entrance)
    assert [len(house.ours(lock)) for lock in (left, right, entrance)] == [1, 1, 2]


@pytest.mark.parametrize("fault", ["ok", "timeout_applied", "timeout_lost", "late"])
def test_the_stay_comes_back_during_the_removal(house: House, clock: time_machine.Traveller, fault: str) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.settle()

    def restore() -> None:
        booking.status = Booking.Status.CONFIRMED
        booking.save()

    booking.status = Booking.Status.CANCELLED
    booking.save()
    house.cloud.script(door.device_id, [fault])
    during(house, "DELETE", restore)
    house.live(clock, 6 * HOUR)

    assert_one_right_pin(house, booking, door)
    assert pin_of(booking, door).late_until is None


def test_a_stay_extended_after_its_pin_expired_gets_it_back(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    clock.move_to(booking.check_out + 5 * SECOND)  # gone on the lock, not yet noticed by us
    booking.check_out += DAY
    booking.save()
    house.live(clock, MINUTE)

    assert_one_right_pin(house, booking, door)
    assert AccessGrant.objects.get().code == code
    assert methods() == ["post", "list", "post"]  # an expired PIN's id may be another's: no PUT


def test_a_stay_extended_after_its_pin_expired_gets_a_new_code_where_the_old_one_was_taken(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    AccessGrant.objects.update(disclosed_at=timezone.now())
    clock.move_to(booking.check_out + 5 * SECOND)
    house.cloud.add_foreign_pin(door.device_id, value=code)
    booking.check_out += DAY
    booking.save()
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert AccessGrant.objects.get().code != code
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.CODE_CHANGED


def test_an_early_departure_is_due_at_once_and_comes_before_an_arrival(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, -DAY, 5 * DAY)
    house.settle()
    house.stay(flat, 30 * MINUTE, DAY, "Jan Kowalski")
    change(leaving, check_out=timezone.now() - MINUTE)
    deadline = pin_of(leaving, door).deadline_at
    assert deadline is not None
    assert deadline <= timezone.now()

    house.settle()
    assert requests_sent() == ["post", "delete", "post"]
