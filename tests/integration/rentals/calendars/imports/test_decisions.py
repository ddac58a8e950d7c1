"""What a person decides about a calendar: only what was chosen changes, and it can be undone."""

from __future__ import annotations

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.imports import approval, run
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import AIRBNB, BOOKING, calendar, closed, day, event
from tests.support.imports import HALF_HOUR, feed_of, incidents_of, state_of, stay_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

A, B, C = event("a", day(3, 10), day(3, 14)), event("b", day(3, 20), day(3, 22)), event("c", day(4, 1), day(4, 5))
UNCLEAR = event("u", day(3, 10), day(3, 14), "Zxqv Wplm")
CLEAR = event("k", day(3, 10), day(3, 14))
EMPTY = calendar(prodid=AIRBNB)
SAID = "You said that it is not a stay."


def decide(item: FeedItem, decision: str) -> None:
    approval.decide(item.pk, decision, timezone.now())


def waiting(flat: Property) -> list[str]:
    """The UIDs of what waits for a decision, in all calendars of the property."""
    return [item.uid for feed in flat.feeds.order_by("pk") for item in approval.threatened(feed.pk)]


def test_what_waits_is_shown_nearest_first_and_calendar_by_calendar(flat: Property) -> None:
    one, other = feed_of(flat), feed_of(flat, "Other")
    take(one, [C, A])
    take(other, [B])
    for feed in (one, other):
        take(feed, EMPTY)
    assert waiting(flat) == ["a", "c", "b"]


def test_only_the_chosen_stays_are_cancelled(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A, B, C])
    take(feed, EMPTY)
    chosen = FeedItem.objects.get(uid="b").pk
    assert approval.approve(feed.pk, timezone.now(), []) == 0
    assert approval.approve(feed.pk, timezone.now(), [chosen]) == 1
    assert stays(flat) == [("03-10", "03-14"), ("04-01", "04-05")]
    assert waiting(flat) == ["a", "c"]
    assert incidents_of(feed) == [("feed_held", True)]
    assert approval.approve(feed.pk, timezone.now(), [chosen]) == 0, "it does not wait any more"


def test_only_the_chosen_stays_are_kept(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [A, B, C])
    take(feed, EMPTY)
    chosen = FeedItem.objects.get(uid="b").pk
    assert approval.dismiss(feed.pk, timezone.now(), []) == 0
    assert approval.dismiss(feed.pk, timezone.now(), [chosen]) == 1
    assert waiting(flat) == ["a", "c"]
    assert FeedItem.objects.get(pk=chosen).kept_at == timezone.now()
    clock.shift(HALF_HOUR)
    take(feed, EMPTY)
    assert waiting(flat) == ["a", "c"], "nobody is asked twice"
    assert approval.approve(feed.pk, timezone.now()) == 2
    assert stays(flat) == [("03-20", "03-22")]
    assert incidents_of(feed) == [("feed_held", False)]


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (event("a", day(3, 10), day(3, 14), "Reserved - Anna"), "stay"),
        (event("a", day(3, 10), day(3, 14), status="TENTATIVE"), "tentative"),
        (closed("a", day(3, 2), day(4, 20)), "review"),
        (event("a", day(3, 10), day(3, 14), "Blocked"), "block"),
    ],
)
def test_what_is_no_stay_is_closed_days_with_a_reason_and_has_no_code(flat: Property, row: str, verdict: str) -> None:
    feed = feed_of(flat)
    take(feed, calendar(row, prodid=BOOKING))
    item = FeedItem.objects.get()
    assert item.verdict == verdict
    decide(item, "not_stay")
    item.refresh_from_db()
    assert (item.decision, item.verdict, item.reason) == ("not_stay", "block", SAID)
    assert stays(flat, "confirmed", "tentative") == []
    assert wanted_codes() == {}


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_no_stay_waits_for_nothing_any_more(flat: Property, kept: bool) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    take(feed, EMPTY)
    if kept:
        approval.dismiss(feed.pk, timezone.now())
    assert state_of(feed).pending_absences == 1
    decide(FeedItem.objects.get(), "not_stay")
    item = FeedItem.objects.get()
    assert (item.absent_since, item.awaits_approval, item.kept_at) == (None, False, None)
    assert state_of(feed).pending_absences == 0


