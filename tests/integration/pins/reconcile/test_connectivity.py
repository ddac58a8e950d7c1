"""Learning whether offline locks are back, with few requests."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import LockState
from pins.reconcile import connectivity
from rentals.models import Lock
from tests.support.house import House

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def watch_for(house: House, clock: time_machine.Traveller, span: timedelta) -> tuple[int, set[int]]:
    """Check every 30 seconds; returns the requests sent and the locks that came back."""
    LockState.objects.update(paused_until=timezone.now() + DAY)
    before, back = len(house.cloud.journal.requests), set[int]()
    for _ in range(span // (30 * SECOND)):
        clock.shift(30 * SECOND)
        back |= connectivity.locks_back_online(timezone.now(), clients=house.client)
    return len(house.cloud.journal.requests) - before, back


def test_offline_locks_are_checked_with_one_request_and_go_on_when_they_are_back(
    house: House, clock: time_machine.Traveller
) -> None:
    locks = [house.lock(f"Door {n}") for n in range(3)]
    house.stay(house.flat(*locks), 5 * DAY, DAY)
    for lock in locks:
        house.cloud.set_connected(lock.device_id, False)
    house.live(clock, 10 * MINUTE)
    assert set(house.statuses()) == {428}
    # Wherever the last random pause ended: they rest for another while.
    LockState.objects.update(paused_until=timezone.now() + 20 * MINUTE)
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == set()
    asked = len(house.cloud.journal.requests)
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == set()
    assert len(house.cloud.journal.requests) == asked  # nobody arrives soon: no hurry

    clock.shift(connectivity.UNHURRIED)
    house.cloud.set_connected(locks[0].device_id, True)
    before = len(house.cloud.journal.requests)
    back = connectivity.locks_back_online(timezone.now(), clients=house.client)
    assert len(house.cloud.journal.requests) == before + 1
    assert back == {locks[0].pk}
    house.run(locks[0])
    assert len(house.ours(locks[0])) == 1


@pytest.mark.parametrize(("arrives_in", "most"), [(HOUR, 40), (5 * DAY, 4)])
def test_an_offline_lock_is_checked_often_only_when_somebody_arrives_soon(
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


@pytest.mark.parametrize(
    ("cause", "is_connected", "is_over"), [("offline", True, True), ("offline", False, False), ("busy", True, False)]
)
def test_a_connection_that_is_reported_ends_the_rest_of_an_offline_lock(
    house: House, clock: time_machine.Traveller, cause: str, is_connected: bool, is_over: bool
) -> None:
    door = house.lock()
    until = timezone.now() + HOUR
    LockState.objects.update_or_create(lock=door, defaults={"paused_until": until, "pause_cause": cause})
    assert connectivity.connection_reported(door, is_connected) is is_over
    assert (LockState.objects.get().paused_until == until) is not is_over
    assert Lock.objects.get().is_connected is is_connected
