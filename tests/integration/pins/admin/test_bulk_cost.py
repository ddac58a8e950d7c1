"""What actions on many stays at once ask of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

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


@pytest.mark.parametrize("before", ["", "revoke"])
def test_many_stays_get_new_codes_with_few_statements(house: House, host: Client, before: str) -> None:
    """Also those whose codes were revoked. From twenty stays on nothing is done for each of them but the history."""
    flat = house.flat(house.lock(), issue_ahead_days=365)
    few, many = stays(house, flat, 22, 2), stays(house, flat, 42, 30)
    if before:
        cost(host, before, [*few, *many])
    codes = set(AccessGrant.objects.values_list("code", flat=True))
    rises = len(cost(host, "new_code", many)) - len(cost(host, "new_code", few))
    assert rises / 20 <= 1.5
    fresh = list(AccessGrant.objects.filter(wanted=True, revoked_at=None).values_list("code", flat=True))
    assert len(set(fresh)) == len(fresh) == 64
    assert not codes & set(fresh)
    held = ValueClaim.objects.filter(released_at=None, digest__in=[ValueClaim.digest_of(one) for one in fresh])
    assert held.count() == 64
    assert not Pin.objects.filter(wanted=False).exists()
    assert Pin.objects.filter(desired_rev__gte=2).count() == 64


def test_many_stays_are_tried_again_with_few_statements(house: House, host: Client) -> None:
    door = house.lock()
    flat = house.flat(door, issue_ahead_days=365)
    few, many = stays(house, flat, 5, 2), stays(house, flat, 25, 20)
    house.cloud.set_connected(door.device_id, False)
    house.run(door)
    Pin.objects.update(hold_until=timezone.now() + DAY, hold_rev=F("desired_rev"), troubles=3)
    rises = len(cost(host, "try_again", many)) - len(cost(host, "try_again", few))
    assert rises / 20 <= 1.5
    assert not Pin.objects.exclude(hold_until=None).exists()
    house.cloud.set_connected(door.device_id, True)
    house.settle()
    assert len(house.ours(door)) == 30


def test_one_of_many_whose_code_was_shown_keeps_it(house: House, host: Client) -> None:
    flat = house.flat(house.lock(), issue_ahead_days=365)
    chosen = stays(house, flat, 3, 2)
    shown = AccessGrant.objects.get(booking=chosen[1])
    AccessGrant.objects.filter(pk=shown.pk).update(disclosed_at=timezone.now())
    before = dict(AccessGrant.objects.values_list("booking", "code"))
    cost(host, "new_code", chosen)
    after = dict(AccessGrant.objects.values_list("booking", "code"))
    assert [before[one.pk] == after[one.pk] for one in chosen] == [False, True, False]


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
