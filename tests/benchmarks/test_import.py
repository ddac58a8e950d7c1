"""What an import costs, as ratios within one run: machines differ and are noisy, ratios much less.

`make bench` measures with 5,000 events. In the test suite it runs with fewer, writes its figures to `var/figures/`, and
asserts what does not depend on the clock: how many queries, and that no stay is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import icalendar
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.calendars import AIRBNB, airbnb, calendar
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.paths import FIGURES

pytestmark = pytest.mark.django_db

FIRST_DAY = date(2027, 2, 20)
EVENTS = 5000 if os.environ.get("TURNKEY_FULL_SIZE") == "1" else 1500


def _body(count: int) -> bytes:
    """Stays of one to three nights, one after the other through the flats of a building (500 a year, ten years)."""
    events: list[str] = []
    starts = FIRST_DAY
    for number in range(count):
        starts += timedelta(days=number % 3 // 2)
        events.append(
            airbnb(f"1418fb94e984-{number:032x}", starts, starts + timedelta(days=1 + number % 3), _code(number))
        )
    return calendar(*events, prodid=AIRBNB)


def _code(number: int) -> str:
    return f"HM{number:08X}"


def _restamped(body: bytes) -> bytes:
    return body.replace(b"DTSTAMP:20270301T061512Z", b"DTSTAMP:20270301T063012Z")


def _seconds(act: Callable[[], Any]) -> float:
    """The processor time of one call, the best of what was measured being the caller's business."""
    begin = time.process_time()
    act()
    return time.process_time() - begin


@pytest.fixture
def flat(house: House) -> Property:
    return house.flat(house.lock(), name="Big house")


def _parsing(body: bytes) -> float:
    return min(_seconds(lambda: icalendar.Calendar.from_ical(body)) for _ in range(3))


def _first(flat: Property, body: bytes) -> tuple[CalendarFeed, float]:
    feed = feed_of(flat, f"Feed {CalendarFeed.objects.count()}")
    return feed, _seconds(lambda: take(feed, body))


@pytest.mark.benchmark
def test_cost_of_an_import(flat: Property, clock: time_machine.Traveller) -> None:
    big, small = _body(EVENTS), _body(EVENTS // 10)
    with time_machine.travel(timezone.now(), tick=True):
        alone = _parsing(big)
        _, small_first = _first(flat, small)
        Booking.objects.all().delete()
        feed, first = _first(flat, big)
        identical = min(_seconds(lambda: take(feed, big)) for _ in range(3))
        stays = list(Booking.objects.order_by("pk").values())
        items = list(FeedItem.objects.order_by("pk").values())
        restamped = _seconds(lambda: take(feed, _restamped(big)))
        assert list(Booking.objects.order_by("pk").values()) == stays
        assert list(FeedItem.objects.order_by("pk").values()) == items
    lines = [
        f"icalendar alone parses {EVENTS:,} events: 1.00 ({alone * 1000:.0f} ms of processor time)",
        f"first import of {EVENTS:,} events: {first / alone:.2f} (at most 2.5)",
        f"identical bytes: {identical / alone:.4f} (at most 0.02)",
        f"only DTSTAMP changed: {restamped / alone:.3f} (at most 1.3)",
        f"{EVENTS:,} events to {EVENTS // 10:,} events, first import: {first / small_first:.1f} (at most 11)",
    ]
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "calendar-import.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n" + "\n".join(lines))


def test_an_unchanged_feed_costs_at_most_three_queries(flat: Property, clock: time_machine.Traveller) -> None:
    body = _body(500)
    feed, _ = _first(flat, body)
    clock.shift(timedelta(minutes=15))
    for same in (body, _restamped(body)):
        with CaptureQueriesContext(connection) as queries:
            assert take(feed, same).unchanged
        assert len(queries) <= 3
