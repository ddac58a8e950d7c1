"""Locks that say that they are full: what they say is believed, and near arrivals get a place."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.board.lock_page import lock_page
from pins.core.capacity import BELIEVED
from pins.core.pin_state import State
from pins.models import AccessGrant, Incident, LockState, Pin, PinAttempt
from pins.reconcile import keypad_room
from pins.reconcile.known import pins_at_a_glance
from pins.tedee.errors import Cause
from rentals.access import EVERYTHING
from rentals.models import Lock
from tests.support.booking_actions import cancel
from tests.support.house import House, pin_of
from tests.support.incidents import open_after_sweep

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def refusals() -> int:
    return PinAttempt.objects.filter(status=412).count()


def test_a_lock_with_less_room_than_thought_is_asked_by_one_code_for_all(clock: time_machine.Traveller) -> None:
    house = House(capacity=3)
    door = house.lock()
    flat = house.flat(door)
    stays = [house.stay(flat, (3 + n) * DAY, HOUR) for n in range(8)]
    house.live(clock, 2 * HOUR)
    assert [pin_of(stay, door).state for stay in stays[:3]] == [State.SET] * 3
    assert LockState.objects.get().learned_room == 3
    assert refusals() < 5 + 20  # each once at first; then one of them, four to eight times an hour
    assert sum(pin_of(stay, door).admitted for stay in stays) == 4

    cancel(stays[0])
    house.live(clock, 20 * MINUTE)
    assert pin_of(stays[3], door).state == State.SET


def test_a_near_arrival_gets_the_place_of_the_furthest_code_which_comes_back_in_time(
    clock: time_machine.Traveller,
) -> None:
    house = House(capacity=3)
    door = house.lock()
    flat = house.flat(door)
    far = [house.stay(flat, (3 + 5 * n) * DAY, DAY) for n in range(3)]
    house.settle()
    AccessGrant.objects.filter(booking=far[2]).update(disclosed_at=timezone.now())
    near = house.stay(flat, 5 * HOUR, DAY)
    house.live(clock, 10 * MINUTE)
    assert pin_of(near, door).state == State.SET
    assert [len(house.ours(door)), pin_of(far[0], door).state, pin_of(far[2], door).state] == [3, "set", "set"]
    assert pin_of(far[1], door).state != State.SET
    assert Incident.objects.filter(severity=Severity.URGENT).count() == 0

    clock.move_to(near.check_out)
    house.live(clock, HOUR)
    assert pin_of(far[1], door).state == State.SET
    assert open_after_sweep() == []


def test_two_near_arrivals_get_a_place_each(clock: time_machine.Traveller) -> None:
    house = House(capacity=3)
    door = house.lock()
    flat = house.flat(door)
    for n in range(3):
        house.stay(flat, (3 + 5 * n) * DAY, DAY)
    house.settle()
    near = [house.stay(flat, 5 * HOUR, 2 * HOUR), house.stay(flat, 9 * HOUR, 2 * HOUR)]
    house.live(clock, 10 * MINUTE)
    assert [pin_of(stay, door).state for stay in near] == [State.SET] * 2


def test_a_lock_that_says_full_whatever_happens_costs_one_code_and_becomes_urgent(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door)
    for n in range(5):
        house.stay(flat, (3 + n) * DAY, HOUR)
    house.settle()
    house.cloud.script(door.device_id, ["POST:412"] * 500)
    house.stay(flat, 5 * HOUR, DAY)
    house.stay(flat, 8 * HOUR, DAY)
    house.live(clock, 4 * HOUR)
    assert len(house.ours(door)) == 4
    assert Incident.objects.get(kind=Kind.NO_ROOM, resolved_at=None).severity == Severity.URGENT


def test_a_farther_arrival_waits_and_nobody_yields(clock: time_machine.Traveller) -> None:
    house = House(capacity=2)
    door = house.lock()
    flat = house.flat(door)
    for n in range(2):
        house.stay(flat, (9 + n) * DAY, HOUR)
    house.settle()
    house.stay(flat, 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert LockState.objects.get().yielded_at is None
    assert Incident.objects.get(kind=Kind.NO_ROOM, resolved_at=None).severity == Severity.WARNING


def test_foreign_codes_fill_it_until_the_list_shows_fewer(clock: time_machine.Traveller) -> None:
    house = House(capacity=4)
    door = house.lock()
    foreign = [house.cloud.add_foreign_pin(door.device_id) for _ in range(3)]
    flat = house.flat(door)
    house.stay(flat, 2 * DAY, HOUR)
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.live(clock, MINUTE)  # the look counts the others
    waiting = house.stay(flat, 5 * DAY, DAY)
    house.live(clock, MINUTE)
    assert LockState.objects.get().learned_room == 4

    for pin in foreign:
        house.cloud.remove_pin(door.device_id, pin.id)
    house.cloud.script(door.device_id, ["POST:timeout_lost"])
    house.stay(flat, 5 * DAY, DAY, "Olga")  # its lost answer makes a look
    house.live(clock, 20 * MINUTE)
    assert pin_of(waiting, door).state == State.SET
    assert LockState.objects.get().learned_room is None


def test_what_the_lock_said_is_shown_and_forgotten_after_a_day(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), 5 * DAY, DAY)
    house.settle()
    LockState.objects.update(learned_room=97, learned_room_at=timezone.now())

    def shown() -> list[str]:
        lock = Lock.objects.select_related("operation", "account__operation").get()
        return [fact.value for fact in lock_page(lock, timezone.now(), EVERYTHING).facts if "97" in fact.value]

    assert shown() == ["Tedee said full at 97 codes"]
    clock.shift(BELIEVED + MINUTE)
    assert shown() == []


def test_a_place_that_becomes_free_ends_nothing_while_others_wait_for_one(clock: time_machine.Traveller) -> None:
    house = House(capacity=2)
    door = house.lock()
    flat = house.flat(door)
    stays = [house.stay(flat, (3 + n) * DAY, HOUR) for n in range(5)]
    house.live(clock, MINUTE)
    for gone, admitted in ((stays[0], stays[2]), (stays[1], stays[3])):
        cancel(gone)
        house.live(clock, 20 * MINUTE)
        assert pin_of(admitted, door).state == State.SET
        assert Kind.NO_ROOM in open_after_sweep()
    assert Incident.objects.filter(kind=Kind.NO_ROOM).count() == 1

    cancel(stays[2])
    house.live(clock, 20 * MINUTE)
    assert pin_of(stays[4], door).state == State.SET
    assert open_after_sweep() == []


@pytest.mark.parametrize(("arrives_in", "severity"), [(5 * HOUR, Severity.URGENT), (3 * DAY, Severity.WARNING)])
def test_no_room_is_urgent_where_a_guest_comes_soon_and_nobody_can_yield(
    house: House, arrives_in: timedelta, severity: str
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), arrives_in, DAY)
    keypad_room.refused(door, pin_of(booking, door), timezone.now())
    assert Incident.objects.get(kind=Kind.NO_ROOM).severity == severity


def test_a_free_place_ends_the_wait_of_those_that_were_refused_for_it(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * DAY, DAY)
    now = timezone.now()
    LockState.objects.update_or_create(lock=door, defaults={"learned_room": 3, "learned_room_at": now})
    Pin.objects.update(last_cause=Cause.NO_ROOM.value, hold_until=now + HOUR, next_try_at=now + HOUR)
    keypad_room.freed(door, now)
    assert LockState.objects.values_list("learned_room", "learned_room_at").get() == (None, None)
    pin = pin_of(booking, door)
    assert (pin.hold_until, pin.next_try_at) == (now, now)


def test_a_code_that_yields_on_a_full_lock_goes_on_yielding_and_returns_when_there_is_room(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * DAY, DAY)
    now = timezone.now()
    LockState.objects.update_or_create(
        lock=door, defaults={"learned_room": 1, "learned_room_at": now, "yielded_at": now}
    )
    Pin.objects.update(admitted=False, remote_id=7)
    AccessGrant.objects.update(disclosed_at=now)

    def admitted() -> tuple[bool, bool]:
        state = LockState.objects.get(lock=door)
        return keypad_room.admit(door, pins_at_a_glance(door.pk, now), 0, state, now)

    assert admitted() == (False, False)
    LockState.objects.update(learned_room=None)
    assert admitted() == (True, True)
    assert pin_of(booking, door).admitted
