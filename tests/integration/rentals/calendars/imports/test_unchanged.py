"""The short way of a calendar that says the same as last time, and what sends it the long way."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.imports import feed_state, run
from rentals.calendars.imports.fingerprints import whole_print
from rentals.models import CalendarFeed, FeedState, Property
from tests.support.calendars import calendar, day, event
from tests.support.imports import feed_of, state_of, take, three_events

pytestmark = pytest.mark.django_db

A, B = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22))
BODY, OTHER = calendar(A), calendar(A, B)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def feed(flat: Property) -> CalendarFeed:
    """A feed that brought `BODY`."""
    made = feed_of(flat)
    take(made, BODY)
    return made


def facts_of(feed: CalendarFeed) -> dict[str, object]:
    return dict(FeedState.objects.filter(feed=feed).values().get())


@pytest.mark.parametrize("body", [BODY, BODY.replace(b"DTSTAMP:20270301T", b"DTSTAMP:20270302T"), None])
def test_the_same_again_writes_when_it_was_asked_for_and_what_was_learned(
    feed: CalendarFeed, clock: time_machine.Traveller, body: bytes | None
) -> None:
    FeedState.objects.update(failures=2, last_error="No answer.")
    before, now = facts_of(feed), timezone.now() + MINUTE
    asked_at = now - timedelta(seconds=5)
    assert run.unchanged(feed_state.load(feed.pk), body, now, as_of=asked_at, updates={"etag": "two"})
    written = {
        "last_good_at": now,
        "last_try_at": now,
        "failures": 0,
        "last_error": "",
        "as_of": asked_at,
        "etag": "two",
    }
    after = facts_of(feed)
    if body is not None:
        written |= {"whole_hash": whole_print(body), "whole_at": asked_at}
        assert (body == BODY) is (after["body_hash"] == before["body_hash"])
        before["body_hash"] = after["body_hash"]
    assert after == before | written
    assert run.unchanged(feed_state.load(feed.pk), body, now)


@pytest.mark.parametrize("body", [BODY, None])
def test_without_a_moment_it_was_asked_for_now(
    feed: CalendarFeed, clock: time_machine.Traveller, body: bytes | None
) -> None:
    now = timezone.now() + MINUTE
    assert run.unchanged(feed_state.load(feed.pk), body, now)
    state = state_of(feed)
    assert (state.as_of, state.whole_at) == (now, now if body else now - MINUTE)


@pytest.mark.parametrize("body", [BODY, None])
def test_a_rehearsal_writes_nothing(feed: CalendarFeed, body: bytes | None) -> None:
    before = facts_of(feed)
    assert run.unchanged(feed_state.load(feed.pk), body, timezone.now() + MINUTE, dry_run=True)
    assert facts_of(feed) == before


@pytest.mark.parametrize(
    "facts",
    [
        {"body_hash": ""},  # it brought nothing yet
        {"pending_absences": 1},
        *({f"{condition}_since": timezone.now()} for condition in ("failing", "stale", "reset", "refused")),
        {"as_of": timezone.now() + timedelta(days=9999)},  # something newer is held
    ],
    ids=lambda facts: next(iter(facts)),
)
@pytest.mark.parametrize("body", [BODY, None], ids=["calendar", "not modified"])
def test_what_sends_it_the_long_way(feed: CalendarFeed, facts: dict[str, object], body: bytes | None) -> None:
    FeedState.objects.update(**facts)
    before = facts_of(feed)
    assert not run.unchanged(feed_state.load(feed.pk), body, timezone.now(), as_of=timezone.now())
    assert facts_of(feed) == before


def test_content_that_was_asked_for_before_what_we_hold_is_not_the_same_again(
    feed: CalendarFeed, clock: time_machine.Traveller
) -> None:
    """Its bytes are those that we hold, but a calendar in between said something else: it is known too late."""
    held = state_of(feed).as_of
    assert held is not None
    clock.shift(MINUTE)
    assert take_as_of(feed, BODY, held - MINUTE)
    assert state_of(feed).as_of == held
    assert not take_as_of(feed, BODY, held)


def take_as_of(feed: CalendarFeed, body: bytes, as_of: object) -> bool:
    """Whether it was dropped as older than what we hold."""
    return run.import_calendar(feed.pk, body, timezone.now(), as_of=as_of).outdated  # type: ignore[arg-type]


@pytest.mark.parametrize("meanwhile", [OTHER, calendar()], ids=["another stay", "a stay that vanished"])
@pytest.mark.parametrize("body", [BODY, None], ids=["calendar", "not modified"])
def test_what_another_import_brought_meanwhile_is_not_taken_for_this_one(
    feed: CalendarFeed, meanwhile: bytes, body: bytes | None
) -> None:
    """Otherwise our facts would say that we hold what the other one replaced, and the channel's next “not modified”
    would be believed of it."""
    loaded = feed_state.load(feed.pk)
    take(feed, meanwhile)
    before = facts_of(feed)
    assert not run.unchanged(loaded, body, timezone.now() + MINUTE, updates={"etag": "of the former"})
    assert facts_of(feed) == before


@pytest.mark.parametrize("column", ["body_hash", "content_hash", "pending_absences"])
def test_each_fact_that_tells_what_we_hold_must_be_what_was_read(feed: CalendarFeed, column: str) -> None:
    loaded = feed_state.load(feed.pk)
    FeedState.objects.update(**{column: 1})
    assert not run.unchanged(loaded, BODY, timezone.now())


def test_unchanged_it_still_tells_what_waits_for_a_person(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat, channel="airbnb")
    broken = event("x", day(5, 1), day(5, 2)).replace("DTSTART;VALUE=DATE:20270501", "DTSTART:soon")
    closed = event("y", day(5, 10), day(5, 12), "???")
    body = calendar(*three_events(), broken, closed)
    first = take(feed, body)
    again = take(feed, body)
    assert again.unchanged
    assert (again.events, again.quarantined, again.review) == (first.events, first.quarantined, first.review)
    assert (again.quarantined, again.held, again.held_reason, again.created) == (1, 0, "", 0)
    FeedState.objects.update(held_since=timezone.now(), held_reason="All vanished.", summary={"held": 3})
    held = take(feed, body)
    assert (held.held, held.held_reason, held.events, held.quarantined, held.review) == (3, "All vanished.", 0, 0, 0)
    FeedState.objects.update(held_since=None)
    assert take(feed, body).held == 0
