"""Incidents about codes that somebody else removed or changed, and what is not one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.incidents import sweep_checks
from pins.models import Incident, Pin
from rentals.models import Booking, Lock, Property
from tests.support.booking_actions import cancel, change
from tests.support.house import House, pin_of
from tests.support.incidents import met, review

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def set_code(house: House) -> tuple[Lock, Booking, Any]:
    """A code on a lock, and the PIN that the lock has of it."""
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * DAY, 5 * DAY)
    house.settle()
    (remote,) = house.ours(door)
    return door, booking, remote


def list_is_read(house: House, clock: time_machine.Traveller, door: Lock) -> None:
    """For another stay of the lock, whose answer is lost."""
    house.cloud.script(door.device_id, ["POST:timeout_lost"])
    house.stay(house.flat(door, name="Another flat"), 3 * DAY, 2 * DAY, "Marek")
    house.live(clock, 15 * MINUTE)


def edit_in_app(house: House, door: Lock, remote: Any, **fields: object) -> None:
    pins = house.cloud.lock(door.device_id).pins
    pins[remote.id] = replace(remote, body=replace(remote.body, **fields))


def assert_told_and_put_right(house: House, clock: time_machine.Traveller, door: Lock, booking: Booking) -> None:
    house.live(clock, 30 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert review() == {Kind.CHANGED_IN_APP: Severity.WARNING}
    assert Incident.objects.get(kind=Kind.CHANGED_IN_APP).pin == pin_of(booking, door)
    clock.shift(sweep_checks.SHOW_HAND_CHANGES)  # it was put right at once; a person should know of it all the same
    assert Kind.CHANGED_IN_APP not in review()
    assert met(Kind.CHANGED_IN_APP) == 1


def test_a_code_that_somebody_removed_is_told_when_a_list_shows_it(house: House, clock: time_machine.Traveller) -> None:
    door, booking, remote = set_code(house)
    house.cloud.remove_pin(door.device_id, remote.id)
    list_is_read(house, clock, door)
    assert_told_and_put_right(house, clock, door, booking)


def test_a_code_that_somebody_removed_is_told_when_a_change_meets_nothing(
    house: House, clock: time_machine.Traveller
) -> None:
    door, booking, remote = set_code(house)
    house.cloud.remove_pin(door.device_id, remote.id)
    change(booking, check_out=booking.check_out + DAY)
    assert_told_and_put_right(house, clock, door, booking)


def test_a_code_that_is_removed_again_and_again_is_one_incident(house: House, clock: time_machine.Traveller) -> None:
    door, booking, remote = set_code(house)
    for _ in range(3):
        house.cloud.remove_pin(door.device_id, remote.id)
        list_is_read(house, clock, door)
        (remote,) = [pin for pin in house.ours(door) if pin.alias == pin_of(booking, door).alias]
    assert_told_and_put_right(house, clock, door, booking)


@pytest.mark.parametrize(
    "edit",
    [
        lambda remote: {"value": "604173"},
        lambda remote: {"end": remote.body.end - DAY},
        lambda remote: {"week_days": 31},
    ],
    ids=["value", "end", "days"],
)
def test_a_code_that_somebody_edited_is_told_when_it_is_read(
    house: House, clock: time_machine.Traveller, edit: Callable[[Any], dict[str, object]]
) -> None:
    door, booking, remote = set_code(house)
    edit_in_app(house, door, remote, **edit(remote))
    house.cloud.script(door.device_id, ["PUT:timeout_lost"])
    change(booking, check_out=booking.check_out + DAY)
    assert_told_and_put_right(house, clock, door, booking)


def test_a_lost_change_is_no_strangers_hand(house: House, clock: time_machine.Traveller) -> None:
    """Whether and when it reached the lock does not matter: the change was ours."""
    door, booking, _ = set_code(house)
    for step in ("PUT:timeout_lost", "PUT:timeout_applied", "PUT:late", "PUT:drop_late"):
        house.cloud.script(door.device_id, [step])
        change(booking, check_out=Booking.objects.get(pk=booking.pk).check_out + HOUR)
        list_is_read(house, clock, door)
    cancel(booking)
    house.cloud.script(door.device_id, ["DELETE:timeout_applied"])
    list_is_read(house, clock, door)
    assert met(Kind.CHANGED_IN_APP) == 0


def test_a_code_that_the_lock_ended_itself_is_no_strangers_hand(house: House, clock: time_machine.Traveller) -> None:
    door, booking, _ = set_code(house)
    house.stay(Property.objects.get(), 4 * DAY, DAY, "Marek")
    house.settle()
    clock.move_to(booking.check_out + HOUR)
    house.settle()
    assert pin_of(booking, door).state == State.REMOVED
    assert met(Kind.CHANGED_IN_APP) == 0


def test_a_removed_code_that_was_to_go_anyway_is_no_incident(house: House, clock: time_machine.Traveller) -> None:
    door, booking, remote = set_code(house)
    house.cloud.remove_pin(door.device_id, remote.id)
    cancel(booking)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.REMOVED
    assert met(Kind.CHANGED_IN_APP) == 0


def test_a_second_code_is_told_until_it_is_gone_also_after_a_crash(house: House) -> None:
    door, booking, _ = set_code(house)
    pin = pin_of(booking, door)
    Pin.objects.filter(pk=pin.pk).update(twins=[[30, "Gate"]])
    Incident.open(Kind.SECOND_CODE, timezone.now(), about=pin)
    assert review() == {Kind.SECOND_CODE: Severity.WARNING}
    Pin.objects.filter(pk=pin.pk).update(twins=[])
    assert review() == {}
