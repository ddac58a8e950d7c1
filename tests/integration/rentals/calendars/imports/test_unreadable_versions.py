"""A row whose latest version cannot be read: what it said last counts, and why it cannot be read is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.imports import approval
from rentals.models import FeedItem, Property
from tests.support.calendars import at, day, event
from tests.support.imports import feed_of, stays, take, wanted_codes

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
GOOD = event("a", day(3, 10), day(3, 14), "Reserved - Anna")
BACKWARDS, IMPOSSIBLE = GOOD.replace("20270314", "20270301"), GOOD.replace("20270314", "20270332")
OTHER = event("o", day(5, 1), day(5, 3))
STILL = "Its latest version cannot be read; the version before still counts. "
WHY = {BACKWARDS: "It ends before it starts.", IMPOSSIBLE: "A date in it does not exist."}


def held() -> FeedItem:
    return FeedItem.objects.get(uid="a")


def test_the_version_before_still_counts_and_the_reason_says_so(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [GOOD, OTHER])
    codes = wanted_codes()
    began = timezone.now()
    for body, why in WHY.items():
        clock.shift(MINUTE)
        take(feed, [body, OTHER])
        one = held()
        assert one.reason == STILL + why
        assert (one.verdict, one.guest_name, one.ends_on) == ("stay", "Anna", day(3, 14))
        assert one.unreadable_since == began + MINUTE
    assert wanted_codes() == codes
    take(feed, [GOOD, OTHER])
    assert (held().unreadable_since, held().reason) == (None, "Its text means: a stay.")


def test_one_that_could_never_be_read_says_what_can_be_read_now(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    began = timezone.now()
    take(feed, [BACKWARDS, OTHER])
    assert held().reason == WHY[BACKWARDS]
    assert (held().starts_on, held().ends_on, held().unreadable_since) == (day(3, 10), None, began)
    clock.shift(MINUTE)
    take(feed, [event("a", day(3, 12), day(3, 1), "Reserved - Piotr"), OTHER])
    one = held()
    assert (one.starts_on, one.starts_at, one.summary) == (day(3, 12), at(3, 12, 14), "Reserved - Piotr")
    assert (one.verdict, one.unreadable_since) == ("quarantined", began)
    take(feed, [IMPOSSIBLE.replace("20270310", "20270399").replace("20270332", "20270314"), OTHER])
    one = held()
    assert one.reason == WHY[IMPOSSIBLE]
    assert (one.starts_on, one.starts_at, one.ends_on, one.ends_at) == (None, None, day(3, 14), at(3, 14, 10))
    take(feed, [GOOD, OTHER])
    assert ("03-10", "03-14") in stays(flat)
    assert held().unreadable_since is None


def test_it_is_listed_so_its_stay_is_not_absent(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    more = [OTHER, event("p", day(6, 1), day(6, 3)), event("q", day(7, 1), day(7, 3))]
    take(feed, [GOOD, *more])
    take(feed, more)
    assert held().absent_since == timezone.now()
    for _ in range(3):
        clock.shift(timedelta(hours=1))
        take(feed, [BACKWARDS, *more])
        assert (held().absent_since, held().gone_at) == (None, None)
    assert ("03-10", "03-14") in stays(flat)


def test_one_that_is_listed_unreadably_ends_what_a_person_was_asked(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [GOOD])
    take(feed, [])
    assert held().awaits_approval
    summary = take(feed, [BACKWARDS])
    assert (held().awaits_approval, summary.held) == (False, 0)
    assert [one.action.name for one in summary.rows] == ["QUARANTINED"]


def test_of_one_that_a_person_called_no_stay_nothing_is_told(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [GOOD, OTHER])
    approval.decide(held().pk, "not_stay", timezone.now())
    before = held().reason
    summary = take(feed, [BACKWARDS, OTHER])
    assert (held().unreadable_since, held().reason, summary.rows) == (None, before, ())
    assert summary.quarantined == 1
