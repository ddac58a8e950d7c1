"""A start that is past: sent as now only where Tedee refused it, and equal only once it is past."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.plan import START_MARGIN
from tests.support.booking_actions import change, requests_sent
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin, methods

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_a_start_in_the_past_is_sent_as_now_only_after_it_was_refused(clock: time_machine.Traveller) -> None:
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 2 * DAY)
    house.live(clock, MINUTE)
    (remote,) = house.ours(door)
    assert remote.body.start is not None
    assert booking.check_in < remote.body.start < booking.check_in + 2 * HOUR
    assert pin_of(booking, door).state == State.SET
    assert methods() == ["post", "post"]
    house.live(clock, HOUR)
    assert methods() == ["post", "post"]  # and treated as equal from then on


def test_a_start_moved_to_the_present_equals_an_earlier_one_only_once_it_is_past(
    clock: time_machine.Traveller,
) -> None:
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 20 * DAY)
    house.settle()
    clock.shift(2 * START_MARGIN)
    change(booking, check_in=booking.check_in - HOUR)
    house.live(clock, HOUR)
    assert requests_sent() == ["post", "post"]  # the guest can enter: a start still earlier changes nothing

    for days in (10, 5):
        start = timezone.now() + days * DAY
        change(booking, check_in=start)
        house.live(clock, MINUTE)
        assert [pin.body.start for pin in house.ours(door)] == [start]


def test_a_start_moved_to_the_present_is_still_in_the_future_when_it_arrives(clock: time_machine.Traveller) -> None:
    """Cut to whole seconds and some milliseconds on the way, "now" was always in the past and refused again."""
    clock.shift(timedelta(seconds=0.9))
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 2 * DAY)
    house.live(clock, HOUR)

    (remote,) = house.ours(door)
    assert remote.body.start is not None
    assert booking.check_in + HOUR < remote.body.start <= booking.check_in + HOUR + 2 * MINUTE
    assert pin_of(booking, door).state == State.SET
    assert methods() == ["post", "post"]


def test_a_moved_start_counts_as_equal_only_while_it_is_past(clock: time_machine.Traveller) -> None:
    """After a refused start, every earlier start counted as equal to the one on the lock, even days before it."""
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 20 * DAY)
    house.live(clock, HOUR)
    change(booking, check_in=booking.check_in + 10 * DAY)
    house.live(clock, HOUR)
    change(booking, check_in=booking.check_in + 5 * DAY)
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
