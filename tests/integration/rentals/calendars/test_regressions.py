"""What a calendar's comparing must survive: holds and time, decisions and new UIDs, several feeds of one property."""

from __future__ import annotations

from datetime import time

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant, Pin
from rentals.calendars.imports import approval
from rentals.models import Booking, FeedItem, FeedState, Property
from tests.support.booking_actions import cancel, change
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
    stays,
    take,
)
from tests.support.house import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def flat(house: House) -> Property:
    return house.flat(house.lock(), name="Old Town 3")


def _codes() -> dict[int, str]:
    return {grant.booking_id or 0: grant.code for grant in AccessGrant.objects.filter(wanted=True)}


A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


def test_a_hold_survives_the_begin_of_the_stay_still_listed(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [A, B, C])
    take(feed, [C])
    assert FeedState.objects.get(feed=feed).held_since is not None
    clock.move_to(at(3, 3, 15))
    for _ in range(3):
        take(feed, [C])
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == 3
    assert FeedState.objects.get(feed=feed).held_since is not None


def test_hold_survives_new_bookings(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [A, B, C])
    take(feed, [C])
    more = [C, event("d", day(4, 1), day(4, 3)), event("e", day(4, 5), day(4, 8))]
    for _ in range(3):
        take(feed, more)
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == 5


def test_property_times_and_two_feeds(flat: Property, clock: time_machine.Traveller) -> None:
    named, nameless = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("a", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    echo = calendar(closed("e", day(3, 10), day(3, 14)), prodid=BOOKING)
    take(nameless, echo)
    prop = Property.objects.get(pk=flat.pk)
    prop.check_out_time = time(13)
    prop.save()
    assert Booking.objects.get().check_out == at(3, 14, 12)
    take(nameless, echo)
    assert Booking.objects.get().check_out == at(3, 14, 12)


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


def test_tentative_joins_confirmed(flat: Property) -> None:
    named, nameless = feed_of(flat, "Vrbo"), feed_of(flat, "Booking.com")
    take(nameless, calendar(closed("e", day(3, 11), day(3, 15)), prodid=BOOKING))
    take(named, [event("a", day(3, 10), day(3, 14), "Reserved - Anna", status="TENTATIVE")])
    take(named, [event("a", day(3, 11), day(3, 15), "Reserved - Anna", status="TENTATIVE")])
    assert stays(flat) == [("03-11", "03-15")]
    assert len(_codes()) == 1


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


def test_hold_of_a_cancelled_running_stay_ends_with_it(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    o = event("o", day(5, 1), day(5, 3))
    take(feed, [event("now", day(2, 27), day(3, 3)), o])
    take(feed, [event("now", day(2, 27), day(3, 3), status="CANCELLED"), o])
    clock.move_to(at(3, 4, 9))
    take(feed, [event("now", day(2, 27), day(3, 3), status="CANCELLED"), o, event("p", day(6, 1), day(6, 3))])
    take(feed, [o])
    assert FeedState.objects.get(feed=feed).held_since is None


def test_hold_ends_when_all_is_over(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [C])
    take(feed, calendar())
    assert FeedState.objects.get(feed=feed).held_since is not None
    clock.move_to(at(3, 6))
    take(feed, [event("o", day(5, 1), day(5, 3))])
    take(feed, [event("o", day(5, 1), day(5, 3))])
    assert FeedState.objects.get(feed=feed).held_since is None
    assert FeedState.objects.get(feed=feed).pending_absences == 0


def test_held_count_after_a_decision(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A, B, C])
    take(feed, [C])
    approval.approve(feed.pk, timezone.now())
    assert take(feed, [C]).held == 0


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


def test_renamed_by_a_person_and_echoed(flat: Property) -> None:
    first, second = feed_of(flat), feed_of(flat, "PMS")
    take(first, [event("a", day(3, 10), day(3, 14), "Reserved - Anna Nowak")])
    booking = Booking.objects.get()
    booking.guest_name = "Family from Krakow"
    booking.save()
    take(second, [event("b", day(3, 10), day(3, 14), "Reserved - Anna Nowak")])
    assert stays(flat) == [("03-10", "03-14")]


def test_long_url(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 10), day(3, 14), description="Reservation URL: https://x.test/" + "a" * 900)])
    assert len(FeedItem.objects.get().reservation_url) <= 500
    take(feed, [event("b", day(4, 10), day(4, 14), url="https://x.test/" + "a" * 1900)])
    assert all(len(i.reservation_url) <= 500 for i in FeedItem.objects.all())


