"""Restricted people on the console."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from rentals.models import (
    Booking,
    Lock,
)
from tests.support.pages import text
from tests.support.restricted import HIDDEN, Village, assert_nothing_hidden, keeper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("after", [timedelta(0), 2 * HOUR, 3 * DAY])
def test_no_page_of_the_console_tells_of_another_property(
    after: timedelta, client: Client, village: Village, clock: time_machine.Traveller
) -> None:
    clock.shift(after)
    headers = {"HX-Request": "true"}
    for page in ("/", "/timeline/"):
        for query in ("", "Nowak", "flat", "Zy", "e"):
            assert_nothing_hidden(client, page, {"q": query})
            assert HIDDEN not in text(client.get(page, {"q": query}, headers=headers))
        assert_nothing_hidden(client, page, {"all": "arrivals-today", "page": "2", "from": "2027-02-25"})
    for booking in Booking.objects.all():
        assert_nothing_hidden(client, f"/stays/{booking.pk}/")
    for lock in Lock.objects.all():
        assert_nothing_hidden(client, f"/locks/{lock.pk}/")
    shared = text(client.get(f"/locks/{village.entrance.pk}/"))
    assert "2 codes of other people. Turnkey never touches them." in shared
    assert "Cleaner" not in shared  # who gave it that name, and for which property?
    unrestricted = Client()
    unrestricted.force_login(User.objects.create_superuser("host"))
    assert f"{HIDDEN}elda&#x27;s sister" in text(unrestricted.get(f"/locks/{village.entrance.pk}/"))


def test_the_board_speaks_of_the_own_guests(client: Client, village: Village) -> None:
    board = text(client.get("/"))
    assert "Anna Nowak" in board
    assert "1 guest is known to arrive in the next 24 hours" in board
    assert "Not certain: 1 calendar row may be a stay, 1 stay left its calendar." in board  # of the own ones
    assert "Your next steps" not in board
    assert "Own flat" in text(client.get("/timeline/"))


def test_somebody_without_any_property_sees_nothing(village: Village) -> None:
    client = Client()
    client.force_login(keeper())
    board = text(client.get("/"))
    assert "Nobody arrives" in board
    for page in ("/", "/timeline/", "/admin/rentals/booking/", "/admin/rentals/lock/"):
        shown = text(client.get(page))
        assert "Anna" not in shown
        assert HIDDEN not in shown
