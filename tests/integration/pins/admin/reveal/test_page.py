"""Showing a code: by permission, with a message for the guest, written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from pins.admin import shown_once
from pins.models import AccessGrant, PinReveal
from rentals.inbound import rate_limits
from rentals.models.tokens import new_token
from tests.support.house import House
from tests.support.pages import content, text
from tests.support.reveal_pages import NOW, code_of, page, person, ready_stay, reveal_url, shows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


# -- the page -----------------------------------------------------------------------------------------------------


def test_a_person_with_the_permission_is_shown_the_code_once_with_a_message_for_the_guest(
    host: Client, house: House
) -> None:
    booking = ready_stay(house)
    assert "Not shown yet" in text(host.get(page(booking)))
    response = host.post(reveal_url(booking), REMOTE_ADDR="203.0.113.7")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    shown, code = text(response), code_of(booking)
    assert code in shown
    assert (
        f"Your door code for Old Town 3 is {' '.join(code)}. It works from Wed 3 Mar 2027, 10:00 CET to "
        "Mon 8 Mar 2027, 10:00 CET. Enter it on the keypad"
    ) in shown
    assert "Shown to Helena on Mon 1 Mar 2027, 10:00 CET" in shown

    look = PinReveal.objects.get()
    assert (look.user_name, look.at, look.remote_address) == ("Helena", NOW, "203.0.113.7")
    assert AccessGrant.objects.get().disclosed_at == NOW
    again = host.get(page(booking))
    assert not shows(again, code)
    assert "Shown to Helena on Mon 1 Mar 2027" in text(again)
    assert "Not shown yet" not in text(again)


def test_each_reveal_is_written_down_and_the_first_one_counts(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    clock.shift(timedelta(hours=1))
    response = host.post(reveal_url(booking))
    assert shows(response, code_of(booking))
    assert "Shown 2 times" in text(response)
    assert AccessGrant.objects.get().disclosed_at == NOW
    assert PinReveal.objects.count() == 2


def test_the_right_to_change_bookings_is_not_the_right_to_see_codes(client: Client, house: House) -> None:
    booking = ready_stay(house)
    client.force_login(person("Ola", "view_booking", "change_booking", "delete_booking", "view_accessgrant"))
    response = client.post(reveal_url(booking))
    assert response.status_code == 403
    assert not shows(response, code_of(booking))
    assert "Show the code" not in text(client.get(page(booking)))
    assert not PinReveal.objects.exists()
    assert AccessGrant.objects.get().disclosed_at is None


def test_seeing_codes_needs_the_right_to_see_the_booking_too(client: Client, house: House) -> None:
    booking = ready_stay(house)
    client.force_login(person("Piotr", "reveal_code"))
    assert client.post(reveal_url(booking)).status_code == 403
    assert not PinReveal.objects.exists()


def test_it_takes_a_post_with_the_token_and_a_login(house: House) -> None:
    booking = ready_stay(house)
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(reveal_url(booking)).status_code == 302  # to the login page
    strict.force_login(User.objects.create_superuser("root"))
    assert strict.get(reveal_url(booking)).status_code == 405
    assert strict.post(reveal_url(booking)).status_code == 403
    assert strict.get("/admin/rentals/booking/999999/reveal/").status_code == 405
    assert not PinReveal.objects.exists()


def test_a_superuser_may(client: Client, house: House) -> None:
    booking = ready_stay(house)
    client.force_login(User.objects.create_superuser("root"))
    assert "Show the code" in text(client.get(page(booking)))
    assert shows(client.post(reveal_url(booking)), code_of(booking))
    assert client.post("/admin/rentals/booking/999999/reveal/").status_code == 404


def test_the_page_names_the_locks_that_are_not_ready(host: Client, house: House) -> None:
    front, attic = house.lock("Front"), house.lock("Attic")
    house.cloud.set_connected(attic.device_id, False)
    booking = house.stay(house.flat(front, attic), 2 * DAY, 5 * DAY)
    house.settle()
    response = host.post(reveal_url(booking))
    assert response.status_code == 200
    assert "Not ready on Attic yet." in text(response)


def test_twenty_reveals_in_ten_minutes_are_enough(
    host: Client, house: House, redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (shown_once.REVEALS.amount, shown_once.REVEALS.get_expiry()) == (20, 600)
    settings.REDIS_URL = redis_url
    monkeypatch.setattr(shown_once, "REVEALS", RateLimitItemPerMinute(2, 10, namespace=new_token()))
    rate_limits._resting.clear()
    booking = ready_stay(house)
    assert [host.post(reveal_url(booking)).status_code for _ in range(3)] == [200, 200, 429]
    refused = host.post(reveal_url(booking))
    assert not shows(refused, code_of(booking))
    assert "You looked at many codes" in content(refused)
    assert int(refused["Retry-After"]) > 0
    assert "no-store" in refused["Cache-Control"]
    assert PinReveal.objects.count() == 2
    other = Client()
    other.force_login(User.objects.create_superuser("root"))
    assert other.post(reveal_url(booking)).status_code == 200


# -- what follows from it ---------------------------------------------------------------------------------------------


def test_the_list_of_reveals_is_read_only(host: Client, house: House) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking), REMOTE_ADDR="203.0.113.7")
    shown = text(host.get("/admin/pins/pinreveal/"))
    assert all(word in shown for word in ("Helena", "203.0.113.7", "Anna Nowak", "Mon 1 Mar 2027, 10:00 CET"))
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    look = PinReveal.objects.get()
    assert root.get("/admin/pins/pinreveal/add/").status_code == 403
    assert root.post(f"/admin/pins/pinreveal/{look.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.post(f"/admin/pins/pinreveal/{look.pk}/change/", {"user_name": "x"}).status_code == 403
    assert "Helena" in text(root.get(f"/admin/pins/pinreveal/{look.pk}/change/"))
    User.objects.filter(username="Helena").delete()
    look.refresh_from_db()
    assert (look.user_id, look.user_name) == (None, "Helena")
    booking.delete()
    assert "deleted booking" in text(root.get("/admin/pins/pinreveal/"))
