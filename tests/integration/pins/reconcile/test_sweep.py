"""The sweep: it wakes the most urgent locks, and loses nothing without a broker."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins import tasks
from pins.models import LockState
from pins.reconcile import sweep
from tests.support.house import House

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_the_sweep_wakes_the_most_urgent_locks_first_and_each_once(house: House, clock: time_machine.Traveller) -> None:
    later, sooner = house.lock("Later"), house.lock("Sooner")
    house.stay(house.flat(later), 5 * DAY, DAY)
    house.stay(house.flat(sooner), DAY, DAY)
    assert sweep.due_locks(timezone.now()) == [sooner.pk, later.pk]

    for lock in (later, sooner):
        LockState.objects.update_or_create(lock=lock, defaults={"dispatched_at": timezone.now()})
    assert sweep.due_locks(timezone.now()) == []
    clock.shift(46 * SECOND)  # the message was lost
    assert sweep.due_locks(timezone.now()) == [sooner.pk, later.pk]


def test_a_broker_out_of_reach_loses_nothing(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    tasks.wake_locks([door.pk])  # must not raise: it runs after the commit of somebody's save
    assert sweep.due_locks(timezone.now()) == [door.pk]
