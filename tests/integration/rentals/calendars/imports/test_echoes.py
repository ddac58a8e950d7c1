"""Rule 15: one stay that several calendars list."""

from __future__ import annotations

import pytest
import time_machine

from pins.models import AccessGrant
from rentals.models import Booking, Property
from tests.support.booking_actions import cancel
from tests.support.calendars import AIRBNB, BOOKING, airbnb, at, calendar, closed, day, event, sample
from tests.support.house import House
from tests.support.imports import HALF_HOUR, codes_of, feed_of, stay_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


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
    before = codes_of(flat)
    assert Booking.objects.count() == 1
    take(named, calendar(airbnb("a", day(3, 11), day(3, 15), "HMAAAA1111"), prodid=AIRBNB))
    assert stays(flat) == [("03-11", "03-15")]
    take(nameless, calendar(closed("e2", day(3, 10), day(3, 14)), closed("x", day(5, 1), day(5, 3)), prodid=BOOKING))
    assert stays(flat) == [("03-11", "03-15"), ("05-01", "05-03")], "a lagging echo makes no stay"
    take(nameless, calendar(closed("e3", day(3, 11), day(3, 15)), closed("x", day(5, 1), day(5, 3)), prodid=BOOKING))
    assert stays(flat) == [("03-11", "03-15"), ("05-01", "05-03")]
    assert codes_of(flat).items() >= before.items()


