"""Signatures in the form of Standard Webhooks."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from standardwebhooks import Webhook

from rentals import signing_secrets
from rentals.inbound import signatures
from rentals.inbound.http import Refused
from rentals.models import CalendarFeed

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
OLD, NEW, OTHER = (signing_secrets.generate() for _ in range(3))


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def feed(secret: str = NEW, previous: str = "") -> CalendarFeed:
    return CalendarFeed(name="Feed", signing_secret=secret, previous_signing_secret=previous)


def headers(secret: str = NEW, at: datetime = NOW, body: bytes = BODY, given_id: str = "msg_1") -> dict[str, str]:
    signature = Webhook(secret).sign(given_id, at, body.decode())
    return {"webhook-id": given_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def refusal(feed: CalendarFeed, given: dict[str, str], body: bytes = BODY) -> Refused:
    with pytest.raises(Refused) as caught:
        signatures.signed_at(feed, body, given, NOW)
    return caught.value


def test_a_feed_without_a_secret_asks_for_no_signature() -> None:
    assert signatures.signed_at(feed(""), BODY, {}, NOW) is None
    assert signatures.signed_at(feed(""), b"\xff", headers(OTHER), NOW) is None


def test_both_secrets_count_while_the_sender_changes_to_the_new_one() -> None:
    turning = feed(NEW, OLD)
    assert signatures.signed_at(turning, BODY, headers(NEW), NOW) == NOW
    assert signatures.signed_at(turning, BODY, headers(OLD), NOW) == NOW
    both = headers(OLD) | {"webhook-signature": f"v1a,xyz {headers(NEW)['webhook-signature']}"}
    assert signatures.signed_at(turning, BODY, both, NOW) == NOW
    assert refusal(turning, headers(OTHER)).code == "signature_wrong"
    assert refusal(feed(NEW), headers(OLD)).code == "signature_wrong"


@pytest.mark.parametrize("beside", ["junk", "v2,a,b", "v1", "v1,", ""])
def test_an_entry_that_is_none_of_ours_hides_no_good_one(beside: str) -> None:
    good = headers()
    several = good | {"webhook-signature": f"{beside}  {good['webhook-signature']} {beside}"}
    assert signatures.signed_at(feed(), BODY, several, NOW) == NOW
    assert refusal(feed(), good | {"webhook-signature": beside or "junk"}).code == "signature_wrong"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_401(missing: str) -> None:
    refused = refusal(feed(), headers() | {missing: ""})
    assert (refused.status, refused.code) == (401, "signature_missing")
    assert missing in refused.detail


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_or_early_timestamp_is_401_even_if_rightly_signed(minutes: int) -> None:
    refused = refusal(feed(NEW, OLD), headers(OLD, NOW + timedelta(minutes=minutes)))
    assert (refused.status, refused.code) == (401, "timestamp_too_far")


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(NOW.timestamp()) - 1)},
        *({"webhook-timestamp": text} for text in ("soon", "nan", "inf", "1e400", "-1e9999")),
        *({"webhook-signature": text} for text in ("x", "v1", "v1,", "v1,é", "v1,!", "v2,abcd", ",", " ", "v1,a,b")),
    ],
)
def test_anything_changed_or_malformed_is_401(changed: dict[str, str]) -> None:
    refused = refusal(feed(), headers() | changed)
    assert (refused.status, refused.code) == (401, "signature_wrong")


def test_another_body_is_401() -> None:
    assert refusal(feed(), headers(), BODY + b"\n").code == "signature_wrong"


def test_what_is_no_text_cannot_be_signed() -> None:
    refused = refusal(feed(), headers(), b"\xff\xfe")
    assert (refused.status, refused.code) == (400, "not_utf8")


def test_the_age_of_the_content_is_the_end_of_the_signed_second_and_never_in_the_future() -> None:
    early = NOW - timedelta(minutes=2)
    assert signatures.signed_at(feed(), BODY, headers(at=early), NOW) == early + timedelta(microseconds=999_999)
    assert signatures.signed_at(feed(), BODY, headers(at=NOW + timedelta(minutes=2)), NOW) == NOW


@pytest.mark.parametrize("stored", ["whsec_", "whsec_!!!", "short", "whsec_" + "A" * 8, "x" * 400])
def test_a_malformed_stored_secret_refuses_clearly_and_lets_nobody_in(stored: str) -> None:
    refused = refusal(feed(stored), headers(OTHER))
    assert (refused.status, refused.code) == (401, "signing_secret_unusable")
    assert stored not in refused.detail
    # A malformed one beside a good one does not spoil the good one.
    assert signatures.signed_at(feed(stored, OLD), BODY, headers(OLD), NOW) == NOW


def test_secrets_that_both_sides_read_alike_are_valid() -> None:
    for size in (24, 32, 64):
        text = base64.b64encode(bytes(size)).decode()
        signing_secrets.validate(text)
        signing_secrets.validate(f"whsec_{text}")
    signing_secrets.validate(signing_secrets.generate())
    assert len({signing_secrets.generate() for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        base64.b64encode(bytes(23)).decode(),
        base64.b64encode(bytes(65)).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),  # the library would skip "_" and read another secret
        base64.b64encode(bytes(32)).decode().rstrip("="),
        "whsec_" + base64.b64encode(bytes(32)).decode() + "\n",
        "é" * 40,
    ],
)
def test_other_secrets_are_refused_with_the_remedy_and_without_the_secret(text: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand -base64 32") as caught:
        signing_secrets.validate(text)
    assert not text.strip("whsec_\n") or text not in str(caught.value)


@pytest.mark.parametrize("given", ["a" * 256, "a b", "é", "a\x00", "\t"])
def test_an_id_that_cannot_be_kept_is_400(given: str) -> None:
    with pytest.raises(Refused) as caught:
        signatures.webhook_id({"webhook-id": given})
    assert (caught.value.status, caught.value.code) == (400, "bad_webhook_id")


def test_an_id_is_optional() -> None:
    assert signatures.webhook_id({}) == ""
    assert signatures.webhook_id({"webhook-id": "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj"}).startswith("msg_")
