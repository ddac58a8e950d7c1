"""What an answer leaves written down about its PIN, its lock and its account, and what it must not touch."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from pins.core.pin_state import State
from pins.models import AccountState, LockState, Pin, PinAttempt
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WELL = {"failures": 0, "failures_alike": 0, "paused_until": None, "pause_cause": "", "forbidden_key": ""}


def trouble(lock: Lock) -> dict[str, object]:
    state = LockState.objects.get(lock=lock)
    return {name: getattr(state, name) for name in WELL}


def test_an_id_that_the_lock_gives_to_a_new_code_is_no_longer_believed_to_be_anothers(
    clock: time_machine.Traveller,
) -> None:
    """Each run that ended would otherwise leave one code with two owners, and the first removal takes it from both."""
    house = House(id_reuse=True)
    door = house.lock()
    flat = house.flat(door)
    first = house.stay(flat, 2 * DAY, DAY, name="First")
    house.settle()
    old_id = pin_of(first, door).remote_id
    assert old_id is not None
    house.cloud.remove_pin(door.device_id, old_id)  # in the app; we do not know it
    second = house.stay(flat, 5 * DAY, DAY, name="Second")
    house.run(door)
    assert pin_of(second, door).remote_id == old_id
    assert pin_of(first, door).remote_id != old_id
    house.settle()
    assert {pin.alias.partition(" ")[0] for pin in house.ours(door)} == {"First", "Second"}


@pytest.mark.parametrize(
    ("request_kind", "fault"),
    [("POST", "409"), ("POST", "428"), ("POST", "500"), ("GET", "409"), ("GET", "drop_lost"), ("GET", "403")],
)
def test_a_success_leaves_nothing_of_earlier_trouble(
    house: House, clock: time_machine.Traveller, request_kind: str, fault: str
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    if request_kind == "GET":
        Pin.objects.update(must_look=True)
    house.cloud.script(door.device_id, [f"{request_kind}:{fault}", f"{request_kind}:{fault}"])
    house.run(door)
    assert trouble(door) != WELL
    assert trouble(door)["pause_cause"] != ""
    house.live(clock, 2 * HOUR)
    assert pin_of(booking, door).state == State.SET
    assert trouble(door) == WELL


@pytest.mark.parametrize(("fault", "cause"), [("html_error=1", "server"), ("drop_lost=1", "network")])
def test_faults_of_the_server_or_the_network_on_three_locks_are_an_outage(
    house: House, clock: time_machine.Traveller, fault: str, cause: str
) -> None:
    doors = [house.lock(f"Door {number}") for number in range(4)]
    house.stay(house.flat(*doors), 5 * DAY, DAY)
    house.cloud.set_faults(fault)
    for number, door in enumerate(doors[:3]):
        assert not AccountState.objects.get().outages, number
        house.run(door)
        assert LockState.objects.get(lock=door).pause_cause == cause
    state = AccountState.objects.get()
    assert (state.outages, state.pause_cause, state.probed_lock) == (1, "network", doors[2].pk)
    assert state.paused_until is not None
    assert house.run(doors[3]).requests == 0

    house.cloud.set_faults("")
    house.live(clock, 10 * MINUTE)
    state = AccountState.objects.get()
    assert (state.outages, state.recent_faults, state.paused_until, state.pause_cause) == (0, [], None, "")


@pytest.mark.parametrize("fault", ["409", "428"])
def test_what_is_the_locks_own_trouble_is_no_outage(house: House, clock: time_machine.Traveller, fault: str) -> None:
    doors = [house.lock(f"Door {number}") for number in range(4)]
    house.stay(house.flat(*doors), 5 * DAY, DAY)
    for door in doors:
        house.cloud.script(door.device_id, [fault] * 3)
        house.run(door)
    state = AccountState.objects.get()
    assert (state.outages, state.recent_faults, state.paused_until) == (0, [], None)


def test_an_answer_of_one_lock_refutes_the_outage_that_others_suggest(
    house: House, clock: time_machine.Traveller
) -> None:
    doors = [house.lock(f"Door {number}") for number in range(4)]
    house.stay(house.flat(*doors), 5 * DAY, DAY)
    for door in (doors[0], doors[1], doors[3]):
        house.cloud.script(door.device_id, ["500"])
    for door in doors:
        house.run(door)
    assert AccountState.objects.get().outages == 0
    assert [lock for lock, _ in AccountState.objects.get().recent_faults] == [doors[3].pk]


def test_each_attempt_is_closed_by_its_own_answer(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    for number in range(3):
        house.stay(flat, (number + 1) * DAY, HOUR, name=f"Guest{number}")
    house.cloud.script(door.device_id, ["ok", "ok", "408"])
    house.run(door)
    closed = list(PinAttempt.objects.order_by("pk").values_list("op", "status", "outcome", "cause")[:3])
    assert closed == [("post", 201, "done", ""), ("post", 201, "done", ""), ("post", 408, "lost", "timeout")]
    assert not PinAttempt.objects.filter(outcome=PinAttempt.Outcome.OPEN).exists()
    tokens = PinAttempt.objects.values_list("correlation_id", flat=True)
    assert len(set(tokens)) == len(tokens)


def test_a_lost_change_cannot_land_on_a_lock_that_was_added_again(house: House, clock: time_machine.Traveller) -> None:
    """The device that it was sent to is gone. Nothing else is known of the code, so this alone must be forgotten."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    house.settle()
    house.cloud.script(door.device_id, ["DELETE:timeout_applied"])
    booking.status = Booking.Status.CANCELLED
    booking.save()
    house.live(clock, 30 * SECOND)
    pin = pin_of(booking, door)
    assert (pin.remote_id, pin.posts) == (None, [])
    assert pin.late_until is not None
    Pin.objects.update(hold_until=None, nominees=[], must_look=False)
    Lock.objects.filter(pk=door.pk).update(device_id=house.cloud.readd_lock(door.device_id))
    house.run(Lock.objects.get(pk=door.pk))
    assert pin_of(booking, door).late_until is None
    assert pin_of(booking, door).state == State.REMOVED
