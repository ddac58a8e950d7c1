"""Rules 13 to 16: knowing a stay again, echoes, and a person's edits. From bytes to bookings, and to the lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant, Pin
from rentals.calendars.imports import approval
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.calendars import (
    AIRBNB,
    BOOKING,
    HALF_HOUR,
    airbnb,
    at,
    calendar,
    closed,
    day,
    event,
    feed_of,
    sample,
    stays,
    take,
)
from tests.support.house import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def flat(house: House) -> Property:
    return house.flat(house.lock(), name="Old Town 3")


def _codes(flat: Property) -> dict[int, str]:
    return {grant.booking_id or 0: grant.code for grant in AccessGrant.objects.filter(booking__property=flat)}


def _the(flat: Property, **fields: Any) -> Booking:
    return Booking.objects.get(property=flat, **fields)


# -- rule 13: identity ------------------------------------------------------------------------------------------------


def test_rule_13_a_stay_is_known_again_by_its_uid(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a@pms", day(3, 10), day(3, 14))])
    before = _codes(flat)
    take(feed, [event("a@pms", day(3, 11), day(3, 15))])
    assert stays(flat) == [("03-11", "03-15")]
    assert _codes(flat) == before


def test_rule_13_a_stay_is_known_again_by_its_reservation_code(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(airbnb("one", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    before = _codes(flat)
    take(feed, calendar(airbnb("reissued", day(3, 12), day(3, 16), "HMAAAA1111"), prodid=AIRBNB))
    assert stays(flat) == [("03-12", "03-16")]
    assert _codes(flat) == before


def test_rule_13_another_reservation_code_under_the_same_uid_is_another_guest(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(airbnb("one", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    first = _the(flat)
    take(feed, calendar(airbnb("one", day(3, 10), day(3, 14), "HMBBBB2222"), prodid=AIRBNB))
    second = Booking.objects.filter(property=flat).exclude(pk=first.pk).get()
    assert _codes(flat)[first.pk] != _codes(flat)[second.pk]
    assert _the(flat, pk=first.pk).status == "confirmed", "the first stay is absent, not yet given up"


def test_rule_13_uids_that_move_down_a_row_do_not_pass_codes_on(flat: Property) -> None:
    """Some exports number their rows: when the first stay leaves, every other gets the UID of its neighbour."""
    feed = feed_of(flat)
    rows = [(day(3, 10), day(3, 12), "Anna"), (day(3, 12), day(3, 15), "Boris"), (day(3, 20), day(3, 22), "Clara")]
    take(feed, [event(f"row{n}", a, b, f"Reserved - {who}") for n, (a, b, who) in enumerate(rows)])
    codes = {grant.holder_name: grant.code for grant in AccessGrant.objects.all()}
    take(feed, [event(f"row{n}", a, b, f"Reserved - {who}") for n, (a, b, who) in enumerate(rows[1:])])
    for grant in AccessGrant.objects.filter(wanted=True):
        assert grant.code == codes[grant.holder_name]
    assert {one.guest_name: (one.arrival_date, one.departure_date) for one in Booking.objects.all()} == {
        who: (a, b) for a, b, who in rows
    }


def test_rule_13_a_row_that_passes_to_an_overlapping_guest_does_not_pass_the_code_on(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("row0", day(3, 10), day(3, 12), "Reserved - Anna")])
    code = set(_codes(flat).values())
    take(feed, [event("row0", day(3, 8), day(3, 14), "Reserved - Boris")])
    boris = _the(flat, guest_name="Boris")
    assert _codes(flat)[boris.pk] not in code
    assert _the(flat, guest_name="Anna").arrival_date == day(3, 10)


def test_rule_13_a_corrected_name_under_the_same_uid_keeps_the_code(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a@pms", day(3, 10), day(3, 12), "Reserved - Ana Nowk")])
    code = _codes(flat)
    take(feed, [event("a@pms", day(3, 10), day(3, 12), "Reserved - Anna Nowak")])
    assert _the(flat).guest_name == "Anna Nowak"
    assert _codes(flat) == code


def test_rule_13_a_running_stay_that_is_cut_off_each_day_keeps_its_start_and_code(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a0", day(3, 2), day(3, 6)), prodid=BOOKING))
    booking, code = _the(flat), _codes(flat)
    for number in (3, 4, 5):
        clock.move_to(at(3, number, 6))
        take(feed, calendar(closed(f"a{number}", day(3, number), day(3, 6)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-06")]
    assert _the(flat).check_in == booking.check_in
    assert _codes(flat) == code


def test_rule_13_a_stay_that_starts_later_is_not_the_rest_of_the_running_one(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 2), day(3, 8)), prodid=BOOKING))
    first = _the(flat)
    clock.move_to(at(3, 3, 6))
    take(feed, calendar(closed("b", day(3, 6), day(3, 8)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-08"), ("03-06", "03-08")]
    second = Booking.objects.exclude(pk=first.pk).get()
    assert _codes(flat)[first.pk] != _codes(flat)[second.pk]


def test_rule_13_without_a_uid_a_different_name_is_a_different_guest(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("x1", day(3, 10), day(3, 14), "Reserved - Anna")])
    take(feed, [event("x2", day(3, 10), day(3, 14), "Reserved - Boris")])
    names = {one.guest_name for one in Booking.objects.all()}
    assert names == {"Anna", "Boris"}
    assert len(set(_codes(flat).values())) == 2


def test_rule_13_a_uid_that_comes_back_for_another_time_is_a_new_stay(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [event("slot", day(3, 2), day(3, 4))])
    clock.move_to(at(3, 3, 6))
    take(feed, [event("slot", day(3, 20), day(3, 22))])
    assert stays(flat) == [("03-02", "03-04"), ("03-20", "03-22")]
    assert len(set(_codes(flat).values())) == 2


def test_rule_13_two_stays_on_the_same_days_in_one_feed_stay_two(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14)), event("b", day(3, 10), day(3, 14))])
    assert stays(flat) == [("03-10", "03-14")] * 2
    take(feed, [event("c", day(3, 10), day(3, 14)), event("d", day(3, 10), day(3, 14))])
    assert stays(flat) == [("03-10", "03-14")] * 2
    assert Booking.objects.count() == 2


def test_all_uids_rotated_costs_no_lock_request(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, sample("04"))
    house.settle()
    asked, pins = house.requests, [house.ours(lock) for lock in flat.locks.all()]
    rows = list(Booking.objects.values_list("pk", "check_in", "check_out", "status"))
    clock.move_to(datetime(2027, 3, 2, 9, tzinfo=UTC))
    house.settle()
    asked = house.requests
    summary = take(feed, sample("05"))
    house.settle()
    assert (summary.created, summary.changed, summary.cancelled, summary.held) == (0, 0, 0, 0)
    assert house.requests == asked
    assert [house.ours(lock) for lock in flat.locks.all()] == pins
    assert list(Booking.objects.values_list("pk", "check_in", "check_out", "status")) == rows


# -- rule 14: changes -------------------------------------------------------------------------------------------------


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
    code = _codes(flat)
    take(feed, whole.replace(b"DTEND;VALUE=DATE:20270314\r\n", b""))
    assert stays(flat) == [("03-10", "03-14")]
    take(feed, whole)
    assert stays(flat) == [("03-10", "03-14")]
    assert _codes(flat) == code


# -- rule 15: echoes --------------------------------------------------------------------------------------------------


def test_rule_15_the_same_range_from_two_feeds_is_one_stay_with_one_code(house: House, flat: Property) -> None:
    first, second = feed_of(flat), feed_of(flat, "Booking.com")
    take(first, sample("01"))
    take(second, sample("04"))
    assert stays(flat) == sorted(
        [("02-27", "03-03"), ("03-03", "03-08"), ("04-10", "04-14"), ("03-01", "03-05"), ("03-15", "03-17")]
    )
    shared = [one for one in Booking.objects.all() if one.feed_items.count() == 2]
    assert [(one.arrival_date, one.departure_date) for one in shared] == [(day(4, 10), day(4, 14))]


def test_rule_15_the_dates_follow_the_source_that_names_the_guest(flat: Property) -> None:
    nameless, named = feed_of(flat, "Booking.com"), feed_of(flat)
    take(nameless, calendar(closed("e1", day(3, 10), day(3, 14)), prodid=BOOKING))
    take(named, calendar(airbnb("a", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    before = _codes(flat)
    assert Booking.objects.count() == 1
    take(named, calendar(airbnb("a", day(3, 11), day(3, 15), "HMAAAA1111"), prodid=AIRBNB))
    assert stays(flat) == [("03-11", "03-15")]
    take(nameless, calendar(closed("e2", day(3, 10), day(3, 14)), closed("x", day(5, 1), day(5, 3)), prodid=BOOKING))
    assert stays(flat) == [("03-11", "03-15"), ("05-01", "05-03")], "a lagging echo makes no stay"
    take(nameless, calendar(closed("e3", day(3, 11), day(3, 15)), closed("x", day(5, 1), day(5, 3)), prodid=BOOKING))
    assert stays(flat) == [("03-11", "03-15"), ("05-01", "05-03")]
    assert _codes(flat).items() >= before.items()


def test_rule_15_an_echo_that_is_ahead_joins_when_the_guest_s_own_channel_follows(flat: Property) -> None:
    nameless, named = feed_of(flat, "Booking.com"), feed_of(flat)
    take(named, calendar(airbnb("a", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(nameless, calendar(closed("e1", day(3, 10), day(3, 14)), prodid=BOOKING))
    code = _codes(flat)
    take(nameless, calendar(closed("e2", day(3, 11), day(3, 15)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14"), ("03-11", "03-15")]
    take(named, calendar(airbnb("a", day(3, 11), day(3, 15), "HMAAAA1111"), prodid=AIRBNB))
    assert stays(flat) == [("03-11", "03-15")]
    assert _codes(flat).items() >= code.items()
    assert AccessGrant.objects.get(wanted=True).code in code.values()


def test_rule_15_it_lives_while_any_source_lists_it(flat: Property, clock: time_machine.Traveller) -> None:
    first, second = feed_of(flat), feed_of(flat, "Booking.com")
    other = event("o", day(5, 1), day(5, 3))
    take(first, [event("a", day(3, 10), day(3, 14)), other])
    take(second, calendar(closed("b", day(3, 10), day(3, 14)), closed("c", day(6, 1), day(6, 3)), prodid=BOOKING))
    for _ in range(2):
        take(first, [other])
        clock.shift(HALF_HOUR)
    assert ("03-10", "03-14") in stays(flat)
    for _ in range(2):
        take(second, calendar(closed("c", day(6, 1), day(6, 3)), prodid=BOOKING))
        clock.shift(HALF_HOUR)
    assert ("03-10", "03-14") not in stays(flat)


@pytest.mark.parametrize(("first_name", "second_name"), [("Anna Nowak", "Boris"), ("Anna", "Hanna")])
def test_rule_15_conflicting_names_are_two_stays_and_both_get_codes(
    flat: Property, first_name: str, second_name: str
) -> None:
    take(feed_of(flat), [event("a", day(3, 10), day(3, 14), f"Reserved - {first_name}")])
    take(feed_of(flat, "Vrbo"), [event("b", day(3, 10), day(3, 14), f"Reserved - {second_name}")])
    assert stays(flat) == [("03-10", "03-14")] * 2
    assert len(set(_codes(flat).values())) == 2
    assert all(one.overlaps for one in Booking.objects.with_overlaps())  # type: ignore[attr-defined]


def test_rule_15_a_stay_entered_by_hand_is_found_by_its_feed(flat: Property, clock: time_machine.Traveller) -> None:
    by_hand = Booking.objects.create(
        property=flat, guest_name="Anna", check_in=flat.check_in_on(day(3, 10)), check_out=flat.check_out_on(day(3, 14))
    )
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14)), event("o", day(5, 1), day(5, 3))])
    assert Booking.objects.filter(check_in=by_hand.check_in).get() == by_hand
    for _ in range(2):
        take(feed, [event("o", day(5, 1), day(5, 3))])
        clock.shift(HALF_HOUR)
    by_hand.refresh_from_db()
    assert by_hand.status == "confirmed", "what a person entered, a person cancels"


def test_rule_15_a_booking_com_item_that_grows_keeps_the_known_stay(flat: Property) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    first, code = _the(flat), _codes(flat)
    take(feed, calendar(closed("b", day(3, 10), day(3, 18)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14"), ("03-14", "03-18")]
    rest = Booking.objects.exclude(pk=first.pk).get()
    assert rest.needs_review
    assert _codes(flat)[rest.pk] != code[first.pk]
    again = take(feed, calendar(closed("c", day(3, 10), day(3, 18)), prodid=BOOKING))
    assert (again.created, again.changed, again.cancelled) == (0, 0, 0)
    take(feed, calendar(closed("d", day(3, 10), day(3, 14)), closed("e", day(3, 14), day(3, 18)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14"), ("03-14", "03-18")]
    assert _codes(flat).items() >= code.items()


def test_rule_15_a_running_item_that_grows_keeps_the_known_stay(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 2), day(3, 6)), prodid=BOOKING))
    code = _codes(flat)
    clock.move_to(at(3, 4, 6))
    take(feed, calendar(closed("b", day(3, 4), day(3, 9)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-06"), ("03-06", "03-09")]
    assert _codes(flat).items() >= code.items()
    clock.move_to(at(3, 5, 6))
    take(feed, calendar(closed("c", day(3, 5), day(3, 9)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-06"), ("03-06", "03-09")]


def test_rule_15_two_known_stays_that_melt_together_stay_two(flat: Property) -> None:
    feed = feed_of(flat, channel="booking")
    two = [closed("a", day(3, 10), day(3, 14)), closed("b", day(3, 14), day(3, 18))]
    take(feed, calendar(*two, prodid=BOOKING))
    codes = _codes(flat)
    summary = take(feed, calendar(closed("c", day(3, 10), day(3, 18)), prodid=BOOKING))
    assert (summary.created, summary.changed, summary.cancelled) == (0, 0, 0)
    assert _codes(flat) == codes


# -- rule 16: a person's edits ----------------------------------------------------------------------------------------


def test_rule_16_what_a_person_set_stays_and_the_rest_follows(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14))])
    booking = _the(flat)
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
    booking = _the(flat)
    assert booking.check_out == at(3, 14, 9) == booking.feed_check_out
    take(feed, [event("a", day(3, 10), day(3, 15))])
    assert _the(flat).check_out == at(3, 15, 9)


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
