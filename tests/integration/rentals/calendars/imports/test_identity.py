"""Rule 13: a stay is known again under another UID, and another guest is not taken for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from pins.models import AccessGrant
from rentals.models import Booking, Property
from tests.support.calendars import AIRBNB, BOOKING, airbnb, at, calendar, closed, day, event, sample
from tests.support.house import House
from tests.support.imports import HALF_HOUR, codes_of, feed_of, stay_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


def test_rule_13_a_stay_is_known_again_by_its_uid(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a@pms", day(3, 10), day(3, 14))])
    before = codes_of(flat)
    take(feed, [event("a@pms", day(3, 11), day(3, 15))])
    assert stays(flat) == [("03-11", "03-15")]
    assert codes_of(flat) == before


def test_rule_13_a_stay_is_known_again_by_its_reservation_code(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(airbnb("one", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    before = codes_of(flat)
    take(feed, calendar(airbnb("reissued", day(3, 12), day(3, 16), "HMAAAA1111"), prodid=AIRBNB))
    assert stays(flat) == [("03-12", "03-16")]
    assert codes_of(flat) == before


def test_rule_13_another_reservation_code_under_the_same_uid_is_another_guest(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(airbnb("one", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    first = stay_of(flat)
    take(feed, calendar(airbnb("one", day(3, 10), day(3, 14), "HMBBBB2222"), prodid=AIRBNB))
    second = Booking.objects.filter(property=flat).exclude(pk=first.pk).get()
    assert codes_of(flat)[first.pk] != codes_of(flat)[second.pk]
    assert stay_of(flat, pk=first.pk).status == "confirmed", "the first stay is absent, not yet given up"


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
    code = set(codes_of(flat).values())
    take(feed, [event("row0", day(3, 8), day(3, 14), "Reserved - Boris")])
    boris = stay_of(flat, guest_name="Boris")
    assert codes_of(flat)[boris.pk] not in code
    assert stay_of(flat, guest_name="Anna").arrival_date == day(3, 10)


def test_rule_13_a_corrected_name_under_the_same_uid_keeps_the_code(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a@pms", day(3, 10), day(3, 12), "Reserved - Ana Nowk")])
    code = codes_of(flat)
    take(feed, [event("a@pms", day(3, 10), day(3, 12), "Reserved - Anna Nowak")])
    assert stay_of(flat).guest_name == "Anna Nowak"
    assert codes_of(flat) == code


def test_rule_13_a_running_stay_that_is_cut_off_each_day_keeps_its_start_and_code(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a0", day(3, 2), day(3, 6)), prodid=BOOKING))
    booking, code = stay_of(flat), codes_of(flat)
    for number in (3, 4, 5):
        clock.move_to(at(3, number, 6))
        take(feed, calendar(closed(f"a{number}", day(3, number), day(3, 6)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-06")]
    assert stay_of(flat).check_in == booking.check_in
    assert codes_of(flat) == code


def test_rule_13_a_stay_that_starts_later_is_not_the_rest_of_the_running_one(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 2), day(3, 8)), prodid=BOOKING))
    first = stay_of(flat)
    clock.move_to(at(3, 3, 6))
    take(feed, calendar(closed("b", day(3, 6), day(3, 8)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-08"), ("03-06", "03-08")]
    second = Booking.objects.exclude(pk=first.pk).get()
    assert codes_of(flat)[first.pk] != codes_of(flat)[second.pk]


def test_rule_13_without_a_uid_a_different_name_is_a_different_guest(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("x1", day(3, 10), day(3, 14), "Reserved - Anna")])
    take(feed, [event("x2", day(3, 10), day(3, 14), "Reserved - Boris")])
    names = {one.guest_name for one in Booking.objects.all()}
    assert names == {"Anna", "Boris"}
    assert len(set(codes_of(flat).values())) == 2


def test_rule_13_a_uid_that_comes_back_for_another_time_is_a_new_stay(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [event("slot", day(3, 2), day(3, 4))])
    clock.move_to(at(3, 3, 6))
    take(feed, [event("slot", day(3, 20), day(3, 22))])
    assert stays(flat) == [("03-02", "03-04"), ("03-20", "03-22")]
    assert len(set(codes_of(flat).values())) == 2


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


def test_nameless_rows_renumbered(flat: Property) -> None:
    feed = feed_of(flat)
    rows = [(day(3, 10), day(3, 12)), (day(3, 12), day(3, 15)), (day(3, 20), day(3, 22))]
    take(feed, [event(f"row{n}", a, b) for n, (a, b) in enumerate(rows)])
    codes = {b.arrival_date: AccessGrant.objects.get(booking=b).code for b in Booking.objects.all()}
    take(feed, [event(f"row{n}", a, b) for n, (a, b) in enumerate(rows[1:])])
    for b in Booking.objects.filter(status="confirmed"):
        assert AccessGrant.objects.get(booking=b).code == codes[b.arrival_date]


def test_without_a_uid_another_name_on_the_same_days_is_another_guest(
    flat: Property, clock: time_machine.Traveller
) -> None:
    """The key of an event without a UID is its days alone: who took them over was let in with the former's code."""
    feed = feed_of(flat)
    take(feed, [event("", day(3, 10), day(3, 14), "Reserved - Ann Lee"), B])
    ann = Booking.objects.get(guest_name="Ann Lee")
    code = wanted_codes()[ann.pk]
    now = [event("", day(3, 10), day(3, 14), "Reserved - Cid Moe"), B]
    take(feed, now)
    cid = Booking.objects.get(guest_name="Cid Moe")
    assert cid.pk != ann.pk
    assert wanted_codes()[cid.pk] != code
    clock.shift(HALF_HOUR)
    take(feed, now)
    ann.refresh_from_db()
    assert ann.status == "cancelled"
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]