def test_decide_stay_does_not_join_a_neighbour_of_the_same_feed(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A, event("blk", day(3, 10), day(3, 14), "Blocked")])
    approval.decide(FeedItem.objects.get(verdict="block").pk, "stay", timezone.now())
    assert len(stays(flat)) == 2


def test_changed_property_times_ask_for_the_whole_calendar_again(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    FeedState.objects.filter(feed=feed).update(etag="x", last_modified="y")
    flat.refresh_from_db()
    flat.timezone = "Pacific/Auckland"
    flat.save()
    assert FeedState.objects.values_list("etag", "last_modified").get(feed=feed) == ("", "")


def test_nameless_rows_renumbered(flat: Property) -> None:
    feed = feed_of(flat)
    rows = [(day(3, 10), day(3, 12)), (day(3, 12), day(3, 15)), (day(3, 20), day(3, 22))]
    take(feed, [event(f"row{n}", a, b) for n, (a, b) in enumerate(rows)])
    codes = {b.arrival_date: AccessGrant.objects.get(booking=b).code for b in Booking.objects.all()}
    take(feed, [event(f"row{n}", a, b) for n, (a, b) in enumerate(rows[1:])])
    for b in Booking.objects.filter(status="confirmed"):
        assert AccessGrant.objects.get(booking=b).code == codes[b.arrival_date]


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


def test_without_a_uid_another_name_on_the_same_days_is_another_guest(
    flat: Property, clock: time_machine.Traveller
) -> None:
    """The key of an event without a UID is its days alone: who took them over was let in with the former's code."""
    feed = feed_of(flat)
    take(feed, [event("", day(3, 10), day(3, 14), "Reserved - Ann Lee"), B])
    ann = Booking.objects.get(guest_name="Ann Lee")
    code = _codes()[ann.pk]
    now = [event("", day(3, 10), day(3, 14), "Reserved - Cid Moe"), B]
    take(feed, now)
    cid = Booking.objects.get(guest_name="Cid Moe")
    assert cid.pk != ann.pk
    assert _codes()[cid.pk] != code
    clock.shift(HALF_HOUR)
    take(feed, now)
    ann.refresh_from_db()
    assert ann.status == "cancelled"
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]


@pytest.mark.parametrize("code", ["", "HMBBBB2222"])
def test_days_sold_again_in_the_same_calendar_that_cancels_them_get_a_new_code(flat: Property, code: str) -> None:
    """The next guest was taken for an echo of the cancelled one, whose code stayed on the lock."""
    feed = feed_of(flat)
    first = airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111") if code else event("1", day(3, 10), day(3, 14))
    take(feed, [first])
    ((former, old),) = _codes().items()
    left = first.replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("2", day(3, 10), day(3, 14), code) if code else event("2", day(3, 10), day(3, 14))])
    assert Booking.objects.get(pk=former).status == "cancelled"
    ((_, new),) = _codes().items()
    assert new != old


def test_a_new_uid_by_way_of_cancelling_the_old_one_keeps_the_code(flat: Property) -> None:
    feed = feed_of(flat)
    first = airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111")
    take(feed, [first])
    before = _codes()
    left = first.replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111")])
    assert _codes() == before


