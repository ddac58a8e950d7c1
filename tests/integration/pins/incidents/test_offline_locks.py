"""Incidents about locks that are offline."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.incidents import sweep_checks
from pins.models import Incident, LockState
from pins.reconcile import connectivity
from rentals.models import Lock
from tests.support.booking_actions import cancel, open_incidents
from tests.support.house import House
from tests.support.incidents import met, plug_in, review, unplug

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def test_an_offline_lock_with_codes_due_is_told_after_a_patience_until_it_answers(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    unplug(house, door)
    booking = house.stay(house.flat(door), 20 * HOUR, DAY)
    house.live(clock, MINUTE)
    assert review() == {}
    house.live(clock, sweep_checks.OFFLINE_PATIENCE - MINUTE)
    assert Kind.LOCK_OFFLINE not in review()
    house.live(clock, MINUTE)
    assert review()[Kind.LOCK_OFFLINE] == Severity.WARNING
    clock.move_to(booking.check_in - 3 * HOUR)
    assert review()[Kind.LOCK_OFFLINE] == Severity.URGENT

    plug_in(house, door)
    house.live(clock, 10 * MINUTE)
    assert open_incidents() == []  # the answer ended it, before any check
    assert review() == {}
    assert LockState.objects.get().offline_since is None
    assert met(Kind.LOCK_OFFLINE) == 1


def test_an_offline_lock_that_nobody_needs_within_a_day_is_no_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    unplug(house, door)
    booking = house.stay(house.flat(door), 20 * DAY, DAY)
    house.live(clock, HOUR)
    review()
    house.live(clock, HOUR)
    assert review() == {}

    clock.move_to(booking.check_in - 24 * HOUR)
    review()
    clock.shift(sweep_checks.OFFLINE_PATIENCE)
    assert review()[Kind.LOCK_OFFLINE] == Severity.WARNING
    cancel(booking)
    assert review() == {}


def test_an_offline_lock_with_every_code_on_it_is_a_notice_until_it_is_seen_again(
    house: House, clock: time_machine.Traveller
) -> None:
    """Nothing has to be done, so no run would learn that it is back: the connectivity check asks."""
    door = house.lock()
    house.stay(house.flat(door), 10 * HOUR, DAY)
    house.settle()
    unplug(house, door)
    connectivity.connection_reported(door, False)
    review()
    clock.shift(sweep_checks.OFFLINE_PATIENCE)
    assert review() == {Kind.LOCK_OFFLINE: Severity.NOTICE}

    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == set()
    assert review() == {Kind.LOCK_OFFLINE: Severity.NOTICE}
    plug_in(house, door)
    clock.shift(connectivity.UNHURRIED)
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == {door.pk}
    assert review() == {}


def test_a_lock_without_any_history_may_be_offline_too(house: House, clock: time_machine.Traveller) -> None:
    """Fetched a moment ago and disconnected; the code is issued at check-in, so nothing was tried yet."""
    door = house.lock()
    Lock.objects.update(is_connected=False)
    house.stay(house.flat(door, issue_ahead_days=0), 10 * HOUR, DAY)
    LockState.objects.all().delete()
    review()
    clock.shift(sweep_checks.OFFLINE_PATIENCE)
    assert review() == {Kind.LOCK_OFFLINE: Severity.NOTICE}


def test_a_lock_that_answers_is_connected(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    Lock.objects.update(is_connected=False)
    house.stay(house.flat(door), 10 * HOUR, DAY)
    house.settle()
    assert Lock.objects.get().is_connected is True
