"""Rule 20: a calendar that is pushed is taken by the same import, or refused in words."""

from __future__ import annotations

import gzip
import hmac
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rentals import webhooks
from rentals.calendars.events import Calendar
from rentals.calendars.ical.parse import read_calendar
from rentals.models import Booking, CalendarFeed, FeedState
from rentals.models.tokens import new_token, token_digest
from tests.support.feeds import sample
from tests.support.pushes import EMPTY, make_feed, send, told

pytestmark = pytest.mark.django_db


# -- what is taken ----------------------------------------------------------------------------------------------------


def test_rule_20_a_raw_calendar_is_the_whole_calendar_of_its_feed(feed: CalendarFeed) -> None:
    answer = send(feed, sample(1))
    assert told(answer) == (202, "imported")
    said = answer.json()
    assert {name: said[name] for name in ("created", "changed", "cancelled", "held", "quarantined")} == {
        "created": 3,
        "changed": 0,
        "cancelled": 0,
        "held": 0,
        "quarantined": 0,
    }
    assert Booking.objects.filter(property=feed.property).count() == 3


def test_the_answer_names_nobody(feed: CalendarFeed) -> None:
    text = send(feed, sample(6)).content.decode()
    for booking in Booking.objects.exclude(guest_name=""):
        assert booking.guest_name not in text
    assert feed.token not in text


@pytest.mark.parametrize("content_type", ["text/calendar; charset=utf-8", "text/plain", "application/octet-stream", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_body_is_taken_under_any_of_its_names_and_with_or_without_the_last_slash(
    feed: CalendarFeed, content_type: str, slash: str
) -> None:
    assert told(send(feed, sample(1), content_type, slash)) == (202, "imported")
    assert Booking.objects.count() == 3


def test_a_compressed_calendar_is_taken(feed: CalendarFeed) -> None:
    assert told(send(feed, gzip.compress(sample(1)), Content_Encoding="gzip")) == (202, "imported")
    assert Booking.objects.count() == 3


def test_the_same_calendar_again_is_unchanged(feed: CalendarFeed) -> None:
    send(feed, sample(1))
    stays = list(Booking.objects.values())
    assert told(send(feed, sample(1))) == (202, "unchanged")
    assert list(Booking.objects.values()) == stays


def test_a_calendar_without_events_cancels_nothing(feed: CalendarFeed) -> None:
    send(feed, sample(1))
    answer = send(feed, EMPTY)
    assert answer.status_code == 202
    assert answer.json()["cancelled"] == 0
    assert Booking.objects.filter(status="confirmed").count() == 3


def test_an_empty_body_asks_for_a_fetch_at_once(feed: CalendarFeed) -> None:
    feed.url = "https://calendar.example.com/secret.ics"
    feed.save()
    later = timezone.now() + timedelta(hours=1)
    for content_type in ("", "application/x-www-form-urlencoded"):
        FeedState.objects.update(next_fetch_at=later)
        assert told(send(feed, b"", content_type)) == (202, "fetching")
        assert FeedState.objects.get().next_fetch_at == timezone.now()


# -- what is refused --------------------------------------------------------------------------------------------------


def test_an_empty_body_without_an_address_is_400_and_says_so(feed: CalendarFeed) -> None:
    answer = send(feed)
    assert told(answer) == (400, "empty_without_address")
    assert "no address to fetch from" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(sample(17), "truncated"), (sample(18), "not_a_calendar"), (b"\x00", "not_a_calendar"), (b"{}", "not_a_calendar")],
)
def test_what_is_no_whole_calendar_is_400_and_changes_nothing(feed: CalendarFeed, body: bytes, code: str) -> None:
    send(feed, sample(1))
    before = list(Booking.objects.values()), list(FeedState.objects.values())
    assert told(send(feed, body)) == (400, code)
    assert (list(Booking.objects.values()), list(FeedState.objects.values())) == before


@pytest.mark.parametrize("packed", [False, True])
def test_over_five_megabytes_is_413(feed: CalendarFeed, packed: bool) -> None:
    body = b"BEGIN:VCALENDAR\r\n" + b"X-FILL:" + b"x" * webhooks.MOST_BYTES + b"\r\nEND:VCALENDAR\r\n"
    headers = {"Content_Encoding": "gzip"} if packed else {}
    assert told(send(feed, gzip.compress(body) if packed else body, **headers)) == (413, "too_large")


