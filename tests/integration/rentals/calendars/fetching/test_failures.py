"""What failures mean: waiting longer, an alert, and feeds that are stale."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from pins.models import Incident
from rentals.calendars.fetching import polling
from rentals.calendars.fetching.polling import PollResult
from rentals.models import Booking, CalendarFeed, FeedState, Property
from tests.support.feeds import FeedServer
from tests.support.polling import AIRBNB, feed_at, good, open_incidents, polled, state_of
from tests.support.scripted_server import Server, answer, drop

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


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


class TestRefused:
    """A channel that does not give its calendar to Turnkey: waiting does not help, and a person is told what does."""

    @pytest.fixture
    def channel(self) -> Iterator[FeedServer]:
        with FeedServer() as running:
            yield running

    def test_a_new_calendar_that_is_refused_is_told_at_once_and_heals_with_a_user_agent(
        self, clock: time_machine.Traveller, channel: FeedServer
    ) -> None:
        feed = feed_at(None, url=channel.refuse_unknown("/a.ics", AIRBNB, known="Kalender/5"))
        assert polled(feed) is PollResult.FAILED
        assert open_incidents(feed) == ["feed_refused"]
        assert "User-Agent" in state_of(feed).last_error
        feed.user_agent = "Kalender/5.1"
        feed.save()
        clock.shift(HOUR)
        assert polled(feed) is PollResult.IMPORTED
        assert open_incidents(feed) == []

    def test_all_calendars_may_be_given_one_user_agent(
        self, clock: time_machine.Traveller, channel: FeedServer, settings: Settings
    ) -> None:
        settings.FEED_USER_AGENT = "Kalender/5"
        feed = feed_at(None, url=channel.refuse_unknown("/a.ics", AIRBNB, known="Kalender/5"))
        assert polled(feed) is PollResult.IMPORTED
        channel.refuse_unknown("/a.ics", AIRBNB, known="Another/1")
        CalendarFeed.objects.update(user_agent="Another/1")
        clock.shift(HOUR)
        assert polled(feed) is PollResult.UNCHANGED

    def test_one_that_was_read_before_is_told_after_three_refusals_and_is_not_also_failing(
        self, clock: time_machine.Traveller
    ) -> None:
        with Server([good(), *[answer(500)] * 3, *[answer(403)] * 2, answer(500), good()]) as server:
            feed = feed_at(server)
            seen = []
            for _ in range(8):
                polled(feed)
                seen.append(open_incidents(feed))
                clock.shift(7 * HOUR)
        assert seen == [[], [], [], ["feed_failing"], *[["feed_refused"]] * 3, []]
        assert Booking.objects.filter(status="confirmed").count() == 3

    def test_a_single_refusal_of_a_calendar_that_was_read_is_no_news(self, clock: time_machine.Traveller) -> None:
        with Server([good(), answer(403), good()]) as server:
            feed = feed_at(server)
            for _ in range(3):
                polled(feed)
                clock.shift(HOUR)
        assert not Incident.objects.exists()

    def test_a_calendar_behind_a_cookie_and_a_place_in_utf_8_is_read(
        self, clock: time_machine.Traveller, channel: FeedServer
    ) -> None:
        place = "/Ferienhaus-K\u00fcche/a.ics".encode().decode("latin-1")  # these bytes on the wire
        hop = answer(302, headers={"Location": place, "Set-Cookie": "session=1; Path=/; HttpOnly"})
        with Server([hop, good()]) as server:
            assert polled(feed_at(server)) is PollResult.IMPORTED
        assert server.requests[1].target == "/Ferienhaus-K%C3%BCche/a.ics"
        assert server.requests[1].headers["cookie"] == "session=1"
