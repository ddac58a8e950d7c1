"""Behind a proxy: limits and records concern the client, and no client writes its own address."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from config.people import throttle
from pins.models import AccessGrant, PinReveal
from rentals.models import Booking
from tests.support.booking_pages import stay_in
from tests.support.house import House
from tests.support.logins import LOGIN

pytestmark = pytest.mark.django_db

PROXY = "10.0.0.2"


def tries(client: Client, *forwarded: str) -> list[int]:
    return [
        client.post(
            LOGIN, {"username": "anna", "password": "wrong"}, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=one
        ).status_code
        for one in forwarded
    ]


@pytest.mark.usefixtures("counts")
def test_each_client_of_a_trusted_proxy_has_tries_of_its_own(client: Client, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = (PROXY,)
    assert tries(client, *["198.51.100.1"] * (throttle.PAIR.amount + 1))[-1] == 429
    assert tries(client, "198.51.100.2") == [200]


@pytest.mark.usefixtures("counts")
def test_a_client_does_not_escape_by_writing_the_header_itself(client: Client, settings: LazySettings) -> None:
    many = [f"1.2.3.{n}" for n in range(throttle.PAIR.amount + 1)]
    assert tries(client, *many)[-1] == 429  # no proxy is trusted
    settings.TRUSTED_PROXIES = (PROXY,)
    assert tries(client, *[f"{one}, 198.51.100.9" for one in many])[-1] == 429


def test_the_record_of_a_shown_code_names_the_client(host: Client, house: House, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = (PROXY,)
    booking: Booking = stay_in(house.flat(house.lock()))
    house.settle()
    assert AccessGrant.objects.get().code
    url = f"/admin/rentals/booking/{booking.pk}/reveal/"
    shown = host.post(url, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR="1.2.3.4, 198.51.100.1")
    assert shown.status_code == 200
    assert [one.remote_address for one in PinReveal.objects.all()] == ["198.51.100.1"]
    assert User.objects.get().username == "host"
