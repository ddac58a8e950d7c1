"""Guests in the house have a list of their own, and a search finds every stay."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pins.desired import grants
from pins.models import AccessGrant, Incident
from rentals.models import Booking, CalendarFeed, Lock
from tests.support.board_pages import part, words
from tests.support.booking_actions import cancel, change
from tests.support.house import House
from tests.support.pages import text

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_guests_in_the_house_are_listed_until_they_leave(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock(), name="River room")
    house.stay(flat, -5 * DAY, 9 * DAY, "Ben Ode")
    house.settle()
    said = part(host.get("/"), "in-house")
    assert "Ben Ode River room" in said
    assert "here since Wed 24 Feb, 10:00 CET, until Fri 5 Mar, 10:00 CET" in said
    assert "Ready on 1 lock" in said
    assert "Ben Ode" not in part(host.get("/", {"q": "somebody"}), "in-house")
    clock.shift(5 * DAY)
    assert "Nobody." in part(host.get("/"), "in-house")


def test_a_guest_who_could_not_get_in_is_expected_and_not_here(host: Client, house: House) -> None:
    booking = house.stay(house.flat(door := house.lock()), -HOUR, DAY, "Ben Ode")
    house.settle()
    assert "here since" in part(host.get("/"), "in-house")
    assert "The code works Mon 1 Mar" in words(host.get(f"/stays/{booking.pk}/"))
    Lock.objects.filter(pk=door.pk).update(has_keypad=False)
    page = host.get("/")
    assert "Ben Ode" not in part(page, "in-house")
    assert "expected since Mon 1 Mar" in part(page, "outside")
    assert "here since" not in words(page)
    assert "The code would work Mon 1 Mar" in words(host.get(f"/stays/{booking.pk}/"))


def test_a_lock_that_is_switched_off_while_guests_are_in_the_house_is_told(host: Client, house: House) -> None:
    """Their code comes off it, so that one of their doors closed."""
    entrance = house.lock("Entrance")
    house.stay(house.flat(house.lock(), entrance, name="Attic"), -HOUR, DAY, "Ben Ode")
    house.settle()
    assert "Nothing to fix." in words(host.get("/"))
    Lock.objects.filter(pk=entrance.pk).update(is_active=False)
    page = host.get("/")
    assert "Not certain: 1 stay has a lock that is switched off." in words(page)
    assert "A lock of the property is switched off, so it has no code Ben Ode at Attic" in part(page, "issues")


def test_a_guest_who_knows_a_former_code_is_told_of_until_somebody_sees_the_new_one(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    grant = AccessGrant.objects.get(booking=booking)
    AccessGrant.objects.update(disclosed_at=timezone.now())
    grants.rotate(grant.pk, timezone.now(), forced=True)
    house.settle()
    page = host.get("/")
    assert "can get in" not in words(page)
    assert "Not certain: 1 guest knows a former code." in words(page)
    assert "code had to be changed Ben Ode at Flat" in part(page, "issues")
    Incident.objects.update(resolved_at=timezone.now())  # as `disclosure.reveal` does, whose tests are its own
    assert "The guest who arrives in the next 24 hours can get in" in words(host.get("/"))


def test_a_stay_that_has_begun_and_is_not_confirmed_is_in_the_sentence(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), -HOUR, DAY, "Hugo Tent")
    change(booking, status=Booking.Status.TENTATIVE)
    house.settle()
    assert "Not certain: 1 stay without a code is not confirmed." in words(host.get("/"))


@pytest.mark.parametrize("kind", ["feed_stale", "feed_refused", "feed_reset"])
def test_a_calendar_that_gives_nothing_makes_the_day_uncertain(host: Client, house: House, kind: str) -> None:
    flat = house.flat(house.lock())
    house.stay(flat, 3 * HOUR, DAY)
    house.settle()
    feed = CalendarFeed.objects.create(property=flat, name="Channel")
    Incident.open(Incident.Kind(kind), timezone.now(), about=feed)
    page = words(host.get("/"))
    assert "Not certain: 1 calendar cannot be read in full." in page
    assert "can get in" not in page


def test_a_lock_that_was_added_since_counts_at_once(host: Client, house: House) -> None:
    """Also where no code is planned for it yet: a bulk write tells nobody, and the drift check follows later."""
    flat = house.flat(house.lock())
    house.stay(flat, 3 * HOUR, DAY)
    house.settle()
    assert "The guest who arrives in the next 24 hours can get in" in words(host.get("/"))
    flat.locks.through.objects.bulk_create([flat.locks.through(property=flat, lock=house.lock("Entrance"))])
    page = host.get("/")
    assert "The guest who arrives in the next 24 hours cannot get in yet" in words(page)
    assert "On its way (1 of 2 ready)" in part(page, "arrivals-today")


def test_a_code_that_ends_before_the_stay_is_not_ready(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    Booking.objects.filter(pk=booking.pk).update(check_out=booking.check_out + DAY)
    assert "cannot get in yet" in words(host.get("/"))


@pytest.mark.parametrize("query", ["anna", "ANNA", "łąka", "ŁĄKA anna"])
def test_a_search_finds_stays_of_any_time(host: Client, house: House, query: str) -> None:
    flat = house.flat(house.lock(), name="Łąka")
    for begins in (-400 * DAY, -30 * DAY, -HOUR, 3 * HOUR, 40 * DAY):
        house.stay(flat, begins, 2 * HOUR, "Anna Nowak")
    cancel(house.stay(flat, 50 * DAY, 3 * DAY, "Anna Nowak"))
    house.stay(house.flat(name="Attic"), 60 * DAY, DAY, "Ben Ode")
    page = host.get("/", {"q": query})
    found = part(page, "found")
    assert found.count("Anna Nowak") == 4  # the other two are in the lists of today
    for said in ("10 Apr", "20 to 23 Apr", "30 Jan", "25 Jan 2026", "cancelled"):
        assert said in found, (said, found)
    assert found.index("10 Apr") < found.index("30 Jan") < found.index("Jan 2026")
    assert "Ben Ode" not in found
    assert part(host.get("/"), "found") == ""


def test_a_stay_alone_is_no_turnover(host: Client, house: House) -> None:
    """Not even one that begins and ends on one day."""
    flat = house.flat(house.lock())
    house.stay(flat, HOUR, 3 * HOUR)
    house.settle()
    assert "same-day turnover" not in words(host.get("/"))
    house.stay(flat, -DAY, DAY - HOUR, "Ben Ode")
    house.settle()
    assert "same-day turnover" in part(host.get("/"), "arrivals-today")


def test_a_guest_who_stays_on_is_no_turnover(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    house.stay(flat, HOUR, DAY, "Nowak, Anna")
    house.stay(flat, -DAY, DAY - HOUR, "Anna Nowak")
    house.settle()
    arriving = part(host.get("/"), "arrivals-today")
    assert "stays on" in arriving
    assert "same-day turnover" not in arriving


def test_a_cancelled_stay_offers_nothing_that_would_issue_a_code(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    cancel(booking)
    house.settle()
    for address in (f"/stays/{booking.pk}/", f"/admin/rentals/booking/{booking.pk}/change/"):
        page = host.get(address)
        for word in ("New code", "Try again now", "Change the days", "Leave 1 h later"):
            assert f"{word}</button>" not in text(page), (address, word)


def test_both_days_of_a_label_have_the_right_year(house: House) -> None:
    zone = ZoneInfo("Europe/Warsaw")
    booking = house.stay(house.flat(), datetime(2027, 12, 30, 15, tzinfo=zone), 3 * DAY, "Anna")
    assert str(booking) == "Anna, 30 Dec 2027 to 2 Jan 2028"
    same_year = house.stay(booking.property, timezone.now(), 3 * DAY, "Ben")
    assert str(same_year) == "Ben, 1 Mar to 4 Mar 2027"


def test_the_page_of_a_stay_names_the_locks_that_are_switched_off(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock(), house.lock("Entrance")), -HOUR, DAY, "Ben Ode")
    house.settle()
    assert "Switched off" not in words(host.get(f"/stays/{booking.pk}/"))
    Lock.objects.filter(name="Entrance").update(is_active=False)
    for address in (f"/stays/{booking.pk}/", f"/admin/rentals/booking/{booking.pk}/change/"):
        assert "Switched off, so without the code: Entrance." in words(host.get(address))
