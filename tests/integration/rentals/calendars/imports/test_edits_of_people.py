"""Rule 16: what a person set or decided stays."""

from __future__ import annotations

from datetime import time

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.imports import approval
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import BOOKING, at, calendar, closed, day, event, sample
from tests.support.imports import HALF_HOUR, feed_of, stay_of, stays, take

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


def test_rule_16_what_a_person_set_stays_and_the_rest_follows(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14))])
    booking = stay_of(flat)
    booking.check_out = at(3, 14, 12)
    booking.guest_name = "Anna"
    booking.save()
    take(feed, [event("a", day(3, 9), day(3, 15), "Reserved - Somebody")])
    booking.refresh_from_db()
    assert booking.check_in == at(3, 9, 14)
    assert booking.check_out == at(3, 14, 12)
    assert booking.guest_name == "Anna"
    assert booking.feed_check_out == at(3, 15, 10), "what the feed asked for stays visible"


def test_rule_16_a_stay_that_a_person_cancelled_stays_cancelled(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14))])
    Booking.objects.update(status="cancelled")
    take(feed, [event("a", day(3, 11), day(3, 15))])
    assert stays(flat) == []
    take(feed, [event("o", day(5, 1), day(5, 3))])
    clock.shift(HALF_HOUR)
    take(feed, [event("o", day(5, 1), day(5, 3)), event("p", day(6, 1), day(6, 3))])
    take(feed, [event("a", day(3, 11), day(3, 15)), event("o", day(5, 1), day(5, 3))])
    assert ("03-11", "03-15") not in stays(flat)


def test_rule_16_a_deleted_stay_does_not_come_back_and_leaves_no_personal_data(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14), "Reserved - Anna")])
    Booking.objects.get().delete()
    item = FeedItem.objects.get()
    assert (item.guest_name, item.summary, item.booking_id) == ("", "", None)
    take(feed, [event("a", day(3, 11), day(3, 14), "Reserved - Anna")])
    take(feed, [event("reissued", day(3, 11), day(3, 14), "Reserved - Anna")])
    assert not Booking.objects.exists()
    item.refresh_from_db()
    assert (item.guest_name, item.summary) == ("", "")


def test_rule_16_changed_property_times_are_no_person_s_edit(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14))])
    flat.refresh_from_db()
    flat.check_out_time = flat.check_out_time.replace(hour=10)
    flat.save()
    booking = stay_of(flat)
    assert booking.check_out == at(3, 14, 9) == booking.feed_check_out
    take(feed, [event("a", day(3, 10), day(3, 15))])
    assert stay_of(flat).check_out == at(3, 15, 9)


def test_a_person_decides_about_what_waits_for_review(flat: Property) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, sample("04"))
    item = FeedItem.objects.get(verdict="review")
    assert item.booking is None
    approval.decide(item.pk, "stay", timezone.now())
    assert ("08-31", "02-29") in stays(flat)
    take(feed, sample("04"))
    assert ("08-31", "02-29") in stays(flat)
    approval.decide(item.pk, "not_stay", timezone.now())
    take(feed, sample("05"))
    assert ("08-31", "02-29") not in stays(flat)
    assert FeedItem.objects.filter(verdict="review").count() == 0


def test_property_times_and_decide(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    prop = Property.objects.get(pk=flat.pk)
    prop.check_out_time = time(13)
    prop.save()
    approval.decide(FeedItem.objects.get().pk, "stay", timezone.now())
    assert Booking.objects.get().check_out == at(3, 14, 12)


def test_deleted_running_stay_does_not_come_back_next_day(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 2), day(3, 6)), prodid=BOOKING))
    clock.move_to(at(3, 3, 6))
    take(feed, calendar(closed("b", day(3, 3), day(3, 6)), prodid=BOOKING))
    Booking.objects.get().delete()
    clock.move_to(at(3, 4, 6))
    take(feed, calendar(closed("c", day(3, 4), day(3, 6)), prodid=BOOKING))
    assert stays(flat) == []


def test_running_closure_decided(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 2), day(4, 2)), prodid=BOOKING))
    approval.decide(FeedItem.objects.get().pk, "not_stay", timezone.now())
    clock.move_to(at(3, 3, 6))
    take(feed, calendar(closed("b", day(3, 3), day(4, 2)), prodid=BOOKING))
    clock.move_to(at(3, 4, 6))
    take(feed, calendar(closed("c", day(3, 4), day(4, 2)), prodid=BOOKING))
    assert stays(flat) == []


def test_undecided_running_closure_shrinks_to_a_stay(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 1), day(4, 2)), prodid=BOOKING))
    assert stays(flat) == []
    for n in (2, 3, 4, 5):
        clock.move_to(at(3, n, 6))
        take(feed, calendar(closed(f"b{n}", day(3, n), day(4, 2)), prodid=BOOKING))
    assert stays(flat) == []


def test_undecided_running_closure_same_uid(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 1), day(4, 2)), prodid=BOOKING))
    for n in (2, 3, 4, 5):
        clock.move_to(at(3, n, 6))
        take(feed, calendar(closed("a", day(3, n), day(4, 2)), prodid=BOOKING))
    assert stays(flat) == []


def test_not_a_stay_survives_new_uids(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14), "Reserved - Anna")])
    approval.decide(FeedItem.objects.get().pk, "not_stay", timezone.now())
    take(feed, [event("a", day(3, 10), day(3, 14), "Reserved - Anna")])
    assert stays(flat) == []
    take(feed, [event("b", day(3, 10), day(3, 14), "Reserved - Anna")])
    assert stays(flat) == []


def test_split_after_first_is_over(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    take(feed, calendar(closed("a", day(3, 10), day(3, 18)), prodid=BOOKING))
    clock.move_to(at(3, 14, 10, 1))  # check-out has passed; the export still begins yesterday
    for _ in range(3):
        take(feed, calendar(closed("a", day(3, 13), day(3, 18)), prodid=BOOKING))
        clock.shift(HALF_HOUR)
    assert Booking.objects.count() == 2
    assert len(stays(flat)) == 2


def test_split_first_deleted(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    grown = calendar(closed("a", day(3, 10), day(3, 18)), prodid=BOOKING)
    take(feed, grown)
    Booking.objects.order_by("pk")[0].delete()
    take(feed, grown + b"\r\n")
    clock.shift(HALF_HOUR)
    take(feed, grown)
    assert stays(flat) == [("03-14", "03-18")]


def test_split_not_a_stay(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    grown = calendar(closed("a", day(3, 10), day(3, 18)), prodid=BOOKING)
    take(feed, grown)
    approval.decide(FeedItem.objects.get(starts_on=day(3, 10)).pk, "not_stay", timezone.now())
    take(feed, grown)
    clock.shift(HALF_HOUR)
    take(feed, grown)
    assert stays(flat) == [("03-14", "03-18")]


def test_a_stay_that_moved_beyond_the_end_that_a_person_set_moves_whole_and_is_to_be_reviewed(flat: Property) -> None:
    """Left on its old days, it would have left the guest before a closed door."""
    feed = feed_of(flat)
    take(feed, [A])
    booking = Booking.objects.get()
    booking.check_out = at(3, 14, 12)
    booking.save()
    take(feed, [event("a", day(3, 20), day(3, 24))])
    booking.refresh_from_db()
    assert (booking.check_in, booking.check_out) == (at(3, 20, 14), at(3, 24, 10))
    assert (booking.feed_check_in, booking.feed_check_out) == (at(3, 20, 14), at(3, 24, 10))
    assert booking.needs_review
