"""A feed is fetched by one worker at a time, and a dead worker's claim ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from rentals.calendars.fetching import polling
from rentals.calendars.fetching.polling import PollResult
from rentals.models import CalendarFeed, FeedState
from tests.support.polling import feed_at, good, polled, state_of
from tests.support.scripted_server import Reply, Server, answer

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


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
