"""Which addresses of messaging services are accepted, and how they are used."""

from __future__ import annotations

import logging
import traceback
from typing import Any
from uuid import uuid4

import apprise
import pytest
from apprise.plugins.discord import NotifyDiscord
from django.core.exceptions import ValidationError

from pins.notify import services
from pins.notify.outgoing import NotSentError, Outgoing
from pins.notify.texts import Message
from tests.support.scripted_server import Server, answer

DISCORD = "discord://" + "4" * 18 + "/" + "h1dden-token" * 5
OUTGOING = Outgoing(uuid4(), Message("Subject", "Text for @everyone <!channel>"), {})


@pytest.mark.parametrize(
    "url",
    [
        DISCORD,
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "tgram://123456789:abcdefg_hijklmnop/12315544/?silent=yes&thread=7",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
        "ntfy://our-doors",
        "ntfys://our-doors",
        "pover://" + "u" * 30 + "@" + "t" * 30,
    ],
)
def test_public_services_are_taken(url: str) -> None:
    assert services.clean(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/",
        "jsons://example.com/",
        "xml://example.com/",
        "form://example.com/",
        "http://example.com/",
        "https://discord.com/api/webhooks/1/2",
        "file:///etc/passwd",
        "syslog://",
        "rsyslog://127.0.0.1",
        "dbus://",
        "gnome://",
        "windows://",
        "macosx://",
        "mailto://user:pass@example.com",
        "gotify://127.0.0.1/token",
        "matrix://127.0.0.1",
        "apprise://127.0.0.1/token",
        "ntfy://127.0.0.1/topic",
        "ntfy://user:password@inside.example/topic",
        "ntfys://inside.example:8443/topic",
        "ntfy://topic?mode=private",
        "mqtt://127.0.0.1/topic",
        f"{DISCORD}?template=/etc/passwd",
        f"{DISCORD}?verify=no",
        f"{DISCORD}?redirect=yes",
        f"{DISCORD}?rto=100000",
        f"{DISCORD}?silent=1&amp=1&+X-Header=1",
        f"{DISCORD}#x?template=/etc/passwd",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?template=/etc/passwd",
        "discord://",
        "nothing",
        "",
        "tgram://123456789:abcdefg_hijklmnop/1 2",
    ],
)
def test_everything_else_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        services.clean(url)
    told = " ".join(caught.value.messages)
    assert "passw" not in told
    assert "h1dden" not in told


def test_a_server_of_ones_own_is_sent_to_the_webhook() -> None:
    with pytest.raises(ValidationError, match="choose “Webhook”"):
        services.clean("json://example.com/x")


def test_no_allowed_service_lets_its_url_name_a_host() -> None:
    """A newer library could let a service of the list speak to anybody's server."""
    manager: Any = apprise.manager_plugins.NotificationManager()  # type: ignore[no-untyped-call]
    for scheme in services.SERVICES:
        if services.SERVICES[scheme] == "ntfy.sh":
            continue  # judged by its mode, above
        assert not [one for one in manager[scheme].templates if "{host}" in one], scheme


def test_a_message_is_sent_once_and_calls_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Server([answer(204)]) as server:
        monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{server.port}/api")
        services.send(DISCORD, OUTGOING)
    (sent,) = server.requests
    assert b"Subject" in sent.body
    assert b"@everyone" not in sent.body
    assert "h1dden" not in caplog.text


@pytest.mark.parametrize("lines", [1, 30, 200])
def test_a_long_summary_fits_into_what_the_service_takes_and_keeps_its_link(
    monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """Discord answers 400 above 2,000 characters: the summary would never come, and the channel rest for hours."""
    link = "https://codes.example.com/"
    arrivals = [f"- 15:00 CET Guest {n} 🚪 at Property {n}: Ready on 2 locks" for n in range(lines)]
    text = "\n".join(["Arriving today:", *arrivals, "", "Nothing to fix.", "", link])
    with Server([answer(204)]) as server:
        monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{server.port}/api")
        services.send(DISCORD, Outgoing(uuid4(), Message("Subject", text), {}))
    (sent,) = server.requests
    body: Any = sent.json()
    said = body["content"]
    assert len(said.encode("utf-16-le")) // 2 <= 2000
    assert said.rstrip().endswith(link)
    assert arrivals[0] in said
    assert ("too long for this service" in said) == (lines > 30)


def test_short_messages_of_a_telephone_are_not_cut_to_one_of_them() -> None:
    """They are sent in parts; to cut them at 160 signs would cost the remedy and the link."""
    assert services.room("Subject", most=160, merged=True) >= 600


def test_a_refusal_names_the_service_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Server([answer(401)]) as server:
        monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{server.port}/api")
        with pytest.raises(NotSentError, match="Discord did not take") as caught:
            services.send(DISCORD, OUTGOING)
    told = "".join([*traceback.format_exception(caught.value), caplog.text])
    assert "h1dden" not in told
    assert caught.value.__context__ is None


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer(200)]) as other:
        away = answer(307, headers={"Location": f"http://127.0.0.1:{other.port}/"})
        with Server([away]) as server:
            monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{server.port}/api")
            with pytest.raises(NotSentError):
                services.send(DISCORD, OUTGOING)
    assert other.requests == []


def test_a_stored_address_is_judged_again_when_it_is_used() -> None:
    with pytest.raises(NotSentError, match="Enter another one"):
        services.send("json://127.0.0.1:9/", OUTGOING)
