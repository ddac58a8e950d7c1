"""The demo's cottages and their calendars, without its processes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pins.stack import demo_calendars
from pins.stack.calendar_news import CalendarNews, look_at_feeds
from pins.stack.demo_calendars import CHANGES_AFTER, FEEDS, body_of, ensure_feeds, not_fetched_since, published_path
from rentals.calendars.imports.run import import_calendar
from rentals.models import Booking, CalendarFeed

pytestmark = pytest.mark.django_db

ZONE = "Europe/Warsaw"


def fetch_all(began_ago: timedelta = timedelta(0)) -> None:
    """Read every sample as the worker would, so long after the first start."""
    now = timezone.now()
    for sample in FEEDS:
        feed = CalendarFeed.objects.get(name=sample.name)
        import_calendar(feed.pk, body_of(sample, now - began_ago, now, ZONE), now)


def test_the_cottages_are_booked_by_calendar_and_it_is_told(clock: time_machine.Traveller) -> None:
    began = timezone.now()
    ensure_feeds("http://127.0.0.1:1", ZONE)
    news = CalendarNews(look_at_feeds())
    assert len(not_fetched_since(began)) == len(FEEDS)
    fetch_all()
    assert not_fetched_since(began) == []
    told = "\n".join(news.tell(look_at_feeds()))
    for line in (
        "Airbnb Orchard cottage: 3 stays arrived: 27 Feb-3 Mar, 3-8 Mar, 10-14 Apr",
        "Booking.com Mill cottage: 1 long item may be a stay or closed days",
        "2-5 Apr (tentative, no code yet)",
        "Hostaway Lake cabin: 3 stays arrived",
    ):
        assert line in told
    for guest in Booking.objects.exclude(guest_name="").values_list("guest_name", flat=True):
        assert guest not in told, "a guest's name has no place here"

    clock.shift(CHANGES_AFTER)
    fetch_all(began_ago=CHANGES_AFTER)
    lines = news.tell(look_at_feeds())
    assert len(lines) == 3
    assert lines[0] == "Airbnb Orchard cottage: 1 stay arrived: 12-15 Mar"
    assert lines[1] == "Airbnb Orchard cottage: the stay 3-8 Mar is now 4-9 Mar"
    assert "new UIDs" in lines[2]


def test_a_second_start_goes_on_with_the_same_feeds_at_another_address(clock: time_machine.Traveller) -> None:
    ensure_feeds("http://127.0.0.1:1", ZONE)
    fetch_all()
    bookings = set(Booking.objects.values_list("pk", flat=True))
    ensure_feeds("http://127.0.0.1:2", ZONE)
    assert {feed.url.rpartition("/")[0] for feed in CalendarFeed.objects.all()} == {"http://127.0.0.1:2"}
    assert set(CalendarFeed.objects.values_list("state__next_fetch_at", flat=True)) == {None}
    fetch_all()
    assert set(Booking.objects.values_list("pk", flat=True)) == bookings


def test_the_story_reads_no_secret(settings: Settings) -> None:
    ensure_feeds("http://127.0.0.1:1", ZONE)
    fetch_all()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode("ascii")]  # opens nothing that is stored
    assert len(look_at_feeds()) == len(FEEDS)
    assert len(not_fetched_since(timezone.now())) == len(FEEDS)


def test_a_calendar_is_published_for_a_look(client: Client) -> None:
    ensure_feeds("http://127.0.0.1:1", ZONE)
    fetch_all()
    assert published_path() == published_path()
    body = client.get(published_path()).content
    assert body.count(b"SUMMARY:Guest") == 3
    assert b"Turnover" in body
    assert demo_calendars.FEEDS[0].cottage.encode() in body
