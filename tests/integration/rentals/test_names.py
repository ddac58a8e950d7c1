"""Names at every door: what would act on a terminal, or turn a text around, is not stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from rentals.models import Booking, Lock, Property
from tests.support.admin_forms import flat_form
from tests.support.booking_pages import ADD, typed
from tests.support.house import House

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NASTY, PLAIN = "An\x1b[2Jna\x07 \u202eNowak\u2028II", "An[2Jna Nowak II"
#: Written by Turnkey itself, or fixed sets of words: kinds, states, digests, headers that are checked elsewhere.
_NAMES = ("name", "guest_name", "feed_guest_name", "holder_name", "summary", "source", "rate_group", "serial_number")


def test_a_name_typed_into_the_form(host: Client, house: House) -> None:
    assert host.post(ADD, typed(house.flat(house.lock()), guest_name=NASTY)).status_code == 302
    assert Booking.objects.get().guest_name == PLAIN


def test_a_name_of_nothing_but_control_characters_is_missing(host: Client, house: House) -> None:
    response = host.post("/admin/rentals/property/add/", flat_form(name="\x07\u202e"))
    assert response.status_code == 200
    assert "name" in response.context["adminform"].form.errors


def test_a_name_that_code_stores(house: House) -> None:
    flat = house.flat(house.lock())
    flat.name = NASTY
    flat.save()
    assert flat.name == Property.objects.get().name == PLAIN
    Property.objects.update(name=f"\x07{NASTY}")
    assert Property.objects.get().name == PLAIN
    Property.objects.bulk_create([Property(name=f"{NASTY}2")])
    assert Property.objects.filter(name=f"{PLAIN}2").exists()


def test_a_name_that_the_lock_cloud_sends(house: House) -> None:
    door = house.lock(NASTY)
    assert Lock.objects.get(pk=door.pk).name == PLAIN


def _columns() -> list[Any]:
    return [
        field
        for model in apps.get_models()
        if model._meta.app_label in ("rentals", "pins")
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField) and field.name in _NAMES and not field.primary_key
    ]


@pytest.mark.parametrize("field", _columns(), ids=str)
def test_every_column_for_a_name_keeps_one_line(field: Any) -> None:
    if field.model._meta.model_name in ("tally",):  # our own words
        return
    assert field.get_prep_value(NASTY) == PLAIN
    assert field.deconstruct()[1] == "django.db.models.CharField"
