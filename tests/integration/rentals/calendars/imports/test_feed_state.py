"""What is written about a feed after a good fetch, and what an older calendar leaves as it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rentals.calendars.imports import feed_state, run
from rentals.calendars.imports.summary import Summary
from rentals.models import CalendarFeed, FeedState, Property
from rentals.signals import feed_condition_changed
from tests.support.calendars import calendar, day, event
from tests.support.imports import HALF_HOUR, feed_of, state_of, stays, take, three_events

pytestmark = pytest.mark.django_db

A, B = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22))
MINUTE = timedelta(minutes=1)
OF_FETCHING = ("failing", "stale", "reset", "refused")
#: What a fetch learned about the version of a calendar, and what it says of itself.
OF_CONTENT = {"etag": "new", "last_modified": "new", "disproved": "new"}


@pytest.fixture
def said() -> Any:
    """Every announcement of a condition: which, and whether it began."""
    heard: list[tuple[str, bool]] = []

    def hear(condition: str, *, active: bool, **_: object) -> None:
        heard.append((condition, active))

    feed_condition_changed.connect(hear)
    yield heard
    feed_condition_changed.disconnect(hear)


def confirm(feed: CalendarFeed, as_of: datetime | None = None, **updates: object) -> Summary:
    return run.confirm_unchanged(feed.pk, timezone.now(), as_of=as_of, updates=updates)


@pytest.mark.parametrize("condition", OF_FETCHING)
def test_a_good_fetch_ends_what_was_wrong_and_nothing_else(
    flat: Property, clock: time_machine.Traveller, said: list[tuple[str, bool]], condition: str
) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Booking.com")
    for one in (feed, other):
        take(one, [A])
    began = timezone.now()
    FeedState.objects.update(**{f"{condition}_since": began}, failures=3, last_error="No answer.")
    clock.shift(MINUTE)
    take(feed, [A])
    state = state_of(feed)
    assert (getattr(state, f"{condition}_since"), state.failures, state.last_error) == (None, 0, "")
    assert (state.last_good_at, state.last_try_at) == (timezone.now(), timezone.now())
    assert getattr(state_of(other), f"{condition}_since") == began
    assert said == [(condition, False)]
    take(feed, [A])
    assert said == [(condition, False)]


@pytest.mark.parametrize("missing", ["", "a"])
def test_not_modified_is_a_good_fetch_of_what_we_hold(
    flat: Property, clock: time_machine.Traveller, said: list[tuple[str, bool]], missing: str
) -> None:
    """With absences that time may confirm, too: otherwise a calendar that is fetched each quarter of an hour is stale
    after a day, and its version is asked for no more."""
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without=missing))
    whole_at = state_of(feed).whole_at
    FeedState.objects.update(stale_since=timezone.now(), failures=3, last_error="No answer.")
    clock.shift(MINUTE)
    confirm(feed, timezone.now() - timedelta(seconds=5), etag="two")
    state, now = state_of(feed), timezone.now()
    assert (state.last_good_at, state.last_try_at, state.as_of) == (now, now, now - timedelta(seconds=5))
    assert (state.failures, state.last_error, state.stale_since, state.etag) == (0, "", None, "two")
    assert (state.whole_at, state.pending_absences) == (whole_at, len(missing))
    assert said == [("stale", False)]


def test_not_modified_confirms_an_absence_that_no_fetch_has_to_confirm_again(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="a"))
    clock.shift(HALF_HOUR)
    summary = confirm(feed)
    assert (summary.cancelled, summary.unchanged, summary.events) == (1, False, 2)
    assert stays(flat) == [("03-20", "03-22"), ("04-01", "04-05")]
    assert state_of(feed).pending_absences == 0
    again = confirm(feed)
    assert (again.cancelled, again.unchanged, again.events) == (0, True, 2)


@pytest.mark.parametrize("way", ["calendar", "not modified"])
def test_an_older_calendar_writes_nothing_of_what_was_learned_about_it(
    flat: Property, clock: time_machine.Traveller, way: str
) -> None:
    """With its version we would ask the channel for changes since a calendar that we do not hold."""
    feed = feed_of(flat)
    FeedState.objects.update(failures=2)
    now = timezone.now()
    held = dict.fromkeys(OF_CONTENT, "held") | {"refetched_at": now}
    run.import_calendar(feed.pk, calendar(A), now, updates=held)
    assert state_of(feed).failures == 0
    FeedState.objects.update(failures=2)
    clock.shift(MINUTE)
    learned = {**OF_CONTENT, "refetched_at": timezone.now(), "last_try_at": timezone.now()}
    if way == "calendar":
        summary = run.import_calendar(feed.pk, calendar(B), timezone.now(), as_of=now - MINUTE, updates=learned)
    else:
        summary = confirm(feed, now - MINUTE, **learned)
    assert summary == Summary(outdated=True)
    state = state_of(feed)
    assert {name: getattr(state, name) for name in held} == held
    assert (state.last_try_at, state.failures, state.as_of, state.last_good_at) == (timezone.now(), 0, now, now)
    assert stays(flat) == [("03-10", "03-14")]


def test_a_calendar_of_the_same_moment_is_not_older(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    take(feed, [A, B])
    assert stays(flat) == [("03-10", "03-14"), ("03-20", "03-22")]


def test_a_feed_that_was_made_in_bulk_is_imported_like_any_other(flat: Property) -> None:
    """It has no row of facts yet, which `save` would have made."""
    (feed,) = CalendarFeed.objects.bulk_create([CalendarFeed(property=flat, name="Bulk")])
    assert not FeedState.objects.exists()
    assert take(feed, [A]).created == 1
    assert state_of(feed).last_good_at == timezone.now()


def test_a_feed_is_read_with_its_property_and_its_facts_at_once(flat: Property) -> None:
    """Each of thousands of calendars is read in each quarter of an hour."""
    made = feed_of(flat, "Bulk")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        feed = feed_state.load(made.pk)
        assert (feed.property.name, feed.state.failures) == (flat.name, 0)
    assert len(asked) == 1
