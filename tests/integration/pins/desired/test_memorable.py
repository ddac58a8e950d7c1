"""Codes of the guest's phone: where a property asks for them, the rules allow them and they are free."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from pins.desired import code_overrides, disclosure, grants
from pins.models import AccessGrant, CodeTry, ValueClaim
from rentals.models import Booking, Lock, Property
from tests.support.house import House, pin_of
from tests.support.restricted import keeper
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PHONE, DIGITS = "+48 601 739 105", "739105"


@pytest.fixture
def flat(house: House) -> Property:
    return house.flat(house.lock(), codes_from_phone=True)


def stay(flat: Property, phone: str = PHONE, *, begins: timedelta = DAY, name: str = "Anna Nowak") -> Booking:
    check_in = (timezone.now() + begins).replace(microsecond=0)
    return Booking.objects.create(
        property=flat, guest_name=name, guest_phone=phone, check_in=check_in, check_out=check_in + DAY
    )


def code_of(booking: Booking) -> str:
    return AccessGrant.objects.get(booking=booking).code


def test_the_last_digits_of_the_phone_become_the_code_and_reach_the_lock(house: House, flat: Property) -> None:
    door = Lock.objects.get()
    assert code_of(stay(flat)) == DIGITS
    house.settle()
    assert [pin.body.value for pin in house.ours(door)] == [DIGITS]


def test_nobody_gets_them_unasked(house: House, flat: Property) -> None:
    Property.objects.update(codes_from_phone=False)
    flat.refresh_from_db()
    assert code_of(stay(flat)) != DIGITS


def test_each_property_has_its_own_length(house: House, flat: Property) -> None:
    flat.code_length = 8
    flat.save()
    assert code_of(stay(flat)) == "01739105"


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "12345",  # too short for six digits
        "+48 601 111 122",  # the lock refuses it
        "+48 601 123 456",
        "+48 601 121 212",  # strangers try it early
        "+48 601 001 984",
    ],
)
def test_digits_that_are_no_good_code_give_a_random_one(house: House, flat: Property, phone: str) -> None:
    code = code_of(stay(flat, phone))
    assert len(code) == 6
    assert not phone.replace(" ", "").endswith(code)


def test_digits_that_are_taken_give_a_random_one_and_nobody_is_told(house: House, flat: Property) -> None:
    first, second = stay(flat), stay(flat, "+49 170 739 105", begins=3 * DAY, name="Jan Kowalski")
    assert code_of(first) == DIGITS
    assert code_of(second) != DIGITS
    house.settle()
    assert not CodeTry.objects.exists()
    assert ValueClaim.objects.filter(released_at=None).count() == 2


def test_a_former_guest_s_digits_are_not_given_to_the_next_one(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    stay(flat)
    house.settle()
    clock.shift(3 * DAY)
    house.settle()
    assert house.ours(Lock.objects.get()) == []
    assert code_of(stay(flat, "+49 170 739 105", name="Jan Kowalski")) != DIGITS


def test_a_number_that_changes_later_changes_no_code(house: House, flat: Property) -> None:
    booking = stay(flat)
    house.settle()
    for phone in ("+48 601 264 908", "", "12"):
        booking.guest_phone = phone
        booking.save()
        grants.sync_bookings([booking.pk])
        house.settle()
        assert code_of(booking) == DIGITS
    assert disclosure.reveal_to_machine(AccessGrant.objects.get().pk, timezone.now(), name="door sign") == DIGITS
    assert pin_of(booking, Lock.objects.get()).desired_rev == 1


def test_a_number_that_comes_later_changes_no_code(house: House, flat: Property) -> None:
    booking = stay(flat, "")
    before = code_of(booking)
    booking.guest_phone = PHONE
    booking.save()
    assert code_of(booking) == before


def test_a_number_that_comes_before_the_window_opens_counts(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = stay(flat, "", begins=40 * DAY)
    booking.guest_phone = PHONE
    booking.save()
    clock.shift(15 * DAY)
    grants.sync_bookings([booking.pk])
    assert code_of(booking) == DIGITS


def test_a_new_code_is_random(house: House, flat: Property) -> None:
    """Somebody asks for it because the old one is known, or the lock refused it."""
    booking = stay(flat, "")
    Booking.objects.update(guest_phone=PHONE)
    code_overrides.renew_code(AccessGrant.objects.get(booking=booking).pk, timezone.now())
    assert code_of(booking) != DIGITS


def test_many_stays_at_once(house: House, flat: Property) -> None:
    """The way of imports: of two guests with the same digits one has them."""
    begins = (timezone.now() + DAY).replace(microsecond=0)
    rows = [
        Booking(property=flat, guest_phone=phone, check_in=begins + n * DAY, check_out=begins + (n + 1) * DAY)
        for n, phone in enumerate([f"+48 601 7{n:02d} 591" for n in range(25)] + [PHONE, f"+49 170 {DIGITS}"])
    ]
    made = Booking.objects.bulk_create(rows)
    grants.sync_bookings([one.pk for one in made])
    codes = [grant.code for grant in AccessGrant.objects.order_by("booking")]
    assert codes[:25] == [f"7{n:02d}591" for n in range(25)]
    assert codes.count(DIGITS) == 1
    assert len(set(codes)) == 27


def test_where_a_restricted_person_could_learn_of_hidden_guests_all_codes_are_random(house: House) -> None:
    """They see the entrance, and not the other flat: digits that are refused there would be told by a random code."""
    entrance = house.lock("Entrance")
    seen = house.flat(entrance, name="Seen", codes_from_phone=True)
    hidden = house.flat(entrance, name="Hidden", codes_from_phone=True)
    assert code_of(stay(hidden)) == DIGITS
    assert code_of(stay(seen, "+48 601 264 908")) == "264908"
    keeper(seen)
    for phone in ("+49 170 739 105", "+49 170 582 714"):  # taken and free look alike
        assert not phone.replace(" ", "").endswith(code_of(stay(seen, phone, begins=3 * DAY)))
    assert code_of(stay(hidden, "+49 170 618 503", begins=5 * DAY)) == "618503"


def test_restricted_people_who_see_all_of_a_lock_do_not_matter(house: House) -> None:
    entrance = house.lock("Entrance")
    one = house.flat(entrance, name="One", codes_from_phone=True)
    two = house.flat(entrance, name="Two")
    keeper(one, two)
    User.objects.create_superuser("host")
    assert code_of(stay(one)) == DIGITS


@pytest.mark.django_db(transaction=True)
def test_guests_with_the_same_digits_at_the_same_moment() -> None:
    house = House()
    flat = house.flat(house.lock(), codes_from_phone=True)
    at_once([lambda: stay(flat)] * 6)
    codes = [grant.code for grant in AccessGrant.objects.all()]
    assert codes.count(DIGITS) == 1
    assert len(set(codes)) == 6


def test_a_property_without_the_wish_asks_nothing_more(house: House, flat: Property) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    Property.objects.update(codes_from_phone=False)
    flat.refresh_from_db()
    with CaptureQueriesContext(connection) as asked:
        stay(flat)
    assert not [one for one in asked.captured_queries if "propertyaccess" in one["sql"]]
