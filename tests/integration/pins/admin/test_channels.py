"""Notification channels in the admin: secrets go in and never come out, and a test is answered plainly."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from limits import RateLimitItemPerMinute
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from pins import tasks
from pins.admin import channel as channel_page
from pins.core.notification_events import Event
from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import collecting, outbox, sending
from rentals.inbound import rate_limits
from rentals.models import LockAccount
from rentals.models.tokens import new_token
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
LIST = reverse("admin:pins_notificationchannel_changelist")
ADD = reverse("admin:pins_notificationchannel_add")
DISCORD = "discord://" + "4" * 18 + "/" + "h1dden" * 10


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


def person(*codenames: str) -> Client:
    user = User.objects.create_user("person", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def filled(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Anna",
        "kind": "email",
        "target": "h1dden@example.com",
        "is_active": "on",
        "events": ["incident.opened", "incident.resolved"],
        "severity": "all",
        "timezone": "Europe/Warsaw",
        **fields,
    }


def page(channel: NotificationChannel) -> str:
    return reverse("admin:pins_notificationchannel_change", args=[channel.pk])


def action(channel: NotificationChannel, name: str) -> str:
    return reverse(f"admin:pins_notificationchannel_{name}", args=[channel.pk])


def made(**fields: Any) -> NotificationChannel:
    return NotificationChannel.objects.create(
        **{"name": "Anna", "kind": "email", "target": "h1dden@example.com", "timezone": "Europe/Warsaw", **fields}
    )


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and what was asked of the broker is done."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.send_messages, "delay", lambda **arguments: asked.append(arguments))

    def work() -> None:
        while asked:
            tasks.send_messages(**asked.pop())

    return work


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
def test_what_makes_no_sense_is_refused(host: Client, fields: dict[str, Any], said: str) -> None:
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
        assert sending.send(sending.queue_test(channel.pk, timezone.now()).pk) is sending.SendResult.SENT
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

    def test_one_that_is_typed_changes_over_like_one_that_is_made(
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


def test_a_refused_test_says_why(
    host: Client, settings: Settings, caplog: pytest.LogCaptureFixture, worker: Callable[[], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    with Server([answer(403)]) as server:
        channel = made(
            kind="webhook", target=f"http://127.0.0.1:{server.port}/h1dden", signing_secret="whsec_" + "QUJD" * 10
        )
        host.post(action(channel, "send_test"))
        worker()
    answered = host.get(page(channel)).content.decode()
    assert "Not sent" in answered
    assert "The receiver answers with status 403." in answered
    assert "h1dden" not in answered + caplog.text


def test_without_a_broker_a_test_says_so_in_words(host: Client) -> None:
    """Nothing listens where the settings of the tests look for Redis."""
    channel = made()
    shown = host.post(action(channel, "send_test"), follow=True)
    assert shown.status_code == 200
    text = shown.content.decode()
    assert "the test message was not sent. The queue of Turnkey cannot be reached" in text
    assert "Not sent" in text  # nor is it sent later, when nobody expects it
    assert [(one.state, one.attempts) for one in channel.deliveries.all()] == [("given_up", 0)]


def test_a_person_sends_few_test_messages_a_minute(
    host: Client, settings: Settings, redis_url: str, worker: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (channel_page.TESTS.amount, channel_page.TESTS.get_expiry()) == (5, 60)
    settings.REDIS_URL = redis_url
    monkeypatch.setattr(channel_page, "TESTS", RateLimitItemPerMinute(2, namespace=new_token()))
    rate_limits._resting.clear()
    channel = made()
    said = [host.post(action(channel, "send_test"), follow=True).content.decode() for _ in range(3)]
    assert ["You sent many test messages" in one for one in said] == [False, False, True]
    assert channel.deliveries.count() == 2
    other = Client()
    other.force_login(User.objects.create_superuser("another"))
    assert "is queued" in other.post(action(channel, "send_test"), follow=True).content.decode()


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
    def test_who_may_look_sees_no_field_of_a_secret_and_no_button(self) -> None:
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

    def test_codes_are_sent_where_only_people_who_may_have_codes_say(self) -> None:
        """Else whoever may change channels could have all codes sent to themselves."""
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
    """The model's default, or what another release wrote: no reason to lose the whole list."""
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
