"""“Not modified” is a server's word, and some servers' word is worth little."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rentals.calendars.fetching import polling
from rentals.calendars.fetching.polling import PollResult
from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, FeedState
from rentals.outbound import NEIGHBOURHOOD
from tests.support.feed_pages import calendar, event
from tests.support.feeds import FeedServer
from tests.support.polling import feed_at, open_incidents, polled, state_of

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST = event("one@x", "20270410", "20270414")
BEFORE, AFTER = calendar(FIRST), calendar(FIRST, event("two@x", "20270420", "20270424"))
FUTURE = {"Last-Modified": "Tue, 01 Jan 2030 00:00:00 GMT"}


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


def conditional(server: FeedServer) -> list[bool]:
    return [bool({"if-none-match", "if-modified-since"} & set(one.headers)) for one in server.asked]


def guests() -> int:
    return Booking.objects.filter(status="confirmed").count()


def until_seen(feed: CalendarFeed, clock: time_machine.Traveller, most: timedelta) -> timedelta:
    """Poll the feed whenever it is due, until it has brought another stay: how long that took."""
    began, before = timezone.now(), guests()
    while guests() == before:
        assert timezone.now() - began <= most
        due = state_of(feed).next_fetch_at
        assert due is not None
        clock.move_to(max(due, timezone.now()))
        polled(feed)
    return timezone.now() - began


class TestForEver:
    @pytest.mark.parametrize(("minutes", "hours"), [(15, 0), (60, 23), (60, 200), (420, 0), (420, 30), (1440, 1)])
    def test_a_server_that_says_so_for_ever_hides_a_new_guest_for_a_day_at_most(
        self, clock: time_machine.Traveller, server: FeedServer, minutes: int, hours: int
    ) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE), poll_minutes=minutes)
        polled(feed)
        for _ in range(hours):
            clock.shift(HOUR)
            polled(feed)
        server.frozen("/a.ics", AFTER)
        assert until_seen(feed, clock, 3 * DAY) <= DAY * 1.01
        assert open_incidents(feed) == []

    def test_between_two_whole_calendars_nothing_is_downloaded(
        self, clock: time_machine.Traveller, server: FeedServer
    ) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        for _ in range(4 * 24 * 3):
            polled(feed)
            clock.shift(15 * MINUTE)
        assert 3 <= conditional(server).count(False) <= 4

    def test_how_often_is_a_setting(
        self, clock: time_machine.Traveller, server: FeedServer, settings: Settings
    ) -> None:
        settings.FEED_REFETCH_SECONDS = 3600
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        polled(feed)
        server.frozen("/a.ics", AFTER)
        assert until_seen(feed, clock, DAY) <= HOUR

    def test_one_that_says_so_even_unasked_is_stale(self, clock: time_machine.Traveller, server: FeedServer) -> None:
        """What was taken for good fetches in between was nothing, so the calendar counts as old as it is."""
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        polled(feed)
        came = timezone.now()
        server.frozen("/a.ics", BEFORE, even_unasked=True)
        while timezone.now() - came < DAY + HOUR:
            clock.shift(15 * MINUTE)
            polled(feed)
            polling.check_conditions(timezone.now())
        state = state_of(feed)
        assert state.last_good_at == came
        assert "whole calendar" in state.last_error
        assert "feed_stale" in open_incidents(feed)
        assert guests() == 1
        server.put("/a.ics", AFTER)
        until_seen(feed, clock, DAY)
        assert open_incidents(feed) == []

    def test_what_was_pushed_meanwhile_is_not_old(self, clock: time_machine.Traveller, server: FeedServer) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        polled(feed)
        server.frozen("/a.ics", BEFORE, even_unasked=True)
        clock.shift(20 * HOUR)
        pushed = timezone.now()
        run.import_calendar(feed.pk, AFTER, pushed)
        clock.shift(8 * HOUR)
        assert polled(feed) is PollResult.FAILED
        polling.check_conditions(timezone.now())
        assert state_of(feed).last_good_at == pushed
        assert open_incidents(feed) == []


class TestContradicted:
    def test_by_a_push_that_only_says_that_there_is_news(
        self, clock: time_machine.Traveller, server: FeedServer, client: Client
    ) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        polled(feed)
        clock.shift(HOUR)
        server.put("/a.ics", AFTER, etag=True)
        answered = client.post(f"/webhooks/ical/{feed.token}/", b"", content_type="text/calendar")
        assert answered.json() == {"status": "fetching"}
        clock.shift(MINUTE)
        assert polled(feed) is PollResult.IMPORTED
        clock.shift(HOUR)
        polled(feed)
        assert conditional(server) == [False, False, True]

    def test_by_a_push_while_it_was_asked(self, clock: time_machine.Traveller, server: FeedServer) -> None:
        """The running fetch may have asked too early: its validators are not believed."""
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        asked_at: list[datetime] = []

        def ticking() -> datetime:
            if not asked_at:
                asked_at.append(timezone.now())
                return asked_at[0]
            clock.shift(MINUTE / 2)
            polling.request_fetch(feed.pk, timezone.now())  # before the import is written
            return timezone.now()

        polling.poll(feed.pk, clock=ticking, network=NEIGHBOURHOOD)
        server.frozen("/a.ics", AFTER)
        assert polling.due_feeds(timezone.now(), 10) == [feed.pk]
        polled(feed)
        assert guests() == 2

    def test_by_a_pushed_calendar_that_differs(self, clock: time_machine.Traveller, server: FeedServer) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        polled(feed)
        clock.shift(HOUR)
        run.import_calendar(feed.pk, AFTER, timezone.now())
        server.frozen("/a.ics", AFTER)
        clock.shift(MINUTE)
        polled(feed)
        assert conditional(server) == [False, False]

    def test_by_a_date_in_the_future(self, clock: time_machine.Traveller, server: FeedServer) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE, headers=FUTURE))
        polled(feed)
        clock.shift(HOUR)
        server.frozen("/a.ics", AFTER, headers=FUTURE)
        assert until_seen(feed, clock, DAY) <= 15 * MINUTE

    def test_by_a_date_in_the_future_that_was_kept_by_an_earlier_version(
        self, clock: time_machine.Traveller, server: FeedServer
    ) -> None:
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE))
        polled(feed)
        mark = state_of(feed).etag.partition(" ")[0]
        FeedState.objects.update(last_modified=f"{mark} {FUTURE['Last-Modified']}")
        clock.shift(HOUR)
        polled(feed)
        assert conditional(server) == [False, False]

    @pytest.mark.parametrize(
        "headers", [{}, {"ETag": "", "Last-Modified": "Sun, 28 Feb 2027 09:00:00 GMT"}], ids=["tag", "date"]
    )
    def test_by_another_calendar_under_the_same_version(
        self, clock: time_machine.Traveller, server: FeedServer, headers: dict[str, str]
    ) -> None:
        """Found when the whole calendar comes: from then on it always does, until the address changes."""
        feed = feed_at(None, url=server.frozen("/a.ics", BEFORE, headers=headers))
        polled(feed)
        server.frozen("/a.ics", AFTER, headers=headers)
        until_seen(feed, clock, 2 * DAY)
        count = len(server.asked)
        for body in (BEFORE, AFTER):
            clock.shift(HOUR)
            server.frozen("/a.ics", body, headers=headers)
            polled(feed)
        assert conditional(server)[count:] == [False, False]
        feed.url = server.frozen("/b.ics", AFTER, headers=headers)
        feed.save()
        for _ in range(2):
            clock.shift(HOUR)
            polled(feed)
        assert conditional(server)[-2:] == [False, True]

    def test_new_stamps_or_other_rules_of_ours_disprove_nothing(
        self, clock: time_machine.Traveller, server: FeedServer
    ) -> None:
        def stamped(stamp: str) -> bytes:
            return BEFORE.replace(b"BEGIN:VEVENT", b"BEGIN:VEVENT\r\nDTSTAMP:" + stamp.encode())

        feed = feed_at(None, url=server.frozen("/a.ics", stamped("20270301T000000Z")))
        polled(feed)
        CalendarFeed.objects.update(longest_stay_nights=10)
        server.frozen("/a.ics", stamped("20270302T000000Z"))
        clock.shift(DAY)
        polled(feed)
        clock.shift(HOUR)
        polled(feed)
        assert conditional(server) == [False, False, True]
        assert state_of(feed).disproved == ""
