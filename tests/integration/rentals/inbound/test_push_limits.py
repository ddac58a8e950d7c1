"""Limits of pushing, and answers that are never a page and hold no secret."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import redis
from django.test import Client
from pytest_django import Settings

from rentals import webhooks
from rentals.models import Booking, CalendarFeed
from rentals.models.tokens import new_token
from tests.support.feeds import sample
from tests.support.pushes import make_feed, send, signature, told

pytestmark = pytest.mark.django_db


# -- limits -----------------------------------------------------------------------------------------------------------


def forget_counts(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def test_too_many_pushes_of_one_feed_are_429_with_the_time_to_wait(
    feed: CalendarFeed, settings: Settings, redis_url: str
) -> None:
    settings.REDIS_URL, settings.WEBHOOK_RATE_LIMIT = f"{redis_url}?db=3", 2
    forget_counts(settings.REDIS_URL)
    assert [send(feed, sample(1)).status_code for _ in range(3)] == [202, 202, 429]
    answer = send(feed, sample(1))
    assert told(answer) == (429, "too_many_requests")
    assert 1 <= int(answer["Retry-After"]) <= 600
    assert told(send(make_feed(), sample(1))) == (202, "imported")


def test_who_guesses_is_429_and_others_behind_the_same_proxy_go_on(
    feed: CalendarFeed, settings: Settings, redis_url: str
) -> None:
    settings.REDIS_URL = f"{redis_url}?db=3"
    guesser = {"REMOTE_ADDR": "192.0.2.77"}
    statuses = [Client(**guesser).post(f"/webhooks/ical/{new_token()}/").status_code for _ in range(35)]  # type: ignore[arg-type]
    assert statuses == [404] * 30 + [429] * 5
    answer = Client(**guesser).post("/webhooks/elsewhere")  # type: ignore[arg-type]
    assert told(answer) == (429, "too_many_requests")
    path = f"/webhooks/ical/{feed.token}/"
    assert Client(**guesser).post(path, sample(1), content_type="text/calendar").status_code == 202  # type: ignore[arg-type]


# -- never a page, never a secret -------------------------------------------------------------------------------------


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_is_500_in_json(
    feed: CalendarFeed,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    debug: bool,
) -> None:
    settings.DEBUG = debug

    def broken(*args: Any) -> dict[str, Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(webhooks, "_import", broken)
    assert told(send(feed, sample(1))) == (500, "internal_error")
    assert "webhook_failed" in caplog.text
    assert feed.token not in caplog.text


def test_neither_token_nor_guests_are_in_any_log(signed: CalendarFeed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(signed, sample(1))
    send(signed, sample(17), **signature(signed.signing_secret, sample(17), "cut"))
    send(signed, sample(6), "application/json")
    send(signed, sample(6), **signature(signed.signing_secret, sample(6)))
    Client().get(f"/webhooks/ical/{signed.token}")
    Client().post(f"/webhooks/ical/{signed.token}/more/")
    assert "Unauthorized" in caplog.text  # Django names each refusal with its path
    assert {"push_refused", "push_taken"} <= {record.message for record in caplog.records}
    names = [name for name in Booking.objects.exclude(guest_name="").values_list("guest_name", flat=True) if name]
    assert names
    for secret in (signed.token, signed.signing_secret, *names):
        assert secret not in caplog.text
        assert not any(secret in repr(record.__dict__) for record in caplog.records)


def test_answers_are_kept_by_no_cache_and_need_no_csrf_token(feed: CalendarFeed) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(f"/webhooks/ical/{feed.token}/", sample(1), content_type="text/calendar")
    assert (answer.status_code, answer["Cache-Control"]) == (202, "no-store")
