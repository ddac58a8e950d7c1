"""Low batteries are told before the door stays shut, once, however the level wavers."""

from __future__ import annotations

import pytest
import time_machine

from pins.models import Incident
from rentals.models import Lock
from tests.support.house import House
from tests.support.incidents import met, plug_in, review, unplug
from tests.support.listing import list_now

pytestmark = pytest.mark.django_db

Kind, Severity = Incident.Kind, Incident.Severity


def set_level(level: int | None) -> None:
    Lock.objects.update(battery_level=level)


def test_a_low_battery_is_a_warning_and_an_empty_one_urgent(house: House) -> None:
    house.lock()
    for level in (None, 100, 25, 20):
        set_level(level)
        assert review() == {}
    set_level(19)
    assert review() == {Kind.BATTERY_LOW: Severity.WARNING}
    set_level(11)
    assert review() == {Kind.BATTERY_LOW: Severity.WARNING}
    set_level(10)
    assert review() == {Kind.BATTERY_LOW: Severity.URGENT}
    set_level(25)
    assert review() == {}
    assert met(Kind.BATTERY_LOW) == 1


def test_a_level_that_wavers_around_the_limit_is_told_once(house: House) -> None:
    house.lock()
    for level in (19, 21, 19, 24, 18, 20):
        set_level(level)
        assert review() == {Kind.BATTERY_LOW: Severity.WARNING}
    set_level(80)
    assert review() == {}
    set_level(24)  # below the level of a changed one, but it was not low since
    assert review() == {}
    assert met(Kind.BATTERY_LOW) == 1


def test_each_lock_has_a_battery_of_its_own(house: House) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    Lock.objects.filter(pk=door.pk).update(battery_level=15)
    Lock.objects.filter(pk=cellar.pk).update(battery_level=22)
    assert review() == {Kind.BATTERY_LOW: Severity.WARNING}
    assert Incident.objects.get().lock == door


def test_a_lock_that_is_switched_off_needs_no_battery(house: House) -> None:
    house.lock()
    set_level(5)
    assert review() == {Kind.BATTERY_LOW: Severity.URGENT}
    Lock.objects.update(is_active=False)
    assert review() == {}


def test_the_hourly_list_tells_it_and_an_offline_lock_stays_low(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.cloud.lock(door.device_id).battery_level = 8
    list_now(house, clock)
    assert review() == {Kind.BATTERY_LOW: Severity.URGENT}
    unplug(house, door)  # it is empty now; Tedee tells no level of it any more
    list_now(house, clock)
    assert review() == {Kind.BATTERY_LOW: Severity.URGENT}
    plug_in(house, door)
    house.cloud.lock(door.device_id).battery_level = 97
    list_now(house, clock)
    assert review() == {}
