"""Rule 20: a calendar that is pushed is taken by the same importer, and every refusal says in JSON what to do."""

from __future__ import annotations

import gzip
import hmac
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook

from rentals import signing_secrets, webhooks
from rentals.calendars.events import Calendar
from rentals.calendars.ical.parse import read_calendar
from rentals.inbound import signatures
from rentals.models import Booking, CalendarFeed, FeedState, Property, WebhookReceipt
from rentals.models.tokens import new_token, token_digest
from tests.support.feeds import sample

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer
else:
    Answer = Any

pytestmark = pytest.mark.django_db

EMPTY = sample(16)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def feed(clock: time_machine.Traveller) -> CalendarFeed:
    return make_feed()


@pytest.fixture
def signed(feed: CalendarFeed) -> CalendarFeed:
    feed.signing_secret = signing_secrets.generate()
    feed.save()
    return feed


def make_feed(**fields: Any) -> CalendarFeed:
    flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
    return CalendarFeed.objects.create(property=flat, name="Airbnb", **fields)


def send(
    feed: CalendarFeed, body: bytes = b"", content_type: str = "text/calendar", slash: str = "/", **headers: str
) -> Answer:
    path = f"/webhooks/ical/{feed.token}{slash}"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic("POST", path, body, content_type, headers=given)


def signature(
    secret: str, body: bytes, given_id: str = "msg_1", ago: timedelta = timedelta(0), **changed: str
) -> dict[str, str]:
    at = timezone.now() - ago
    return {
        "webhook_id": given_id,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": Webhook(secret).sign(given_id, at, body.decode()),
        **changed,
    }


def told(answer: Answer) -> tuple[int, str]:
    """Status and word of an answer, which is JSON whatever happened."""
    assert answer["Content-Type"] == "application/json"
    said = answer.json()
    if "error" in said:
        assert set(said) == {"error", "detail"}
        assert said["detail"].rstrip("/").strip()
    return answer.status_code, said.get("status") or said["error"]


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


# -- signatures -------------------------------------------------------------------------------------------------------


def test_a_feed_with_a_secret_takes_signed_pushes_alone(signed: CalendarFeed) -> None:
    body = sample(1)
    rightly = signature(signed.signing_secret, body)
    assert told(send(signed, body)) == (401, "signature_missing")
    assert told(send(signed, body, **signature(signing_secrets.generate(), body))) == (401, "signature_wrong")
    assert told(send(signed, sample(2), **rightly)) == (401, "signature_wrong")
    assert told(send(signed, b"", **rightly)) == (401, "signature_wrong")
    assert Booking.objects.count() == 0
    assert told(send(signed, body, **rightly)) == (202, "imported")


def test_the_previous_secret_counts_while_it_is_kept(signed: CalendarFeed) -> None:
    signed.previous_signing_secret, signed.signing_secret = signed.signing_secret, signing_secrets.generate()
    signed.save()
    assert told(send(signed, sample(1), **signature(signed.previous_signing_secret, sample(1)))) == (202, "imported")
    assert told(send(signed, sample(2), **signature(signed.signing_secret, sample(2), "msg_2"))) == (202, "imported")
    CalendarFeed.objects.update(previous_signing_secret="")
    old = signature(signed.previous_signing_secret, sample(1), "msg_3")
    assert told(send(signed, sample(1), **old)) == (401, "signature_wrong")


def test_a_replay_after_the_window_is_401(signed: CalendarFeed, clock: time_machine.Traveller) -> None:
    recorded = signature(signed.signing_secret, sample(1))
    clock.shift(6 * MINUTE)
    assert told(send(signed, sample(1), **recorded)) == (401, "timestamp_too_far")
    assert Booking.objects.count() == 0


def test_a_compressed_push_is_signed_as_text(signed: CalendarFeed) -> None:
    headers = signature(signed.signing_secret, sample(1)) | {"Content_Encoding": "gzip"}
    assert told(send(signed, gzip.compress(sample(1)), **headers)) == (202, "imported")


def test_an_older_signed_push_that_arrives_late_is_dropped(signed: CalendarFeed) -> None:
    assert told(send(signed, sample(2), **signature(signed.signing_secret, sample(2), "newer"))) == (202, "imported")
    before = list(Booking.objects.values())
    late = signature(signed.signing_secret, sample(1), "older", ago=2 * MINUTE)
    assert told(send(signed, sample(1), **late)) == (202, "outdated")
    assert list(Booking.objects.values()) == before


