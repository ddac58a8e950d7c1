"""The signing secret of a webhook: shown once, replaced, and the old one kept for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from pins.models import NotificationChannel
from pins.notify import outbox, sending, tries
from tests.support.channel_pages import ADD, NOW, action, filled, made, page
from tests.support.scripted_server import Server, answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_a_webhook_needs_a_secret_that_is_shown_once_and_signs(
    host: Client, settings: Settings, worker: Callable[[], None]
) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    with Server([answer(200)]) as server:
        host.post(ADD, filled(kind="webhook", target=f"http://127.0.0.1:{server.port}/h1dden"))
        channel = NotificationChannel.objects.get()
        assert "no signing secret yet" in host.get(page(channel)).content.decode()
        host.post(action(channel, "send_test"))
        worker()
        failed = host.get(page(channel)).content.decode()
        assert "There is no usable signing secret" in failed
        answered = host.post(action(channel, "new_secret"), {"hours": "0"})
        channel.refresh_from_db()
        assert channel.signing_secret in answered.content.decode()
        assert "no-store" in answered.headers["Cache-Control"]
        assert channel.signing_secret not in host.get(page(channel)).content.decode()
        host.post(action(channel, "send_test"))
        worker()
        (sent,) = server.requests
    body: Any = Webhook(channel.signing_secret).verify(sent.body.decode(), sent.headers)
    assert body == {"type": "test", "timestamp": "2027-03-01T09:00:00Z", "data": {}}


def stored_values_of_channels() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT signing_secret, previous_signing_secret FROM pins_notificationchannel")
        return list(cursor.fetchall())


class TestNewSecret:
    """A receiver changes over without refusing a message: for a while both secrets sign."""

    FIRST = "whsec_" + "QUJD" * 10

    @pytest.fixture
    def server(self, settings: Settings) -> Iterator[Server]:
        settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
        with Server([answer(200)]) as server:
            yield server

    @pytest.fixture
    def channel(self, server: Server) -> NotificationChannel:
        return made(
            kind="webhook", target=f"http://127.0.0.1:{server.port}/h1dden", signing_secret=self.FIRST, events=[]
        )

    def accepted(self, server: Server, channel: NotificationChannel, *secrets: str) -> list[bool]:
        """Which of the secrets verify a message that is sent now."""
        assert sending.send(sending.queue_test(channel.pk, timezone.now()).pk) is tries.SendResult.SENT
        sent, found = server.requests[-1], []
        for secret in secrets:
            try:
                Webhook(secret).verify(sent.body.decode(), sent.headers)
                found.append(True)
            except WebhookVerificationError:
                found.append(False)
        return found

    def test_both_sign_until_the_time_is_over(
        self, host: Client, server: Server, channel: NotificationChannel, clock: time_machine.Traveller
    ) -> None:
        assert 'name="hours" value="24"' in host.get(page(channel)).content.decode()
        shown = host.post(action(channel, "new_secret"), {"hours": "24"}).content.decode()
        channel.refresh_from_db()
        second = channel.signing_secret
        assert second in shown
        assert "until Tue 2 Mar, 10:00 CET with the previous one" in shown
        assert self.accepted(server, channel, self.FIRST, second) == [True, True]
        assert server.requests[-1].headers["webhook-signature"].count("v1,") == 2
        text = host.get(page(channel)).content.decode()
        assert "The previous secret still signs, too, until Tue 2 Mar, 10:00 CET" in text
        assert self.FIRST not in text
        assert self.FIRST not in str(stored_values_of_channels())
        clock.shift(timedelta(hours=24))
        assert self.accepted(server, channel, self.FIRST, second) == [False, True]
        assert "previous secret" not in host.get(page(channel)).content.decode()
        outbox.purge(timezone.now())
        assert list(NotificationChannel.objects.values_list("previous_signing_secret", flat=True)) == [""]

    def test_it_can_be_ended_before(self, host: Client, server: Server, channel: NotificationChannel) -> None:
        host.post(action(channel, "new_secret"), {"hours": "24"})
        assert "End the previous secret" in host.get(page(channel)).content.decode()
        said = host.post(action(channel, "end_previous_secret"), follow=True).content.decode()
        assert "the previous secret signs no message any more" in said
        channel.refresh_from_db()
        assert (channel.previous_signing_secret, channel.previous_signs_until) == ("", None)
        assert self.accepted(server, channel, self.FIRST, channel.signing_secret) == [False, True]

    def test_one_that_somebody_stole_ends_at_once(
        self, host: Client, server: Server, channel: NotificationChannel
    ) -> None:
        host.post(action(channel, "new_secret"), {"hours": "0"})
        channel.refresh_from_db()
        assert self.accepted(server, channel, self.FIRST, channel.signing_secret) == [False, True]

    def test_a_typed_secret_changes_over_like_a_generated_one(
        self, host: Client, server: Server, channel: NotificationChannel
    ) -> None:
        typed = "whsec_" + "REVG" * 10
        for _ in range(2):  # the same again is no change
            host.post(page(channel), filled(kind="webhook", target="", signing_secret=typed))
        channel.refresh_from_db()
        assert (channel.signing_secret, channel.previous_signing_secret) == (typed, self.FIRST)
        assert self.accepted(server, channel, self.FIRST, typed) == [True, True]

    @pytest.mark.parametrize("hours", ["", "-1", "soon", "100000"])
    def test_a_time_that_makes_no_sense_makes_no_secret(
        self, host: Client, channel: NotificationChannel, hours: str
    ) -> None:
        said = host.post(action(channel, "new_secret"), {"hours": hours}, follow=True).content.decode()
        assert "there is no new secret" in said
        channel.refresh_from_db()
        assert channel.signing_secret == self.FIRST

    def test_a_previous_one_that_no_key_opens_stops_nothing(
        self, server: Server, channel: NotificationChannel, settings: Settings
    ) -> None:
        keys, settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
        NotificationChannel.objects.update(
            previous_signing_secret=self.FIRST, previous_signs_until=NOW + timedelta(days=1)
        )
        settings.FIELD_ENCRYPTION_KEYS = keys
        assert self.accepted(server, channel, self.FIRST) == [True]
        assert server.requests[-1].headers["webhook-signature"].count("v1,") == 1
