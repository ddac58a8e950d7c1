"""Edges of room, alarms, leases, watching and incidents: what must end again, and what must not hide anything."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
import time_machine
from celery.exceptions import Retry
from django.utils import timezone

from pins import tasks
from pins.core.pin_state import State
from pins.core.plan import ASK_FOR_ROOM
from pins.desired import code_overrides
from pins.incidents import sweep_checks
from pins.models import AccessGrant, Incident, LockState
from pins.reconcile import connectivity, leases, sweep
from pins.reconcile.run import FOREIGN_PINS_KNOWN
from rentals.models import Booking, Lock
from tests.support.booking_actions import cancel, change, open_incidents
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def review() -> list[str]:
    """What is open after the sweep has looked."""
    sweep_checks.review(timezone.now())
    return open_incidents()


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


# -- room on the keypad -------------------------------------------------------------------------------------------


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
    assert review() == ([Incident.Kind.TOO_MANY_CODES] if what == "edit" else [])


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
    assert review() == [Incident.Kind.TOO_MANY_CODES]

    for pin in foreign:
        house.cloud.remove_pin(door.device_id, pin.id)
    house.live(clock, FOREIGN_PINS_KNOWN + ASK_FOR_ROOM)
    assert pin_of(waiting, door).state == State.SET
    assert review() == []


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


# -- alarms and leases --------------------------------------------------------------------------------------------


def stay_that_ends_in(house: House, door: Lock, left: timedelta) -> None:
    """Its end is the next work of the lock, near enough for an alarm."""
    house.stay(house.flat(door), -DAY, DAY + left)
    house.settle()


def alarm_set_by_a_run(door: Lock) -> float | None:
    """In how many seconds the run's task asks to be run again."""
    try:
        tasks.run_lock.apply(kwargs={"lock_id": door.pk}, throw=True)
    except Retry as again:
        return cast("float", again.when)
    return None


