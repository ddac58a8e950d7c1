"""Incidents about keys, permissions and the request budget."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from pytest_django import Settings

from pins.core.pin_state import State
from pins.models import Incident, LockState, Pin
from tests.support.booking_actions import cancel
from tests.support.house import House
from tests.support.incidents import met, review, unplug

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def test_a_dead_key_is_one_urgent_incident_until_another_key_works(house: House, clock: time_machine.Traveller) -> None:
    doors = [house.lock(f"Door {n}") for n in range(3)]
    house.cloud.set_key_revoked("demo", True)
    house.stay(house.flat(*doors), 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert review() == {Kind.DEAD_KEY: Severity.URGENT}
    house.cloud.set_key_revoked("demo", False)
    house.live(clock, 20 * MINUTE)
    assert review() == {}
    assert met(Kind.DEAD_KEY) == 1


@pytest.mark.parametrize(
    ("answers", "kind"), [("403", Kind.NO_PERMISSION), ("POST:404", Kind.LOCK_UNKNOWN)], ids=["403", "404"]
)
def test_the_refusal_of_a_lock_is_over_when_nothing_is_left_to_do_there(
    house: House, clock: time_machine.Traveller, answers: str, kind: Incident.Kind
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, [answers] * 100)
    booking = house.stay(house.flat(door), 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert review() == {kind: Severity.WARNING}
    assert met(kind) == 1
    cancel(booking)
    assert review() == {}


def test_a_budget_that_cannot_reach_a_deadline_within_the_window_is_told_until_it_does(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 3, 3600
    flat = house.flat(house.lock())
    for n in range(3):
        house.stay(flat, 20 * MINUTE + n * DAY, 9 * MINUTE)
    house.settle()
    assert review() == {}  # two are set already, and the third can wait
    house.stay(flat, 30 * MINUTE, 10 * MINUTE, "Marek")
    house.stay(flat, 45 * MINUTE, 10 * MINUTE, "Olga")
    house.settle()
    assert review()[Kind.BUDGET_SPENT] == Severity.URGENT
    assert Incident.objects.get(kind=Kind.BUDGET_SPENT).account == house.account

    house.live(clock, 70 * MINUTE)
    assert Kind.BUDGET_SPENT not in review()
    assert met(Kind.BUDGET_SPENT) == 1


def test_a_budget_that_is_spent_while_nothing_is_due_in_time_is_no_incident(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 5, 3600
    flat = house.flat(house.lock())
    for n in range(8):
        house.stay(flat, 6 * HOUR + n * DAY, HOUR)
    house.settle()
    assert Pin.objects.exclude(state=State.SET).exists()
    assert review() == {}


def test_work_that_waits_for_an_offline_lock_does_not_wait_for_the_budget(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 20 * MINUTE, HOUR)
    house.stay(flat, 3 * HOUR, HOUR)
    unplug(house, door)
    house.settle()
    settings.TEDEE_RATE_LIMIT = 1
    assert LockState.objects.get().paused_until is not None
    assert Kind.BUDGET_SPENT not in review()
