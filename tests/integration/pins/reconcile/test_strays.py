"""Codes that carry our mark and that nothing explains: how many are read, and until when a person is told of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.alias import new_reference
from pins.models import Incident, InstallationKey, LockState, Pin, PinAttempt
from rentals.models import Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind = Incident.Kind


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return House(audits=True)


def strays(house: House, door: Lock, count: int, lasts: timedelta = 9 * DAY) -> list[int]:
    """Codes that this installation made, and of which it knows nothing."""
    now, key = timezone.now(), InstallationKey.load()
    names = [f"Guest 01-02 Mar #{new_reference(key)}" for _ in range(count)]
    return [house.cloud.add_foreign_pin(door.device_id, alias=name, start=now, end=now + lasts).id for name in names]


def compare(house: House, door: Lock, **state: object) -> None:
    now = timezone.now()
    LockState.objects.update_or_create(lock=door, defaults={"device_id": door.device_id, "audit_at": now, **state})
    house.run(door)


def read() -> list[int | None]:
    """The ids that were read, in order."""
    return list(PinAttempt.objects.filter(op="get").order_by("pk").values_list("remote_id", flat=True))


def told() -> list[Lock | None]:
    return [one.lock for one in Incident.objects.filter(kind=Kind.STRAY_CODE, resolved_at=None)]


@pytest.mark.parametrize(("after_restore", "most"), [(False, 5), (True, 7)])
def test_a_comparison_reads_five_of_them_and_after_a_restore_each(house: House, after_restore: bool, most: int) -> None:
    """Each may then be the code of a guest whose stay is about to get another one."""
    door = house.lock()
    ids = strays(house, door, 7)
    compare(house, door, look_first=after_restore)
    assert read() == ids[:most]
    assert told() == [door]


def test_a_person_is_told_of_those_that_were_not_read_even_if_the_others_are_over(
    clock: time_machine.Traveller,
) -> None:
    house = House(audits=True, expiry_lag=90 * DAY.total_seconds())
    door = house.lock()
    strays(house, door, 5, lasts=HOUR)
    (left,) = strays(house, door, 1)
    clock.shift(2 * HOUR)
    compare(house, door)
    assert [pin.id for pin in house.cloud.pins(door.device_id)] == [left]
    assert told() == [door]


def test_it_is_over_when_no_such_code_is_left(house: House) -> None:
    door, gate = house.lock("Door"), house.lock("Gate")
    (stray,) = strays(house, door, 1)
    compare(house, door)
    Incident.open(Kind.STRAY_CODE, timezone.now(), about=gate)
    Incident.open(Kind.NO_ROOM, timezone.now(), about=door)
    house.cloud.remove_pin(door.device_id, stray)
    compare(house, door)
    assert told() == [gate]
    assert Incident.objects.filter(kind=Kind.NO_ROOM, resolved_at=None).exists()


def test_a_code_of_another_installation_is_no_stray(house: House) -> None:
    door = house.lock()
    house.cloud.add_foreign_pin(door.device_id, alias=f"Guest 01-02 Mar #{new_reference(b'another key')}")
    compare(house, door)
    assert (read(), told()) == ([], [])


@pytest.mark.parametrize(
    ("begins", "is_read"),
    [(-HOUR, True), (2 * DAY, True), (2 * DAY + SECOND, False)],
    ids=["the guest is here", "within two days", "later"],
)
def test_after_a_change_of_others_the_codes_that_matter_soon_are_read(
    house: House, begins: timedelta, is_read: bool
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), begins, DAY)
    house.settle()
    compare(house, door)
    before = len(read())
    house.cloud.add_foreign_pin(door.device_id, alias="Cleaner")
    compare(house, door)
    assert read()[before:] == ([pin_of(booking, door).remote_id] if is_read else [])
    assert Pin.objects.filter(must_read=True).count() == 0
