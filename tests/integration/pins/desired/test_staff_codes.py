"""The digits of people who work in the flats: kept, chosen, replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from pins.desired import code_overrides, disclosure, staff_codes
from pins.models import AccessGrant, StaffAccess
from rentals.models import Lock, Property
from tests.support.house import House
from tests.support.people import staff
from tests.support.staff import grants_of, only, works

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


def test_what_comes_back_has_the_same_code(house: House, flat: Property, door: Lock) -> None:
    access = works(flat)
    house.settle()
    for active in (False, True):
        access.is_active = active
        access.save()
        house.settle()
    assert only(house, door).body.value == access.code
    assert AccessGrant.objects.count() == 1


def test_a_chosen_code_is_used_and_replaced(house: House, flat: Property, door: Lock) -> None:
    access = works(flat, code="482915")
    house.settle()
    assert only(house, door).body.value == "482915"
    access.code = "739164"
    access.save()
    house.settle()
    assert only(house, door).body.value == "739164"
    assert house.statuses() == {201: 1, 204: 1}
    with pytest.raises(ValidationError):
        StaffAccess.objects.create(name="Jan", code="12345")


def test_digits_of_a_guest_cannot_be_chosen(house: House, flat: Property, door: Lock) -> None:
    guest = AccessGrant.objects.get(booking=house.stay(flat, HOUR, DAY))
    access = works(flat)
    before = access.code
    with pytest.raises(code_overrides.CodeTakenError):
        staff_codes.set_code(access.pk, guest.code, timezone.now())
    access.code = guest.code
    with pytest.raises(code_overrides.CodeTakenError):
        access.save()
    access.refresh_from_db()
    assert access.code == before
    assert grants_of(access)[0].code == before


def test_a_new_code_replaces_one_that_somebody_knows(house: House, flat: Property, door: Lock) -> None:
    access = works(flat)
    house.settle()
    disclosure.reveal(grants_of(access)[0].pk, timezone.now(), user=staff("anna"), address="127.0.0.1")
    staff_codes.renew_code(access.pk, timezone.now())
    house.settle()
    former, grant = access.code, grants_of(access)[0]
    assert only(house, door).body.value == grant.code != former
    assert grant.disclosed_at is None


def test_an_old_copy_of_an_access_does_not_undo_its_code(house: House, flat: Property) -> None:
    old = StaffAccess.objects.create(name="Maria")
    old.properties.add(flat)
    old.name = "Maria K."
    old.save()
    old.refresh_from_db()
    assert old.code == grants_of(old)[0].code