def test_a_malformed_stored_secret_lets_nobody_in_and_says_what_to_do(feed: CalendarFeed) -> None:
    feed.signing_secret = "whsec_not base64"
    feed.save()
    answer = send(feed, sample(1), **signature(signing_secrets.generate(), sample(1)))
    assert told(answer) == (401, "signing_secret_unusable")
    assert "admin" in answer.json()["detail"]


def test_a_body_that_is_no_text_cannot_be_signed(signed: CalendarFeed) -> None:
    body = sample(1).replace(b"Reserved", b"R\xe9serv\xe9e")
    assert told(send(signed, body, **signature(signed.signing_secret, sample(1)))) == (400, "not_utf8")


# -- each id once -----------------------------------------------------------------------------------------------------


def test_the_same_id_and_body_is_answered_as_before(signed: CalendarFeed, clock: time_machine.Traveller) -> None:
    first = send(signed, sample(1), **signature(signed.signing_secret, sample(1)))
    clock.shift(2 * MINUTE)
    again = send(signed, sample(1), **signature(signed.signing_secret, sample(1)))
    assert again.status_code == 202
    assert again.json() == {**first.json(), "duplicate": True}
    assert (Booking.objects.count(), WebhookReceipt.objects.count()) == (3, 1)


def test_the_same_id_with_another_body_is_409(signed: CalendarFeed) -> None:
    send(signed, sample(1), **signature(signed.signing_secret, sample(1)))
    before = list(Booking.objects.values())
    other = send(signed, sample(2), **signature(signed.signing_secret, sample(2)))
    assert told(other) == (409, "webhook_id_reused")
    assert list(Booking.objects.values()) == before


def test_an_id_counts_without_a_signature_too_and_for_its_feed_alone(feed: CalendarFeed) -> None:
    neighbour = make_feed()
    assert told(send(feed, sample(1), webhook_id="msg_1")) == (202, "imported")
    assert send(feed, sample(1), webhook_id="msg_1").json()["duplicate"] is True
    assert told(send(feed, sample(2), webhook_id="msg_1")) == (409, "webhook_id_reused")
    assert told(send(neighbour, sample(2), webhook_id="msg_1")) == (202, "imported")
    assert told(send(feed, sample(2), webhook_id="two words")) == (400, "bad_webhook_id")


def test_a_refused_calendar_leaves_no_receipt_so_that_it_may_be_mended(feed: CalendarFeed) -> None:
    assert told(send(feed, sample(17), webhook_id="msg_1")) == (400, "truncated")
    assert told(send(feed, sample(1), webhook_id="msg_1")) == (202, "imported")


def test_import_and_receipt_are_written_together_or_not_at_all(
    feed: CalendarFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = webhooks._import

    def torn(*args: Any) -> dict[str, Any]:
        whole(*args)
        raise OperationalError("the connection is gone; row (Anna Nowak)")

    monkeypatch.setattr(webhooks, "_import", torn)
    answer = send(feed, sample(1), webhook_id="msg_1")
    assert told(answer) == (503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    assert (Booking.objects.count(), WebhookReceipt.objects.count()) == (0, 0)

    monkeypatch.undo()
    assert told(send(feed, sample(1), webhook_id="msg_1")) == (202, "imported")
    assert (Booking.objects.count(), WebhookReceipt.objects.count()) == (3, 1)


def test_old_receipts_go(feed: CalendarFeed, clock: time_machine.Traveller) -> None:
    send(feed, sample(1), webhook_id="old")
    clock.shift(signatures.KEEP_RECEIPTS + MINUTE)
    send(feed, sample(1), webhook_id="new")
    assert list(WebhookReceipt.objects.values_list("webhook_id", flat=True)) == ["new"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given_id", ["msg_1", ""])
def test_pushes_at_the_same_moment_make_each_stay_once(feed: CalendarFeed, given_id: str) -> None:
    headers = {"webhook_id": given_id} if given_id else {}
    answers = at_once([lambda: send(feed, sample(1), **headers)] * 6)
    assert {answer.status_code for answer in answers} == {202}
    said = [answer.json() for answer in answers]
    if given_id:
        assert sum("duplicate" in one for one in said) == 5
        assert WebhookReceipt.objects.count() == 1
    else:
        assert sorted(one["created"] for one in said) == [0, 0, 0, 0, 0, 3]
    assert Booking.objects.count() == 3


def at_once(jobs: list[Callable[[], Answer]]) -> list[Answer]:
    barrier = threading.Barrier(len(jobs))

    def begin(job: Callable[[], Answer]) -> Answer:
        barrier.wait(timeout=30)
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(begin, job) for job in jobs]]


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
