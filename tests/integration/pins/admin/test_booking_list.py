"""The list of bookings answers a host's questions."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pins.core.pin_state import State
from pins.models import AccessGrant
from rentals.models import Booking, Property
from tests.support.booking_pages import LIST, page, stay_in
from tests.support.house import House, pin_of
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


def test_the_list_answers_a_hosts_questions(host: Client, house: House) -> None:
    flat, hut = house.flat(house.lock()), house.flat(name="Hut", timezone="Pacific/Auckland")

    def names(query: str) -> set[str]:
        return {one.guest_name for one in host.get(f"{LIST}?{query}").context["cl"].result_list}

    def stay(name: str, prop: Property, day: str, lasts: int = 2, at: str = "15:00", **more: object) -> Booking:
        begins = datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=prop.zone)
        return Booking.objects.create(
            property=prop, guest_name=name, check_in=begins, check_out=begins + lasts * DAY, **more
        )

    stay("today", flat, "2027-03-01")
    stay("late tonight", flat, "2027-03-01", at="23:30")  # still the first of March in Warsaw
    stay("today in the hut", hut, "2027-03-01", at="21:30")  # 22:00 there now, and in UTC the first since 11 hours
    stay("this week", flat, "2027-03-06")
    stay("later", flat, "2027-04-06", status="tentative")
    stay("gone", flat, "2027-01-06")
    house.settle()

    assert names("") == {"today", "late tonight", "today in the hut", "this week", "later"}
    assert names("stay=arriving_today") == {"today", "late tonight", "today in the hut"}
    assert names("stay=arriving_week") == {"today", "late tonight", "today in the hut", "this week"}
    assert names("stay=past") == {"gone"}
    assert names("q=gone") == {"gone"}
    assert names("status__exact=tentative") == {"later"}
    assert names("overlapping=yes") == {"today", "late tonight"}
    assert names("attention=yes") == {"today in the hut"}  # a property without locks
    assert names(f"property__id__exact={hut.pk}") == {"today in the hut"}
    reference = AccessGrant.objects.get(booking__guest_name="today").reference
    assert names(f"q=%23{reference}") == {"today"}
    assert "overlaps" in text(host.get(LIST))
    for strange in (
        "stay=nonsense",
        "attention=maybe",
        "overlapping=x",
        "check_in__year=2027&check_in__month=3",
        "p=7",
    ):
        assert host.get(f"{LIST}?{strange}").status_code in (200, 302)


def test_a_code_that_is_late_or_left_over_needs_attention(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door)
    soon, later = stay_in(flat, days=0, lasts=1), stay_in(flat, days=9)
    house.cloud.set_connected(door.device_id, False)
    house.settle()

    def needing() -> list[int]:
        return [one.pk for one in host.get(f"{LIST}?attention=yes").context["cl"].result_list]

    assert needing() == [soon.pk]
    house.cloud.set_connected(door.device_id, True)
    clock.shift(timedelta(minutes=10))
    house.settle()
    assert needing() == []
    assert pin_of(later, door).state == State.SET

    house.cloud.set_connected(door.device_id, False)
    clock.move_to(soon.check_out + timedelta(minutes=11))
    house.settle()
    assert needing() == [soon.pk]


def test_a_stay_on_a_lock_that_only_a_person_can_open_up_needs_attention_weeks_ahead(
    host: Client, house: House
) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door), days=20)
    house.cloud.set_forbidden(door.device_id, True)
    house.settle()
    shown = host.get(f"{LIST}?attention=yes")
    assert [one.pk for one in shown.context["cl"].result_list] == [booking.pk]
    assert "Needs you: Door" in text(shown)
    assert "let the account's user manage this lock" in text(host.get(page(booking))).replace("&#x27;", "'")


def test_the_list_costs_the_same_number_of_queries_for_one_and_for_forty_stays(host: Client, house: House) -> None:
    flat = house.flat(house.lock("A"), house.lock("B"))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert host.get(LIST).status_code == 200
        return len(counted)

    stay_in(flat)
    host.get(LIST)
    few = queries()
    for n in range(1, 40):
        stay_in(flat, days=2 + n, lasts=1)
    assert queries() == few <= 20
