"""Locks in the admin: why one rests, how full it is, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from pins.models import LockState
from rentals.models import Lock, Property
from tests.support.house import House
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


def test_a_lock_says_why_it_rests_and_how_full_it_is(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    house.stay(Property.objects.get(), 3 * DAY, DAY)
    house.cloud.set_connected(door.device_id, False)
    house.settle()
    shown = text(host.get(f"/admin/rentals/lock/{door.pk}/change/"))
    assert "The lock is offline. Next try" in shown
    assert "1 ours, others not counted yet, room for 100" in shown
    LockState.objects.update(looked_at=timezone.now(), foreign_pins=2)
    assert "1 ours, 2 other, room for 100" in text(host.get(f"/admin/rentals/lock/{door.pk}/change/"))
    assert "Offline" in text(host.get("/admin/rentals/lock/"))


def test_a_lock_switched_off_in_the_admin_gives_back_its_codes_at_once(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    form = {
        "name": "Door",
        "account": str(house.account.pk),
        "serial_number": door.serial_number,
        "device_id": str(door.device_id),
        "pin_capacity": "100",
    }
    assert host.post(f"/admin/rentals/lock/{door.pk}/change/", form).status_code == 302
    house.settle()
    assert house.ours(door) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device_id": "99999999999999999999999"}, "less than or equal to"),
        ({"device_id": "-4"}, "greater than or equal to 0"),
        ({"device_id": "front"}, "Enter a whole number"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_wrong_input_about_a_lock_is_explained(
    host: Client, house: House, changes: dict[str, str], message: str
) -> None:
    form = {
        "name": "Door",
        "is_active": "on",
        "account": str(house.account.pk),
        "serial_number": "S-77",
        "device_id": "77",
        "pin_capacity": "100",
        **changes,
    }
    response = host.post("/admin/rentals/lock/add/", form)
    assert response.status_code == 200
    assert message in text(response)
    assert 'value="S-77"' in text(response)


def test_two_locks_never_share_a_serial_number_or_device_id(host: Client, house: House) -> None:
    door = house.lock()
    form = {
        "name": "Copy",
        "is_active": "on",
        "account": str(house.account.pk),
        "serial_number": door.serial_number,
        "device_id": str(door.device_id),
        "pin_capacity": "100",
    }
    response = host.post("/admin/rentals/lock/add/", form)
    assert response.status_code == 200
    assert Lock.objects.count() == 1
    assert "already exists" in text(response)


@pytest.mark.parametrize(("level", "said"), [(None, "In order"), (19, "Battery low"), (20, "In order")])
def test_a_lock_whose_battery_is_nearly_empty_says_so(host: Client, house: House, level: int | None, said: str) -> None:
    door = house.lock()
    house.settle()
    Lock.objects.update(battery_level=level)
    for address in ("/admin/rentals/lock/", f"/locks/{door.pk}/"):
        assert said in text(host.get(address))
