"""The test message of a channel: sent at once, answered in words."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from pins import tasks
from pins.models import NotificationChannel
from pins.notify import collecting, sending
from pins.notify.tries import SendResult
from rentals.models import Lock
from tests.support.house import House
from tests.support.notifications import hook, letters, open_for, states, tell, tried
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class TestTests:
    def test_a_test_message_goes_at_once_and_once(self, clock: time_machine.Traveller) -> None:
        channel = letters(is_active=False, quiet_from=time(0), quiet_until=time(23, 59))
        assert tried(channel) == ""
        clock.shift(DAY)
        tell()
        assert [one.subject for one in mail.outbox] == ["Turnkey: a test message"]

    def test_one_that_fails_says_why_and_is_not_repeated(self, clock: time_machine.Traveller) -> None:
        with Server([answer(404)]) as server:
            channel = hook(server)
            assert tried(channel) == "The receiver answers with status 404."
            clock.shift(DAY)
            tell()
            assert len(server.requests) == 1
        assert states(channel) == ["given_up"]

    def test_it_goes_before_all_that_waits_also_to_a_channel_that_rests(
        self, house: House, clock: time_machine.Traveller
    ) -> None:
        resting = letters(name="Resting", failures=3, rests_until=timezone.now() + HOUR)
        letters(name="Busy")
        for n in range(3):
            open_for(house.lock(f"Door {n}"))
        collecting.collect(timezone.now())
        delivery = sending.queue_test(resting.pk, timezone.now())
        assert sending.due(timezone.now(), 1) == [delivery.pk]
        tasks.send_messages()
        assert mail.outbox[0].subject == "Turnkey: a test message"

    def test_one_that_nobody_sends_is_given_up_soon(self, clock: time_machine.Traveller) -> None:
        channel = letters()
        sending.queue_test(channel.pk, timezone.now())
        clock.shift(10 * MINUTE)
        tell()
        assert mail.outbox == []
        assert states(channel) == ["given_up"]

    def test_failed_tests_make_no_message_wait(self, door: Lock, clock: time_machine.Traveller) -> None:
        """A person who fixes a channel presses the button again and again."""
        with Server([answer(500)] * 6 + [answer(200)]) as server:
            channel = hook(server)
            for _ in range(6):
                assert tried(channel)
            channel.refresh_from_db()
            facts = (channel.failures, channel.rests_until, channel.failing_since, channel.last_error)
            assert facts == (0, None, timezone.now(), "The receiver answers with status 500.")
            open_for(door)
            assert tell() == [SendResult.SENT]

    def test_one_that_is_taken_ends_the_wait_of_all(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(500)] * 5 + [answer(200)]) as server:
            channel = hook(server)
            open_for(door)
            for _ in range(5):
                clock.shift(HOUR)
                tell()
            assert tried(channel) == ""
            assert states(channel)[0] == "sent"

    def test_a_secret_that_is_missing_is_named(self) -> None:
        channel = NotificationChannel.objects.create(name="Robot", kind="webhook", target="https://example.com/")
        assert "signing secret" in tried(channel)
