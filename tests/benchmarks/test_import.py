"""What an import costs, as ratios within one run: machines differ and are noisy, ratios much less.

`make bench` measures with 5,000 events. In the test suite it runs with fewer, and asserts what does not depend on the
clock: how many queries, and that no stay is written, lost or doubled.
"""

from __future__ import annotations

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

from pins.models import AccessGrant
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.benchmarks import table
from tests.support.calendars import AIRBNB, airbnb, calendar
from tests.support.house import House
from tests.support.imports import feed_of, take

pytestmark = pytest.mark.django_db

FIRST_DAY = date(2027, 2, 20)
SOON_FROM = date(2027, 3, 2)
EVENTS = 5000 if table.FULL else 1500
SOON, RENEWED = EVENTS // 10, EVENTS * 3 // 5


def _body(count: int, *, soon: int = 0) -> bytes:
    """Stays of one to three nights, one after the other through the flats of a building (500 a year, ten years). The
    first `soon` of them begin within four weeks."""
    events: list[str] = []
    starts = FIRST_DAY
    for number in range(count):
        starts += timedelta(days=number % 3 // 2)
        begins = SOON_FROM + timedelta(days=number % 28) if number < soon else starts
        if number == soon > 0:
            begins = starts = SOON_FROM + timedelta(days=60)
        ends = begins + timedelta(days=1 + number % 3)
        events.append(airbnb(f"1418fb94e984-{number:032x}", begins, ends, _code(number)))
    return calendar(*events, prodid=AIRBNB)


def _with_new_uids(body: bytes, count: int) -> bytes:
    """The same events, the first so many under other UIDs."""
    for number in range(count):
        body = body.replace(b"1418fb94e984-%032x" % number, b"7a0b5c9d3e21-%032x" % number)
    return body


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
@pytest.mark.timeout(900)
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
    parsing = f"icalendar parses {EVENTS:,} events in {alone * 1000:.0f} ms of processor time"
    table.record(table.IDENTICAL, identical / alone, parsing)
    table.record(table.RESTAMPED, restamped / alone, parsing)
    table.record(table.LINEAR, first / small_first, f"{EVENTS:,} events to {EVENTS // 10:,}")


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_cost_of_an_import_with_codes(house: House, clock: time_machine.Traveller) -> None:
    """The stays of the next month get their codes with the import. Then most events come back under other UIDs."""
    flat = house.flat(house.lock(), name="Big house", issue_ahead_days=30)
    body = _body(EVENTS, soon=SOON)
    renewed = _with_new_uids(body, RENEWED)
    with time_machine.travel(timezone.now(), tick=True):
        alone = _parsing(body)
        feed, first = _first(flat, body)
        codes = dict(AccessGrant.objects.values_list("booking_id", "code"))
        assert len(codes) == SOON
        again = _seconds(lambda: take(feed, renewed))
    assert Booking.objects.filter(status="confirmed").count() == EVENTS, "no stay was lost or doubled"
    assert dict(AccessGrant.objects.values_list("booking_id", "code")) == codes, "all codes stay"
    parsing = f"icalendar parses {EVENTS:,} events in {alone * 1000:.0f} ms of processor time"
    table.record(table.IMPORT, first / alone, f"{SOON:,} codes; {parsing}")
    table.record(table.RENEWED, again / alone, f"{RENEWED:,} UIDs; {parsing}")


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_cost_of_new_uids_for_all(house: House, clock: time_machine.Traveller) -> None:
    flat = house.flat(house.lock(), name="Big house", issue_ahead_days=30)
    body = _body(RENEWED, soon=SOON)
    under_new_uids = _with_new_uids(body, RENEWED)
    with time_machine.travel(timezone.now(), tick=True):
        alone = _parsing(body)
        feed, _ = _first(flat, body)
        stays = set(Booking.objects.values_list("pk", "check_in", "status"))
        renewed = _seconds(lambda: take(feed, under_new_uids))
    assert set(Booking.objects.values_list("pk", "check_in", "status")) == stays
    parsing = f"icalendar parses {RENEWED:,} events in {alone * 1000:.0f} ms of processor time"
    table.record(table.RENEWED_ALL, renewed / alone, parsing)


def test_an_unchanged_feed_costs_at_most_three_queries(flat: Property, clock: time_machine.Traveller) -> None:
    body = _body(500)
    feed, _ = _first(flat, body)
    clock.shift(timedelta(minutes=15))
    for same in (body, _restamped(body)):
        with CaptureQueriesContext(connection) as queries:
            assert take(feed, same).unchanged
        assert len(queries) <= 3
