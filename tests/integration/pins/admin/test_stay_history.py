"""The history of a stay says in words what was done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from pins.actions import stays
from pins.actions.results import ActionResult
from rentals.stay_forms import FORMS
from tests.support.house import House
from tests.support.pages import text

pytestmark = pytest.mark.django_db

BOOKINGS, PROPERTIES, LOCKS = "/admin/rentals/booking/", "/admin/rentals/property/", "/admin/rentals/lock/"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_the_history_of_a_stay_says_what_was_done_in_words(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    booking = house.stay(flat, 2 * DAY, DAY)
    house.settle()
    seen = f"{booking.check_in.isoformat()} {booking.check_out.isoformat()}"
    host.post(f"/stays/{booking.pk}/late_check_out/", {"seen": seen, "hours": "1"})
    host.post(f"{BOOKINGS}{booking.pk}/new-code/")
    host.post(f"/stays/{booking.pk}/revoke/")
    form = {
        "property": str(flat.pk),
        "guest_name": "Anna Nowak-Secret",
        "status": "cancelled",
        "arrival_date": "2027-03-03",
        "arrival_time": "10:00",
        "departure_date": "2027-03-06",
        "departure_time": "12:00",
        "own_code": "",
    }
    assert host.post(f"{BOOKINGS}{booking.pk}/change/", form).status_code == 302
    page = text(host.get(f"{BOOKINGS}{booking.pk}/history/"))
    assert "(times of Europe/Warsaw)" in page
    assert "Mon 1 Mar 2027, 10:00" in page  # 09:00 UTC
    assert "Late check-out: the stay now ends Thu 4 Mar 2027, 11:00 CET instead of Thu 4 Mar 2027, 10:00 CET." in page
    assert "New code: a new code was chosen and goes onto 1 lock." in page
    assert "Revoke: the code is revoked" in page
    assert "Changed the departure from Thu 4 Mar 2027, 11:00 CET to Sat 6 Mar 2027, 12:00 CET" in page
    assert "the status from confirmed to cancelled" in page
    assert "the guest&#x27;s name." in page
    assert "Secret" not in re.sub(r"<title>.*?</h1>|<div class=\"breadcrumbs\".*?</div>", "", page, flags=re.DOTALL)


def test_every_action_has_words_for_the_history() -> None:
    for name in (*stays.ACTIONS, *FORMS):
        assert stays.history_line(name, ActionResult(25, "done."))[0].isupper()
