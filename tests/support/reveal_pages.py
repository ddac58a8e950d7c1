"""The page that shows a code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from pins.models import AccessGrant, PinReveal
from rentals.models import Booking
from tests.support.house import House
from tests.support.pages import content

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def person(name: str, *codenames: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def ready_stay(house: House) -> Booking:
    booking = house.stay(house.flat(house.lock(), name="Old Town 3"), 2 * DAY, 5 * DAY)
    house.settle()
    return booking


def reveal_url(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/reveal/"


def page(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/change/"


def code_of(booking: Booking) -> str:
    return AccessGrant.objects.get(booking=booking).code


def shows(response: Any, code: str) -> bool:
    return code in content(response) or " ".join(code) in content(response)


def refused(host: Client, booking: Booking, why: str) -> None:
    told_before = AccessGrant.objects.filter(booking=booking).values_list("disclosed_at", flat=True).first()
    response = host.post(reveal_url(booking))
    assert response.status_code == 409
    assert why in content(response)
    assert "no-store" in response["Cache-Control"]
    assert not PinReveal.objects.exists()
    for grant in AccessGrant.objects.filter(booking=booking):
        assert not shows(response, grant.code)
        assert grant.disclosed_at == told_before
