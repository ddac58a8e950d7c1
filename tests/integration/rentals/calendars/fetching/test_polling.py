"""When calendars are fetched, and what failures mean, against a real feed server on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from pins.models import Incident
from rentals.calendars.fetching import polling
from rentals.calendars.fetching.polling import PollResult, poll
from rentals.models import Booking, CalendarFeed, FeedState, Property
from rentals.outbound import NEIGHBOURHOOD
from tests.support.paths import SAMPLES
from tests.support.scripted_server import Reply, Server, answer, drop

pytestmark = pytest.mark.django_db

AIRBNB = (SAMPLES / "01-airbnb-day1.ics").read_bytes()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _even_chances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Randomness is the only thing that is not real here: it always takes the middle."""
    monkeypatch.setattr("random.uniform", lambda low, high: (low + high) / 2)


def feed_at(server: Server | None, **fields: object) -> CalendarFeed:
    flat, _ = Property.objects.get_or_create(name="Flat", defaults={"timezone": "Europe/Warsaw"})
    url = f"http://ann:h1dden@127.0.0.1:{server.port}/h1dden.ics" if server else ""
    return CalendarFeed.objects.create(**{"property": flat, "name": "Airbnb", "url": url, **fields})


def polled(feed: CalendarFeed) -> PollResult:
    return poll(feed.pk, network=NEIGHBOURHOOD)


def state_of(feed: CalendarFeed) -> FeedState:
    return FeedState.objects.get(feed=feed)


def open_incidents(feed: CalendarFeed) -> list[str]:
    return sorted(Incident.objects.filter(feed=feed, resolved_at=None).values_list("kind", flat=True))


def good(body: bytes = AIRBNB, **headers: str) -> Reply:
    return answer(200, raw=body, headers=headers)


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


class Gate:
    """A reply that waits until it is let through, so that a test can act while a fetch is running."""

    def __init__(self, reply: Reply) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._reply = reply

    def __call__(self, connection: socket.socket, stop: threading.Event) -> bool:
        self.reached.set()
        assert self.opened.wait(20)
        return self._reply(connection, stop)


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def while_fetching(self, feed: CalendarFeed, gate: Gate, act: Callable[[], object]) -> PollResult:
        outcomes: list[PollResult] = []

        def work() -> None:
            try:
                outcomes.append(polled(feed))
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert gate.reached.wait(20)
            act()
        finally:
            gate.opened.set()
            thread.join(20)
        return outcomes[0]

    def test_a_feed_is_never_fetched_twice_at_once(self) -> None:
        gate = Gate(good())
        with Server([gate]) as server:
            feed = feed_at(server)
            others: list[PollResult] = []

            def act() -> None:
                assert polling.due_feeds(timezone.now(), 10) == []
                polling.request_fetch(feed.pk, timezone.now())
                assert polling.due_feeds(timezone.now(), 10) == []
                others.append(polled(feed))

            assert self.while_fetching(feed, gate, act) is PollResult.IMPORTED
        assert others == [PollResult.LEFT]
        assert len(server.requests) == 1

    @pytest.mark.parametrize("reply", [good(), answer(500)], ids=["good", "failure"])
    def test_a_wish_that_arrives_while_a_fetch_runs_is_not_lost(self, reply: Reply) -> None:
        gate = Gate(reply)
        with Server([gate]) as server:
            feed = feed_at(server)
            self.while_fetching(feed, gate, lambda: polling.request_fetch(feed.pk, timezone.now()))
        assert polling.due_feeds(timezone.now(), 10) == [feed.pk]

    @pytest.mark.parametrize("reply", [good(), answer(500)], ids=["good", "failure"])
    def test_a_late_worker_does_not_end_the_claim_of_another(self, reply: Reply) -> None:
        gate = Gate(reply)
        token = "11111111-1111-1111-1111-111111111111"
        with Server([gate]) as server:
            feed = feed_at(server)
            until = timezone.now() + HOUR
            self.while_fetching(feed, gate, lambda: FeedState.objects.update(claim_token=token, claimed_until=until))
        state = state_of(feed)
        assert (str(state.claim_token), state.claimed_until, state.failures) == (token, until, 0)

    def test_a_feed_that_is_switched_off_meanwhile_keeps_its_stays(self) -> None:
        gate = Gate(good())
        with Server([gate]) as server:
            feed = feed_at(server)
            self.while_fetching(feed, gate, lambda: CalendarFeed.objects.update(is_active=False))
        assert polling.due_feeds(timezone.now(), 10) == []

    def test_a_feed_that_is_deleted_meanwhile_is_no_error(self) -> None:
        gate = Gate(answer(500))
        with Server([gate]) as server:
            feed = feed_at(server)
            outcome = self.while_fetching(feed, gate, lambda: CalendarFeed.objects.all().delete())
        assert outcome is PollResult.FAILED
        assert not FeedState.objects.exists()


