"""The outcomes table of the sample calendars, file by file, from bytes to bookings.

Clock 1 March 2027, 09:00 UTC; Europe/Warsaw, check-in 15:00, check-out 11:00.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant, Incident
from rentals.calendars.events import FeedError
from rentals.models import Booking, FeedItem, FeedState, Property
from tests.support.calendars import at, sample
from tests.support.imports import HALF_HOUR, feed_of, stays, take

pytestmark = pytest.mark.django_db


def _verdicts(**fields: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for verdict in FeedItem.objects.filter(**fields).values_list("verdict", flat=True):
        found[verdict] = found.get(verdict, 0) + 1
    return found


def _windows() -> set[tuple[datetime, datetime]]:
    return set(Booking.objects.values_list("check_in", "check_out"))


def test_sample_01_three_stays_and_two_blocks(flat: Property) -> None:
    summary = take(feed_of(flat), sample("01"))
    assert (summary.created, summary.quarantined, summary.review) == (3, 0, 0)
    assert stays(flat) == [("02-27", "03-03"), ("03-03", "03-08"), ("04-10", "04-14")]
    assert _verdicts() == {"stay": 3, "block": 2}
    items = {item.reservation_code: item for item in FeedItem.objects.filter(verdict="stay").select_related("booking")}
    assert {code: item.phone_last4 for code, item in items.items()} == {
        "HMTEST0001": "4821",
        "HMTEST0002": "1177",
        "HMTEST0003": "9034",
    }
    first, second = items["HMTEST0001"].booking, items["HMTEST0002"].booking
    assert first is not None
    assert second is not None
    assert first.check_out == at(3, 3, 10)
    assert second.check_in == at(3, 3, 14)
    granted = AccessGrant.objects.values_list("booking", flat=True)
    assert set(granted) == {first.pk, second.pk}, "the stay in April lies beyond the issue-ahead window"


def test_sample_02_after_01_moves_a_stay_and_cancels_the_absent_one_when_it_is_certain(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, sample("01"))
    codes = {grant.booking_id: grant.code for grant in AccessGrant.objects.all()}
    summary = take(feed, sample("02"))
    assert (summary.created, summary.changed, summary.cancelled, summary.held) == (0, 1, 0, 0)
    assert stays(flat) == [("02-27", "03-03"), ("03-04", "03-09"), ("04-10", "04-14")]
    assert {grant.booking_id: grant.code for grant in AccessGrant.objects.all()} == codes
    clock.shift(HALF_HOUR)
    assert take(feed, sample("02")).cancelled == 1
    assert stays(flat) == [("02-27", "03-03"), ("03-04", "03-09")]


def test_sample_04_three_stays_and_one_to_look_at(flat: Property) -> None:
    summary = take(feed_of(flat), sample("04"))
    assert (summary.created, summary.review) == (3, 1)
    assert stays(flat) == [("03-01", "03-05"), ("03-15", "03-17"), ("04-10", "04-14")]
    assert _verdicts() == {"stay": 3, "review": 1}


def test_sample_04_with_01_on_the_same_property_shares_one_stay(flat: Property) -> None:
    take(feed_of(flat), sample("01"))
    summary = take(feed_of(flat, "Booking.com"), sample("04"))
    assert summary.created == 2
    assert stays(flat).count(("04-10", "04-14")) == 1


def test_sample_05_after_04_the_next_day_changes_nothing(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, sample("04"))
    before = list(Booking.objects.order_by("pk").values())
    clock.move_to(at(3, 2, 9))
    summary = take(feed, sample("05"))
    assert (summary.created, summary.changed, summary.cancelled, summary.held, summary.absent) == (0, 0, 0, 0, 0)
    assert list(Booking.objects.order_by("pk").values()) == before
    assert FeedItem.objects.filter(uid__startswith="b").count() == 4


def test_sample_06_stays_tentative_ones_and_blocks(flat: Property) -> None:
    take(feed_of(flat), sample("06"))
    assert stays(flat) == [("03-09", "03-12"), ("05-01", "05-08"), ("07-01", "07-03")]
    assert stays(flat, "tentative") == [("04-02", "04-05"), ("06-01", "06-10")]
    assert _verdicts() == {"stay": 3, "tentative": 2, "block": 2}
    assert {item.guest_name for item in FeedItem.objects.exclude(guest_name="")} == {
        "Dana",
        "Piotr",
        "M & Mme Testowy",
        "Sylvie",
    }


def test_sample_08_one_stay_and_its_markers(flat: Property) -> None:
    take(feed_of(flat), sample("08"))
    assert stays(flat) == [("03-22", "03-26")]
    assert _verdicts() == {"stay": 1, "marker": 2}


def test_sample_09_instants_across_both_clock_changes(flat: Property) -> None:
    take(feed_of(flat), sample("09"))
    assert _windows() == {
        (at(3, 27, 15), at(3, 29, 8)),
        (at(3, 28, 1, 30), at(3, 30, 9)),
        (at(10, 29, 13), at(10, 31, 0, 30)),
    }
    overlapping = Booking.objects.with_overlaps().filter(overlaps=True)  # type: ignore[misc]
    assert overlapping.count() == 2


def test_sample_13_the_good_ones_are_taken_and_the_bad_ones_kept_aside(flat: Property) -> None:
    summary = take(feed_of(flat), sample("13"))
    assert (summary.created, summary.quarantined) == (10, 3)
    assert set(FeedItem.objects.filter(verdict="quarantined").values_list("uid", flat=True)) == {
        "e4-backwards@x.invalid",
        "e9-no-dtstart@x.invalid",
        "e12-impossible@x.invalid",
    }
    assert all(item.reason for item in FeedItem.objects.filter(verdict="quarantined"))
    assert [one.kind for one in Incident.objects.filter(feed__property=flat)] == ["feed_unreadable"]
    assert Booking.objects.get(needs_review=True).feed_items.get().uid == "e3-zero@x.invalid"
    assert stays(flat) == [
        ("04-01", "04-02"),
        ("04-05", "04-08"),
        ("04-10", "04-11"),
        ("04-22", "04-24"),
        ("04-25", "04-27"),
        ("04-28", "04-30"),
        ("05-01", "05-03"),
        ("05-05", "05-07"),
        ("05-10", "05-12"),
        ("06-01", "06-04"),
    ]


def test_sample_16_is_accepted_for_a_new_feed_and_holds_one_with_stays(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    assert take(feed, sample("16")).held == 0
    take(feed, sample("01"))
    for _ in range(3):
        clock.shift(HALF_HOUR)
        summary = take(feed, sample("16"))
        assert (summary.cancelled, summary.held) == (0, 2)
    assert len(stays(flat)) == 3
    assert FeedState.objects.get(feed=feed).held_since is not None


@pytest.mark.parametrize("number", ["17", "18"])
def test_samples_17_and_18_are_feed_errors(flat: Property, number: str) -> None:
    feed = feed_of(flat)
    with pytest.raises(FeedError):
        take(feed, sample(number))
    take(feed, sample("01"))
    with pytest.raises(FeedError) as caught:
        take(feed, sample(number))
    assert "HMTEST" not in str(caught.value)
    assert len(stays(flat)) == 3
    assert timezone.now() == FeedState.objects.get(feed=feed).last_good_at
