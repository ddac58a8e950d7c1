"""The field for an own code is no oracle: who asks whether digits are somebody's code is counted and written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from pins.admin import own_code
from pins.models import AccessGrant, CodeTry, ValueClaim
from rentals.inbound import rate_limits
from rentals.models import Booking, Property, PropertyAccess
from tests.support.booking_pages import ADD, CODE, NOW, errors, page, typed
from tests.support.house import House
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

FREE = "735182"


@pytest.fixture
def taken(host: Client, house: House) -> Property:
    """A flat whose lock has `CODE` for a guest."""
    flat = house.flat(house.lock())
    host.post(ADD, typed(flat, own_code=CODE))
    CodeTry.objects.all().delete()
    rate_limits.forget(own_code.TRIES, f"user:{User.objects.get().pk}")
    return flat


def said(response: Any) -> str:
    return " ".join(errors(response).get("own_code", []))


def test_digits_are_judged_only_of_a_stay_that_could_be_saved(host: Client, taken: Property) -> None:
    for wrong in (
        {"guest_name": "x" * 500},
        {"departure_date": "2027-03-01"},
        {"arrival_date": "never"},
        {"status": "nonsense"},
        {"property": ""},
    ):
        answers = [host.post(ADD, typed(taken, own_code=code, **wrong)) for code in (CODE, FREE)]
        assert [said(one) for one in answers] == ["", ""], wrong
    assert not CodeTry.objects.exists()


def test_each_try_is_written_down_like_a_code_that_was_shown(host: Client, taken: Property) -> None:
    refused = host.post(ADD, typed(taken, own_code=CODE), REMOTE_ADDR="192.0.2.7")
    assert "has these digits already" in said(refused)
    one = CodeTry.objects.get()
    assert (one.user_name, one.property, one.booking, one.taken, one.at, one.remote_address) == (
        *("host", taken, None, True, NOW),
        "192.0.2.7",
    )
    assert CODE not in str(one.__dict__)
    host.post(ADD, typed(taken, own_code=FREE))
    assert [one.taken for one in CodeTry.objects.order_by("pk")] == [True, False]
    listed = text(host.get("/admin/pins/codetry/"))
    assert "Another code has these digits" in listed
    assert CODE not in listed


def test_one_person_has_few_tries(host: Client, taken: Property) -> None:
    answers = [said(host.post(ADD, typed(taken, own_code=CODE))) for _ in range(own_code.TRIES.amount + 5)]
    assert ["You tried many codes" in one for one in answers] == [False] * own_code.TRIES.amount + [True] * 5
    assert CodeTry.objects.count() == own_code.TRIES.amount


def test_a_code_that_was_shown_is_not_confirmed_by_guessing(host: Client, taken: Property) -> None:
    """Who may not see codes must not learn one by typing it."""
    booking = Booking.objects.get()
    for guess in (CODE, FREE):
        data = typed(taken, own_code=guess)
        assert "knows the present code already" in said(host.post(page(booking), data))
    assert not CodeTry.objects.exists()


def keeper_of(*properties: Property) -> Client:
    user = User.objects.create_user("keeper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["rentals", "pins"]))
    PropertyAccess.objects.create(user=user).properties.set(properties)
    client = Client()
    client.force_login(user)
    return client


def test_nothing_is_told_of_guests_whom_the_person_does_not_see(host: Client, house: House) -> None:
    entrance = house.lock("Entrance")
    hidden, own = house.flat(entrance, name="Hidden"), house.flat(entrance, house.lock("Door"), name="Own")
    host.post(ADD, typed(hidden, own_code=CODE))
    keeper = keeper_of(own)
    answers = [said(keeper.post(ADD, typed(own, own_code=code))) for code in (CODE, FREE)]
    assert answers[0] == answers[1]
    assert "serves guests whom you do not see" in answers[0]
    assert Booking.objects.filter(property=own).count() == 0
    assert keeper.post(ADD, typed(own)).status_code == 302  # without an own code


def test_nor_of_a_stay_that_moved_to_a_hidden_property(host: Client, house: House) -> None:
    """Its code may still be on the lock where it was."""
    hidden, own = house.flat(house.lock("Far"), name="Hidden"), house.flat(house.lock("Door"), name="Own")
    host.post(ADD, typed(own, own_code=CODE))
    house.settle()
    moved = Booking.objects.get()
    Booking.objects.filter(pk=moved.pk).update(property=hidden)
    assert ValueClaim.objects.filter(released_at=None, lock=own.locks.get()).exists()
    keeper = keeper_of(own)
    answers = [said(keeper.post(ADD, typed(own, own_code=code))) for code in (CODE, FREE)]
    assert answers[0] == answers[1] != ""


def test_a_keeper_of_locks_of_their_own_chooses_freely(host: Client, house: House) -> None:
    own = house.flat(house.lock("Door"), name="Own")
    keeper = keeper_of(own)
    assert "Your own code is set" in told(keeper.post(ADD, typed(own, own_code=FREE)))
    assert AccessGrant.objects.get().code == FREE
    assert "has these digits already" in said(keeper.post(ADD, typed(own, own_code=FREE)))
