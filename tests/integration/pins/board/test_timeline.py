"""The timeline."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client

from rentals.models import Booking, Property, PropertyAccess
from tests.support.board_pages import words
from tests.support.calendars import day
from tests.support.house import House
from tests.support.pages import text
from tests.support.people import operator

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_the_timeline_shows_turnovers_overlaps_and_who_stays(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    for arrives, leaves, name in ((1, 3, "Anna"), (3, 5, "Ben"), (4, 6, "Cleo")):
        Booking.objects.create(
            property=flat,
            guest_name=name,
            check_in=flat.check_in_on(day(3, arrives)),
            check_out=flat.check_out_on(day(3, leaves)),
        )
    Booking.objects.create(
        property=flat,
        guest_name="Gone",
        status="cancelled",
        check_in=flat.check_in_on(day(3, 8)),
        check_out=flat.check_out_on(day(3, 9)),
    )
    page = words(host.get("/timeline/"))
    assert all(name in page for name in ("Anna", "Ben", "Cleo"))
    assert "Gone" not in page
    assert page.count("overlaps another stay") == 2
    shown = host.get("/timeline/", {"from": "2027-03-05"}).context["timeline"]
    assert [bar.bar.label for bar in shown.lines[0].bars] == ["Ben", "Cleo"]


def test_today_on_the_timeline_is_said_and_where_it_differs_row_by_row(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    house.flat(house.lock(), name="Attic")
    tokyo = house.flat(house.lock(), name="Bay", timezone="Asia/Tokyo")
    page = host.get("/timeline/")
    assert [one.day for one in page.context["timeline"].columns if one.is_today] == [date(2027, 3, 1)]
    assert words(page).count("today") == 1
    assert "Mon 1 Mar today" in words(page)

    clock.shift(8 * HOUR)  # 18:00 in Warsaw, and two in the night in Tokyo
    page = host.get("/timeline/")
    shown = page.context["timeline"]
    assert [one.day for one in shown.columns if one.is_today] == [date(2027, 3, 1), date(2027, 3, 2)]
    assert shown.first == date(2027, 2, 28)
    assert "Today is not the same day at all of these properties" in words(page)
    assert "Attic Mon 1 Mar, 18:00 CET" in words(page)
    assert "Bay Tue 2 Mar, 02:00 JST" in words(page)
    assert "Mon 1 Mar today at some Tue 2 today at some Wed 3" in words(page)
    restricted = operator("tokyo")
    PropertyAccess.objects.create(user=restricted).properties.set([tokyo])
    host.force_login(restricted)
    page = host.get("/timeline/")
    assert "Tue 2 today Wed 3" in words(page)
    assert "Tue 2 Mar" not in words(page)


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"},
        {"from": "0001-01-01"},
        {"from": "9999-12-31"},
        {"from": "2027-02-30"},
        {"page": "-1"},
        {"page": "abc"},
        {"page": "²"},
        {"page": "99999"},
        {"page": "9" * 400},
        {"q": "%' OR 1=1 --"},
        {"q": "<script>alert(1)</script>"},
        {"q": "\x00"},
        {"q": "x" * 10_000},
        {"q": " \t "},
        {"all": "\x00"},
        {"show": "\x00"},
    ],
)
@pytest.mark.parametrize("address", ["/", "/timeline/"])
def test_nonsense_in_the_address_is_ignored(host: Client, house: House, address: str, asked: dict[str, str]) -> None:
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    page = text(host.get(address, asked))
    assert "<script>alert" not in page
    assert "\x00" not in page


def test_pages_of_the_timeline(host: Client) -> None:
    Property.objects.bulk_create(Property(name=f"Flat {number:02}") for number in range(23))
    assert "Page 1 of 2" in words(host.get("/timeline/"))
    assert "Flat 22" in words(host.get("/timeline/", {"page": "2"}))
