"""Rows that a calendar does not list any more: what is forgotten, what is remembered, and what may still ripen."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant
from rentals.calendars.imports import approval, run
from rentals.models import Booking, FeedItem, Property
from tests.support.booking_actions import cancel
from tests.support.calendars import AIRBNB, calendar, closed, day, event
from tests.support.imports import HALF_HOUR, feed_of, incidents_of, state_of, stays, take, three_events

pytestmark = pytest.mark.django_db

EMPTY = calendar(prodid=AIRBNB)
DAYS = day(3, 10), day(3, 14)
A, B = event("a", *DAYS), event("b", day(3, 20), day(3, 22))
FAR = [event("o", day(5, 1), day(5, 3)), event("p", day(6, 1), day(6, 3))]


# -- rows without a stay


@pytest.mark.parametrize("row", [event("x", *DAYS, "Blocked"), closed("x", day(3, 2), day(4, 20))])
def test_a_row_that_never_had_a_stay_is_forgotten_as_soon_as_it_leaves(flat: Property, row: str) -> None:
    feed = feed_of(flat, channel="booking")
    take(feed, [row, B])
    take(feed, EMPTY)
    assert FeedItem.objects.filter(uid__startswith="x").exists(), "an empty calendar tells nothing"
    take(feed, [B])
    assert list(FeedItem.objects.values_list("uid", flat=True)) == ["b"]


@pytest.mark.parametrize("given_up", ["not_stay", "cancelled", "deleted"])
def test_what_a_person_decided_outlives_a_short_absence(
    flat: Property, clock: time_machine.Traveller, given_up: str
) -> None:
    """The row of a stay that a person refused was missing once, and the refused guest had a code again."""
    feed = feed_of(flat)
    take(feed, [A, B])
    stay = FeedItem.objects.get(uid="a").booking
    assert stay is not None
    if given_up == "not_stay":
        approval.decide(FeedItem.objects.get(uid="a").pk, "not_stay", timezone.now())
    elif given_up == "cancelled":
        cancel(stay)
    else:
        stay.delete()
    take(feed, [B])
    clock.shift(timedelta(minutes=29))
    take(feed, [B])
    take(feed, [A, B])
    assert stays(flat) == [("03-20", "03-22")]


@pytest.mark.parametrize(("minutes", "gone"), [(29, False), (30, True)])
def test_the_absence_of_what_a_person_refused_is_certain_after_half_an_hour(
    flat: Property, clock: time_machine.Traveller, minutes: int, gone: bool
) -> None:
    feed = feed_of(flat)
    take(feed, [A, B])
    approval.decide(FeedItem.objects.get(uid="a").pk, "not_stay", timezone.now())
    take(feed, EMPTY)
    clock.shift(HALF_HOUR)
    take(feed, [B])  # an empty calendar does not count
    clock.shift(timedelta(minutes=minutes))
    take(feed, [B])
    assert (FeedItem.objects.get(uid="a").gone_at is not None) is gone


# -- what time alone may change


def test_only_what_is_absent_may_ripen(flat: Property, clock: time_machine.Traveller) -> None:
    """Otherwise each fetch of an unchanged calendar would look at all its rows."""
    feed = feed_of(flat)
    take(feed, three_events())
    assert state_of(feed).pending_absences == 0
    assert take(feed, three_events()).unchanged
    take(feed, three_events(without="a"))
    assert state_of(feed).pending_absences == 1
    assert not take(feed, three_events(without="a")).unchanged
    clock.shift(HALF_HOUR)
    assert run.confirm_unchanged(feed.pk, timezone.now()).cancelled == 1
    assert state_of(feed).pending_absences == 0
    assert take(feed, three_events(without="a")).unchanged


@pytest.mark.parametrize(("decision", "pending"), [("", 2), ("keep", 2), ("cancel", 0)])
def test_what_waits_for_a_person_or_was_kept_may_ripen(flat: Property, decision: str, pending: int) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="ab"))
    if decision == "keep":
        approval.dismiss(feed.pk, timezone.now())
    elif decision == "cancel":
        approval.approve(feed.pk, timezone.now())
    assert state_of(feed).pending_absences == pending
    take(feed, three_events())
    assert state_of(feed).pending_absences == 0


def test_a_running_stay_that_the_channel_cancelled_waits_for_a_person_and_not_for_time(flat: Property) -> None:
    feed = feed_of(flat)
    running = day(2, 27), day(3, 3)
    take(feed, [event("now", *running), A])
    assert take(feed, [event("now", *running, status="CANCELLED"), A]).held == 1
    assert state_of(feed).pending_absences == 0


# -- days that are taken again while somebody knows the code


@pytest.mark.parametrize(
    ("first", "then", "known", "asked"),
    [
        pytest.param("Reserved", event("z9", *DAYS), True, True, id="perhaps another guest, who knows the code"),
        pytest.param("Reserved", event("z9", *DAYS), False, False, id="nobody knows the code"),
        pytest.param("Reserved", "", True, False, id="the days are free"),
        pytest.param("Reserved", event("z9", day(3, 10), day(3, 13)), True, False, id="other days"),
        pytest.param("Reserved", event("z9", *DAYS, "Blocked"), True, False, id="closed days"),
        pytest.param("Reserved - Ann Lee", event("z9", *DAYS), True, False, id="the former guest had a name"),
        pytest.param("Reserved", event("z9", *DAYS, status="TENTATIVE"), True, True, id="not confirmed yet"),
    ],
)
def test_a_person_is_asked_where_a_known_code_may_be_another_guests_now(
    flat: Property, clock: time_machine.Traveller, first: str, then: str, known: bool, asked: bool
) -> None:
    feed = feed_of(flat)
    take(feed, [event("z1", *DAYS, first), *FAR])
    stay = Booking.objects.get(check_in__date=DAYS[0])
    if known:
        AccessGrant.objects.filter(booking=stay).update(disclosed_at=timezone.now())
    take(feed, FAR)
    clock.shift(HALF_HOUR)
    take(feed, [*([then] if then else []), *FAR])
    stay.refresh_from_db()
    assert stay.status == ("confirmed" if asked else "cancelled")
    assert incidents_of(feed) == ([("feed_held", True)] if asked else [])
