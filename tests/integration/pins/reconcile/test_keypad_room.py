"""Room on the keypad: the nearest arrivals have it, and what waits is set when there is room."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.plan import ASK_FOR_ROOM
from pins.desired import code_overrides
from pins.models import AccessGrant, Incident, ValueClaim
from pins.reconcile.run import FOREIGN_PINS_KNOWN
from rentals.models import Booking, Lock
from tests.support.booking_actions import cancel, change
from tests.support.house import House, pin_of
from tests.support.incidents import open_after_sweep
from tests.support.reconciling import assert_one_right_pin

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def door_with_one_place(house: House) -> Lock:
    door = house.lock()
    door.pin_capacity = 6  # five places are kept free
    door.save()
    return door


def one_set_and_one_waiting(house: House, door: Lock) -> tuple[Booking, Booking]:
    flat = house.flat(door)
    near, far = house.stay(flat, 2 * DAY, DAY), house.stay(flat, 5 * DAY, DAY)
    house.settle()
    assert (pin_of(near, door).state, pin_of(far, door).state) == (State.SET, State.SCHEDULED)
    return near, far


def test_the_nearest_arrivals_have_the_keypads_room(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    door.pin_capacity = 8  # five places are kept free
    door.save()
    flat = house.flat(door)
    far = [house.stay(flat, (10 + n) * DAY, DAY) for n in range(4)]
    house.live(clock, MINUTE)
    assert [pin_of(stay, door).state for stay in far] == ["set", "set", "set", "scheduled"]
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.TOO_MANY_CODES

    AccessGrant.objects.filter(booking=far[2]).update(disclosed_at=timezone.now())
    near = house.stay(flat, DAY, DAY)  # takes the place of the furthest code that is not disclosed
    house.live(clock, MINUTE)
    assert [pin_of(stay, door).state for stay in far] == ["set", "scheduled", "set", "scheduled"]
    assert pin_of(near, door).state == State.SET
    assert len(house.ours(door)) == 3

    near.delete()
    house.live(clock, 2 * MINUTE)
    assert [pin_of(stay, door).state for stay in far] == ["set", "set", "set", "scheduled"]


@pytest.mark.parametrize("what", ["raised capacity", "edit", "cancelled neighbour"])
def test_a_code_that_waits_for_room_is_set_soon_after_there_is_some(
    house: House, clock: time_machine.Traveller, what: str
) -> None:
    door = door_with_one_place(house)
    near, far = one_set_and_one_waiting(house, door)
    if what == "raised capacity":
        Lock.objects.update(pin_capacity=100)
    elif what == "edit":
        change(far, check_in=near.check_in - HOUR)  # now this one is the nearest
    else:
        cancel(near)
    house.live(clock, ASK_FOR_ROOM + MINUTE)

    assert pin_of(far, door).state == State.SET
    assert len(house.ours(door)) == (2 if what == "raised capacity" else 1)
    assert open_after_sweep() == ([Incident.Kind.TOO_MANY_CODES] if what == "edit" else [])


def test_a_keypad_full_of_foreign_codes_evicts_nobody_and_is_tried_again_after_an_hour(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    foreign = [house.cloud.add_foreign_pin(door.device_id) for _ in range(96)]
    flat = house.flat(door)
    present = house.stay(flat, -HOUR, 3 * DAY)
    house.settle()
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    coming = house.stay(flat, 3 * DAY, 2 * DAY)
    house.live(clock, 10 * MINUTE)  # the look shows how full the keypad is
    waiting = house.stay(flat, 6 * DAY, 2 * DAY)
    house.live(clock, 10 * MINUTE)
    assert [pin_of(stay, door).state for stay in (present, coming, waiting)] == ["set", "set", "scheduled"]
    assert len(house.ours(door)) == 2
    assert open_after_sweep() == [Incident.Kind.TOO_MANY_CODES]

    for pin in foreign:
        house.cloud.remove_pin(door.device_id, pin.id)
    house.live(clock, FOREIGN_PINS_KNOWN + ASK_FOR_ROOM)
    assert pin_of(waiting, door).state == State.SET
    assert open_after_sweep() == []


def test_a_code_that_had_to_make_room_keeps_its_value_for_the_way_back(
    house: House, clock: time_machine.Traveller
) -> None:
    door = door_with_one_place(house)
    flat = house.flat(door)
    far = house.stay(flat, 5 * DAY, DAY)
    house.settle()
    code = AccessGrant.objects.get(booking=far).code
    near = house.stay(flat, 2 * DAY, DAY)
    house.live(clock, MINUTE)
    assert pin_of(far, door).state == State.SCHEDULED

    another = code_overrides.ensure_grant(house.stay(flat, 90 * DAY, DAY).pk, timezone.now())
    assert another is not None
    with pytest.raises(code_overrides.CodeTakenError):
        code_overrides.set_code(another, code, timezone.now())

    near.delete()
    house.live(clock, MINUTE)
    assert pin_of(far, door).state == State.SET
    assert [pin.value for pin in house.ours(door)] == [code]


def test_more_codes_than_places_is_an_incident_until_nobody_waits(house: House, clock: time_machine.Traveller) -> None:
    door = door_with_one_place(house)
    _, far = one_set_and_one_waiting(house, door)
    assert open_after_sweep() == [Incident.Kind.TOO_MANY_CODES]
    cancel(far)
    assert open_after_sweep() == []  # nothing was left to do on the lock, so no run could end it


@pytest.mark.parametrize("room_is_made", [True, False])
def test_a_full_keypad_is_an_incident_until_there_is_room_or_nobody_needs_it(
    clock: time_machine.Traveller, room_is_made: bool
) -> None:
    house = House(capacity=1)
    door = house.lock()
    foreign = house.cloud.add_foreign_pin(door.device_id)
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.live(clock, 10 * MINUTE)
    assert open_after_sweep() == [Incident.Kind.NO_ROOM]

    if room_is_made:
        house.cloud.remove_pin(door.device_id, foreign.id)
        house.live(clock, 20 * MINUTE)
        assert pin_of(booking, door).state == State.SET
    else:
        cancel(booking)
    assert open_after_sweep() == []


def test_a_full_lock_takes_the_code_when_there_is_room_again(clock: time_machine.Traveller) -> None:
    house = House(capacity=1)
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, -DAY, DAY + 30 * MINUTE)
    house.settle()
    arriving = house.stay(flat, HOUR, DAY)
    house.settle()
    assert Incident.objects.filter(kind=Incident.Kind.NO_ROOM, resolved_at=None).exists()
    clock.move_to(leaving.check_out)
    house.live(clock, HOUR)
    assert_one_right_pin(house, arriving, door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_code_that_waits_for_room_keeps_its_claim(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    Lock.objects.update(pin_capacity=6)
    flat = house.flat(door)
    far = house.stay(flat, 5 * DAY, DAY)
    house.settle()
    near = house.stay(flat, 2 * DAY, DAY)
    house.live(clock, HOUR)

    assert_one_right_pin(house, near, door)
    assert pin_of(far, door).state == State.SCHEDULED
    assert ValueClaim.objects.filter(grant__booking=far, released_at=None).count() == 1


def test_room_for_all_ends_the_incident_also_when_the_stay_that_waited_was_cancelled(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    Lock.objects.update(pin_capacity=6)
    flat = house.flat(door)
    near, far = house.stay(flat, 2 * DAY, DAY), house.stay(flat, 5 * DAY, DAY)
    house.settle()
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.TOO_MANY_CODES

    change(far, status=Booking.Status.CANCELLED)
    change(near, check_out=near.check_out + HOUR)
    house.settle()

    assert not Incident.objects.filter(resolved_at=None).exists()
