"""The lists of the board: searched, filtered, cut, brought up to date, and cheap."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.board import loading
from pins.models import AccessGrant, LockState
from pins.reconcile import connectivity
from rentals.access import EVERYTHING
from rentals.models import Lock, PropertyAccess
from tests.support.board_pages import addresses, words
from tests.support.house import House
from tests.support.pages import text
from tests.support.people import operator, staff

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_search_narrows_the_lists_and_leaves_the_answer(host: Client, house: House) -> None:
    flat, other = house.flat(house.lock(), name="River room"), house.flat(house.lock(), name="Attic")
    house.stay(flat, 3 * HOUR, DAY, "Anna Nowak")
    house.stay(other, 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    for query, shown, hidden in (("ANNA", "Anna Nowak", "Ben Ode"), ("attic ben", "Ben Ode", "Anna Nowak")):
        page = words(host.get("/", {"q": query}))
        assert shown in page
        assert hidden not in page
        assert "Both guests who arrive" in page
    assert "Nobody found." in words(host.get("/", {"q": "nobody of this name"}))
    assert "River room" not in words(host.get("/timeline/", {"q": "ben"}))


def test_filters_narrow_the_lists_to_what_asks_for_something(host: Client, house: House) -> None:
    ready, waiting = house.flat(house.lock(), name="River room"), house.flat(door := house.lock(), name="Attic")
    told = house.stay(ready, 3 * HOUR, HOUR, "Anna Nowak")
    house.stay(ready, 5 * HOUR, HOUR, "Cleo Roe")
    house.cloud.set_connected(door.device_id, False)
    house.stay(waiting, 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    AccessGrant.objects.filter(booking=told).update(disclosed_at=timezone.now())
    names = {"Anna Nowak", "Ben Ode", "Cleo Roe"}

    def listed(show: str) -> set[str]:
        (part,) = re.findall(r'id="arrivals-today".*?</section>', text(host.get("/", {"show": show})), re.DOTALL)
        return {name for name in names if name in part}

    assert listed("") == listed("nonsense") == names
    assert listed("open") == {"Ben Ode"}
    assert listed("untold") == {"Cleo Roe"}
    page = host.get("/", {"show": "open", "q": "ode"})
    assert "1 of 3 guests who arrive" in words(page)  # the answer is about all of them
    assert 'href="/?show=untold&amp;q=ode"' in text(page)
    assert 'name="show" value="open"' in text(page)


def test_long_lists_are_cut_and_shown_whole_on_request(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    for number in range(28):
        house.stay(flat, 3 * HOUR, DAY, f"Guest{number:02}")
    assert "Show 3 more" in words(host.get("/"))
    whole = host.get("/", {"all": "arrivals-today"})
    assert all(f"Guest{number:02}" in text(whole) for number in range(28))
    assert "Show" not in re.findall(r'id="arrivals-today".*?</section>', text(whole), re.DOTALL)[0]
    assert "Show 3 more" in words(host.get("/", {"all": "nonsense"}))


def test_htmx_gets_the_part_that_changes_and_nothing_else(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    for address in addresses(booking):
        part = host.get(address, headers={"HX-Request": "true"})
        assert "<html" not in text(part)
        assert text(part).strip() in text(host.get(address))
        assert "<html" in text(host.get(address, headers={"HX-Request": "true", "HX-Boosted": "true"}))


@pytest.mark.parametrize("who", ["nobody", "a customer", "a bookkeeper"])
def test_a_person_who_lost_the_permission_gets_no_part_but_is_sent_where_the_page_says_why(
    client: Client, house: House, who: str
) -> None:
    """htmx would follow a redirect and put the form to log in into the middle of the page."""
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    if who == "a customer":
        client.force_login(User.objects.create_user("customer"))
    elif who == "a bookkeeper":
        client.force_login(staff("bookkeeper", "view_property"))
    for address in addresses(booking):
        part = client.get(address, headers={"HX-Request": "true"})
        assert (part.status_code, part.get("HX-Refresh"), part.content) == (204, "true", b"")
        assert "no-store" in part["Cache-Control"]
        assert client.get(address).status_code in (302, 403)


def test_the_part_of_what_is_gone_sends_to_the_page_that_says_so(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    address = f"/stays/{booking.pk}/"
    booking.delete()
    assert host.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert host.get(address).status_code == 404


def test_the_board_asks_as_much_for_many_as_for_few(host: Client, house: House) -> None:
    def cost(address: str) -> int:
        host.get(address)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            host.get(address)
        return len(asked)

    def furnish(first: int, last: int) -> None:
        for number in range(first, last):
            flat = house.flat(house.lock(), house.lock(), name=f"Flat {number:02}")
            house.stay(flat, 3 * HOUR, DAY, f"Guest{number}")
            house.stay(flat, -DAY, DAY + 2 * HOUR, f"Former{number}")
        house.settle()

    furnish(0, 2)
    few = [cost("/"), cost("/timeline/")]
    furnish(2, 9)
    assert [cost("/"), cost("/timeline/")] == few


def test_the_board_says_the_time_of_its_properties(host: Client, house: House) -> None:
    house.flat(house.lock())
    assert "As of 10:00 CET ." in words(host.get("/"))
    assert "data-local" not in text(host.get("/"))
    tokyo = house.flat(house.lock(), timezone="Asia/Tokyo")
    assert "As of 09:00 UTC ." in words(host.get("/"))
    assert '<time datetime="2027-03-01T09:00:00+00:00" data-local>' in text(host.get("/"))
    restricted = operator("tokyo")
    PropertyAccess.objects.create(user=restricted).properties.set([tokyo])
    host.force_login(restricted)
    assert "As of 18:00 JST ." in words(host.get("/"))


@pytest.mark.parametrize("observe_only", [False, True])
def test_a_lock_that_was_offline_once_is_not_said_to_be_so_now(
    host: Client, house: House, clock: time_machine.Traveller, observe_only: bool
) -> None:
    """Connectivity is not checked for a lock that nobody needs. Otherwise it is, for observe-only accounts, too."""
    door = house.lock()
    house.flat(door)
    Lock.objects.update(is_connected=False)
    house.account.observe_only = observe_only
    house.account.save()
    assert "Door offline when last looked at" in words(host.get("/"))
    assert connectivity.locks_back_online(timezone.now(), house.client) == set()
    assert "Door offline when last looked at" in words(host.get("/"))

    LockState.objects.update_or_create(lock=door, defaults={"offline_since": timezone.now()})
    assert "Door offline Requests to Tedee" in words(host.get("/"))
    assert connectivity.locks_back_online(timezone.now(), house.client) == {door.pk}
    assert "None is known to be offline or low on battery." in words(host.get("/"))


def test_a_board_loads_each_lock_and_each_grant_once(house: House) -> None:
    """Loading them anew for every code took most of the time of a board with many codes."""
    entrance = house.lock()
    for number in range(3):
        flat = house.flat(entrance, house.lock())
        for begins in (2, 5):
            house.stay(flat, (begins + number) * HOUR, DAY)
    house.settle()
    made: Counter[str] = Counter()

    def count(sender: type[Model], **more: Any) -> None:
        made[sender.__name__] += 1

    post_init.connect(count)
    try:
        loading.load(timezone.now(), scope=EVERYTHING)
    finally:
        post_init.disconnect(count)
    assert made["Pin"] == 12
    assert (made["Lock"], made["AccessGrant"], made["Booking"], made["Property"]) == (4, 6, 6, 6)
    assert made["LockAccount"] == 2  # of the codes, and of the requests to Tedee


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Warsaw"])
@pytest.mark.parametrize("today", [datetime(2027, 3, 1, 9, tzinfo=UTC), datetime(2027, 10, 30, 21, tzinfo=UTC)])
def test_today_and_tomorrow_are_listed_from_the_first_minute_to_the_last(
    host: Client, house: House, clock: time_machine.Traveller, zone: str, today: datetime
) -> None:
    """Also across the night in which clocks are put back, and beside a property at the other end of the world."""
    clock.move_to(today)
    host.force_login(operator("who works then"))
    there = ZoneInfo(zone)
    flat = house.flat(house.lock(), timezone=zone)
    house.flat(house.lock(), timezone="Asia/Tokyo")
    midnight = datetime.combine(today.astimezone(there).date(), time(), there)
    late = timedelta(days=1, hours=23, minutes=59)  # by the clock on the wall
    house.stay(flat, midnight.astimezone(UTC), timedelta(minutes=5), "First")
    house.stay(flat, (midnight + late).astimezone(UTC), 5 * DAY, "Last")
    house.stay(flat, (midnight - 5 * DAY).astimezone(UTC), 5 * DAY - timedelta(minutes=1), "Before")
    house.stay(flat, (midnight + 2 * DAY).astimezone(UTC), 5 * DAY, "After")
    house.stay(flat, (midnight - 9 * DAY).astimezone(UTC), (midnight + late) - (midnight - 9 * DAY), "Leaves")
    lists = {one.key: [row.guest for row in one.rows] for one in host.get("/").context["board"].lists}
    assert lists == {
        "arrivals-today": ["First"],
        "departures-today": ["First"],
        "arrivals-tomorrow": ["Last"],
        "departures-tomorrow": ["Leaves"],
    }
