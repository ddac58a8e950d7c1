"""Guests' addresses from calendars."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.core import mail

from pins.models import GuestGuide
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import calendar, event
from tests.support.guests import DAY, stay_of, tick
from tests.support.house import House
from tests.support.imports import feed_of, take

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2027, 3, 8), date(2027, 3, 11)


def body(*lines: str, name: str = "one") -> bytes:
    said = "\\n".join(("Name: Anna Nowak", *lines))
    return calendar(event(f"{name}@manager.example", FIRST, LAST, "Reserved", description=said))


def reached(stay: Booking) -> tuple[str, str, str]:
    stay.refresh_from_db()
    return stay.guest_email, stay.guest_phone, stay.guest_language


def test_a_new_stay_gets_them_and_a_person_keeps_the_last_word(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, body("Email: anna@example.com", "Phone: +48 600 123 456", "Language: German"))
    stay = Booking.objects.get()
    assert reached(stay) == ("anna@example.com", "+48 600 123 456", "de")
    Booking.objects.update(guest_email="right@example.com", guest_phone="")
    take(feed, body("Email: other@example.com", "Phone: +48 600 123 457", "Language: Polish"))
    assert reached(stay) == ("right@example.com", "", "de")
    # The event keeps none of it.
    stored = str(FeedItem.objects.values().get())
    assert "anna@" not in stored
    assert "600 123" not in stored


def test_what_a_channel_says_later_comes_once_and_only_where_nobody_wrote_anything(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, body("Guests: 2"))
    stay = Booking.objects.get()
    Booking.objects.update(guest_email="right@example.com")
    take(feed, body("Guests: 2", "Email: relay@example.com", "Phone: +48 600 123 456"))
    assert reached(stay) == ("right@example.com", "+48 600 123 456", "")
    Booking.objects.update(guest_phone="")  # a person took it out again
    take(feed, body("Guests: 3", "Phone: +48 600 123 456"))
    assert reached(stay) == ("right@example.com", "", "")


def test_a_second_calendar_of_the_same_stay_says_what_the_first_does_not(
    flat: Property, clock: time_machine.Traveller
) -> None:
    take(feed_of(flat), body("Phone Number (Last 4 Digits): 3456"))
    stay = Booking.objects.get()
    assert reached(stay) == ("", "", "")
    take(feed_of(flat), body("Phone: +48 600 123 456", name="two"))
    assert Booking.objects.count() == 1
    assert reached(stay) == ("", "+48 600 123 456", "")


def test_what_was_erased_on_request_does_not_come_back(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, body("Guests: 2"))
    Booking.objects.update(forget_guest=True)
    take(feed, body("Guests: 2", "Email: anna@example.com"))
    assert reached(Booking.objects.get()) == ("", "", "")


@pytest.mark.parametrize(
    ("known", "subject"),
    [
        ({"guest_phone": "+48 601 234 567"}, "Twój kod"),
        ({"guest_phone": "0043 1 234567"}, "Ihr T"),
        ({"guest_phone": "601 234 567"}, "Your door code"),  # no country
        ({"guest_phone": "+39 06 1234567"}, "Your door code"),  # no language of ours
        ({"guest_phone": "+48 601 234 567", "guest_language": "en"}, "Your door code"),
    ],
)
def test_of_a_guest_whose_language_nobody_knows_the_number_is_asked(
    known: dict[str, str], subject: str, house: House, flat: Property, guide: GuestGuide
) -> None:
    stay_of(house, flat, DAY, **known)
    house.settle()
    tick()
    assert mail.outbox[0].subject.startswith(subject)
