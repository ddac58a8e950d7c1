"""The console's pages: who may see them, and what they may do there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pins.models import AccessGrant
from tests.support.board_pages import addresses, words
from tests.support.house import House
from tests.support.pages import text
from tests.support.people import operator, staff, viewer

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_stranger_is_asked_to_log_in(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    for address in addresses(booking):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")
    for address in (f"/stays/{booking.pk}/revoke/", "/locks/1/try-again/", "/locks/1/compare/"):
        assert client.post(address)["Location"].startswith("/admin/login/")


def test_a_customer_without_staff_rights_gets_nowhere(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    client.force_login(User.objects.create_user("customer"))
    assert all(client.get(one).status_code == 302 for one in addresses(booking))


def test_staff_without_the_permission_is_refused(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    client.force_login(staff("bookkeeper", "view_property"))
    assert [client.get(one).status_code for one in addresses(booking)] == [403] * 4
    client.force_login(staff("receptionist", "view_booking"))
    assert [client.get(one).status_code for one in addresses(booking)] == [200, 200, 200, 403]


def test_a_viewer_sees_no_buttons_and_is_refused_what_they_do(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    client.force_login(viewer())
    for address in addresses(booking):
        posted = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text(client.get(address)))
        assert posted == ["/admin/language/", "/admin/logout/"]  # what everybody may do
    lock = booking.property.locks.get()
    actions = ("try_again", "new_code", "revoke", "looks_right", "follow_calendar", "late_check_out", "change_days")
    for address in (
        *(f"/stays/{booking.pk}/{action}/" for action in actions),
        f"/locks/{lock.pk}/try-again/",
        f"/locks/{lock.pk}/compare/",
    ):
        assert client.post(address).status_code == 403
    assert AccessGrant.objects.get().revoked_at is None


def test_an_operator_has_the_buttons_and_they_work(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    page = text(host.get(f"/stays/{booking.pk}/"))
    assert all(word in page for word in ("Try again now", "New code", "Revoke …", "Change the days"))
    answer = host.post(f"/stays/{booking.pk}/revoke/", follow=True)
    assert "The code is revoked and comes off 1 lock." in words(answer)
    assert "Try again now" in text(host.get(f"/locks/{booking.property.locks.get().pk}/"))


def test_actions_want_a_post_and_a_token(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator())
    assert strict.get(f"/stays/{booking.pk}/revoke/").status_code == 405
    assert strict.post(f"/stays/{booking.pk}/revoke/").status_code == 403
    assert strict.post(f"/stays/{booking.pk}/late_check_out/", {"hours": "1"}).status_code == 403


@pytest.mark.parametrize("address", ["/stays/99999/", "/locks/99999/", "/stays/abc/", "/locks/-1/"])
def test_a_missing_page_is_404(host: Client, address: str) -> None:
    assert host.get(address).status_code == 404


def test_unknown_actions_are_404(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    assert host.post(f"/stays/{booking.pk}/explode/").status_code == 404
    assert host.post("/stays/99999/revoke/").status_code == 404
    assert host.post("/stays/99999/late_check_out/").status_code == 404
    assert host.post("/locks/99999/try-again/").status_code == 404


def test_no_page_is_kept_by_a_browser_and_none_shows_a_code(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    for address in addresses(booking):
        answer = host.get(address)
        assert "no-store" in answer["Cache-Control"]
        assert code not in text(answer)
