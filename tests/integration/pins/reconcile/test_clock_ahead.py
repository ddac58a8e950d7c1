"""A clock that steps forward: no window of requests and no lease is over because of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose
from pins.models import Heartbeat
from pins.reconcile import clock_steps, elapsed, leases, request_budget
from pins.reconcile.account_limits import LEASE
from rentals.models import Lock
from tests.support.house import House

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Machine:
    """Its two clocks: time passes on both, and a step changes one alone."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock, self.passed = clock, 1000.0

    def wait(self, time: timedelta) -> None:
        self.clock.shift(time)
        self.passed += time.total_seconds()


@pytest.fixture
def machine(clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(clock)
    monkeypatch.setattr(elapsed, "elapsed", lambda: machine.passed)
    return machine


def ahead(machine: Machine, subject: str = "account:1") -> timedelta:
    return elapsed.stepped_ahead(subject, timezone.now())


def test_a_step_is_known_once_by_each_who_asks(machine: Machine) -> None:
    assert ahead(machine) == ahead(machine, "account:2") == timedelta()
    machine.wait(3 * HOUR)
    machine.clock.shift(DAY)
    assert ahead(machine) == DAY
    assert ahead(machine) == timedelta()
    assert ahead(machine, "account:2") == DAY
    assert ahead(machine, "account:3") == timedelta()  # it has nothing to compare with


@pytest.mark.parametrize(
    ("step", "known"), [(MINUTE, timedelta()), (MINUTE + SECOND, MINUTE + SECOND), (-DAY, timedelta())]
)
def test_clocks_differ_a_little_and_one_that_steps_back_is_another_matter(
    machine: Machine, step: timedelta, known: timedelta
) -> None:
    ahead(machine)
    machine.clock.shift(step)
    assert ahead(machine) == known


@pytest.mark.django_db
def test_what_was_spent_before_the_step_still_counts(house: House, machine: Machine, settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 3, 3600
    key = house.account.budget_key

    def spend() -> bool:
        now = timezone.now()
        return request_budget.spend(key, Purpose.ARRIVAL, now + HOUR, now) is None

    assert [spend() for _ in range(4)] == [True, True, True, False]
    machine.wait(10 * MINUTE)
    machine.clock.shift(DAY)
    assert not spend()
    machine.wait(55 * MINUTE)
    assert not spend()  # nobody knows when in the window each was spent
    machine.wait(10 * MINUTE)
    assert spend()


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["asking", "the sweep"])
def test_what_was_spent_while_the_clock_stood_ahead_is_free_again_after_a_window(
    house: House, machine: Machine, settings: Settings, by: str
) -> None:
    """It counted as spent at each present moment, and the account stood still until the clock had caught up."""
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 3, 3600
    key = house.account.budget_key

    def spend() -> bool:
        now = timezone.now()
        return request_budget.spend(key, Purpose.ARRIVAL, now + HOUR, now) is None

    machine.clock.shift(DAY)
    assert [spend() for _ in range(4)] == [True, True, True, False]
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    machine.clock.shift(-DAY)
    if by == "asking":
        assert not spend()
    else:
        assert clock_steps.forget(timezone.now())
    machine.wait(HOUR + 2 * MINUTE)
    assert spend()


@pytest.mark.django_db
def test_nobody_speaks_to_a_lock_beside_a_run_whose_lease_the_clock_stepped_over(
    house: House, machine: Machine
) -> None:
    """Its request may be under way at that moment."""
    door, other = house.lock("Door"), house.lock("Other")
    theirs = acquired(door)
    assert isinstance(theirs, leases.Lease)
    released = acquired(other)
    assert isinstance(released, leases.Lease)
    leases.release(released)
    machine.wait(20 * SECOND)
    machine.clock.shift(DAY)
    assert isinstance(acquired(door), leases.Taken)
    assert leases.renew(theirs)  # it lives
    assert isinstance(acquired(other), leases.Lease)  # nobody has this one
    machine.wait(LEASE - SECOND)
    assert isinstance(acquired(door), leases.Taken)
    machine.wait(2 * SECOND)
    assert isinstance(acquired(door), leases.Lease)  # it has died since


@pytest.mark.django_db
def test_a_lease_that_was_over_before_the_step_is_not_held(house: House, machine: Machine) -> None:
    door = house.lock()
    assert isinstance(acquired(door), leases.Lease)
    machine.wait(LEASE + SECOND)
    machine.clock.shift(DAY)
    assert isinstance(acquired(door), leases.Lease)


def acquired(lock: Lock) -> leases.Lease | leases.Taken:
    return leases.acquire(Lock.objects.select_related("account", "operation").get(pk=lock.pk))
