"""What a stay takes of the addresses that a calendar says: once, where nobody wrote anything, and not too late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from rentals.calendars.events import Channel, Contact
from rentals.calendars.imports.ledger import Ledger
from rentals.calendars.imports.stays import Stays
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import at
from tests.support.imports import feed_of

pytestmark = pytest.mark.django_db

SAID = Contact("relay@example.com", "+48 600 123 456", "de")
WRITTEN = {"guest_email": "right@example.com", "guest_phone": "+48 1", "guest_language": "pl"}


@pytest.fixture
def now(clock: object) -> datetime:
    return timezone.now()


def heard(flat: Property, now: datetime, said: Contact, **facts: object) -> tuple[str, str, str, bool]:
    """What a stay knows of its guest after its item said this."""
    booking = Booking(**{"property": flat, "check_in": at(3, 10), "check_out": at(3, 14)} | facts)
    item = FeedItem()
    item.contact = said
    Stays(Ledger(feed_of(flat), now, Channel.OTHER)).hear(item, booking)
    return booking.guest_email, booking.guest_phone, booking.guest_language, booking.contact_from_feed


@pytest.mark.parametrize(
    "said", [SAID, Contact(email=SAID.email), Contact(phone=SAID.phone), Contact(language=SAID.language)]
)
def test_a_coming_stay_takes_what_is_said(flat: Property, now: datetime, said: Contact) -> None:
    assert heard(flat, now, said) == (said.email, said.phone, said.language, True)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_person_wrote_stays_and_the_rest_is_taken(flat: Property, now: datetime, name: str) -> None:
    names = dict(zip(WRITTEN, (SAID.email, SAID.phone, SAID.language), strict=True))
    expected = names | {name: WRITTEN[name]}
    assert heard(flat, now, SAID, **{name: WRITTEN[name]}) == (*expected.values(), True)


def test_a_guest_in_the_house_can_be_reached_until_the_stay_is_over(flat: Property, now: datetime) -> None:
    for ends, taken in ((now + timedelta(seconds=1), True), (now, False), (now - timedelta(days=1), False)):
        assert heard(flat, now, SAID, check_in=now - timedelta(days=3), check_out=ends)[3] is taken


@pytest.mark.parametrize("name", ["contact_from_feed", "forget_guest"])
def test_it_is_not_said_twice_and_what_was_erased_does_not_come_back(flat: Property, now: datetime, name: str) -> None:
    assert heard(flat, now, SAID, **{name: True})[:3] == ("", "", "")


def test_who_says_nothing_may_still_say_it_later(flat: Property, now: datetime) -> None:
    assert heard(flat, now, Contact()) == ("", "", "", False)
