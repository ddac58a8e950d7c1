"""What a host does with bookings, one by one and many at once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from pins.models import AccessGrant
from rentals.models import Booking
from tests.support.booking_pages import LIST, page, stay_in
from tests.support.house import House
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_actions_need_post_the_token_and_the_permission(house: House) -> None:
    booking = stay_in(house.flat(house.lock()))
    url = f"/admin/rentals/booking/{booking.pk}/revoke/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("host"))
    assert strict.get(url).status_code == 405
    assert strict.post(url).status_code == 403

    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_booking"))
    looking = Client()
    looking.force_login(viewer)
    assert looking.post(url).status_code == 403
    shown = text(looking.get(page(booking)))
    assert "Wed 3 Mar 2027, 15:00 CET" in shown
    assert "own_code" not in shown
    assert "Try again now" not in shown
    assert "New code" not in text(looking.get(LIST))
    assert not AccessGrant.objects.exclude(revoked_at=None).exists()
    assert Client().post(url).status_code == 302  # to the login page


def test_actions_in_bulk_say_what_came_of_them(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    stays = [stay_in(flat, days=2 + 7 * n) for n in range(2)]
    far = stay_in(flat, days=90)
    house.settle()
    chosen = {"_selected_action": [str(one.pk) for one in (*stays, far)]}

    codes = {grant.code for grant in AccessGrant.objects.all()}
    asked = host.post(LIST, {"action": "new_code", **chosen})
    assert "Yes, choose 3 new codes" in text(asked)
    assert {grant.code for grant in AccessGrant.objects.all()} == codes
    told_new = told(host.post(LIST, {"action": "new_code", "confirmed": "yes", **chosen}))
    assert "New code chosen: 2 stays." in told_new
    assert f"{far}: it has no code yet" in told_new

    asked = host.post(LIST, {"action": "revoke", **chosen})
    assert "These codes stop working" in text(asked)
    assert not AccessGrant.objects.exclude(revoked_at=None).exists()
    told_revoked = told(host.post(LIST, {"action": "revoke", "confirmed": "yes", **chosen}))
    assert "Code revoked: 2 stays." in told_revoked
    house.settle()
    assert house.ours(door) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("action", "yes", "done"), [("revoke", "confirmed", "Code revoked: 3"), ("delete_selected", "post", "deleted 3")]
)
def test_one_request_waits_once_for_a_broker_that_is_out_of_reach(
    host: Client, house: House, caplog: pytest.LogCaptureFixture, action: str, yes: str, done: str
) -> None:
    flat = house.flat(house.lock(), house.lock())
    stays = [stay_in(flat, days=2 + 7 * n) for n in range(3)]
    house.settle()
    caplog.clear()
    chosen = {"action": action, yes: "yes", "_selected_action": [str(one.pk) for one in stays]}
    assert done in told(host.post(LIST, chosen))
    assert caplog.text.count("broker_unreachable") == 1


def test_deleting_bookings_takes_their_codes_off(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    one, two, three = (stay_in(flat, days=2 + 7 * n, lasts=3) for n in range(3))
    house.settle()
    assert len(house.ours(door)) == 3
    host.post(f"/admin/rentals/booking/{one.pk}/delete/", {"post": "yes"})
    chosen = [str(two.pk), str(three.pk)]
    host.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert not Booking.objects.exists()
    house.settle()
    assert house.ours(door) == []