class TestDeadWorkers:
    def test_the_claim_of_a_dead_worker_ends_by_itself(self, clock: time_machine.Traveller) -> None:
        with Server([good()]) as server:
            feed = feed_at(server)
            until = timezone.now() + polling.CLAIM
            FeedState.objects.update(
                claim_token="11111111-1111-1111-1111-111111111111", claimed_until=until, next_fetch_at=until
            )
            assert polled(feed) is PollResult.LEFT
            clock.shift(polling.CLAIM)
            assert polling.due_feeds(timezone.now(), 10) == [feed.pk]
            assert polled(feed) is PollResult.IMPORTED


class TestFailures:
    def test_rule_19_failures_in_a_row_wait_longer_up_to_six_hours(self, clock: time_machine.Traveller) -> None:
        waits = []
        with Server([answer(500)]) as server:
            feed = feed_at(server)
            for number in range(1, 9):
                assert polled(feed) is PollResult.FAILED
                state = state_of(feed)
                assert state.failures == number
                assert state.next_fetch_at is not None
                waits.append((state.next_fetch_at - timezone.now()) / MINUTE)
                clock.move_to(state.next_fetch_at)
        assert waits == [wait * 0.9 for wait in (15, 30, 60, 120, 240, 360, 360, 360)]

    def test_a_feed_that_is_fetched_once_a_day_is_not_fetched_more_often_for_failing(
        self, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(500)]) as server:
            feed = feed_at(server, poll_minutes=1440)
            polled(feed)
        assert state_of(feed).next_fetch_at == timezone.now() + 1440 * 0.9 * MINUTE

    @pytest.mark.parametrize(
        ("status", "retry_after", "minutes"), [(429, "7200", 120), (503, "60", 15), (503, "999999", 360)]
    )
    def test_retry_after_is_obeyed(
        self, clock: time_machine.Traveller, status: int, retry_after: str, minutes: int
    ) -> None:
        with Server([answer(status, headers={"Retry-After": retry_after})]) as server:
            feed = feed_at(server)
            polled(feed)
        assert state_of(feed).next_fetch_at == timezone.now() + minutes * 1.05 * MINUTE

    def test_three_failures_are_one_alert_and_a_success_ends_it(self, clock: time_machine.Traveller) -> None:
        with Server([good(), *[drop()] * 5, good()]) as server:
            feed = feed_at(server)
            seen = []
            for _ in range(7):
                polled(feed)
                seen.append(open_incidents(feed))
                clock.shift(7 * HOUR)
        assert seen == [[], [], [], *[["feed_failing"]] * 3, []]
        assert Incident.objects.count() == 1
        state = state_of(feed)
        assert (state.failures, state.last_error, state.failing_since) == (0, "", None)

    @pytest.mark.parametrize("status", [404, 410])
    def test_rule_19_a_link_that_was_reset_alerts_at_once_and_keeps_every_stay(
        self, clock: time_machine.Traveller, status: int
    ) -> None:
        with Server([good(), *[answer(status)] * 4, good()]) as server:
            feed = feed_at(server)
            polled(feed)
            for _ in range(4):
                clock.shift(7 * HOUR)
                polled(feed)
                assert open_incidents(feed) == ["feed_reset"]
            assert Booking.objects.filter(status="confirmed").count() == 3
            clock.shift(7 * HOUR)
            polled(feed)
        assert open_incidents(feed) == []

    @pytest.mark.parametrize("body", [b"<html><body>Sorry</body></html>", AIRBNB[:-20], b""])
    def test_an_answer_that_is_no_calendar_counts_as_a_failure(
        self, clock: time_machine.Traveller, body: bytes
    ) -> None:
        with Server([good(), good(body)]) as server:
            feed = feed_at(server)
            polled(feed)
            clock.shift(HOUR)
            assert polled(feed) is PollResult.FAILED
        state = state_of(feed)
        assert (state.failures, state.claim_token) == (1, None)
        assert state.last_error
        assert Booking.objects.filter(status="confirmed").count() == 3

    def test_a_fault_of_our_own_backs_off_like_any_other_and_tells_nothing_personal(
        self, clock: time_machine.Traveller
    ) -> None:
        with Server([good()]) as server:
            feed = feed_at(server)
            Property.objects.update(timezone="Nowhere/At all")  # past every check
            with pytest.raises(polling.ImportBroke) as caught:
                polled(feed)
        state = state_of(feed)
        assert (state.failures, state.claim_token) == (1, None)
        assert state.last_error.startswith("Turnkey had an internal error")
        assert caught.value.__context__ is None

    def test_an_address_that_cannot_be_decrypted_is_a_failure(self, clock: time_machine.Traveller) -> None:
        with Server([good()]) as server:
            feed = feed_at(server)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE rentals_calendarfeed SET url = 'gAAAAspoilt'")
            assert polled(feed) is PollResult.FAILED
        assert "cannot be decrypted" in state_of(feed).last_error

    def test_no_text_of_a_failure_names_the_address(
        self, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        with Server(
            [answer(500), drop(), answer(404), answer(302, headers={"Location": "http://169.254.169.254/h1dden"})]
        ) as server:
            feed = feed_at(server)
            told = ""
            for _ in range(4):
                polled(feed)
                told += state_of(feed).last_error
                clock.shift(7 * HOUR)
        assert "h1dden" not in told + caplog.text


class TestStale:
    def review(self) -> None:
        polling.complete_states()
        polling.begin_waiting(timezone.now())
        polling.check_conditions(timezone.now())

    def test_rule_19_a_feed_that_nobody_fetches_for_a_day_alerts_once(self, clock: time_machine.Traveller) -> None:
        with Server([good()]) as server:
            feed = feed_at(server)
            polled(feed)
            clock.shift(23 * HOUR)
            self.review()
            assert open_incidents(feed) == []
            clock.shift(HOUR)
            self.review()
            self.review()
            assert open_incidents(feed) == ["feed_stale"]
            polled(feed)
            assert open_incidents(feed) == []
        assert Incident.objects.count() == 1

    def test_a_feed_that_fails_for_a_day_is_stale_too(self, clock: time_machine.Traveller) -> None:
        with Server([answer(500)]) as server:
            feed = feed_at(server)
            for _ in range(8):
                polled(feed)
                self.review()
                clock.shift(5 * HOUR)
        assert open_incidents(feed) == ["feed_failing", "feed_stale"]

    def test_a_new_feed_that_nobody_ever_fetches_is_stale_a_day_later(self, clock: time_machine.Traveller) -> None:
        feed = feed_at(None, url="https://feeds.example/a.ics")
        self.review()
        assert open_incidents(feed) == []
        clock.shift(24 * HOUR)
        self.review()
        assert open_incidents(feed) == ["feed_stale"]

    def test_a_feed_that_is_only_pushed_is_never_stale(self, clock: time_machine.Traveller) -> None:
        feed = feed_at(None)
        self.review()
        clock.shift(240 * HOUR)
        self.review()
        assert open_incidents(feed) == []

    def test_what_concerns_fetching_ends_when_fetching_does(self, clock: time_machine.Traveller) -> None:
        with Server([answer(404)]) as server:
            feed = feed_at(server)
            polled(feed)
        assert open_incidents(feed) == ["feed_reset"]
        CalendarFeed.objects.update(is_active=False)
        self.review()
        assert open_incidents(feed) == []

    def test_a_feed_without_its_row_of_facts_gets_one(self, clock: time_machine.Traveller) -> None:
        feed = feed_at(None, url="https://feeds.example/a.ics")
        FeedState.objects.all().delete()
        self.review()
        assert polling.due_feeds(timezone.now(), 10) == [feed.pk]


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
