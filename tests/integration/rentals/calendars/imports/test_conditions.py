"""What is wrong with a calendar is announced when it begins and when it ends, once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.fetching import polling
from rentals.calendars.imports import run
from rentals.calendars.imports.conditions import Condition, announce_unreadable, set_condition
from rentals.models import CalendarFeed, Property
from rentals.signals import feed_condition_changed
from tests.support.calendars import at, calendar, day, event
from tests.support.imports import feed_of, incidents_of, state_of, take, three_events

pytestmark = pytest.mark.django_db

Heard = list[tuple[int, str, bool, datetime]]
BROKEN, BROKEN_TOO = event("x", day(4, 14), day(4, 10)), event("y", day(4, 24), day(4, 20))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What those hear who listen to calendars."""
    said: Heard = []

    def listen(feed_id: int, condition: str, active: bool, now: datetime, **_: Any) -> None:
        said.append((feed_id, condition, active, now))

    feed_condition_changed.connect(listen, sender=CalendarFeed)
    yield said
    feed_condition_changed.disconnect(listen, sender=CalendarFeed)


def test_a_condition_that_is_found_again_neither_begins_anew_nor_is_announced_again(
    flat: Property, heard: Heard
) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Other")
    nine, ten, eleven = at(3, 1, 9), at(3, 1, 10), at(3, 1, 11)
    assert set_condition(feed.pk, Condition.HELD, True, nine, held_reason="Too many vanished.")
    assert not set_condition(feed.pk, Condition.HELD, True, ten, held_reason="Something else.")
    assert (state_of(feed).held_since, state_of(feed).held_reason) == (nine, "Too many vanished.")
    assert set_condition(feed.pk, Condition.HELD, False, ten, held_reason="")
    assert not set_condition(feed.pk, Condition.HELD, False, eleven, held_reason="Something else.")
    assert (state_of(feed).held_since, state_of(feed).held_reason) == (None, "")
    assert state_of(other).held_since is None
    assert heard == [(feed.pk, "held", True, nine), (feed.pk, "held", False, ten)]


def test_conditions_of_one_calendar_begin_and_end_by_themselves(flat: Property, heard: Heard) -> None:
    feed, now = feed_of(flat), at(3, 1, 9)
    assert set_condition(feed.pk, Condition.STALE, True, now)
    assert set_condition(feed.pk, Condition.FAILING, True, now)
    assert set_condition(feed.pk, Condition.STALE, False, now)
    assert (state_of(feed).stale_since, state_of(feed).failing_since) == (None, now)
    assert [one[1:3] for one in heard] == [("stale", True), ("failing", True), ("stale", False)]


def same_bytes(feed: CalendarFeed) -> None:
    take(feed, three_events())


def other_bytes(feed: CalendarFeed) -> None:
    take(feed, [*three_events(), event("d", day(5, 1), day(5, 3))])


def not_modified(feed: CalendarFeed) -> None:
    run.confirm_unchanged(feed.pk, timezone.now())


def not_fetched_any_more(feed: CalendarFeed) -> None:
    polling.check_conditions(timezone.now())


@pytest.mark.parametrize("over", [same_bytes, other_bytes, not_modified, not_fetched_any_more])
def test_whatever_was_wrong_with_fetching_ends_with_a_good_fetch_and_with_the_fetching(
    flat: Property, clock: time_machine.Traveller, heard: Heard, over: Callable[[CalendarFeed], None]
) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    for condition in ("failing", "stale", "reset", "refused"):
        set_condition(feed.pk, Condition(condition), True, timezone.now())
    clock.shift(timedelta(minutes=15))
    over(feed)
    state = state_of(feed)
    assert (state.failing_since, state.stale_since, state.reset_since, state.refused_since) == (None,) * 4
    ended = [(condition, active, now) for _feed, condition, active, now in heard[4:]]
    assert sorted(ended) == [(one, False, timezone.now()) for one in ("failing", "refused", "reset", "stale")]


@pytest.mark.parametrize(
    ("new", "had", "left", "said"),
    [
        (False, False, False, []),
        (True, False, True, [True]),
        (False, True, True, []),  # the same rows as before
        (False, True, False, [False]),
        (True, True, True, [False, True]),  # one more, or another one
    ],
)
def test_rows_that_cannot_be_read_are_told_when_one_is_new_and_when_none_is_left(
    flat: Property, heard: Heard, new: bool, had: bool, left: bool, said: list[bool]
) -> None:
    feed, now = feed_of(flat), at(3, 1, 9)
    announce_unreadable(feed.pk, new=new, had=had, left=left, now=now)
    assert heard == [(feed.pk, "unreadable", active, now) for active in said]


def test_a_row_that_stays_unreadable_is_told_once_and_a_further_one_again(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    told: list[list[tuple[str, bool]]] = []
    for rows in ([BROKEN], [BROKEN, *three_events()], [BROKEN, BROKEN_TOO, *three_events()], three_events()):
        clock.shift(timedelta(minutes=15))
        take(feed, calendar(*rows))
        told.append(incidents_of(feed))
    over, open_ = ("feed_unreadable", False), ("feed_unreadable", True)
    assert told == [[open_], [open_], [over, open_], [over, over]]