def test_an_alarm_for_later_does_not_hide_work_that_is_due_now(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    stay_that_ends_in(house, door, 100 * SECOND)
    assert alarm_set_by_a_run(door) == 100
    assert LockState.objects.get().dispatched_at == timezone.now() + 100 * SECOND
    assert sweep.due_locks(timezone.now()) == []

    house.stay(house.flat(door, name="Other flat"), timedelta(0), DAY)  # and its message is lost
    assert sweep.due_locks(timezone.now()) == [door.pk]


def test_a_lock_has_one_alarm_the_earliest(house: House, clock: time_machine.Traveller) -> None:
    """Every wake-up of a lock with a known next moment would otherwise begin a chain of retries of its own."""
    door = house.lock()
    stay_that_ends_in(house, door, 100 * SECOND)
    assert alarm_set_by_a_run(door) == 100
    clock.shift(SECOND)
    assert alarm_set_by_a_run(door) is None

    stay_that_ends_in(house, door, 20 * SECOND)
    LockState.objects.update(dispatched_at=timezone.now() + 99 * SECOND)  # the alarm above still stands
    assert alarm_set_by_a_run(door) == 20


def test_a_lease_of_a_clock_that_has_stepped_back_does_not_hold(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    clock.shift(2 * HOUR)
    leases.acquire(door)  # and its worker dies
    clock.shift(-2 * HOUR)
    assert sweep.due_locks(timezone.now()) == [door.pk]
    house.run(door)
    assert pin_of(booking, door).state == State.SET


# -- watching -----------------------------------------------------------------------------------------------------


def watch_for(house: House, clock: time_machine.Traveller, span: timedelta) -> tuple[int, set[int]]:
    """Watch every 30 seconds; tells the requests sent and the locks that came back."""
    LockState.objects.update(paused_until=timezone.now() + DAY)
    before, back = len(house.cloud.journal.requests), set[int]()
    for _ in range(span // (30 * SECOND)):
        clock.shift(30 * SECOND)
        back |= connectivity.locks_back_online(timezone.now(), clients=house.client)
    return len(house.cloud.journal.requests) - before, back


@pytest.mark.parametrize(("arrives_in", "most"), [(HOUR, 40), (5 * DAY, 4)])
def test_an_offline_lock_is_watched_closely_only_when_somebody_arrives_soon(
    house: House, clock: time_machine.Traveller, arrives_in: timedelta, most: int
) -> None:
    door = house.lock()
    house.stay(house.flat(door), arrives_in, DAY)
    house.cloud.set_connected(door.device_id, False)
    house.live(clock, MINUTE)
    assert watch_for(house, clock, 20 * MINUTE) == (most, set())

    house.cloud.set_connected(door.device_id, True)
    assert watch_for(house, clock, connectivity.UNHURRIED)[1] == {door.pk}


def test_a_lock_that_was_connected_all_along_is_not_woken(house: House, clock: time_machine.Traveller) -> None:
    """Without a keypad it answers 428, too. That it is connected is no news, and no reason to try at once."""
    made = house.cloud.add_lock("Door", keypad=None)
    door = Lock.objects.create(account=house.account, device_id=made.id, name="Door", serial_number=made.serial_number)
    house.stay(house.flat(door), HOUR, DAY)
    house.live(clock, MINUTE)
    requests, back = watch_for(house, clock, 10 * MINUTE)
    assert requests > 0
    assert back == set()


# -- incidents ----------------------------------------------------------------------------------------------------


def test_a_code_that_still_has_old_times_when_the_guest_is_near_is_an_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    """It is on the lock, but does not open the door when the guest arrives."""
    door = house.lock()
    booking = house.stay(house.flat(door), 10 * DAY, 5 * DAY)
    house.settle()
    house.cloud.set_connected(door.device_id, False)
    change(booking, check_in=timezone.now() + 2 * HOUR, check_out=timezone.now() + DAY)
    house.live(clock, 5 * MINUTE)
    assert review() == []  # patience
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.CHANGING
    assert review() == [Incident.Kind.CODE_LATE]

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert review() == []


def test_more_codes_than_places_is_an_incident_until_nobody_waits(house: House, clock: time_machine.Traveller) -> None:
    door = door_with_one_place(house)
    _, far = one_set_and_one_waiting(house, door)
    assert review() == [Incident.Kind.TOO_MANY_CODES]
    cancel(far)
    assert review() == []  # nothing was left to do on the lock, so no run could end it


def test_a_value_that_is_taken_is_an_incident_until_the_stay_is_cancelled(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    AccessGrant.objects.update(disclosed_at=timezone.now())
    house.cloud.add_foreign_pin(door.device_id, value=AccessGrant.objects.get().code)
    house.live(clock, 10 * MINUTE)
    assert review() == [Incident.Kind.VALUE_TAKEN]
    cancel(booking)
    house.live(clock, 10 * MINUTE)
    assert review() == []


def test_a_code_that_may_be_on_the_lock_after_a_cancellation_is_an_incident_until_it_is_confirmedly_gone(
    house: House, clock: time_machine.Traveller
) -> None:
    """The answer to the POST was lost, so no id is known."""
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 5 * DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.run(door)
    house.cloud.set_connected(door.device_id, False)
    cancel(booking)
    house.live(clock, 15 * MINUTE)
    assert pin_of(booking, door).remote_id is None
    assert review() == [Incident.Kind.CODE_STAYS]

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)
    assert house.ours(door) == []
    assert review() == []


@pytest.mark.parametrize("room_is_made", [True, False])
def test_a_full_keypad_is_an_incident_until_there_is_room_or_nobody_needs_it(
    clock: time_machine.Traveller, room_is_made: bool
) -> None:
    house = House(capacity=1)
    door = house.lock()
    foreign = house.cloud.add_foreign_pin(door.device_id)
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.live(clock, 10 * MINUTE)
    assert review() == [Incident.Kind.NO_ROOM]

    if room_is_made:
        house.cloud.remove_pin(door.device_id, foreign.id)
        house.live(clock, 20 * MINUTE)
        assert pin_of(booking, door).state == State.SET
    else:
        cancel(booking)
    assert review() == []
