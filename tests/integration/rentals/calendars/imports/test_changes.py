"""Rule 14: what changed moves the stay and its code, and what did not change writes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.models import Pin
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.calendars import BOOKING, airbnb, at, calendar, closed, day, event, sample
from tests.support.house import House
from tests.support.imports import codes_of, feed_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db


def test_rule_14_changed_dates_keep_the_code_and_move_its_period(house: House, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, sample("01"))
    house.settle()
    booking = FeedItem.objects.get(reservation_code="HMTEST0002").booking
    assert booking is not None
    lock = flat.locks.get()
    before = {pin.id: pin.body.value for pin in house.ours(lock)}
    take(feed, sample("02"))
    house.settle()
    pin = Pin.objects.get(grant__booking=booking)
    assert {one.id: one.body.value for one in house.ours(lock)} == before
    assert pin.grant is not None
    assert pin.grant.starts_at == at(3, 4, 14)
    assert pin.grant.ends_at == at(3, 9, 10)


def test_rule_14_a_new_stamp_alone_writes_no_stay(
    flat: Property, django_assert_max_num_queries: Any, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, sample("01"))
    rows = list(FeedItem.objects.order_by("pk").values())
    clock.shift(timedelta(minutes=15))
    with django_assert_max_num_queries(3):
        summary = take(feed, sample("01").replace(b"DTSTAMP:20270301T061512Z", b"DTSTAMP:20270301T091512Z"))
    assert summary.unchanged
    assert list(FeedItem.objects.order_by("pk").values()) == rows


def test_an_unchanged_feed_writes_nothing_but_the_time(
    flat: Property, django_assert_max_num_queries: Any, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, sample("01"))
    clock.shift(timedelta(minutes=15))
    with django_assert_max_num_queries(3):
        assert take(feed, sample("01")).unchanged
    feed.state.refresh_from_db()
    assert feed.state.last_good_at == timezone.now()


def test_changed_options_are_seen_although_the_bytes_are_the_same(flat: Property) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, sample("04"))
    CalendarFeed.objects.filter(pk=feed.pk).update(longest_stay_nights=200)
    take(feed, sample("04"))
    assert len(stays(flat)) == 4


def test_an_event_that_loses_its_end_keeps_the_one_it_had(flat: Property) -> None:
    feed = feed_of(flat, channel="booking")
    whole = calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING)
    take(feed, whole)
    code = codes_of(flat)
    take(feed, whole.replace(b"DTEND;VALUE=DATE:20270314\r\n", b""))
    assert stays(flat) == [("03-10", "03-14")]
    take(feed, whole)
    assert stays(flat) == [("03-10", "03-14")]
    assert codes_of(flat) == code


def test_long_url(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14), description="Reservation URL: https://x.test/" + "a" * 900)])
    assert len(FeedItem.objects.get().reservation_url) <= 500
    take(feed, [event("b", day(4, 10), day(4, 14), url="https://x.test/" + "a" * 1900)])
    assert all(len(i.reservation_url) <= 500 for i in FeedItem.objects.all())


@pytest.mark.parametrize("code", ["", "HMBBBB2222"])
def test_days_sold_again_in_the_same_calendar_that_cancels_them_get_a_new_code(flat: Property, code: str) -> None:
    """The next guest was taken for an echo of the cancelled one, whose code stayed on the lock."""
    feed = feed_of(flat)
    first = airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111") if code else event("1", day(3, 10), day(3, 14))
    take(feed, [first])
    ((former, old),) = wanted_codes().items()
    left = first.replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("2", day(3, 10), day(3, 14), code) if code else event("2", day(3, 10), day(3, 14))])
    assert Booking.objects.get(pk=former).status == "cancelled"
    ((_, new),) = wanted_codes().items()
    assert new != old


def test_a_new_uid_by_way_of_cancelling_the_old_one_keeps_the_code(flat: Property) -> None:
    feed = feed_of(flat)
    first = airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111")
    take(feed, [first])
    before = wanted_codes()
    left = first.replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111")])
    assert wanted_codes() == before