def test_what_is_no_stay_is_asked_about_no_more(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A, B, C])
    take(feed, EMPTY)
    decide(FeedItem.objects.get(uid="b"), "not_stay")
    assert waiting(flat) == ["a", "c"]
    for uid in ("a", "c"):
        assert incidents_of(feed) == [("feed_held", True)]
        decide(FeedItem.objects.get(uid=uid), "not_stay")
    assert incidents_of(feed) == [("feed_held", False)]
    assert state_of(feed).pending_absences == 0


def test_what_cannot_be_read_any_more_and_is_no_stay_is_told_no_more(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [A, B])
    clock.shift(HALF_HOUR)
    take(feed, [event("a", day(3, 14), day(3, 10)), B])
    assert incidents_of(feed) == [("feed_unreadable", True)]
    decide(FeedItem.objects.get(uid="a"), "not_stay")
    assert FeedItem.objects.get(uid="a").unreadable_since is None
    assert incidents_of(feed) == [("feed_unreadable", False)]


def test_a_decision_that_is_undone_leaves_the_same_bytes_to_the_rules_again(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    codes = wanted_codes()
    decide(FeedItem.objects.get(), "not_stay")
    assert not take(feed, [A]).unchanged
    assert stays(flat) == []
    decide(FeedItem.objects.get(), "")
    assert not take(feed, [A]).unchanged
    assert FeedItem.objects.get().verdict == "stay"
    assert stays(flat) == [("03-10", "03-14")]
    assert wanted_codes() == codes


@pytest.mark.parametrize("decision", ["stay", "not_stay", ""])
def test_the_fetch_after_a_decision_asks_for_the_whole_calendar(flat: Property, decision: str) -> None:
    """Told "not modified", it would never be judged by what the person said."""
    feed, other = feed_of(flat), feed_of(flat, "Other")
    version = {"etag": '"seven"', "last_modified": "Mon, 01 Mar 2027 09:00:00 GMT"}
    for one in (feed, other):
        run.import_calendar(one.pk, calendar(A), timezone.now(), updates=version)
    decide(FeedItem.objects.get(feed=feed), decision)
    state = state_of(feed)
    assert (state.etag, state.last_modified, state.body_hash, state.content_hash) == ("", "", "", "")
    assert (state_of(other).etag, state_of(other).last_modified) == tuple(version.values())


def test_an_unknown_word_or_item_decides_nothing(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, [A])
    item = FeedItem.objects.get()
    with pytest.raises(ValueError, match="perhaps"):
        decide(item, "perhaps")
    with pytest.raises(FeedItem.DoesNotExist):
        approval.decide(item.pk + 1, "not_stay", timezone.now())
    assert FeedItem.objects.get().decision == ""
    assert stays(flat) == [("03-10", "03-14")]


# -- the mark of a booking that a person should look at


def marked(flat: Property) -> bool:
    return stay_of(flat).needs_review


@pytest.mark.parametrize("decision", ["stay", "not_stay"])
def test_a_decision_about_the_only_unclear_row_clears_the_mark_and_undone_sets_it_again(
    flat: Property, decision: str
) -> None:
    take(feed_of(flat, channel="other"), [UNCLEAR])
    assert marked(flat)
    decide(FeedItem.objects.get(), decision)
    assert not marked(flat)
    assert stay_of(flat).status == ("confirmed" if decision == "stay" else "cancelled")
    decide(FeedItem.objects.get(), "")
    assert marked(flat)


@pytest.mark.parametrize(("decision", "left"), [("stay", False), ("not_stay", True)])
def test_a_stay_that_goes_on_although_its_unclear_row_is_none_keeps_the_mark(
    flat: Property, decision: str, left: bool
) -> None:
    take(feed_of(flat, channel="other"), [UNCLEAR])
    take(feed_of(flat, "Second"), [CLEAR])
    assert Booking.objects.get().feed_items.count() == 2
    decide(FeedItem.objects.get(uid="u"), decision)
    assert stays(flat) == [("03-10", "03-14")]
    assert marked(flat) is left


def test_of_two_unclear_rows_the_last_decision_clears_the_mark(flat: Property) -> None:
    take(feed_of(flat, channel="other"), [UNCLEAR])
    take(feed_of(flat, "Second", channel="other"), [UNCLEAR])
    first, second = FeedItem.objects.filter(booking=stay_of(flat)).order_by("pk")
    decide(first, "stay")
    assert marked(flat)
    decide(second, "stay")
    assert not marked(flat)


def test_a_decision_about_a_clear_row_leaves_a_mark_that_has_another_reason(flat: Property) -> None:
    take(feed_of(flat), [A])
    Booking.objects.update(needs_review=True)
    decide(FeedItem.objects.get(), "stay")
    assert marked(flat)
