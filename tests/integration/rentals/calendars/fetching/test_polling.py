"""When a feed is fetched, what one fetch costs, and how fetches are spread."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from rentals.calendars.fetching import polling
from rentals.calendars.fetching.polling import PollResult, poll
from rentals.models import Booking, CalendarFeed, FeedState, Property
from tests.support.polling import AIRBNB, feed_at, good, polled, state_of
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class TestOneFetch:
    def test_a_due_feed_is_fetched_and_taken_in(self, clock: time_machine.Traveller) -> None:
        with Server([good(ETag='"1"')]) as server:
            feed = feed_at(server)
            assert polled(feed) is PollResult.IMPORTED
        assert Booking.objects.filter(status="confirmed").count() == 3
        state = state_of(feed)
        assert (state.claim_token, state.claimed_until, state.failures) == (None, None, 0)
        assert state.etag.endswith('"1"')
        assert (state.last_good_at, state.last_try_at) == (timezone.now(), timezone.now())
        assert state.next_fetch_at == timezone.now() + 15 * MINUTE

    def test_a_feed_that_is_not_due_is_left_alone(self, clock: time_machine.Traveller) -> None:
        with Server([good()]) as server:
            feed = feed_at(server)
            assert [polled(feed), polled(feed)] == [PollResult.IMPORTED, PollResult.LEFT]
            clock.shift(15 * MINUTE)
            assert polled(feed) is PollResult.UNCHANGED
        assert len(server.requests) == 2

    def test_an_unchanged_feed_costs_three_queries(
        self, clock: time_machine.Traveller, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with Server([good(ETag='"1"')]) as server:
            feed = feed_at(server)
            polled(feed)
            clock.shift(HOUR)
            with django_assert_max_num_queries(3):
                assert polled(feed) is PollResult.UNCHANGED
        state = state_of(feed)
        assert (state.last_good_at, state.next_fetch_at) == (timezone.now(), timezone.now() + 15 * MINUTE)

    def test_a_304_is_a_good_fetch(self, clock: time_machine.Traveller) -> None:
        with Server([good(ETag='"1"'), answer(304)]) as server:
            feed = feed_at(server)
            polled(feed)
            clock.shift(HOUR)
            assert polled(feed) is PollResult.UNCHANGED
            assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"1"']
        state = state_of(feed)
        assert state.last_good_at == timezone.now()
        assert state.etag.endswith('"1"')
        assert state.next_fetch_at == timezone.now() + 15 * MINUTE

    def test_a_304_costs_three_queries(
        self, clock: time_machine.Traveller, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with Server([good(ETag='"1"'), answer(304)]) as server:
            feed = feed_at(server)
            polled(feed)
            clock.shift(HOUR)
            with django_assert_max_num_queries(3):
                assert polled(feed) is PollResult.UNCHANGED

    def test_a_condition_is_not_asked_for_content_that_we_do_not_hold(self, clock: time_machine.Traveller) -> None:
        with Server([good(ETag='"1"')]) as server:
            feed = feed_at(server)
            polled(feed)
            FeedState.objects.update(body_hash="")
            clock.shift(HOUR)
            polled(feed)
            assert "if-none-match" not in server.requests[1].headers

    def test_validators_count_only_for_the_address_that_gave_them(self, clock: time_machine.Traveller) -> None:
        """A new link whose calendar has not changed since that date must not confirm what the old one said."""
        date = "Mon, 01 Mar 2027 08:00:00 GMT"
        headers = {"ETag": '"' + "x" * 300 + '"', "Last-Modified": date}
        with Server([answer(200, raw=AIRBNB, headers=headers)]) as server:
            feed = feed_at(server)
            polled(feed)
            clock.shift(HOUR)
            polled(feed)
            feed.url += "?new"
            feed.save()
            clock.shift(HOUR)
            polled(feed)
            assert [request.headers.get("if-modified-since") for request in server.requests] == [None, date, None]

    @pytest.mark.parametrize("fields", [{"is_active": False}, {"url": ""}])
    def test_a_feed_that_is_switched_off_or_has_no_address_is_not_fetched(
        self, clock: time_machine.Traveller, fields: dict[str, object]
    ) -> None:
        with Server([good()]) as server:
            feed = feed_at(server, **fields)
            assert polling.due_feeds(timezone.now(), 10) == []
            assert polled(feed) is PollResult.LEFT
            assert state_of(feed).claim_token is None
        assert server.requests == []

    def test_all_feeds_may_be_given_one_interval(self, clock: time_machine.Traveller, settings: Settings) -> None:
        settings.FEED_POLL_SECONDS = 2
        with Server([good()]) as server:
            feed = feed_at(server)
            polled(feed)
        assert state_of(feed).next_fetch_at == timezone.now() + timedelta(seconds=2)

    def test_private_hosts_are_reached_only_where_a_setting_allows_it(
        self, clock: time_machine.Traveller, settings: Settings
    ) -> None:
        with Server([good()]) as server:
            feed = feed_at(server)
            assert poll(feed.pk) is PollResult.FAILED
            assert "https" in state_of(feed).last_error
            settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
            clock.shift(HOUR)
            assert poll(feed.pk) is PollResult.IMPORTED
            assert polling.fetch_once(feed, timezone.now()) == AIRBNB

    def test_a_deleted_feed_is_no_error(self) -> None:
        assert poll(4711) is PollResult.LEFT


class TestSpread:
    def test_new_ones_come_first_then_the_longest_due(self, clock: time_machine.Traveller) -> None:
        now = timezone.now()
        ids = [feed_at(None, url="https://feeds.example/a.ics").pk for _ in range(4)]
        for pk, due in zip(ids, (now, now - HOUR, None, now + MINUTE), strict=True):
            FeedState.objects.filter(pk=pk).update(next_fetch_at=due)
        assert polling.due_feeds(now, 10) == [ids[2], ids[1], ids[0]]
        assert polling.due_feeds(now, 2) == [ids[2], ids[1]]

    def test_five_thousand_feeds_never_fire_together(
        self, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All new at one moment: they are handed out over minutes, and stay apart ever after."""
        import random

        monkeypatch.setattr("random.uniform", random.Random(7).uniform)
        flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
        CalendarFeed.objects.bulk_create(
            CalendarFeed(property=flat, name="x", url="https://feeds.example/a.ics", token_digest=f"{number:064}")
            for number in range(5000)
        )
        polling.complete_states()
        handed: list[int] = []
        for _ in range(90):  # three times the interval
            due = polling.due_feeds(timezone.now(), polling.quota())
            handed.append(len(due))
            self.pretend_fetched(due, timezone.now())
            clock.shift(timedelta(seconds=30))
        mean = 5000 * 30 / 900
        assert max(handed) <= 1.25 * mean + 1
        assert sum(handed[:24]) == 5000  # each once before the first is due again
        # Nobody waits for long: in every quarter of an hour about as many are fetched as there are.
        assert all(4500 <= sum(handed[start : start + 30]) <= 6300 for start in range(60))

    def pretend_fetched(self, due: list[int], now: datetime) -> None:
        for start in range(0, len(due), 10):
            again = now + polling._spread(15 * MINUTE)
            FeedState.objects.filter(pk__in=due[start : start + 10]).update(next_fetch_at=again)

    def test_a_few_feeds_are_all_handed_out_at_once(self, clock: time_machine.Traveller) -> None:
        for _ in range(3):
            feed_at(None, url="https://feeds.example/a.ics")
        assert len(polling.due_feeds(timezone.now(), polling.quota())) == 3
