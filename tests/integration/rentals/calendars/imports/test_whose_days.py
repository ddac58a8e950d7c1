"""Whose stay a row lists that another calendar knows: what names a guest, and what only repeats the days."""

from __future__ import annotations

import pytest
import time_machine

from rentals.models import Booking, Property
from tests.support.booking_actions import cancel
from tests.support.calendars import AIRBNB, airbnb, calendar, day, event
from tests.support.imports import HALF_HOUR, feed_of, stay_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

DAYS = day(3, 10), day(3, 14)
FAR = event("o", day(5, 1), day(5, 3))
OF_AIRBNB = airbnb("z", *DAYS, "HMAAAA1111")


@pytest.mark.parametrize(
    ("row", "stay"),
    [
        pytest.param(event("z@airbnb.com", *DAYS), False, id="an echo"),
        pytest.param(event("z@airbnb.com", *DAYS, "Reserved - Bob Roe"), True, id="named"),
        pytest.param(OF_AIRBNB, True, id="with a code"),
        pytest.param(event("z@airbnb.com", day(3, 10), day(3, 13)), True, id="other days"),
    ],
)
def test_who_is_named_on_days_that_a_person_gave_up_is_the_next_guest(flat: Property, row: str, stay: bool) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Airbnb 2")
    take(feed, [event("a", *DAYS)])
    given_up = stay_of(flat)
    cancel(given_up)
    take(other, calendar(row, prodid=AIRBNB))
    assert len(stays(flat)) == len(wanted_codes()) == int(stay)
    assert given_up.feed_items.count() == (1 if stay else 2)


@pytest.mark.parametrize(
    ("left", "joins"),
    [
        pytest.param([event("e", *DAYS)], False, id="only an echo"),
        pytest.param([event("e", *DAYS), OF_AIRBNB], True, id="a code tells who comes"),
    ],
)
def test_a_name_of_before_counts_while_only_echoes_are_left(
    flat: Property, clock: time_machine.Traveller, left: list[str], joins: bool
) -> None:
    """The stay's code was made for the guest whom its calendar named; a further calendar names somebody else."""
    named, third = feed_of(flat, "Named"), feed_of(flat, "Third")
    take(named, [event("n", *DAYS, "Reserved - Ann Lee"), FAR])
    for number, row in enumerate(left):
        take(feed_of(flat, f"Left {number}"), calendar(row, prodid=AIRBNB))
    (stay,) = Booking.objects.filter(check_in__date=DAYS[0])
    assert stay.feed_items.count() == 1 + len(left)
    for _ in range(2):
        take(named, [FAR])
        clock.shift(HALF_HOUR)
    take(third, [event("t", *DAYS, "Reserved - Bob Roe")])
    assert Booking.objects.filter(check_in__date=DAYS[0], status="confirmed").count() == (1 if joins else 2)
    assert stay.pk in wanted_codes()
