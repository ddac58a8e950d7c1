"""What actions on many stays at once ask of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pins.guests import links as guest_links
from pins.models import AccessGrant, GuestPage, Pin, ValueClaim
from rentals.models import Booking, Property
from tests.support.house import House
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIST = "/admin/rentals/booking/"


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


def stays(house: House, flat: Property, count: int, first: int) -> list[Booking]:
    return [house.stay(flat, (first + n) * DAY, 20 * HOUR, f"Guest {n}") for n in range(count)]


def cost(host: Client, action: str, chosen: list[Booking]) -> list[str]:
    form = {"action": action, "_selected_action": [one.pk for one in chosen], "post": "yes", "confirmed": "yes"}
    with CaptureQueriesContext(connection) as captured:
        answer = host.post(LIST, form)
    assert answer.status_code == 302, answer.content
    return statements(captured)


#: For each stay: the line of its history, and its link where it has one.
MOST = {"delete_selected": 0.5, "revoke": 2.5}


@pytest.mark.parametrize("action", MOST)
def test_many_stays_take_few_statements(house: House, host: Client, action: str) -> None:
    flat = house.flat(house.lock(), issue_ahead_days=365)
    few, many = stays(house, flat, 8, 2), stays(house, flat, 28, 20)
    for one in (*few, *many):
        guest_links.page_of(one.pk)
    rises = len(cost(host, action, many)) - len(cost(host, action, few))
    assert rises / 20 <= MOST[action]
    assert AccessGrant.objects.filter(wanted=False).count() == 36
    assert not Pin.objects.filter(wanted=True).exists()
    assert not ValueClaim.objects.filter(released_at=None).exists()  # none was on the lock yet
    assert Booking.objects.exists() is (action == "revoke")
    assert GuestPage.objects.values("token_digest").distinct().count() == (36 if action == "revoke" else 0)


def test_codes_that_are_on_a_lock_come_off_together(house: House, host: Client) -> None:
    door = house.lock()
    chosen = stays(house, house.flat(door, issue_ahead_days=365), 5, 2)
    house.settle()
    assert len(house.ours(door)) == 5
    cost(host, "delete_selected", chosen)
    assert ValueClaim.objects.filter(released_at=None).count() == 5  # as long as they may open the door
    house.settle()
    assert house.ours(door) == []
    assert not ValueClaim.objects.filter(released_at=None).exists()