@pytest.mark.parametrize("uid", ["a", "renewed"])
@pytest.mark.parametrize(
    ("zone", "check_in"),
    [("Pacific/Honolulu", time(15)), ("America/Los_Angeles", time(16)), ("Pacific/Pago_Pago", time(14))],
)
def test_west_of_the_channels_clock_the_arrival_day_is_not_lost(
    house: House, clock: time_machine.Traveller, zone: str, check_in: time, uid: str
) -> None:
    """Booking.com's "today" is tomorrow there before the guest has come."""
    flat = house.flat(house.lock(), timezone=zone, check_in_time=check_in)
    feed = feed_of(flat)
    clock.move_to(at(3, 10, 20))
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = _codes(), set(Pin.objects.values_list("pk", "desired_rev"))
    clock.move_to(at(3, 10, 23, 30))  # 11 March in Amsterdam, before check-in on the 10th at the property
    summary = take(feed, calendar(closed(uid, day(3, 11), day(3, 14)), prodid=BOOKING))
    assert (summary.created, summary.changed, summary.absent) == (0, 0, 0)
    assert stays(flat) == [("03-10", "03-14")]
    clock.move_to(at(3, 11, 4))
    take(feed, calendar(closed(uid, day(3, 11), day(3, 14)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14")]
    assert (_codes(), set(Pin.objects.values_list("pk", "desired_rev"))) == before


def test_west_of_the_channels_clock_a_single_night_is_not_cancelled_before_check_in(
    house: House, clock: time_machine.Traveller
) -> None:
    """By Booking.com's clock it is over when its only night is yesterday: left out, twice, half an hour apart."""
    flat = house.flat(house.lock(), timezone="America/Los_Angeles", check_in_time=time(16))
    feed = feed_of(flat)
    clock.move_to(at(3, 10, 20))
    later = [closed("b", day(4, 10), day(4, 14)), closed("c", day(4, 20), day(4, 24))]
    take(feed, calendar(closed("a", day(3, 10), day(3, 11)), *later, prodid=BOOKING))
    for minute in (5, 40, 55):
        clock.move_to(at(3, 10, 23, minute))
        take(feed, calendar(*later, prodid=BOOKING))
    assert ("03-10", "03-11") in stays(flat)


@pytest.mark.parametrize("told", ["name", "code"])
def test_an_echo_that_turns_out_to_be_another_guest_gets_a_code_of_its_own(flat: Property, told: str) -> None:
    first, second = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    named = told == "name"
    take(first, [event("1", *days, "Reserved - Ann Lee") if named else airbnb("1", *days, "HMAAAA1111")])
    take(second, [event("2@airbnb.com", *days)])
    ((ann, code),) = _codes().items()
    other = event("2@airbnb.com", *days, "Reserved - Bob Roe") if named else airbnb("2", *days, "HMBBBB2222")
    for _ in range(2):
        take(second, [other])
        take(first, [event("1", *days, "Reserved - Ann Lee") if named else airbnb("1", *days, "HMAAAA1111")])
    assert _codes().pop(ann) == code
    assert len(set(_codes().values())) == 2
    assert stays(flat) == [("03-10", "03-14")] * 2


def test_a_corrected_name_does_not_split_an_echoed_stay(flat: Property) -> None:
    first, second = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    for name in ("Ann Lee", "Anna Li"):
        for feed in (first, second):
            take(feed, [event("1", *days, f"Reserved - {name}")])
            assert len(_codes()) == 1


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


@pytest.mark.parametrize("uid", ["z", "renewed"])
def test_an_echo_that_catches_up_with_a_longer_stay_did_not_grow(
    flat: Property, clock: time_machine.Traveller, uid: str
) -> None:
    """What the guest added on Airbnb was a second stay with a second code as soon as Booking.com closed it."""
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = _codes()
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    for _ in range(2):
        take(echo, calendar(closed(uid, day(3, 10), day(3, 18)), prodid=BOOKING))
        clock.shift(HALF_HOUR)
        assert stays(flat) == [("03-10", "03-18")]
        assert _codes() == before
    take(echo, calendar(closed(uid, day(3, 10), day(3, 20)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-18"), ("03-18", "03-20")]


def test_an_echo_that_catches_up_with_a_longer_stay_in_progress_did_not_grow(
    flat: Property, clock: time_machine.Traveller
) -> None:
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = _codes()
    clock.move_to(at(3, 12, 9))
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    for today in (12, 13, 15):
        clock.move_to(at(3, today, 10))
        take(echo, calendar(closed("z", day(3, today), day(3, 18)), prodid=BOOKING))
        assert stays(flat) == [("03-10", "03-18")]
        assert _codes() == before


def test_a_cancellation_under_a_new_uid_is_known_by_its_reservation_code(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), B])
    left = airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111").replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, B])
    assert stays(flat) == [("03-20", "03-22")]


def test_of_two_new_uids_with_one_reservation_code_the_live_one_is_the_stay(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111")])
    before = _codes()
    left = airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111").replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("3", day(3, 11), day(3, 14), "HMAAAA1111")])
    assert _codes() == before
    assert stays(flat) == [("03-11", "03-14")]


def test_a_cancellation_of_another_reservation_under_a_reused_uid_cancels_nobody_else(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), B])
    left = airbnb("1", day(3, 10), day(3, 14), "HMBBBB2222").replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    take(feed, [left, airbnb("2", day(3, 10), day(3, 14), "HMAAAA1111"), B])
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]
    assert len(_codes()) == 2


def test_nameless_rows_renumbered_by_a_stay_in_front(flat: Property) -> None:
    """Each code passed to the guest before: nobody's opened the door on the days that its guest was told."""
    feed = feed_of(flat)
    first, second, front = (day(3, 10), day(3, 14)), (day(3, 20), day(3, 24)), (day(3, 5), day(3, 8))
    take(feed, [event("1", *first), event("2", *second)])
    before = _codes()
    take(feed, [event("1", *front), event("2", *first), event("3", *second)])
    after = _codes()
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
    ((_, code),) = _codes().items()
    take(named, [event("u", *days, "Reserved - Ann Lee", status="CANCELLED")])
    take(echo, [event(uid, *days, "Reserved - Bob Roe")])
    bob = Booking.objects.get(guest_name="Bob Roe")
    assert _codes()[bob.pk] != code


def test_a_uid_that_comes_back_with_another_name_after_its_stay_was_given_up(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [event("1", day(3, 10), day(3, 14), "Reserved - Ann Lee"), B])
    ann = Booking.objects.get(guest_name="Ann Lee")
    code = _codes()[ann.pk]
    for _ in range(2):
        take(feed, [B])
        clock.shift(HALF_HOUR)
    take(feed, [event("1", day(3, 10), day(3, 14), "Reserved - Bob Roe"), B])
    assert _codes()[Booking.objects.get(guest_name="Bob Roe").pk] != code


def test_an_item_that_catches_up_with_a_person_did_not_grow(flat: Property) -> None:
    """Two more nights agreed by phone, entered here and then at Booking.com, were a second stay there."""
    feed = feed_of(flat)
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = _codes()
    change(Booking.objects.get(), check_out=flat.check_out_on(day(3, 16)))
    take(feed, calendar(closed("renewed", day(3, 10), day(3, 16)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-16")]
    assert _codes() == before


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Honolulu", "America/New_York"])
def test_a_corrected_time_zone_keeps_the_days(flat: Property, zone: str, by_hand: bool) -> None:
    """15:00 in Warsaw is the next day in Auckland: stays entered by hand stayed on it, the guest a day too early."""
    if by_hand:
        times = {"check_in": flat.check_in_on(day(3, 10)), "check_out": flat.check_out_on(day(3, 14))}
        Booking.objects.create(property=flat, follows_property_times=True, **times)
    else:
        take(feed_of(flat), [A])
    flat.timezone = zone
    flat.save()
    stay = Booking.objects.get()
    assert (stay.check_in, stay.check_out) == (flat.check_in_on(day(3, 10)), flat.check_out_on(day(3, 14)))
    flat.save()
    stay.refresh_from_db()
    assert stays(flat) == [("03-10", "03-14")]


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
    ((bob, code),) = [(pk, value) for pk, value in _codes().items() if Booking.objects.get(pk=pk).check_in < at(3, 9)]
    clock.move_to(at(3, 9, 3))
    for _ in range(2):
        take(echo, [event("c", day(3, 8), day(3, 11), "Reserved - Cid Moe"), event("k", day(5, 8), day(5, 11))])
        clock.shift(HALF_HOUR)
    assert Booking.objects.get(pk=bob).status == "confirmed"
    assert _codes()[bob] == code
    assert _codes()[Booking.objects.get(guest_name="Cid Moe").pk] != code


@pytest.mark.parametrize("late", [12, 13])
def test_an_echo_with_a_new_uid_catches_up_with_a_longer_stay_in_progress(
    flat: Property, clock: time_machine.Traveller, late: int
) -> None:
    """It was cut into a second stay, and with the next fetch into a third one."""
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    before = _codes()
    clock.move_to(at(3, 12, 9))
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    for today in (late, late, late + 1):
        clock.move_to(at(3, today, 10))
        take(echo, calendar(closed(f"new{today}", day(3, today), day(3, 18)), closed("k", day(5, 1), day(5, today))))
        assert [one for one in stays(flat) if one[0] < "05"] == [("03-10", "03-18")]
        assert before.items() <= _codes().items()


def test_west_of_the_channels_clock_an_echo_catches_up_with_a_longer_stay(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock(), timezone="Pacific/Honolulu")
    named, echo = feed_of(flat), feed_of(flat, "Booking.com")
    take(named, calendar(airbnb("1", day(3, 10), day(3, 14), "HMAAAA1111"), prodid=AIRBNB))
    take(echo, calendar(closed("z", day(3, 10), day(3, 14)), prodid=BOOKING))
    take(named, calendar(airbnb("1", day(3, 10), day(3, 18), "HMAAAA1111"), prodid=AIRBNB))
    clock.move_to(at(3, 10, 23, 30))
    for uid in ("z", "new"):
        take(echo, calendar(closed(uid, day(3, 11), day(3, 18)), prodid=BOOKING))
        assert stays(flat) == [("03-10", "03-18")]


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


def test_without_uids_an_event_beside_another_of_the_same_days_keeps_its_code(flat: Property) -> None:
    """A nameless event came first by its words: it took over the named guest's code, and a third guest joined it."""
    feed, other = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    bobs = event("", *days, "Reserved - Bob Roe")
    take(feed, [bobs])
    before = _codes()
    take(feed, [bobs, event("", *days)])
    take(other, [event("c", *days, "Reserved - Cid Moe")])
    assert before.items() <= _codes().items()
    assert {one.guest_name for one in Booking.objects.filter(pk__in=before)} == {"Bob Roe"}
    assert len(_codes()) == 2
    take(feed, [event("", *days), bobs])
    assert len(_codes()) == 2


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
    code = _codes()[ann.pk]
    take(other, [event("b", *days, "Reserved - Bob Roe")])
    take(feed, [event(uid, *days), B])
    ann.refresh_from_db()
    assert (ann.status, ann.guest_name, _codes()[ann.pk]) == ("confirmed", "Ann Lee", code)
    take(feed, [anns, event(uid, *days), B])
    assert stays(flat) == [("03-10", "03-14"), ("03-10", "03-14"), ("03-20", "03-22")]


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


def test_an_echo_of_a_named_guest_joins_that_guest_and_not_a_nameless_stay_of_the_same_days(flat: Property) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Second")
    days = day(3, 10), day(3, 14)
    take(feed, [event("1", *days), event("2", *days, "Reserved - Bob Roe")])
    take(other, [event("b", *days, "Reserved - Bob Roe")])
    bob = Booking.objects.get(guest_name="Bob Roe")
    assert bob.feed_items.count() == 2
    assert len(_codes()) == 2


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
