"""A stay in two calendars: the one that leads gives the days, and a person hears of days that only the other lists."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine

from rentals.calendars.decide.merge import CANCELLED
from rentals.models import CalendarFeed, Property
from tests.support.booking_actions import change
from tests.support.calendars import at, day, event
from tests.support.imports import feed_of, stay_of, stays, take

pytestmark = pytest.mark.django_db

DAYS = (2, 12)


def row(feed: CalendarFeed, first: int, last: int) -> list[str]:
    return [event(feed.name, day(3, first), day(3, last))]


@pytest.fixture
def other(flat: Property, clock: time_machine.Traveller) -> CalendarFeed:
    """The younger of two calendars that list a stay of 2 to 12 March, which is to come. Neither names the guest."""
    clock.move_to(at(2, 20, 9))
    first, second = feed_of(flat, "First"), feed_of(flat, "Second")
    for feed in (first, second):
        take(feed, row(feed, *DAYS))
    return second


@pytest.mark.parametrize(
    ("edited", "today", "listed", "marked"),
    [
        ({}, at(2, 20, 9), (2, 14), True),
        ({}, at(2, 20, 9), (1, 12), True),
        ({}, at(2, 20, 9), (1, 11), True),
        ({}, at(2, 20, 9), (3, 13), True),
        ({}, at(2, 20, 9), (3, 12), False),
        ({}, at(2, 20, 9), (2, 11), False),
        # An end that a person set is not the first calendar's.
        ({"check_out": at(3, 13, 10)}, at(2, 20, 9), (2, 14), False),
        ({"check_out": at(3, 13, 10)}, at(2, 20, 9), (1, 14), True),
        ({"check_in": at(3, 3, 14)}, at(2, 20, 9), (1, 12), False),
        ({"check_in": at(3, 3, 14)}, at(2, 20, 9), (1, 14), True),
        # A guest who is in the house came when he came.
        ({}, at(3, 5, 9), (1, 12), False),
        ({}, at(3, 5, 9), (1, 13), True),
        ({"status": CANCELLED}, at(2, 20, 9), (1, 14), False),
    ],
)
def test_days_that_only_the_other_calendar_lists_are_a_persons_matter(
    flat: Property,
    clock: time_machine.Traveller,
    other: CalendarFeed,
    edited: dict[str, object],
    today: datetime,
    listed: tuple[int, int],
    marked: bool,
) -> None:
    stay = stay_of(flat)
    change(stay, **edited)
    before = stays(flat)
    clock.move_to(today)
    take(other, row(other, *listed))
    stay.refresh_from_db()
    assert stay.needs_review is marked
    assert stays(flat) == before


def test_a_calendar_that_is_alone_gives_the_days_and_asks_nobody(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, "Alone")
    take(feed, row(feed, 10, 14))
    take(feed, row(feed, 9, 16))
    assert (stays(flat), stay_of(flat).needs_review) == ([("03-09", "03-16")], False)
