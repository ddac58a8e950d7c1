"""Both pages say that a guest with several stays end to end stays in the house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pins.core.pin_state import State
from pins.models import AccessGrant, Pin
from rentals.models import Booking
from tests.support.board_pages import part, words
from tests.support.booking_actions import change
from tests.support.booking_pages import page
from tests.support.house import House

pytestmark = pytest.mark.django_db

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
IN, OUT = datetime(2027, 3, 3, 14, tzinfo=UTC), datetime(2027, 3, 10, 10, tzinfo=UTC)


@pytest.fixture
def stays(house: House) -> list[Booking]:
    flat = house.flat(house.lock())
    return [
        Booking.objects.create(property=flat, guest_name=name, check_in=IN + weeks * WEEK, check_out=OUT + weeks * WEEK)
        for weeks, name in enumerate(["Odalys Brink", "Brink, Odalys"])
    ]


def said(host: Client, booking: Booking) -> list[str]:
    """The page of a stay in the console and in the admin."""
    return [words(host.get(f"/stays/{booking.pk}/")), words(host.get(page(booking)))]


def test_each_stay_says_how_its_guest_gets_in_at_the_change(host: Client, house: House, stays: list[Booking]) -> None:
    house.settle()
    for text in said(host, stays[0]):
        assert "Wed 3 Mar 2027, 15:00 CET to Wed 10 Mar 2027, 15:00 CET" in text
        assert (
            "The guest stays on: the next stay begins on Wed 10 Mar 2027, 15:00 CET, with a code of its own; "
            "this code works until then."
        ) in text
        assert "is here already" not in text
    for text in said(host, stays[1]):
        assert (
            "The guest is here already: the stay before this one ends on Wed 10 Mar 2027, 11:00 CET, and its code "
            "works until Wed 10 Mar 2027, 15:00 CET. From then on the guest needs the code of this stay."
        ) in text
        assert "stays on" not in text


def test_between_both_the_first_is_not_over_and_afterwards_it_is(
    host: Client, house: House, clock: time_machine.Traveller, stays: list[Booking]
) -> None:
    house.live(clock, OUT + HOUR - timezone.now())
    for text in said(host, stays[0]):
        assert "this code works until then" in text
        assert "The stay is over." not in text
    house.live(clock, IN + WEEK + HOUR - timezone.now())
    for text in said(host, stays[0]):
        assert "The guest stayed on, and needs the code of the next stay since Wed 10 Mar 2027, 15:00 CET." in text
        assert "The stay is over." in text
    for text in said(host, stays[1]):
        assert "is here already" not in text


def test_between_both_the_guest_is_in_the_house_or_before_a_closed_door(
    host: Client, house: House, clock: time_machine.Traveller, stays: list[Booking]
) -> None:
    house.live(clock, OUT + HOUR - timezone.now())
    board = host.get("/")
    assert "here since Wed 3 Mar, 15:00 CET, stays on, with the code of the next stay from Wed 10 Mar" in part(
        board, "in-house"
    )
    assert "may stand before a closed door" not in words(board)
    Pin.objects.filter(grant__booking=stays[0]).update(state=State.IN_DOUBT)
    board = host.get("/")
    assert "A guest who is due may stand before a closed door." in words(board)
    assert "Odalys Brink" in part(board, "outside")
    AccessGrant.objects.filter(booking=stays[0]).update(revoked_at=timezone.now(), wanted=False)
    assert "may stand before a closed door" not in words(host.get("/"))


def test_a_revoked_code_of_the_next_stay_is_not_promised(host: Client, stays: list[Booking]) -> None:
    AccessGrant.objects.filter(booking=stays[1]).update(revoked_at=timezone.now(), wanted=False)
    for text in said(host, stays[0]):
        assert "whose code is revoked" in text
    for text in said(host, stays[1]):
        assert "is here already" not in text


def test_other_guests_are_told_nothing(host: Client, stays: list[Booking]) -> None:
    change(stays[1], guest_name="Jan Kowalski")
    for booking in stays:
        for text in said(host, booking):
            assert "stays on" not in text
            assert "is here already" not in text
