"""What comparing calendars must survive: cut-off stays anywhere on Earth, UIDs that rotate or trade places."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import BOOKING, at, calendar, closed, day, event
from tests.support.house import House
from tests.support.imports import HALF_HOUR, feed_of, stays, take

pytestmark = pytest.mark.django_db


def _codes() -> dict[int, str]:
    return {grant.booking_id or 0: grant.code for grant in AccessGrant.objects.filter(wanted=True)}


@pytest.mark.parametrize("told_in_utc", [False, True])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Warsaw"])
def test_a_running_stay_that_is_cut_off_costs_no_lock_request_in_any_zone(
    house: House, clock: time_machine.Traveller, zone: str, told_in_utc: bool
) -> None:
    """Every four hours for four days, under a new UID each time, with "today" as the property or as UTC has it."""
    flat = house.flat(house.lock(), name="Beach", timezone=zone)
    feed = feed_of(flat, channel="booking")
    take(feed, calendar(closed("a", day(3, 10), day(3, 16)), closed("n", day(3, 16), day(3, 18)), prodid=BOOKING))
    clock.move_to(Booking.objects.earliest("check_in").check_in + timedelta(minutes=1))
    house.settle()
    asked, before = house.requests, list(Booking.objects.order_by("pk").values())
    for number in range(24):
        clock.shift(timedelta(hours=4))
        start = max(day(3, 10), _today(None if told_in_utc else flat))
        events = [closed(f"n{number}", day(3, 16), day(3, 18)), closed(f"a{number}", start, day(3, 16))]
        summary = take(feed, calendar(*events, prodid=BOOKING))
        assert (summary.created, summary.changed, summary.cancelled, summary.held) == (0, 0, 0, 0)
    house.settle()
    assert house.requests == asked
    assert list(Booking.objects.order_by("pk").values()) == before


def _today(flat: Property | None) -> date:
    now = timezone.now()
    return now.astimezone(flat.zone).date() if flat is not None else now.date()


def test_named_guests_whose_uids_trade_places_keep_their_codes(flat: Property) -> None:
    """All rows of a numbered export turn round at once: every key of the table is another row's a moment before."""
    feed = feed_of(flat)
    guests = [("Anna", 10), ("Boris", 13), ("Clara", 16), ("Dana", 19), ("Emil", 22)]
    take(feed, [event(f"row{n}", day(3, d), day(3, d + 2), f"Reserved - {who}") for n, (who, d) in enumerate(guests)])
    before = {booking.pk: (booking.guest_name, booking.check_in) for booking in Booking.objects.all()}
    codes = _codes()
    turned = [event(f"row{4 - n}", day(3, d), day(3, d + 2), f"Reserved - {w}") for n, (w, d) in enumerate(guests)]
    summary = take(feed, turned)
    assert (summary.created, summary.changed, summary.cancelled, summary.absent) == (0, 0, 0, 0)
    assert {booking.pk: (booking.guest_name, booking.check_in) for booking in Booking.objects.all()} == before
    assert _codes() == codes


def test_a_corrected_zone_moves_the_stays_of_whole_days_back_to_their_days(flat: Property) -> None:
    Property.objects.filter(pk=flat.pk).update(timezone="UTC")
    feed = feed_of(Property.objects.get(pk=flat.pk))
    body = calendar(event("a", day(3, 10), day(3, 14)))
    take(feed, body)
    corrected = Property.objects.get(pk=flat.pk)
    corrected.timezone = "Pacific/Auckland"
    corrected.save()
    take(feed, body)
    assert stays(flat) == [("03-10", "03-14")]
    assert Booking.objects.get().check_in == at(3, 10, 2)


def test_an_echo_that_lost_its_leader_follows_what_is_left_and_keeps_its_code(
    flat: Property, clock: time_machine.Traveller
) -> None:
    named, nameless = feed_of(flat), feed_of(flat, "Booking.com")
    rest = [event("o", day(5, 1), day(5, 3))]
    take(named, [event("a", day(3, 10), day(3, 14), "Reserved - Anna"), *rest])
    take(nameless, calendar(closed("e", day(3, 10), day(3, 14)), prodid=BOOKING))
    codes = _codes()
    for _ in range(2):
        take(named, rest)
        clock.shift(HALF_HOUR)
    assert ("03-10", "03-14") in stays(flat)
    assert _codes() == codes
    assert FeedItem.objects.filter(gone_at=None, starts_on=day(3, 10)).count() == 1
