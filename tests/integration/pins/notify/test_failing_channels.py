"""A message that could not be sent: tried again later, given up, and in nobody's way."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from pins.models.outbox import CLAIM
from pins.notify import collecting, outbox, sending, targets
from pins.notify.tries import SendResult
from rentals.models import Lock
from tests.support.house import House
from tests.support.notifications import hook, letters, open_for, resolve_for, states, tell
from tests.support.scripted_server import Server, answer, drop

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class TestFailures:
    def test_a_dead_receiver_is_tried_again_later_and_later_and_shown_as_failing(
        self, door: Lock, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(500), drop(), answer(302, headers={"Location": "/x"}), answer(204)]) as server:
            channel = hook(server)
            open_for(door)
            assert tell() == [SendResult.FAILED]
            assert tell() == []
            channel.refresh_from_db()
            assert (channel.failures, channel.last_error) == (1, "The receiver answers with status 500.")
            assert channel.failing_since == timezone.now()
            for failures in (2, 3):
                clock.shift(10 * MINUTE)
                assert tell() == [SendResult.FAILED]
                channel.refresh_from_db()
                assert channel.failures == failures
            assert channel.last_error.startswith("The receiver redirects (302)")
            clock.shift(HOUR)
            assert tell() == [SendResult.SENT]
        channel.refresh_from_db()
        healthy: tuple[object, ...] = (channel.failures, channel.failing_since, channel.last_error)
        assert healthy == (0, None, "")
        ids = {one.headers["webhook-id"] for one in server.requests}
        assert (len(ids), len(server.requests)) == (1, 4)
        assert len({one.body for one in server.requests}) == 1

    def test_a_receiver_that_names_a_moment_is_not_asked_before(
        self, door: Lock, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(429, headers={"Retry-After": "3600"}), answer(200)]) as server:
            hook(server)
            open_for(door)
            tell()
            clock.shift(59 * MINUTE)
            assert tell() == []
            clock.shift(2 * MINUTE)
            assert tell() == [SendResult.SENT]

    def test_a_receiver_that_is_gone_is_not_tried_again(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(410)]) as server:
            channel = hook(server)
            open_for(door)
            tell()
            clock.shift(DAY)
            tell()
            assert len(server.requests) == 1
        assert states(channel) == ["given_up"]

    def test_what_could_not_be_sent_in_days_is_given_up(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(500)]) as server:
            channel = hook(server)
            open_for(door)
            for _ in range(100):
                tell()
                clock.shift(HOUR)
            assert states(channel) == ["given_up"]
            assert 20 < len(server.requests) < 100

    def test_a_failing_channel_costs_one_try_at_a_time_and_no_other_channel_anything(
        self, house: House, clock: time_machine.Traveller
    ) -> None:
        letters()
        with Server([answer(500)]) as server:
            hook(server)
            for n in range(5):
                open_for(house.lock(f"Door {n}"))
            tell()
            assert len(server.requests) == 1
        assert len(mail.outbox) == 5

    def test_one_message_that_is_never_taken_blocks_no_other(self, house: House, clock: time_machine.Traveller) -> None:
        with Server([answer(400), answer(200), answer(200), answer(400)]) as server:
            channel = hook(server)
            for n in range(3):
                open_for(house.lock(f"Door {n}"))
            tell()
            clock.shift(MINUTE)
            tell()
        assert states(channel) == ["waiting", "sent", "sent"]

    def test_about_one_incident_things_are_told_in_their_order(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(500), answer(200)]) as server:
            hook(server)
            open_for(door)
            tell()
            resolve_for(door)
            clock.shift(MINUTE)
            tell()
            told = [one.json()["type"] for one in server.requests]  # type: ignore[index]
        assert told == ["incident.opened", "incident.opened", "incident.resolved"]

    def test_a_fault_of_ours_is_written_down_without_its_text(
        self, door: Lock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = letters()

        def broken(*_: object) -> None:
            raise RuntimeError("h1dden")

        monkeypatch.setattr(targets, "send", broken)
        open_for(door)
        assert tell() == [SendResult.FAILED]
        channel.refresh_from_db()
        assert channel.last_error == "Turnkey met a fault of its own (RuntimeError)."

    def test_a_crash_between_sending_and_marking_sends_again_under_the_same_id(
        self, door: Lock, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At least once, and only here more than once: the receiver knows the repetition by its id."""
        with Server([answer(200)]) as server:
            hook(server)
            open_for(door)
            with monkeypatch.context() as patched:

                def killed(*_: object) -> None:
                    raise SystemExit  # what no handler of ours catches

                patched.setattr(sending, "_sent", killed)
                with pytest.raises(SystemExit):
                    tell()
            assert tell() == []  # still claimed: nobody sends it meanwhile
            clock.shift(CLAIM)
            assert tell() == [SendResult.SENT]
            first, second = server.requests
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body

    def test_a_crash_before_sending_loses_nothing(self, door: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        letters()
        open_for(door)
        with monkeypatch.context() as patched:

            def killed(*_: object, **__: object) -> None:
                raise SystemExit

            patched.setattr(outbox, "write", killed)
            with pytest.raises(SystemExit):
                collecting.collect(timezone.now())
        tell()
        assert len(mail.outbox) == 1
