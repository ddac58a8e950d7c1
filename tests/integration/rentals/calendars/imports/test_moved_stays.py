"""A stay that moves onto days that another calendar lists: an echo that came first, or somebody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.booking_actions import cancel, change
from tests.support.calendars import at, day, event
from tests.support.imports import feed_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

OLD, NEW = (day(3, 10), day(3, 14)), (day(3, 20), day(3, 22))
NAMED, NAMELESS = "Reserved - Anna Nowak", "Reserved"


def two(flat: Property, moving: str, there: str) -> tuple[CalendarFeed, Booking, Booking]:
    """A stay on the old days, and one that another calendar lists on the new ones."""
    feed, other = feed_of(flat), feed_of(flat, "Second")
    take(feed, [event("a", *OLD, moving)])
    take(other, [event("b", *NEW, there)])
    first, second = Booking.objects.order_by("check_in")
    return feed, first, second


def test_an_echo_that_came_first_joins_the_stay_that_moved(flat: Property) -> None:
    feed, guest, echo = two(flat, NAMED, NAMELESS)
    code = wanted_codes()[guest.pk]
    take(feed, [event("a", *NEW, NAMED)])
    assert stays(flat) == [("03-20", "03-22")]
    assert wanted_codes() == {guest.pk: code}
    assert Booking.objects.get(pk=echo.pk).status == "cancelled"
    assert guest.feed_items.count() == 2


def test_a_nameless_stay_that_moved_joins_the_named_one(flat: Property) -> None:
    feed, moved, guest = two(flat, NAMELESS, NAMED)
    code = wanted_codes()[guest.pk]
    take(feed, [event("a", *NEW)])
    assert stays(flat) == [("03-20", "03-22")]
    assert wanted_codes() == {guest.pk: code}
    assert Booking.objects.get(pk=moved.pk).status == "cancelled"


@pytest.mark.parametrize("there", ["Reserved - Bob Roe", NAMED])
def test_two_named_guests_on_the_same_days_both_keep_their_codes(flat: Property, there: str) -> None:
    feed, _first, _second = two(flat, NAMED, there)
    codes = wanted_codes()
    take(feed, [event("a", *NEW, NAMED)])
    assert stays(flat) == [("03-20", "03-22")] * 2
    assert wanted_codes() == codes


def test_a_stay_that_moved_does_not_join_one_that_a_person_cancelled(flat: Property) -> None:
    """Its guest would have stood before a closed door."""
    feed, moved, given_up = two(flat, NAMELESS, NAMED)
    cancel(given_up)
    codes = wanted_codes()
    take(feed, [event("a", *NEW)])
    assert stays(flat) == [("03-20", "03-22")]
    assert wanted_codes() == codes == {moved.pk: codes[moved.pk]}


@pytest.mark.parametrize(
    "edit",
    [
        {"guest_name": "Family from Krakow"},
        {"check_in": at(3, 20, 10)},
        {"check_out": at(3, 22, 15)},
        {"status": "cancelled"},
    ],
)
def test_an_echo_that_a_person_changed_stays_a_stay_of_its_own(flat: Property, edit: dict[str, object]) -> None:
    feed, _guest, echo = two(flat, NAMED, NAMELESS)
    change(echo, **edit)
    codes = wanted_codes()
    take(feed, [event("a", *NEW, NAMED)])
    assert wanted_codes() == codes
    assert Booking.objects.get(pk=echo.pk).feed_items.get().uid == "b"


def test_an_echo_that_a_person_kept_stays_a_stay_of_its_own(flat: Property) -> None:
    feed, _guest, echo = two(flat, NAMED, NAMELESS)
    FeedItem.objects.filter(booking=echo).update(kept_at=timezone.now())
    take(feed, [event("a", *NEW, NAMED)])
    assert stays(flat) == [("03-20", "03-22")] * 2


def test_a_stay_that_has_begun_is_joined_with_none(flat: Property, clock: time_machine.Traveller) -> None:
    feed, _guest, _echo = two(flat, NAMED, NAMELESS)
    clock.move_to(at(3, 9, 9))
    take(feed, [event("a", *OLD, NAMED)])
    codes = wanted_codes()
    clock.move_to(at(3, 20, 14) + timedelta(minutes=1))
    take(feed, [event("a", *NEW, NAMED), event("c", day(4, 1), day(4, 2))])
    assert codes.items() <= wanted_codes().items()


def test_a_stay_that_a_person_entered_on_the_new_days_is_nobodys_echo(flat: Property) -> None:
    feed = feed_of(flat)
    feed_of(flat, "Second")
    take(feed, [event("a", *OLD, NAMED)])
    typed = Booking.objects.create(
        property=flat, check_in=flat.check_in_on(NEW[0]), check_out=flat.check_out_on(NEW[1])
    )
    take(feed, [event("a", *NEW, NAMED)])
    assert stays(flat) == [("03-20", "03-22")] * 2
    typed.refresh_from_db()
    assert typed.status == "confirmed"