def test_a_cancellation_under_a_new_uid_is_known_by_its_reservation_code(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), B])
    left = airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111").replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, B])
    assert stays(flat) == [("03-20", "03-22")]


def test_of_two_new_uids_with_one_reservation_code_the_live_one_is_the_stay(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111")])
    before = wanted_codes()
    left = airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111").replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("3", day(3, 11), day(3, 14), "HMAAAA1111")])
    assert wanted_codes() == before
    assert stays(flat) == [("03-11", "03-14")]


def test_a_cancellation_of_another_reservation_under_a_reused_uid_cancels_nobody_else(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), B])
    left = airbnb("1", day(3, 10), day(3, 14), "HMBBBB2222").replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111"), B])
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]
    assert len(wanted_codes()) == 2


def test_nameless_rows_renumbered_by_a_stay_in_front(flat: Property) -> None:
    """Each code passed to the guest before: nobody's opened the door on the days that its guest was told."""
    feed = feed_of(flat)
    first, second, front = (day(3, 10), day(3, 14)), (day(3, 20), day(3, 24)), (day(3, 5), day(3, 8))
    take(feed, [event("1", *first), event("2", *second)])
    before = wanted_codes()
    take(feed, [event("1", *front), event("2", *first), event("3", *second)])
    after = wanted_codes()
    assert {pk: after[pk] for pk in before} == before
    assert {pk: f"{Booking.objects.get(pk=pk).check_in:%d}" for pk in before} == dict(
        zip(sorted(before), ("10", "20"), strict=True)
    )
    assert stays(flat) == [("03-05", "03-08"), ("03-10", "03-14"), ("03-20", "03-24")]


@pytest.mark.parametrize("uid", ["v", "w"])
def test_what_is_left_of_a_cancelled_guests_stay_is_not_handed_to_the_next_guest(flat: Property, uid: str) -> None:
    """A lagging echo kept the stay of Ann, who cancelled, and Bob, who booked her days, was given her code."""
    named, echo = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    take(named, [event("u", *days, "Reserved - Ann Lee")])
    take(echo, [event("v", *days)])
    ((_, code),) = wanted_codes().items()
    take(named, [event("u", *days, "Reserved - Ann Lee", status="CANCELLED")])
    take(echo, [event(uid, *days, "Reserved - Bob Roe")])
    bob = Booking.objects.get(guest_name="Bob Roe")
    assert wanted_codes()[bob.pk] != code


def test_without_uids_an_event_beside_another_of_the_same_days_keeps_its_code(flat: Property) -> None:
    """A nameless event came first by its words: it took over the named guest's code, and a third guest joined it."""
    feed, other = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    bobs = event("", *days, "Reserved - Bob Roe")
    take(feed, [bobs])
    before = wanted_codes()
    take(feed, [bobs, event("", *days)])
    take(other, [event("c", *days, "Reserved - Cid Moe")])
    assert before.items() <= wanted_codes().items()
    assert {one.guest_name for one in Booking.objects.filter(pk__in=before)} == {"Bob Roe"}
    assert len(wanted_codes()) == 2
    take(feed, [event("", *days), bobs])
    assert len(wanted_codes()) == 2


@pytest.mark.parametrize("uid", ["", "n"])
def test_a_named_guest_who_is_missing_is_not_taken_for_a_nameless_event(
    flat: Property, clock: time_machine.Traveller, uid: str
) -> None:
    """It stood on the same days, was another guest's echo, and Ann's stay was given up at the first fetch."""
    other, feed = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    anns = event("a" if uid else "", *days, "Reserved - Ann Lee")
    take(feed, [anns, B])
    ann = Booking.objects.get(guest_name="Ann Lee")
    code = wanted_codes()[ann.pk]
    take(other, [event("b", *days, "Reserved - Bob Roe")])
    take(feed, [event(uid, *days), B])
    ann.refresh_from_db()
    assert (ann.status, ann.guest_name, wanted_codes()[ann.pk]) == ("confirmed", "Ann Lee", code)
    take(feed, [anns, event(uid, *days), B])
    assert stays(flat) == [("03-10", "03-14"), ("03-10", "03-14"), ("03-20", "03-22")]
