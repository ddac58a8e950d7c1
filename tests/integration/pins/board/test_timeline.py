"""The timeline."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from rentals.models import Booking, Property, PropertyAccess
from tests.support.board_pages import words
from tests.support.calendars import day
from tests.support.house import House
from tests.support.pages import text
from tests.support.people import operator, staff
from tests.support.staff import works

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


def test_people_who_work_between_stays_have_bars_of_their_own(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    flat, other = house.flat(house.lock(), name="Attic"), house.flat(house.lock(), name="Bay")
    house.stay(flat, -DAY, DAY + 2 * HOUR, "Anna Nowak")
    house.stay(flat, 6 * HOUR, DAY, "Jan Kowalski")
    house.stay(other, -DAY, 3 * DAY, "Ben")
    maria = works(flat, mode="turnover")
    works(flat, name="Olek", mode="schedule")  # at any time, so it takes no days
    house.settle()
    page = host.get("/timeline/")
    attic, bay = page.context["timeline"].lines
    (bar,) = [one for one in attic.bars if one.is_staff]
    assert bar.title == "Maria Kowalska (cleaner), Mon 1 Mar, 12:00 CET to Mon 1 Mar, 16:00 CET, Ready"
    assert not [one for one in bay.bars if one.is_staff]
    assert maria.code not in page.content.decode()

    here = reverse("admin:pins_staffaccess_change", args=[maria.pk])
    assert here not in page.content.decode()  # it would refuse them
    host.force_login(staff("manager", "view_booking", "view_staffaccess"))
    assert here in host.get("/timeline/").content.decode()

    restricted = operator("bay")
    PropertyAccess.objects.create(user=restricted).properties.set([other])
    host.force_login(restricted)
    assert "Maria" not in words(host.get("/timeline/"))


def test_the_page_of_a_lock_says_for_whom_each_request_was(host: Client, house: House) -> None:
    door = house.lock("Front door")
    flat = house.flat(door)
    house.stay(flat, HOUR, DAY, "Anna Nowak")
    works(flat, mode="schedule")
    house.settle()
    page = words(host.get(f"/locks/{door.pk}/"))
    listed, _, story = page.partition("What happened last")
    for part in (listed, story):
        assert "Maria Kowalska (cleaner)" in part
        assert "Anna" in part
        assert "Anna Nowak (" not in part
