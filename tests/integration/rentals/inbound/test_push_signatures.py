"""Signed pushes: who may push, and until when a secret counts."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
import time_machine

from rentals import signing_secrets
from rentals.models import Booking, CalendarFeed
from tests.support.feeds import sample
from tests.support.pushes import send, signature, told

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


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
