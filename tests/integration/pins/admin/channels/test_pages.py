"""Pages of channels: what fails, what waits, what was sent, and who may do what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from pins.core.notification_events import Event
from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import collecting
from rentals.models import LockAccount
from tests.support.channel_pages import ADD, LIST, NOW, action, filled, made, page, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_a_channel_that_fails_for_long_is_shown_as_failing(host: Client, clock: time_machine.Traveller) -> None:
    channel = made(failures=1, failing_since=NOW, last_error="The mail server cannot be reached. Check EMAIL_URL.")
    assert "Last try failed" in host.get(LIST).content.decode()
    clock.shift(3600)
    for url in (LIST, page(channel)):
        assert "Failing since Mon 1 Mar, 10:00 CET" in host.get(url).content.decode()
    assert "The mail server cannot be reached" in host.get(page(channel)).content.decode()


def test_messages_are_said_to_wait_only_where_some_do(host: Client) -> None:
    channel = made(failures=1, failing_since=NOW, rests_until=NOW + timedelta(minutes=5), last_error="No.")
    assert "Messages wait" not in host.get(page(channel)).content.decode()
    Delivery.objects.create(channel=channel, key="x", event="test", happened_at=NOW, expires_at=NOW + timedelta(days=1))
    assert "Messages wait; the next try is 10:05 CET" in host.get(page(channel)).content.decode()


def test_its_messages_are_listed_with_their_state(host: Client) -> None:
    account = LockAccount.objects.create(name="Office", secret="x")
    channel = made()
    Incident.open(Incident.Kind.DEAD_KEY, NOW, about=account)
    collecting.collect(NOW)
    for url in (page(channel), reverse("admin:pins_delivery_changelist")):
        text = host.get(url).content.decode()
        assert "Tedee refuses the access key: Office" in text
        assert "Waiting" in text


class TestPermissions:
    def test_a_viewer_sees_no_field_of_a_secret_and_no_button(self) -> None:
        channel = made()
        client = person("view_notificationchannel")
        text = client.get(page(channel)).content.decode()
        assert "Anna" in text
        assert "id_target" not in text
        assert "Send a test message" not in text
        assert client.post(action(channel, "send_test")).status_code == 403
        assert client.post(action(channel, "new_secret")).status_code == 403
        assert client.post(action(channel, "end_previous_secret")).status_code == 403
        assert mail.outbox == []

    def test_only_people_who_may_have_codes_choose_where_codes_are_sent(self) -> None:
        """Otherwise anybody who may change channels could have all codes sent to themselves."""
        client = person("add_notificationchannel", "change_notificationchannel", "view_notificationchannel")
        assert "include_code" not in client.get(ADD).content.decode()
        fields = filled(kind="webhook", target="https://example.com/x", include_code="on")
        client.post(ADD, fields)
        channel = NotificationChannel.objects.get()
        assert channel.include_code is False
        NotificationChannel.objects.update(include_code=True)
        assert client.post(page(channel), {**fields, "target": "https://evil.example/"}).status_code == 403
        assert client.post(action(channel, "new_secret")).status_code == 403
        channel.refresh_from_db()
        assert channel.target == "https://example.com/x"

    def test_buttons_are_pressed_and_not_visited(self, host: Client) -> None:
        channel = made()
        assert host.get(action(channel, "send_test")).status_code == 405
        assert host.get(action(channel, "new_secret")).status_code == 405
        assert host.get(action(channel, "end_previous_secret")).status_code == 405

    def test_a_channel_goes_with_its_messages(self, host: Client) -> None:
        channel = made()
        host.post(action(channel, "send_test"))
        client = person("view_notificationchannel", "delete_notificationchannel")
        client.post(reverse("admin:pins_notificationchannel_delete", args=[channel.pk]), {"post": "yes"})
        assert not NotificationChannel.objects.exists()
        assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "payload",
    [{}, {"what": "Something of another release"}, {"what": "x", "remedy": "y", "stay": "Anna", "locks": "Door"}],
)
@pytest.mark.parametrize("event", Event)
def test_a_message_that_does_not_say_enough_is_listed_by_what_happened(
    host: Client, event: Event, payload: dict[str, Any]
) -> None:
    """The model's default, or a payload of another release, is no reason to lose the whole list."""
    channel = made()
    delivery = Delivery.objects.create(
        channel=channel, key="x", event=event, payload=payload, happened_at=NOW, expires_at=NOW
    )
    messages = reverse("admin:pins_delivery_changelist")
    for url in (page(channel), messages, reverse("admin:pins_delivery_change", args=[delivery.pk])):
        answered = host.get(url)
        assert answered.status_code == 200
        if event is Event.CODE_READY and not payload and url != messages:  # there it is a filter's word, too
            assert "A stay&#x27;s code is on all its locks" in answered.content.decode()
