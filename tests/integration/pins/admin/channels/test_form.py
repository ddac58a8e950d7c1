"""Notification channels in the admin: secrets go in and never come out, and wrong targets are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from pins.models import Delivery, NotificationChannel
from tests.support.channel_pages import ADD, DISCORD, LIST, NOW, action, filled, made, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_e_mail_without_a_mail_server_is_told_when_the_channel_is_saved(host: Client, settings: Any) -> None:
    """Not when the first message that matters does not arrive."""
    said = "No mail server is set up, so nothing reaches this channel yet."
    assert said not in host.post(ADD, filled(), follow=True).content.decode()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    assert said in host.post(ADD, filled(name="Ben"), follow=True).content.decode()
    channel = NotificationChannel.objects.get(name="Ben")
    assert said in host.post(page(channel), filled(name="Ben", target=""), follow=True).content.decode()


def test_a_channel_is_made_tested_and_shown_without_its_target(host: Client, worker: Callable[[], None]) -> None:
    assert host.get(ADD).context["adminform"].form["events"].value() == ["incident.opened", "incident.resolved"]
    answered = host.post(ADD, filled(timezone="warsaw"))
    channel = NotificationChannel.objects.get()
    assert answered.headers["Location"] == page(channel)  # the next thing to do is a test
    assert (channel.target, channel.timezone) == ("h1dden@example.com", "Europe/Warsaw")
    shown = host.post(action(channel, "send_test"), follow=True).content.decode()
    assert "the test message is queued" in shown
    assert "Waiting" in shown
    assert "Look again" in shown
    assert mail.outbox == []  # not within the request: a mail server may take minutes
    worker()
    shown = host.get(page(channel)).content.decode()
    assert "Look again" not in shown
    assert [one.to for one in mail.outbox] == [["h1dden@example.com"]]
    assert "Test message" in shown
    for url in (page(channel), LIST, reverse("admin:pins_delivery_changelist")):
        text = host.get(url).content.decode()
        assert "h1dden" not in text
        assert "example.com" in text or "delivery" in url
    messages = reverse("admin:pins_delivery_changelist")
    assert "A stay&#x27;s code is on all its locks" in host.get(messages).content.decode()
    for event, found in (("test", 1), ("code.ready", 0)):
        assert host.get(messages, {"event": event}).context["cl"].result_count == found
    assert LogEntry.objects.filter(change_message__contains="Test message.").exists()


@pytest.mark.parametrize(
    ("kind", "target", "said"),
    [
        ("email", "", "Enter where the messages go"),
        ("email", "h1dden", "Address 1 of 1 is not an e-mail address"),
        ("email", "anna@example.com, h1dden@", "Address 2 of 2"),
        ("apprise", "json://127.0.0.1/h1dden", "choose “Webhook” as the kind"),
        ("apprise", "mailto://h1dden@example.com", "choose “E-mail” as the kind"),
        ("apprise", "syslog://", "not among those"),
        ("apprise", f"{DISCORD}?template=/etc/passwd", "not a complete address of Discord"),
        ("webhook", "http://example.com/h1dden", "begin with https://"),
        ("webhook", "https://127.0.0.1/h1dden", "not public"),
        ("webhook", "https://localhost/h1dden", "names this machine"),
        ("webhook", "https://169.254.169.254/h1dden", "not public"),
    ],
)
def test_a_wrong_target_is_refused_in_words_and_not_repeated(host: Client, kind: str, target: str, said: str) -> None:
    text = host.post(ADD, filled(kind=kind, target=target)).content.decode()
    assert said in text
    assert "h1dden" not in text
    assert not NotificationChannel.objects.exists()


def test_where_something_else_is_wrong_a_good_target_must_be_entered_again(host: Client) -> None:
    text = host.post(ADD, filled(quiet_from="22:00")).content.decode()
    assert "Give both ends of the quiet hours" in text
    assert "enter it once more" in text
    assert "h1dden" not in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "must end at another time"),
        ({"include_code": "on"}, "Only a webhook may be sent the code"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"events": ["code.leaked"]}, "Select a valid choice"),
        ({"signing_secret": "whsec_short"}, "random bytes in standard base64"),
    ],
)
def test_values_that_make_no_sense_are_refused(host: Client, fields: dict[str, Any], said: str) -> None:
    assert said in host.post(ADD, filled(**fields)).content.decode()


def test_an_empty_field_keeps_the_target_and_writes_nothing_of_the_sender(host: Client) -> None:
    channel = made(failures=3, failing_since=NOW, last_error="No.")
    host.post(page(channel), filled(name="Ben", target=""))
    channel.refresh_from_db()
    assert (channel.name, channel.target, channel.failures) == ("Ben", "h1dden@example.com", 3)


def test_another_kind_needs_another_target_and_begins_anew(host: Client, clock: time_machine.Traveller) -> None:
    channel = made(failures=3, failing_since=NOW)
    waiting = Delivery.objects.create(
        channel=channel, key="x", event="test", happened_at=NOW, expires_at=NOW + timedelta(days=1)
    )
    clock.shift(60)
    assert "Enter where the messages go" in host.post(page(channel), filled(kind="apprise", target="")).content.decode()
    host.post(page(channel), filled(kind="apprise", target=DISCORD))
    channel.refresh_from_db()
    waiting.refresh_from_db()
    assert (channel.kind, channel.target, channel.failures) == ("apprise", DISCORD, 0)
    assert channel.listens_from == NOW + timedelta(seconds=60)
    assert waiting.state == "dropped"


def test_a_target_that_no_key_opens_is_named_and_can_be_replaced(
    host: Client, settings: Settings, worker: Callable[[], None]
) -> None:
    channel = made()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    for url in (LIST, page(channel)):
        assert "an address that no configured key opens" in host.get(url).content.decode()
    host.post(action(channel, "send_test"))
    worker()
    answered = host.get(page(channel)).content.decode()
    assert "No configured key opens the stored address" in answered
    host.post(page(channel), filled(target="new@example.com"))
    assert NotificationChannel.objects.get().target == "new@example.com"
