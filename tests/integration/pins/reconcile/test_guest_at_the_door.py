"""A stay has begun and its code is not on the lock: how often Turnkey tries, and when a person is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.incidents import sweep_checks
from pins.models import Incident, LockState, PinAttempt
from pins.reconcile import connectivity
from rentals.models import Lock
from tests.support.booking_actions import change
from tests.support.house import House
from tests.support.incidents import open_after_sweep, unplug

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind = Incident.Kind


def longest_gap(since: datetime) -> timedelta:
    """The longest time between two requests from a moment on."""
    moments = [since, *PinAttempt.objects.filter(started_at__gte=since).values_list("started_at", flat=True)]
    return max(after - before for before, after in zip(moments, [*moments[1:], timezone.now()], strict=True))


@pytest.mark.parametrize("status", ["409", "408", "500", "drop_lost", "html_404"])
def test_a_lock_that_fails_is_tried_each_minute(house: House, clock: time_machine.Traveller, status: str) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, [status] * 500)
    house.stay(house.flat(door), 5 * MINUTE, DAY)
    house.live(clock, 40 * MINUTE)  # many more failures than ten
    assert longest_gap(timezone.now() - 34 * MINUTE) <= 61 * SECOND


def test_a_lock_that_fails_a_guest_who_is_to_come_is_tried_less_often(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["408"] * 500)
    house.stay(house.flat(door), 2 * DAY, DAY)
    house.live(clock, HOUR)
    assert longest_gap(timezone.now() - 40 * MINUTE) > 2 * MINUTE


@pytest.mark.parametrize(("begins", "least", "most"), [(-HOUR, 16, 45), (2 * DAY, 4, 17)], ids=["begun", "to come"])
def test_an_outage_is_probed_each_minute_while_a_guest_waits(
    house: House, clock: time_machine.Traveller, begins: timedelta, least: int, most: int
) -> None:
    for n in range(4):
        lock = house.lock(f"Door {n}")
        house.cloud.script(lock.device_id, ["503"] * 500)
        house.stay(house.flat(lock, name=lock.name), begins, 5 * DAY)
    house.live(clock, 10 * MINUTE)
    before, since = PinAttempt.objects.count(), timezone.now()
    house.live(clock, 20 * MINUTE)
    assert least <= PinAttempt.objects.count() - before <= most
    if begins < timedelta(0):
        assert longest_gap(since) <= 61 * SECOND


def test_an_offline_lock_costs_one_request_a_minute_from_the_budget_of_arrivals(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    door = house.lock()
    unplug(house, door)
    house.stay(house.flat(door), -HOUR, DAY)
    house.live(clock, 20 * MINUTE)
    before = len(house.cloud.journal.requests)
    for _ in range(40):  # ticks of half a minute
        clock.shift(30 * SECOND)
        connectivity.locks_back_online(timezone.now(), clients=house.client)
        house.settle()
    sent = list(house.cloud.journal.requests)[before:]
    assert 15 <= sum(one.path.endswith("/sync") for one in sent) <= 20
    assert 4 <= sum(one.method == "POST" for one in sent) <= 9

    settings.TEDEE_RATE_LIMIT = len(house.cloud.journal.requests) + 5  # checks have spent their half
    Lock.objects.update(is_connected=False)
    house.cloud.set_connected(door.device_id, True)
    clock.shift(MINUTE)
    LockState.objects.update(paused_until=timezone.now() + 5 * MINUTE)  # it is not tried by itself within a moment
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == {door.pk}


def late_after(clock: time_machine.Traveller, house: House, act: Callable[[], object]) -> timedelta | None:
    """How long after an act the incident about a late code opens; `None`: not within fifteen minutes."""
    act()
    begun = timezone.now()
    while timezone.now() < begun + 15 * MINUTE:
        house.settle()
        if Kind.CODE_LATE in open_after_sweep():
            return timezone.now() - begun
        clock.shift(10 * SECOND)
    return None


def test_a_person_is_told_two_minutes_after_a_guest_who_was_entered_late(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["409"] * 500)
    flat = house.flat(door)
    assert late_after(clock, house, lambda: house.stay(flat, -HOUR, DAY)) == 2 * MINUTE


def test_a_person_is_told_two_minutes_after_the_start_of_a_stay_entered_shortly_before(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["409"] * 500)
    flat = house.flat(door)
    assert late_after(clock, house, lambda: house.stay(flat, 3 * MINUTE, DAY)) == 5 * MINUTE


def test_a_warning_before_the_start_does_not_end_when_the_guest_comes(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["409"] * 900)
    house.stay(house.flat(door), HOUR, DAY)
    house.live(clock, 30 * MINUTE)
    assert Kind.CODE_LATE in open_after_sweep()
    for _ in range(20):
        clock.shift(2 * MINUTE)
        sweep_checks.check(timezone.now())
    assert Incident.objects.filter(kind=Kind.CODE_LATE).count() == 1


def test_an_extension_that_does_not_press_has_ten_minutes(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 20 * HOUR)
    house.settle()
    house.cloud.script(door.device_id, ["409"] * 500)
    assert late_after(clock, house, lambda: change(booking, check_out=booking.check_out + DAY)) == 10 * MINUTE
