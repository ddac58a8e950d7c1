"""Guests' addresses from calendars."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import calendar, event
from tests.support.imports import feed_of, take

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2027, 3, 8), date(2027, 3, 11)


def test_a_new_stay_gets_them_and_a_person_keeps_the_last_word(flat: Property, clock: time_machine.Traveller) -> None:
    def body(address: str) -> bytes:
        said = f"Name: Anna Nowak\\nEmail: {address}\\nPhone: +48 600 123 456"
        return calendar(event("one@manager.example", FIRST, LAST, "Reserved", description=said))

    feed = feed_of(flat)
    take(feed, body("anna@example.com"))
    stay = Booking.objects.get()
    assert (stay.guest_email, stay.guest_phone) == ("anna@example.com", "+48 600 123 456")
    Booking.objects.update(guest_email="right@example.com")
    take(feed, body("other@example.com"))
    stay.refresh_from_db()
    assert stay.guest_email == "right@example.com"
    # The event keeps neither.
    stored = str(FeedItem.objects.values().get())
    assert "anna@" not in stored
    assert "600 123" not in stored
