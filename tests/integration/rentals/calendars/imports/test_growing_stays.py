"""Stays that join their neighbours, catch up with a longer one, or grow."""

from __future__ import annotations

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.imports import approval
from rentals.models import Booking, FeedItem, Property
from tests.support.booking_actions import change
from tests.support.calendars import AIRBNB, BOOKING, airbnb, at, calendar, closed, day, event
from tests.support.house import House
from tests.support.imports import HALF_HOUR, codes_of, feed_of, stay_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


def test_tentative_joins_confirmed(flat: Property) -> None:
    named, nameless = feed_of(flat, "Vrbo"), feed_of(flat, "Booking.com")
    take(nameless, calendar(closed("e", day(3, 11), day(3, 15)), prodid=BOOKING))
    take(named, [event("a", day(3, 10), day(3, 14), "Reserved - Anna", status="TENTATIVE")])
    take(named, [event("a", day(3, 11), day(3, 15), "Reserved - Anna", status="TENTATIVE")])
    assert stays(flat) == [("03-11", "03-15")]
    assert len(wanted_codes()) == 1


def test_join_does_not_skip_rule_17(flat: Property) -> None:
    other, feed = feed_of(flat), feed_of(flat, "Booking.com")
    take(other, [event("o", day(5, 1), day(5, 3))])
    take(feed, calendar(closed("x", day(3, 10), day(3, 14)), closed("y", day(3, 16), day(3, 18)), prodid=BOOKING))
    take(feed, calendar(closed("y", day(3, 10), day(3, 14)), prodid=BOOKING))
    assert len(stays(flat)) == 3


def test_join_does_not_lose_a_kept_stay(flat: Property) -> None:
    other, feed = feed_of(flat), feed_of(flat, "Booking.com")
    take(other, [event("o", day(5, 1), day(5, 3))])
    x, y, z = (
        closed("x", day(3, 10), day(3, 14)),
        closed("y", day(3, 16), day(3, 18)),
        closed("z", day(4, 16), day(4, 18)),
    )
    take(feed, calendar(x, y, z, prodid=BOOKING))
    take(feed, calendar(prodid=BOOKING))
    approval.dismiss(feed.pk, timezone.now())
    take(feed, calendar(closed("y", day(3, 10), day(3, 14)), z, prodid=BOOKING))
    assert len([one for one in stays(flat) if one[0] == "03-10"]) == 2


def test_decide_stay_does_not_join_a_neighbour_of_the_same_feed(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A, event("blk", day(3, 10), day(3, 14), "Blocked")])
    approval.decide(FeedItem.objects.get(verdict="block").pk, "stay", timezone.now())
    assert len(stays(flat)) == 2


@pytest.mark.parametrize("uid", ["z", "renewed"])
def test_an_echo_that_catches_up_with_a_longer_stay_did_not_grow(
    flat: Property, clock: time_machine.Traveller, uid: str
) -> None:
    """What the guest added on Airbnb was a second stay with a second code as soon as Booking.com closed it."""
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = wanted_codes()
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    for _ in range(2):
        take(echo, calendar(closed(uid, day(3, 10), day(3, 18)), prodid=BOOKING))
        clock.shift(HALF_HOUR)
        assert stays(flat) == [("03-10", "03-18")]
        assert wanted_codes() == before
    take(echo, calendar(closed(uid, day(3, 10), day(3, 20)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-18"), ("03-18", "03-20")]


def test_an_echo_that_catches_up_with_a_longer_stay_in_progress_did_not_grow(
    flat: Property, clock: time_machine.Traveller
) -> None:
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = wanted_codes()
    clock.move_to(at(3, 12, 9))
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    for today in (12, 13, 15):
        clock.move_to(at(3, today, 10))
        take(echo, calendar(closed("z", day(3, today), day(3, 18)), prodid=BOOKING))
        assert stays(flat) == [("03-10", "03-18")]
        assert wanted_codes() == before


def test_an_item_that_catches_up_with_a_person_did_not_grow(flat: Property) -> None:
    """Two more nights agreed by phone, entered here and then at Booking.com, were a second stay there."""
    feed = feed_of(flat)
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = wanted_codes()
    change(Booking.objects.get(), check_out=flat.check_out_on(day(3, 16)))
    take(feed, calendar(closed("renewed", day(3, 10), day(3, 16)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-16")]
    assert wanted_codes() == before


@pytest.mark.parametrize("late", [12, 13])
def test_an_echo_with_a_new_uid_catches_up_with_a_longer_stay_in_progress(
    flat: Property, clock: time_machine.Traveller, late: int
) -> None:
    """It was cut into a second stay, and with the next fetch into a third one."""
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = wanted_codes()
    clock.move_to(at(3, 12, 9))
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    for today in (late, late, late + 1):
        clock.move_to(at(3, today, 10))
        take(echo, calendar(closed(f"new{today}", day(3, today), day(3, 18)), closed("k", day(5, 1), day(5, today))))
        assert [one for one in stays(flat) if one[0] < "05"] == [("03-10", "03-18")]
        assert before.items() <= wanted_codes().items()


def test_joined_with_the_next_stay_after_its_days_were_changed_a_stay_keeps_its_check_out(
    flat: Property, clock: time_machine.Traveller
) -> None:
    """What the calendar said before stayed known as in progress, and cut the guest's own stay short by two nights."""
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 16), day(3, 19)), prodid=BOOKING))
    change(Booking.objects.get(), check_in=at(3, 15, 14))
    take(feed, calendar(closed("b", day(3, 17), day(3, 21)), prodid=BOOKING))
    clock.move_to(at(3, 18, 9))
    for uid in ("c", "d", "e"):
        take(feed, calendar(closed(uid, day(3, 18), day(3, 22)), prodid=BOOKING))
        assert stays(flat) == [("03-15", "03-19"), ("03-17", "03-21"), ("03-21", "03-22")]


@pytest.mark.parametrize("moved", [(1, 14), (2, 12)])
def test_a_calendar_that_lists_more_than_the_one_that_leads_marks_the_stay(
    house: House, clock: time_machine.Traveller, moved: tuple[int, int]
) -> None:
    """Neither names the guest, and the older one may not be read any more: the longer stay was news to nobody."""
    flat = house.flat(house.lock())
    old, new = feed_of(flat, "Old"), feed_of(flat, "New")
    clock.move_to(at(2, 20, 9))
    for feed in (old, new):
        take(feed, calendar(event(feed.name, day(3, 2), day(3, 12))))
    stay = stay_of(flat)
    codes = codes_of(flat)
    take(new, calendar(event("New", day(3, moved[0]), day(3, moved[1]))))
    stay.refresh_from_db()
    assert stay.needs_review == (moved != (2, 12))
    take(old, calendar(event("Old", day(3, moved[0]), day(3, moved[1]))))
    assert stays(flat) == [(f"03-{moved[0]:02}", f"03-{moved[1]}")]
    assert codes_of(flat) == codes


def test_calendars_that_differ_in_times_of_day_alone_mark_nothing(flat: Property) -> None:
    first, second = feed_of(flat, "With times"), feed_of(flat, "With days")
    take(first, calendar(event("t", at(3, 20, 16), at(3, 22, 8), "Reserved - Anna")))
    take(second, calendar(event("d", day(3, 20), day(3, 22))))
    stay = stay_of(flat)
    assert (stay.feed_items.count(), stay.needs_review) == (2, False)
