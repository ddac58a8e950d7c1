"""Rule 17: a feed is held when too much vanishes at once, until a person decides or the stays return."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rentals.calendars.imports import approval, run
from rentals.models import FeedItem, FeedState, Property
from tests.support.calendars import AIRBNB, at, calendar, day, event, sample
from tests.support.imports import HALF_HOUR, feed_of, incidents_of, state_of, stays, take, three_events

pytestmark = pytest.mark.django_db

EMPTY = calendar(prodid=AIRBNB)
A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(3, 3), day(3, 5))


def _days(number: int) -> tuple[date, date]:
    starts = day(5, 1) + timedelta(days=number // 4)
    return starts, starts + timedelta(days=2)


def test_rule_17_more_than_half_vanished_together_holds_the_feed(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    for _ in range(4):
        assert take(feed, three_events(without="ab")).cancelled == 0
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == 3
    assert "2 of 3 stays" in state_of(feed).held_reason
    assert incidents_of(feed) == [("feed_held", True)]


def test_rule_17_exactly_half_is_not_more_than_half(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    events = [*three_events(), event("d", day(5, 1), day(5, 3))]
    take(feed, events)
    take(feed, events[2:])
    clock.shift(HALF_HOUR)
    assert take(feed, events[2:]).cancelled == 2


def test_rule_17_those_waiting_count_with_those_that_follow(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="a"))
    clock.shift(HALF_HOUR)
    assert take(feed, three_events(without="ab")).cancelled == 0
    assert state_of(feed).held_since is not None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rule_17_an_empty_calendar_never_confirms_an_absence(
    flat: Property, clock: time_machine.Traveller, count: int
) -> None:
    feed = feed_of(flat)
    take(feed, three_events()[:count])
    for _ in range(50):
        take(feed, EMPTY)
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == count
    assert incidents_of(feed) == [("feed_held", True)]
    take(feed, three_events()[:count])
    assert len(stays(flat)) == count
    assert incidents_of(feed) == [("feed_held", False)]


def test_rule_17_an_empty_fetch_between_two_absences_is_no_confirmation(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="a"))
    clock.shift(HALF_HOUR)
    take(feed, EMPTY)
    assert len(stays(flat)) == 3
    assert run.confirm_unchanged(feed.pk, timezone.now() + HALF_HOUR).cancelled == 0
    assert len(stays(flat)) == 3


def test_rule_17_an_empty_calendar_is_fine_for_a_new_feed(flat: Property) -> None:
    feed = feed_of(flat)
    assert take(feed, sample("16")).held == 0
    assert incidents_of(feed) == []


def test_rule_17_after_a_hold_the_absences_are_counted_anew(flat: Property, clock: time_machine.Traveller) -> None:
    """A channel that recovers by and by must not lose the stays that come back last."""
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="ab"))
    clock.shift(timedelta(days=1))
    assert take(feed, three_events(without="a")).cancelled == 0
    assert len(stays(flat)) == 3
    clock.shift(timedelta(minutes=15))
    take(feed, three_events())
    assert state_of(feed).pending_absences == 0
    assert incidents_of(feed) == [("feed_held", False)]


def test_rule_17_a_person_approves_and_the_stays_are_cancelled(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="ab"))
    assert [item.starts_on for item in approval.threatened(feed.pk)] == [day(3, 10), day(3, 20)]
    assert approval.approve(feed.pk, timezone.now()) == 2
    assert stays(flat) == [("04-01", "04-05")]
    assert incidents_of(feed) == [("feed_held", False)]


def test_rule_17_a_person_keeps_the_stays_and_is_not_asked_again(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, EMPTY)
    assert approval.dismiss(feed.pk, timezone.now()) == 3
    for _ in range(3):
        clock.shift(HALF_HOUR)
        take(feed, EMPTY)
    take(feed, [event("x", day(6, 1), day(6, 3))])
    assert len(stays(flat)) == 4
    assert incidents_of(feed) == [("feed_held", False)]


def test_rule_17_an_approved_stay_that_began_meanwhile_is_kept(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, EMPTY)
    clock.move_to(at(3, 11))
    assert approval.approve(feed.pk, timezone.now()) == 2
    assert stays(flat) == [("03-10", "03-14")]


def test_thousands_of_stays_that_vanish_together_are_held_in_few_statements(flat: Property) -> None:
    """Written row by row, they kept the database locked for a minute."""
    feed = feed_of(flat)
    take(feed, [event(f"a{number}", *_days(number)) for number in range(1200)])
    with CaptureQueriesContext(connection) as queries:
        assert take(feed, [event("z", day(4, 1), day(4, 3))]).held == 1200
    writes = [one["sql"] for one in queries if one["sql"].startswith("UPDATE")]
    assert len(writes) < 12
    assert not any("CASE" in one and "absent_since" in one for one in writes)
    assert FeedItem.objects.filter(awaits_approval=True).count() == 1200


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
