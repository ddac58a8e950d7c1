"""The page of a property shows who comes next, to those who may see it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from pins.models import AccessGrant
from tests.support.booking_actions import cancel
from tests.support.house import House
from tests.support.imports import feed_of
from tests.support.pages import text
from tests.support.people import staff

pytestmark = pytest.mark.django_db

BOOKINGS, PROPERTIES, LOCKS = "/admin/rentals/booking/", "/admin/rentals/property/", "/admin/rentals/lock/"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_a_property_page_shows_who_comes_next_and_how_their_codes_are(host: Client, house: House) -> None:
    door = house.lock("Side door")
    flat = house.flat(door, name="River & room")
    feed = feed_of(flat, name="Airbnb river")
    for number in range(12):
        house.stay(flat, timedelta(days=2 + 2 * number), DAY, f"Guest{number:02}")
    cancel(house.stay(flat, DAY, HOUR, "Cancelled"))
    house.stay(flat, -3 * DAY, DAY, "Former")
    house.settle()
    page = text(host.get(f"{PROPERTIES}{flat.pk}/change/"))
    panel = page[page.index('id="stays"') : page.index('id="around"')]
    assert re.findall(r"<strong>(\w+)</strong>", panel) == [f"Guest{number:02}" for number in range(10)]
    assert panel.count("Ready on 1 lock") == 10
    assert "All bookings of this property" in panel
    assert AccessGrant.objects.first().code not in page  # type: ignore[union-attr]
    assert f'href="/admin/rentals/calendarfeed/{feed.pk}/change/">Airbnb river</a>' in page
    assert "Never fetched" in page
    assert f'href="/admin/rentals/lock/{door.pk}/change/">Side door</a>' in page
    assert 'href="/timeline/?q=River%20%26%20room">Open in the console</a>' in page
    assert text(host.get("/timeline/?q=River%20%26%20room")).count("Guest") > 1


def test_the_property_page_hides_what_a_person_may_not_see(client: Client, house: House) -> None:
    flat = house.flat(house.lock("Secret door"))
    feed_of(flat, name="Secret calendar")
    house.stay(flat, DAY, DAY, "Secret guest")
    client.force_login(staff("bookkeeper", "view_property"))
    page = text(client.get(f"{PROPERTIES}{flat.pk}/change/"))
    assert "Secret guest" not in page
    assert "Secret calendar" not in page
    assert "Open in the console" not in page


def test_an_empty_property_page_says_what_is_missing(host: Client, house: House) -> None:
    page = text(host.get(f"{PROPERTIES}{house.flat().pk}/change/"))
    assert "Nobody is in the house, and no stay is coming." in page
    assert "none, so guests get no code." in page
    assert "Add one." in page
    assert "Next stays" not in text(host.get(f"{PROPERTIES}add/"))
