"""Stays that a person gave up or deleted, and the next guest on their days."""

from __future__ import annotations

import pytest
import time_machine

from rentals.models import Booking, FeedItem, Property
from tests.support.booking_actions import cancel
from tests.support.calendars import AIRBNB, BOOKING, airbnb, at, calendar, closed, day, event
from tests.support.imports import HALF_HOUR, feed_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


@pytest.mark.parametrize("today", [1, 11])
@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_days_sold_again_after_a_person_gave_up_the_stay(
    flat: Property, clock: time_machine.Traveller, action: str, today: int
) -> None:
    """The next guest of the same days stood before a closed door: taken for the one whom the person had cancelled."""
    feed = feed_of(flat)
    other = closed("k", day(5, 10), day(5, 14))
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), other, prodid=BOOKING))
    clock.move_to(at(3, today, 17))
    stay = Booking.objects.get(check_in=at(3, 10, 14))
    cancel(stay) if action == "cancel" else stay.delete()
    for _ in range(3):
        take(feed, calendar(other, prodid=BOOKING))
        clock.shift(HALF_HOUR)
    again = day(3, max(10, today)), day(3, 14)
    take(feed, calendar(closed("n", *again), other, prodid=BOOKING))
    assert (f"{again[0]:%m-%d}", "03-14") in stays(flat)


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_a_gap_in_the_calendar_does_not_bring_back_what_a_person_gave_up(
    flat: Property, clock: time_machine.Traveller, action: str
) -> None:
    feed = feed_of(flat)
    take(feed, [A, B])
    stay = Booking.objects.get(check_in=at(3, 10, 14))
    cancel(stay) if action == "cancel" else stay.delete()
    for _ in range(2):
        take(feed, [B])
        take(feed, [])
        clock.shift(HALF_HOUR)
        take(feed, [B])
        clock.shift(HALF_HOUR)
        take(feed, [A, B])  # the same UID on the same days: the same stay
        assert stays(flat) == [("03-20", "03-22")]


def test_a_uid_that_comes_back_with_another_name_after_its_stay_was_given_up(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [event("1", day(3, 10), day(3, 14), "Reserved - Ann Lee"), B])
    ann = Booking.objects.get(guest_name="Ann Lee")
    code = wanted_codes()[ann.pk]
    for _ in range(2):
        take(feed, [B])
        clock.shift(HALF_HOUR)
    take(feed, [event("1", day(3, 10), day(3, 14), "Reserved - Bob Roe"), B])
    assert wanted_codes()[Booking.objects.get(guest_name="Bob Roe").pk] != code


@pytest.mark.parametrize("uid", ["other", "a"])
def test_days_sold_again_at_once_after_a_person_deleted_the_stay_are_another_guests(flat: Property, uid: str) -> None:
    """Personal data went with the stay, but not what tells that it is somebody else who comes now."""
    feed = feed_of(flat)
    take(feed, calendar(airbnb("a", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    Booking.objects.get().delete()
    take(feed, calendar(airbnb(uid, day(3, 10), day(3, 14), "HMBBBB2222"), prodid=AIRBNB))
    assert stays(flat) == [("03-10", "03-14")]
    assert FeedItem.objects.exclude(booking=None).get().reservation_code == "HMBBBB2222"


def test_the_next_guests_name_alone_tells_that_deleted_days_were_sold_again(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14), "Reserved - Anna Nowak")])
    Booking.objects.get().delete()
    take(feed, [event("b", day(3, 10), day(3, 14), "Reserved - Piotr Lis")])
    assert stays(flat) == [("03-10", "03-14")]


@pytest.mark.parametrize("guest", ["HMAAAA1111", ""])
def test_a_deleted_stay_stays_away_under_a_new_uid(flat: Property, guest: str) -> None:
    feed = feed_of(flat)
    for uid in ("a", "b", "c"):
        one = airbnb(uid, day(3, 10), day(3, 14), guest) if guest else event(uid, day(3, 10), day(3, 14))
        take(feed, calendar(one, prodid=AIRBNB))
        if uid == "a":
            Booking.objects.get().delete()
        assert stays(flat) == []
    item = FeedItem.objects.get()
    assert (item.guest_name, item.reservation_code) == ("", "")
    assert len(item.trace) <= 7  # three hex digits of each: far too little to tell who it was


def test_without_a_uid_a_guest_on_given_up_days_gets_a_new_code(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    days = day(3, 10), day(3, 14)
    take(feed, [event("", *days), B])
    former = Booking.objects.get(check_in=at(3, 10, 14)).pk
    for _ in range(2):
        take(feed, [B])
        clock.shift(HALF_HOUR)
    take(feed, [event("", *days, "Reserved - Dan Fox"), B])
    assert Booking.objects.get(guest_name="Dan Fox").pk != former


@pytest.mark.parametrize("today", [1, 11])
def test_the_next_guest_of_a_deleted_stay_is_known_by_a_new_uid_beside_others_that_stayed(
    flat: Property, clock: time_machine.Traveller, today: int
) -> None:
    """Booked between two fetches, the guest stood before a closed door: taken for the stay that a person deleted."""
    feed = feed_of(flat)
    other = airbnb("o", day(5, 10), day(5, 14), "HMOOOO0000")
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), other])
    clock.move_to(at(3, today, 17))
    Booking.objects.get(check_in=at(3, 10, 14)).delete()
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), other])
    assert stays(flat) == [("05-10", "05-14")]
    arrival = max(10, today)
    take(feed, [airbnb("2", day(3, arrival), day(3, 14), "HMBBBB2222"), other])
    assert stays(flat) == [(f"03-{arrival}", "03-14"), ("05-10", "05-14")]


def test_a_deleted_guest_who_is_in_the_house_does_not_come_back_under_a_new_uid(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    other = airbnb("o", day(5, 1), day(5, 3), "HMOOOO3333")
    take(feed, calendar(airbnb("a", day(2, 27), day(3, 4), "HMAAAA1111"), other, prodid=AIRBNB))
    Booking.objects.get(check_in__lt=at(3, 1)).delete()
    take(feed, calendar(airbnb("b", day(2, 27), day(3, 4), "HMAAAA1111"), other, prodid=AIRBNB))
    assert stays(flat) == [("05-01", "05-03")]
    clock.shift(HALF_HOUR)
    take(feed, calendar(airbnb("c", day(3, 1), day(3, 4), "HMBBBB2222"), other, prodid=AIRBNB))
    assert ("03-01", "03-04") in stays(flat)