def test_rule_15_an_echo_that_is_ahead_joins_when_the_guest_s_own_channel_follows(flat: Property) -> None:
    nameless, named = feed_of(flat, "Booking.com"), feed_of(flat)
    take(named, calendar(airbnb("a", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(nameless, calendar(closed("e1", day(3, 10), day(3, 14)), prodid=BOOKING))
    code = codes_of(flat)
    take(nameless, calendar(closed("e2", day(3, 11), day(3, 15)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14"), ("03-11", "03-15")]
    take(named, calendar(airbnb("a", day(3, 11), day(3, 15), "HMAAAA1111"), prodid=AIRBNB))
    assert stays(flat) == [("03-11", "03-15")]
    assert codes_of(flat).items() >= code.items()
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
def test_rule_15_conflicting_names_are_two_stays_and_both_getcodes_of(
    flat: Property, first_name: str, second_name: str
) -> None:
    take(feed_of(flat), [event("a", day(3, 10), day(3, 14), f"Reserved - {first_name}")])
    take(feed_of(flat, "Vrbo"), [event("b", day(3, 10), day(3, 14), f"Reserved - {second_name}")])
    assert stays(flat) == [("03-10", "03-14")] * 2
    assert len(set(codes_of(flat).values())) == 2
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
    first, code = stay_of(flat), codes_of(flat)
    take(feed, calendar(closed("b", day(3, 10), day(3, 18)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14"), ("03-14", "03-18")]
    rest = Booking.objects.exclude(pk=first.pk).get()
    assert rest.needs_review
    assert codes_of(flat)[rest.pk] != code[first.pk]
    again = take(feed, calendar(closed("c", day(3, 10), day(3, 18)), prodid=BOOKING))
    assert (again.created, again.changed, again.cancelled) == (0, 0, 0)
    take(feed, calendar(closed("d", day(3, 10), day(3, 14)), closed("e", day(3, 14), day(3, 18)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14"), ("03-14", "03-18")]
    assert codes_of(flat).items() >= code.items()


def test_rule_15_a_running_item_that_grows_keeps_the_known_stay(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 2), day(3, 6)), prodid=BOOKING))
    code = codes_of(flat)
    clock.move_to(at(3, 4, 6))
    take(feed, calendar(closed("b", day(3, 4), day(3, 9)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-06"), ("03-06", "03-09")]
    assert codes_of(flat).items() >= code.items()
    clock.move_to(at(3, 5, 6))
    take(feed, calendar(closed("c", day(3, 5), day(3, 9)), prodid=BOOKING))
    assert stays(flat) == [("03-02", "03-06"), ("03-06", "03-09")]


def test_rule_15_two_known_stays_that_melt_together_stay_two(flat: Property) -> None:
    feed = feed_of(flat, channel="booking")
    two = [closed("a", day(3, 10), day(3, 14)), closed("b", day(3, 14), day(3, 18))]
    take(feed, calendar(*two, prodid=BOOKING))
    codes = codes_of(flat)
    summary = take(feed, calendar(closed("c", day(3, 10), day(3, 18)), prodid=BOOKING))
    assert (summary.created, summary.changed, summary.cancelled) == (0, 0, 0)
    assert codes_of(flat) == codes


def test_renamed_by_a_person_and_echoed(flat: Property) -> None:
    first, second = feed_of(flat), feed_of(flat, "PMS")
    take(first, [event("a", day(3, 10), day(3, 14), "Reserved - Anna Nowak")])
    booking = Booking.objects.get()
    booking.guest_name = "Family from Krakow"
    booking.save()
    take(second, [event("b", day(3, 10), day(3, 14), "Reserved - Anna Nowak")])
    assert stays(flat) == [("03-10", "03-14")]


@pytest.mark.parametrize("told", ["name", "code"])
def test_an_echo_that_turns_out_to_be_another_guest_gets_a_code_of_its_own(flat: Property, told: str) -> None:
    first, second = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    named = told == "name"
    take(first, [event("1", *days, "Reserved - Ann Lee") if named else airbnb("1", *days, "HMAAAA1111")])
    take(second, [event("2@airbnb.com", *days)])
    ((ann, code),) = wanted_codes().items()
    other = event("2@airbnb.com", *days, "Reserved - Bob Roe") if named else airbnb("2", *days, "HMBBBB2222")
    for _ in range(2):
        take(second, [other])
        take(first, [event("1", *days, "Reserved - Ann Lee") if named else airbnb("1", *days, "HMAAAA1111")])
    assert wanted_codes().pop(ann) == code
    assert len(set(wanted_codes().values())) == 2
    assert stays(flat) == [("03-10", "03-14")] * 2


def test_a_corrected_name_does_not_split_an_echoed_stay(flat: Property) -> None:
    first, second = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    for name in ("Ann Lee", "Anna Li"):
        for feed in (first, second):
            take(feed, [event("1", *days, f"Reserved - {name}")])
            assert len(wanted_codes()) == 1


def test_an_echo_of_what_a_person_cancelled_makes_no_code(flat: Property, clock: time_machine.Traveller) -> None:
    """Rule 15: one stay; rule 16: the person's word counts for it. Whoever is named there is somebody else."""
    feed, echo = feed_of(flat), feed_of(flat, "Second")
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    cancel(Booking.objects.get())
    take(echo, [event("u", day(3, 10), day(3, 14)), B])
    assert stays(flat) == [("03-20", "03-22")]
    take(echo, [event("u", day(3, 10), day(3, 14)), event("w", day(3, 10), day(3, 14), "Reserved - Bob Roe"), B])
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]


def test_who_is_listed_after_the_cancelled_stay_left_its_calendar_is_no_echo(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Second")
    take(feed, [A, B])
    cancel(Booking.objects.get(check_in=at(3, 10, 14)))
    for _ in range(2):
        take(feed, [B])
        clock.shift(HALF_HOUR)
    take(other, [A])
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]


def test_a_running_stay_whose_last_source_names_another_guest_is_not_cancelled(
    flat: Property, clock: time_machine.Traveller
) -> None:
    """Its guest was in the house when the code ended: the echo that alone still listed it became another guest's."""
    named, echo = feed_of(flat), feed_of(flat, "Second")
    take(echo, [event("e", day(3, 8), day(3, 11)), event("k", day(5, 8), day(5, 11))])
    take(named, [event("u", day(3, 8), day(3, 11), "Reserved - Bob Roe"), B])
    for _ in range(2):
        take(named, [B])
        clock.shift(HALF_HOUR)
    ((bob, code),) = [
        (pk, value) for pk, value in wanted_codes().items() if Booking.objects.get(pk=pk).check_in < at(3, 9)
    ]
    clock.move_to(at(3, 9, 3))
    for _ in range(2):
        take(echo, [event("c", day(3, 8), day(3, 11), "Reserved - Cid Moe"), event("k", day(5, 8), day(5, 11))])
        clock.shift(HALF_HOUR)
    assert Booking.objects.get(pk=bob).status == "confirmed"
    assert wanted_codes()[bob] == code
    assert wanted_codes()[Booking.objects.get(guest_name="Cid Moe").pk] != code


def test_an_echo_of_a_named_guest_joins_that_guest_and_not_a_nameless_stay_of_the_same_days(flat: Property) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    take(feed, [event("1", *days), event("2", *days, "Reserved - Bob Roe")])
    take(other, [event("b", *days, "Reserved - Bob Roe")])
    bob = Booking.objects.get(guest_name="Bob Roe")
    assert bob.feed_items.count() == 2
    assert len(wanted_codes()) == 2
