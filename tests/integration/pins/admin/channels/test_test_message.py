"""The test message of a channel is answered in words."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from pins.admin import channel as channel_page
from rentals.inbound import rate_limits
from rentals.models.tokens import new_token
from tests.support.channel_pages import action, made, page
from tests.support.scripted_server import Server, answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
