"""The choice of a property for a booking: a list while they are few, a search when they are many."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from rentals.admin import property_choice
from rentals.models import Booking, Property, PropertyAccess
from tests.support.people import operator, staff

pytestmark = pytest.mark.django_db

ADD = "/admin/rentals/booking/add/"
SEARCH = "/admin/autocomplete/"
ASKED = {"app_label": "rentals", "model_name": "booking", "field_name": "property"}
FORM = {
    "guest_name": "Anna",
    "status": "confirmed",
    "arrival_date": "2030-03-03",
    "arrival_time": "",
    "departure_date": "2030-03-06",
    "departure_time": "",
    "own_code": "",
}


@pytest.fixture
def flats(monkeypatch: pytest.MonkeyPatch) -> list[Property]:
    """One more than are listed."""
    monkeypatch.setattr(property_choice, "MOST_LISTED", 2)
    return [Property.objects.create(name=name, timezone="Europe/Warsaw") for name in ("Attic", "Mill", "Orchard")]


def found(answer: Any) -> list[str]:
    return [one["text"] for one in answer.json()["results"]]


def test_few_are_listed(host: Client, flats: list[Property]) -> None:
    flats.pop().delete()
    page = host.get(ADD).content.decode()
    assert "admin-autocomplete" not in page
    assert page.count("(15:00 to 11:00, Europe/Warsaw)") == 2


def test_many_are_searched_and_one_is_kept(host: Client, flats: list[Property]) -> None:
    page = host.get(ADD).content.decode()
    assert "admin-autocomplete" in page
    assert page.index("admin/js/autocomplete.js") < page.index("config/autocomplete")  # ours mends what it draws
    assert "Attic (" not in page
    assert found(host.get(SEARCH, {**ASKED, "term": "mil"})) == ["Mill (15:00 to 11:00, Europe/Warsaw)"]
    assert host.post(ADD, {**FORM, "property": str(flats[1].pk)}).status_code == 302
    booking = Booking.objects.get()
    assert booking.property == flats[1]
    page = host.get(f"/admin/rentals/booking/{booking.pk}/change/").content.decode()
    assert "Mill (15:00 to 11:00, Europe/Warsaw)" in page
    assert "Attic" not in page


@pytest.mark.parametrize("nonsense", ["", "x", "-1", "²", "99999999", "9" * 30])
def test_nonsense_is_refused_in_words(host: Client, flats: list[Property], nonsense: str) -> None:
    answer = host.post(ADD, {**FORM, "property": nonsense})
    assert answer.status_code == 200
    assert "property" in answer.context["adminform"].form.errors
    assert not Booking.objects.exists()


def test_a_search_for_what_no_name_holds_finds_nothing(host: Client, flats: list[Property]) -> None:
    assert found(host.get(SEARCH, {**ASKED, "term": "x\x00y"})) == []


def test_who_sees_some_properties_finds_and_takes_those_only(client: Client, flats: list[Property]) -> None:
    person = staff("anna", "view_booking", "add_booking", "view_property")
    PropertyAccess.objects.create(user=person).properties.set(flats[:1])
    client.force_login(person)
    assert found(client.get(SEARCH, {**ASKED, "term": ""})) == ["Attic (15:00 to 11:00, Europe/Warsaw)"]
    answer = client.post(ADD, {**FORM, "property": str(flats[1].pk)})
    assert "property" in answer.context["adminform"].form.errors
    assert "Mill" not in answer.content.decode()


def test_who_may_not_look_at_properties_keeps_the_list(client: Client, flats: list[Property]) -> None:
    person = operator()
    booking = Booking.objects.create(
        property=flats[0], check_in=datetime(2030, 3, 1, tzinfo=UTC), check_out=datetime(2030, 3, 2, tzinfo=UTC)
    )
    client.force_login(person)
    page = client.get(f"/admin/rentals/booking/{booking.pk}/change/").content.decode()
    assert "admin-autocomplete" not in page
    assert "Orchard (15:00" in page
    assert client.get(SEARCH, {**ASKED, "term": ""}).status_code == 403