def test_more_events_than_we_take_is_413(feed: CalendarFeed) -> None:
    event = "BEGIN:VEVENT\r\nUID:{}\r\nDTSTART;VALUE=DATE:20270401\r\nEND:VEVENT\r\n"
    events = "".join(event.format(number) for number in range(20_001))
    body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n".encode()
    assert told(send(feed, body)) == (413, "too_many_events")
    assert Booking.objects.count() == 0


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/html"])
def test_another_media_type_is_415(feed: CalendarFeed, content_type: str) -> None:
    assert told(send(feed, sample(1), content_type)) == (415, "unsupported_media_type")


def test_another_encoding_is_415(feed: CalendarFeed) -> None:
    assert told(send(feed, sample(1), Content_Encoding="br")) == (415, "unsupported_encoding")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_is_405(feed: CalendarFeed, method: str) -> None:
    answer = Client().generic(method, f"/webhooks/ical/{feed.token}/")
    assert (answer.status_code, answer["Allow"], answer["Content-Type"]) == (405, "POST", "application/json")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path", ["", "ical", "ical/", "ical/{}/more", "ical//{}", "other/{}/", "ical/%20/", "ical/é%00/"]
)
def test_anything_else_below_webhooks_is_404_in_json_and_never_a_redirect(
    feed: CalendarFeed, settings: Settings, path: str, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = Client().post("/webhooks/" + path.format(feed.token), sample(1), content_type="text/calendar")
    assert told(answer) == (404, "unknown_address")
    assert Booking.objects.count() == 0


def test_a_host_name_that_is_not_ours_is_400_in_json_and_a_page_elsewhere(feed: CalendarFeed) -> None:
    stranger = Client(headers={"Host": "elsewhere.example.com"})
    answer = stranger.post(f"/webhooks/ical/{feed.token}/", sample(1), content_type="text/calendar")
    assert told(answer) == (400, "bad_request")
    assert "ALLOWED_HOSTS" in answer.json()["detail"]
    assert stranger.get("/admin/")["Content-Type"].startswith("text/html")


def test_an_unknown_or_replaced_token_is_404(feed: CalendarFeed) -> None:
    old = CalendarFeed(token=feed.token)
    feed.token = new_token()
    feed.save()
    cut, longer, long = (CalendarFeed(token=token) for token in (feed.token[:-1], feed.token + "A", "x" * 2000))
    for unknown in (old, cut, longer, long):
        assert told(send(unknown, sample(1))) == (404, "unknown_address")
    assert told(send(feed, sample(1))) == (202, "imported")


def test_a_digest_alone_opens_nothing(feed: CalendarFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token itself is compared, in constant time."""
    compared: list[tuple[Any, Any]] = []
    honest = hmac.compare_digest

    def compare(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return honest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    CalendarFeed.objects.update(token_digest=token_digest("forged"))
    assert told(send(CalendarFeed(token="forged"), sample(1))) == (404, "unknown_address")
    assert compared == [(feed.token.encode(), b"forged")]


def test_a_feed_that_is_switched_off_is_409(feed: CalendarFeed) -> None:
    CalendarFeed.objects.update(is_active=False)
    assert told(send(feed, sample(1))) == (409, "feed_switched_off")
    assert told(send(feed)) == (409, "feed_switched_off")
    assert Booking.objects.count() == 0


# -- never a page, never a secret -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_calendar_is_read_before_the_transaction_that_takes_it_in(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite nobody else can write while a transaction is open, and a large calendar takes a second to read."""
    within: list[bool] = []

    def watched(*args: Any, **kwargs: Any) -> Calendar:
        within.append(connection.in_atomic_block)
        return read_calendar(*args, **kwargs)

    monkeypatch.setattr("rentals.calendars.imports.run.read_calendar", watched)
    feed = make_feed()
    assert send(feed, sample(1), webhook_id="msg_1").status_code == 202
    assert send(feed, sample(4), webhook_id="msg_2").status_code == 202
    assert within == [False, False]
