"""Rows that a calendar does not list any more: what is forgotten, what is remembered, and what may still ripen."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant
from rentals.calendars.imports import approval, run
from rentals.models import Booking, FeedItem, Property
from tests.support.booking_actions import cancel
from tests.support.calendars import AIRBNB, at, calendar, closed, day, event
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


def refuse(flat: Property, how: str) -> None:
    """A person gives the stay of the row "a" up."""
    item = FeedItem.objects.get(uid="a")
    stay = Booking.objects.get(feed_items=item)
    if how == "not_stay":
        approval.decide(item.pk, "not_stay", timezone.now())
    elif how == "cancelled":
        cancel(stay)
    else:
        stay.delete()


@pytest.mark.parametrize("how", ["not_stay", "cancelled", "deleted"])
def test_what_a_person_decided_outlives_a_short_absence(
    flat: Property, clock: time_machine.Traveller, how: str
) -> None:
    """The row of a stay that a person refused was missing once, and the refused guest had a code again."""
    feed = feed_of(flat)
    take(feed, [A, B])
    refuse(flat, how)
    take(feed, [B])
    clock.shift(timedelta(minutes=29))
    take(feed, [B])
    take(feed, [A, B])
    assert stays(flat) == [("03-20", "03-22")]


@pytest.mark.parametrize("how", ["not_stay", "cancelled", "deleted"])
@pytest.mark.parametrize(("minutes", "gone"), [(29, False), (30, True)])
def test_the_absence_of_what_a_person_refused_is_certain_after_half_an_hour(
    flat: Property, clock: time_machine.Traveller, how: str, minutes: int, gone: bool
) -> None:
    feed = feed_of(flat)
    take(feed, [A, B])
    refuse(flat, how)
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


@pytest.mark.parametrize("then", [at(3, 10, 14), at(3, 14, 9), at(3, 14, 10)], ids=["begun", "last day", "over"])
@pytest.mark.parametrize("state", ["absent", "asked", "kept"])
def test_the_absence_of_a_stay_that_has_begun_means_nothing_any_more(
    flat: Property, clock: time_machine.Traveller, state: str, then: datetime
) -> None:
    feed = feed_of(flat)
    clock.move_to(at(3, 10, 13, 45))
    take(feed, [A, *FAR])
    take(feed, FAR if state == "absent" else EMPTY)
    if state == "kept":
        approval.dismiss(feed.pk, timezone.now())
    clock.move_to(then)
    take(feed, FAR)
    item = FeedItem.objects.get(uid="a")
    assert (item.absent_since, item.awaits_approval, item.kept_at, item.gone_at) == (None, False, None, None)
    assert state_of(feed).pending_absences == 0
    assert state_of(feed).held_since is None
    assert ("03-10", "03-14") in stays(flat)


# -- which stays to come there are, of which more than half must not vanish together


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(event("x", *DAYS, "Blocked"), event("x", *DAYS, "Blocked"), id="closed days"),
        pytest.param(event("x", *DAYS), event("x", *DAYS, status="CANCELLED"), id="cancelled by the channel"),
        pytest.param(event("x", day(2, 27), DAYS[1]), event("x", day(2, 27), DAYS[1]), id="in progress"),
        pytest.param(event("a", *DAYS), event("a", *DAYS), id="cancelled by a person"),
    ],
)
def test_what_is_no_stay_to_come_does_not_make_the_vanished_fewer(
    flat: Property, clock: time_machine.Traveller, before: str, now: str
) -> None:
    """With it they would be half of four; without it, two of three that vanish look like an outage."""
    feed = feed_of(flat)
    take(feed, [before, B, *FAR])
    if "UID:a" in before:
        refuse(flat, "cancelled")
    take(feed, [now, B, *FAR])
    assert take(feed, [now, B]).held == 2
    assert "2 of 3 stays" in state_of(feed).held_reason
    clock.shift(HALF_HOUR)
    take(feed, [now, B])
    assert {("05-01", "05-03"), ("06-01", "06-03")} < set(stays(flat))


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
