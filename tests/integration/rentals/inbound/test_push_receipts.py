"""Each pushed message counts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError

from rentals import webhooks
from rentals.inbound import signatures
from rentals.models import Booking, CalendarFeed, WebhookReceipt
from tests.support.feeds import sample
from tests.support.pushes import make_feed, send, signature, told
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


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
