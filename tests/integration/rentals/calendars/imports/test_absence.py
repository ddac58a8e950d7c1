"""Rule 17, the dangerous part: what vanishes from a calendar is not cancelled unless that is certain or approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant, Incident
from rentals.calendars.events import FeedError
from rentals.calendars.imports import approval, run
from rentals.calendars.imports.ledger import Ledger
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property
from tests.support.calendars import AIRBNB, BOOKING, at, calendar, closed, day, event, sample
from tests.support.house import House
from tests.support.imports import HALF_HOUR, feed_of, incidents_of, state_of, stays, take, three_events

pytestmark = pytest.mark.django_db

EMPTY = calendar(prodid=AIRBNB)


def test_rule_17_one_absence_cancels_nothing(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="a"))
    clock.shift(timedelta(minutes=29))
    summary = take(feed, three_events(without="a"))
    assert (summary.cancelled, summary.held) == (0, 0)
    assert len(stays(flat)) == 3


def test_rule_17_two_absences_half_an_hour_apart_cancel(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    assert take(feed, three_events(without="a")).absent == 1
    clock.shift(HALF_HOUR)
    assert take(feed, three_events(without="a")).cancelled == 1
    assert stays(flat) == [("03-20", "03-22"), ("04-01", "04-05")]
    assert AccessGrant.objects.filter(wanted=False).count() == 1


def test_rule_17_a_304_counts_as_a_good_fetch(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="a"))
    clock.shift(HALF_HOUR)
    assert run.confirm_unchanged(feed.pk, timezone.now()).cancelled == 1
    assert ("03-10", "03-14") not in stays(flat)


def test_rule_17_coming_back_in_between_starts_anew(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    take(feed, three_events(without="a"))
    clock.shift(HALF_HOUR)
    take(feed, three_events())
    clock.shift(HALF_HOUR)
    assert take(feed, three_events(without="a")).cancelled == 0
    assert len(stays(flat)) == 3


def test_rule_17_a_stay_that_has_begun_is_never_cancelled_by_absence(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [event("now", day(2, 27), day(3, 3)), *three_events()])
    for _ in range(3):
        take(feed, three_events())
        clock.shift(HALF_HOUR)
    assert ("02-27", "03-03") in stays(flat)
    assert not Incident.objects.exists()


def test_rule_17_a_stay_that_begins_while_its_absence_waits_is_kept(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    clock.move_to(at(3, 10, 13, 45))
    take(feed, three_events(without="a"))
    clock.move_to(at(3, 10, 14, 20))
    take(feed, three_events(without="a"))
    assert len(stays(flat)) == 3


def test_rule_17_a_running_stay_cut_off_to_today_is_not_one_to_come(
    flat: Property, clock: time_machine.Traveller
) -> None:
    """Seen in the morning, "today" lies before the hour of check-in, although the guest came days ago."""
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 2), day(3, 6)), event("o", day(5, 1), day(5, 3))])
    clock.move_to(at(3, 4, 6))
    take(feed, [event("b", day(3, 4), day(3, 6)), event("o", day(5, 1), day(5, 3))])
    for _ in range(3):
        take(feed, [event("o", day(5, 1), day(5, 3))])
        clock.shift(HALF_HOUR)
    assert ("03-02", "03-06") in stays(flat)


def test_rule_17_an_explicit_cancellation_takes_effect_at_once(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    summary = take(feed, [*three_events(without="a"), event("a", day(3, 10), day(3, 14), status="CANCELLED")])
    assert summary.cancelled == 1
    assert ("03-10", "03-14") not in stays(flat)


def test_rule_17_an_explicit_cancellation_of_a_running_stay_waits_for_approval(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    running = event("now", day(2, 27), day(3, 3))
    take(feed, [running, *three_events()])
    cancelled = [event("now", day(2, 27), day(3, 3), status="CANCELLED"), *three_events()]
    for _ in range(3):
        assert take(feed, cancelled).cancelled == 0
        clock.shift(HALF_HOUR)
    assert ("02-27", "03-03") in stays(flat)
    assert incidents_of(feed) == [("feed_held", True)]
    assert approval.approve(feed.pk, timezone.now()) == 1
    assert ("02-27", "03-03") not in stays(flat)
    take(feed, [*cancelled, event("new", day(7, 1), day(7, 3))])
    assert ("02-27", "03-03") not in stays(flat)
    assert incidents_of(feed) == [("feed_held", False)]


def test_a_stay_that_returns_after_its_cancellation_has_its_code_again(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    code = AccessGrant.objects.get(booking__check_in=at(3, 10, 14)).code
    for _ in range(2):
        take(feed, three_events(without="a"))
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == 2
    take(feed, three_events())
    assert AccessGrant.objects.get(booking__check_in=at(3, 10, 14), wanted=True).code == code


@pytest.mark.parametrize("number", ["17", "18"])
def test_rule_02_a_feed_error_changes_nothing(flat: Property, clock: time_machine.Traveller, number: str) -> None:
    feed = feed_of(flat)
    take(feed, sample("01"))
    rows = [list(model.objects.order_by("pk").values()) for model in (Booking, FeedItem, FeedState)]
    for _ in range(3):
        clock.shift(HALF_HOUR)
        with pytest.raises(FeedError):
            take(feed, sample(number))
    assert [list(model.objects.order_by("pk").values()) for model in (Booking, FeedItem, FeedState)] == rows


def test_an_event_that_cannot_be_read_is_not_absent(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    broken = [event("a", day(3, 14), day(3, 10)), *three_events(without="a")]
    for _ in range(3):
        assert take(feed, broken).quarantined == 1
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == 3


def test_damage_that_may_hide_an_event_confirms_no_absence(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, three_events())
    damaged = (
        calendar(*three_events()).replace(b"UID:a\r\n", b"").replace(b"DTSTART;VALUE=DATE:20270310", b"DTSTART:??")
    )
    for _ in range(3):
        take(feed, damaged)
        clock.shift(HALF_HOUR)
    assert len(stays(flat)) == 3


def test_older_content_than_what_we_hold_is_dropped(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    asked_at = timezone.now()
    clock.shift(timedelta(seconds=20))
    take(feed, three_events())
    late = run.import_calendar(feed.pk, calendar(*three_events(without="abc")), timezone.now(), as_of=asked_at)
    assert late.outdated
    assert state_of(feed).held_since is None


def test_a_dry_run_tells_the_same_and_writes_nothing(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, sample("01"))

    def tables() -> list[Any]:
        return [list(m.objects.order_by("pk").values()) for m in (Booking, FeedItem, FeedState, AccessGrant, Incident)]

    before = tables()
    planned = run.import_calendar(feed.pk, sample("16"), timezone.now(), dry_run=True)
    assert tables() == before
    done = take(feed, sample("16"))
    assert (planned.rows, planned.as_json(), planned.held_reason) == (done.rows, done.as_json(), done.held_reason)


@pytest.mark.slow
def test_outage_of_fifty_feeds_for_a_day(house: House, clock: time_machine.Traveller) -> None:
    """All answer 200 with zero events for a day, then recover: no cancellation, one alert each."""
    feeds: list[tuple[CalendarFeed, bytes]] = []
    for number in range(50):
        flat = house.flat(name=f"Flat {number}")
        body = calendar(*three_events()[: 1 + number % 3], prodid=AIRBNB)
        feed = feed_of(flat, f"Feed {number}")
        take(feed, body)
        feeds.append((feed, body))
    before = list(Booking.objects.order_by("pk").values_list("pk", "check_in", "check_out", "status"))
    for _ in range(12):
        clock.shift(timedelta(hours=2))
        for feed, _body in feeds:
            take(feed, EMPTY)
    assert Incident.objects.count() == 50
    for feed, body in feeds:
        take(feed, body)
    assert list(Booking.objects.order_by("pk").values_list("pk", "check_in", "check_out", "status")) == before
    assert (
        Incident.objects.filter(kind="feed_held", resolved_at__isnull=False).count() == Incident.objects.count() == 50
    )


def test_a_channel_that_can_no_longer_be_recognised_is_still_the_same(
    flat: Property, clock: time_machine.Traveller
) -> None:
    """Without it, a new PRODID and new UIDs would turn a stay of Booking.com into closed days, and cancel it."""
    feed = feed_of(flat)
    take(feed, calendar(closed("a", day(3, 10), day(3, 14)), prodid=BOOKING))
    for _ in range(3):
        clock.shift(HALF_HOUR)
        take(feed, [event("new", day(3, 10), day(3, 14), "CLOSED - Not available")])
    assert stays(flat) == [("03-10", "03-14")]
    assert Booking.objects.count() == 1


def test_the_cost_of_many_absences_grows_with_their_number_and_not_its_square(
    flat: Property, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import holds all other writers up on SQLite: twenty thousand that vanished at once took minutes."""
    feed, days = feed_of(flat), (day(3, 10), day(3, 14))
    take(feed, [event(f"old{number}", *days, summary=f"Ann {number}") for number in range(150)])
    looks, booking_of = [0], Ledger.booking_of

    def counted(self: Ledger, item: FeedItem) -> Booking | None:
        looks[0] += 1
        return booking_of(self, item)

    monkeypatch.setattr(Ledger, "booking_of", counted)
    new = (day(6, 10), day(6, 14))
    assert take(feed, [event(f"new{number}", *new, summary=f"Bob {number}") for number in range(150)]).held == 150
    assert looks[0] < 20 * 150
