"""The tasks of the calendars: they hand out what is due, make room for the locks, and delete what is long over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from config.celery import app
from pins.models import Incident
from rentals import tasks
from rentals.calendars.events import Verdict
from rentals.calendars.fetching import polling
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property, WebhookReceipt
from tests.support.calendars import sample
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def at_once(settings: Settings) -> Iterator[None]:
    """A worker that takes every message the moment it is sent."""
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False


def feed_at(url: str, **fields: object) -> CalendarFeed:
    flat, _ = Property.objects.get_or_create(name="Flat", defaults={"timezone": "Europe/Warsaw"})
    return CalendarFeed.objects.create(**{"property": flat, "name": "Airbnb", "url": url, **fields})


@pytest.mark.usefixtures("at_once")
def test_a_tick_has_every_due_feed_fetched(clock: time_machine.Traveller) -> None:
    with Server([answer(200, raw=sample("01"))]) as server:
        url = f"http://127.0.0.1:{server.port}/a.ics"
        feed_at(url), feed_at(url), feed_at(url, is_active=False), feed_at("")
        tasks.poll_feeds()
        tasks.poll_feeds()
    assert len(server.requests) == 2
    assert FeedState.objects.filter(last_good_at=timezone.now()).count() == 2


def test_new_feeds_do_not_queue_behind_those_that_a_downtime_left_behind(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []

    def send(feed_id: int, seconds: float) -> bool:
        handed.append(feed_id)
        return True

    monkeypatch.setattr(tasks, "_send", send)
    for _ in range(polling.FEWEST_A_TICK + 1):
        feed_at("https://feeds.example/a.ics")
    FeedState.objects.update(next_fetch_at=timezone.now() - DAY)
    new = feed_at("https://feeds.example/b.ics")
    tasks.poll_feeds()
    assert len(handed) == polling.FEWEST_A_TICK
    assert handed[0] == new.pk


@pytest.mark.usefixtures("at_once")
def test_whoever_asks_gets_a_fetch_once_the_transaction_is_over(
    clock: time_machine.Traveller, django_capture_on_commit_callbacks: object
) -> None:
    with Server([answer(200, raw=sample("01"))]) as server:
        feed = feed_at(f"http://127.0.0.1:{server.port}/a.ics")
        FeedState.objects.update(next_fetch_at=timezone.now() + DAY)
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            tasks.ask_for_fetch(feed.pk, timezone.now())
            assert server.requests == []
        assert len(server.requests) == 1


def test_without_a_broker_the_wish_waits_in_the_database(
    clock: time_machine.Traveller, django_capture_on_commit_callbacks: object, caplog: pytest.LogCaptureFixture
) -> None:
    feed = feed_at("https://feeds.example/a.ics")
    FeedState.objects.update(next_fetch_at=timezone.now() + DAY)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        tasks.ask_for_fetch(feed.pk, timezone.now())
    assert FeedState.objects.get().next_fetch_at == timezone.now()
    tasks.poll_feeds()
    assert "broker_unreachable" in caplog.text


@pytest.mark.usefixtures("at_once")
def test_feeds_leave_threads_to_the_locks(clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(tasks, "_room", room)
    with Server([answer(200, raw=sample("01"))]) as server:
        feed = feed_at(f"http://127.0.0.1:{server.port}/a.ics")
        with room:  # another fetch is running
            tasks.fetch_feed(feed_id=feed.pk)
        assert server.requests == []
        tasks.fetch_feed(feed_id=feed.pk)
    assert len(server.requests) == 1


def test_a_worker_that_just_started_fetches_before_it_calls_anything_stale(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    feed_at("https://feeds.example/a.ics")
    FeedState.objects.update(last_good_at=timezone.now() - 3 * DAY)
    settings.FEED_STALE_SECONDS = 864_000_000  # a hundredth of it lies before any worker of this test
    tasks.poll_feeds()
    assert not Incident.objects.exists()
    settings.FEED_STALE_SECONDS = 1
    tasks.poll_feeds()
    tasks.poll_feeds()
    assert [incident.kind for incident in Incident.objects.all()] == ["feed_stale"]


def test_what_is_long_over_is_deleted(clock: time_machine.Traveller) -> None:
    now = timezone.now()
    feed = feed_at("")

    def item(name: str, ends_ago: timedelta, stay_ends_ago: timedelta | None) -> None:
        stay = None
        if stay_ends_ago is not None:
            out = now - stay_ends_ago
            stay = Booking.objects.create(property=feed.property, check_in=out - DAY, check_out=out)
        FeedItem.objects.create(
            feed=feed,
            booking=stay,
            uid=name,
            guest_name="h1dden",
            starts_at=now - ends_ago - DAY,
            ends_at=now - ends_ago,
            verdict=Verdict.STAY.value,
            first_seen_at=now,
            changed_at=now,
            gone_at=now - 300 * DAY,
        )

    item("over, no stay", 90 * DAY, None)
    item("over, stay over", 100 * DAY, 90 * DAY)
    item("over, a person let the guest stay on", 100 * DAY, -1 * DAY)
    item("over not long ago", 89 * DAY, None)
    item("to come, a person decided about it", -1 * DAY, None)
    FeedItem.objects.create(
        feed=feed, uid="unreadable", verdict="quarantined", first_seen_at=now, changed_at=now - 90 * DAY
    )
    WebhookReceipt.objects.create(feed=feed, webhook_id="old", received_at=now - 14 * DAY)
    WebhookReceipt.objects.create(feed=feed, webhook_id="young", received_at=now - 13 * DAY)
    tasks.purge()
    assert sorted(FeedItem.objects.values_list("uid", flat=True)) == [
        "over not long ago",
        "over, a person let the guest stay on",
        "to come, a person decided about it",
    ]
    assert [receipt.webhook_id for receipt in WebhookReceipt.objects.all()] == ["young"]
