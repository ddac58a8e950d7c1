"""Leases and alarms: a lock wakes when it must, and no lease holds for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
import time_machine
from celery.exceptions import Retry
from django.utils import timezone

from pins import tasks
from pins.core.pin_state import State
from pins.models import AccountState, LockState
from pins.reconcile import leases, sweep
from pins.reconcile.account_limits import LEASE
from rentals.models import Lock, LockAccount
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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
    house.run(door)  # its worker may still live: it has the time of a lease
    assert pin_of(booking, door).state == State.SCHEDULED
    clock.shift(LEASE + SECOND)
    assert sweep.due_locks(timezone.now()) == [door.pk]
    house.run(door)
    assert pin_of(booking, door).state == State.SET


def test_nobody_speaks_to_a_lock_beside_a_run_that_the_clock_stepped_back_under(
    house: House, clock: time_machine.Traveller
) -> None:
    """Its request may be under way at that moment."""
    door = house.lock()
    clock.shift(DAY)
    theirs = leases.acquire(door)
    assert isinstance(theirs, leases.Lease)
    clock.shift(-DAY)
    for _second in range(3):
        assert isinstance(leases.acquire(Lock.objects.get(pk=door.pk)), leases.Taken)
        clock.shift(20 * SECOND)
        assert leases.renew(theirs)
    leases.release(theirs)
    assert isinstance(leases.acquire(Lock.objects.get(pk=door.pk)), leases.Lease)


def test_a_change_that_is_sent_next_is_noted_with_the_lease(house: House) -> None:
    lease = leases.acquire(house.lock())
    assert isinstance(lease, leases.Lease)
    assert leases.renew(lease)
    written = LockState.objects.values_list("writes_since", "written_at")
    assert written.get() == (0, None)
    now = timezone.now()
    assert leases.renew(lease, writes_at=now)
    assert written.get() == (1, now)
    leases.release(lease)
    assert LockState.objects.values_list("lease_owner", "lease_until").get() == (None, None)


def test_while_a_cloud_is_out_of_reach_its_account_is_spoken_to_by_one_lock(house: House) -> None:
    """Another account of the same budget is none of its business."""
    first, second, other = house.lock("Front"), house.lock("Back"), house.lock("Other")
    other.account = LockAccount.objects.create(name="Home", secret="one", rate_group="family")
    other.save()
    LockAccount.objects.update(rate_group="family")
    for account, outages in ((house.account, 1), (other.account, 0)):
        AccountState.objects.update_or_create(account=account, defaults={"outages": outages})
    locks = {lock.pk: lock for lock in Lock.objects.select_related("account")}
    assert isinstance(leases.acquire(locks[first.pk]), leases.Lease)
    taken = leases.acquire(locks[second.pk])
    assert isinstance(taken, leases.Taken)
    assert taken.until is not None
    assert taken.until > timezone.now()
    assert isinstance(leases.acquire(locks[other.pk]), leases.Lease)
    AccountState.objects.update(outages=0)
    assert isinstance(leases.acquire(locks[second.pk]), leases.Lease)
