"""Times and zones: a property whose clock or check-in differs from that of the channel."""

from __future__ import annotations

from datetime import time

import pytest
import time_machine

from pins.models import Pin
from rentals.models import Booking, FeedState, Property
from tests.support.calendars import AIRBNB, BOOKING, airbnb, at, calendar, closed, day, event
from tests.support.house import House
from tests.support.imports import feed_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


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


def test_changed_property_times_ask_for_the_whole_calendar_again(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    FeedState.objects.filter(feed=feed).update(etag="x", last_modified="y")
    flat.refresh_from_db()
    flat.timezone = "Pacific/Auckland"
    flat.save()
    assert FeedState.objects.values_list("etag", "last_modified").get(feed=feed) == ("", "")


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
    before = wanted_codes(), set(Pin.objects.values_list("pk", "desired_rev"))
    clock.move_to(at(3, 10, 23, 30))  # 11 March in Amsterdam, before check-in on the 10th at the property
    summary = take(feed, calendar(closed(uid, day(3, 11), day(3, 14)), prodid=BOOKING))
    assert (summary.created, summary.changed, summary.absent) == (0, 0, 0)
    assert stays(flat) == [("03-10", "03-14")]
    clock.move_to(at(3, 11, 4))
    take(feed, calendar(closed(uid, day(3, 11), day(3, 14)), prodid=BOOKING))
    assert stays(flat) == [("03-10", "03-14")]
    assert (wanted_codes(), set(Pin.objects.values_list("pk", "desired_rev"))) == before


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
