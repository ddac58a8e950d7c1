"""Whoever leaves a property without a lock that lets its guests in is told at once, on whatever page that happens."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from rentals.models import Lock, PropertyAccess
from tests.support.house import House
from tests.support.people import operator
from tests.support.tables import LOCKS, PROPERTIES, look, table

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ALL_OFF = "Attic: all locks of this property are switched off: its guests get no code that opens a door."
NO_LOCK = "Attic: this property has no lock: its guests get no code that opens a door."


def told(answer: object) -> str:
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))  # type: ignore[attr-defined]


def switched_off(house: House, door: Lock) -> dict[str, str]:
    """What the form of a lock sends without the tick at “Active”."""
    numbers = {"serial_number": door.serial_number, "device_id": str(door.device_id), "pin_capacity": "100"}
    return {"name": door.name, "account": str(house.account.pk), **numbers}


@pytest.mark.parametrize("has_another", [False, True])
def test_switching_off_the_last_lock_warns(host: Client, house: House, has_another: bool) -> None:
    door = house.lock()
    house.flat(*([door, house.lock("Side")] if has_another else [door]), name="Attic")
    answer = host.post(f"/admin/rentals/lock/{door.pk}/change/", switched_off(house, door))
    assert (ALL_OFF in told(answer)) is not has_another


def test_nobody_is_told_of_properties_that_they_do_not_see(client: Client, house: House) -> None:
    door = house.lock()
    house.flat(door, name="Attic")
    seen = house.flat(door, name="Cellar")
    person = operator()
    PropertyAccess.objects.create(user=person).properties.set([seen])
    client.force_login(person)
    said = told(client.post(f"/admin/rentals/lock/{door.pk}/change/", switched_off(house, door)))
    assert "Cellar: all locks of this property are switched off" in said
    assert "Attic" not in said


@pytest.mark.parametrize("by_list", [False, True])
def test_deleting_the_last_lock_warns(host: Client, house: House, by_list: bool) -> None:
    door = house.lock()
    house.flat(door, name="Attic")
    if by_list:
        chosen = {"action": "delete_selected", "_selected_action": [door.pk], "post": "yes"}
        answer = host.post("/admin/rentals/lock/", chosen)
    else:
        answer = host.post(f"/admin/rentals/lock/{door.pk}/delete/", {"post": "yes"})
    assert not Lock.objects.exists()
    assert NO_LOCK in told(answer)


def test_an_import_that_leaves_a_property_without_a_lock_warns(host: Client, house: House) -> None:
    door = house.lock()
    house.flat(door, name="Attic")
    off = f"serial number,active\n{door.serial_number},no"
    assert ALL_OFF in told(_imported(host, LOCKS, off))
    bare = table("Attic,Europe/Warsaw,15:00,11:00,30,6,no,0,0,yes,", "Annex,Europe/Warsaw,15:00,11:00,30,6,no,0,0,yes,")
    said = told(_imported(host, PROPERTIES, bare))
    assert NO_LOCK in said
    assert "Annex: this property has no lock" in said


def _imported(host: Client, where: str, data: str) -> object:
    form = look(host, where, data).context["confirm_form"]
    return host.post(f"{where}process_import/", {one.html_name: one.value() for one in form})
