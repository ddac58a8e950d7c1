"""Messages about stays: ready, changed and removed codes, and the guest's name in them."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from standardwebhooks import Webhook

from pins.desired import code_overrides, grants
from pins.models import AccessGrant, Delivery, PinReveal
from pins.notify import collecting
from pins.notify.tries import SendResult
from rentals import signing_secrets
from rentals.models import Booking, Lock, LockAccount
from tests.support.house import House
from tests.support.notifications import EVERYTHING, State, hook, letters, open_for, tell
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.django_db(transaction=True)
class TestStays:
    def test_a_stay_from_its_code_to_its_cancellation(
        self, house: House, door: Lock, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        second = house.lock("Attic")
        with Server([answer(200)]) as server:
            channel = hook(server)
            stay = house.stay(house.flat(door, second), DAY, DAY)
            grant = AccessGrant.objects.get()
            house.run(door)
            tell()
            assert server.requests == []  # one lock of two
            house.settle()
            tell()
            tell()
            code_overrides.renew_code(grant.pk, timezone.now())
            tell()
            house.settle()
            tell()
            stay.check_out += HOUR  # other dates are no other code
            stay.save()
            house.settle()
            tell()
            stay.status = Booking.Status.CANCELLED
            stay.save()
            tell()
            house.settle()
            stay.status = Booking.Status.CONFIRMED
            stay.save()
            house.settle()
            tell()
            stay.delete()
            tell()
        told: list[Any] = [one.json() for one in server.requests]
        assert [one["type"] for one in told] == [
            "code.ready",
            "code.changed",
            "stay.cancelled",
            "code.ready",
            "stay.cancelled",
        ]
        first = told[0]["data"]
        assert first["stay"]["guest"] == "Anna Nowak"
        assert first["stay"]["reference"] == grant.reference
        assert [one["name"] for one in first["locks"]] == ["Attic", "Front door"]
        assert "code" not in first
        assert told[-1]["data"]["stay"]["id"] is None
        assert not PinReveal.objects.exists()
        for sent in server.requests:
            Webhook(channel.signing_secret).verify(sent.body.decode(), sent.headers)

    def test_no_removal_is_promised_where_turnkey_only_observes(self, house: House, door: Lock) -> None:
        """The code was set before somebody ticked “Observe only”: it stays, and opens."""
        letters(events=["stay.cancelled"])
        gate = house.lock("Gate")
        stay = house.stay(house.flat(door, gate), DAY, DAY)
        house.settle()
        tell()
        watched = LockAccount.objects.create(name="Watched", secret="another-key", observe_only=True)
        Lock.objects.filter(pk=gate.pk).update(account=watched)
        stay.status = Booking.Status.CANCELLED
        stay.save()
        tell()
        (letter,) = mail.outbox
        assert "taken off Front door." in letter.body
        assert "Turnkey only observes Gate, so the code stays there" in letter.body

    def test_a_code_that_was_on_no_lock_comes_off_none(self, house: House, door: Lock) -> None:
        letters(events=["stay.cancelled"])
        stay = house.stay(house.flat(door), DAY, DAY)
        stay.status = Booking.Status.CANCELLED
        stay.save()
        tell()
        assert ["Its code is on no lock." in one.body for one in mail.outbox] == [True]

    def test_a_signature_is_that_of_the_body_and_the_secret(self, house: House, door: Lock) -> None:
        with Server([answer(200)]) as server:
            channel = hook(server)
            open_for(door)
            tell()
        (sent,) = server.requests
        assert sent.headers["content-type"] == "application/json"
        assert Webhook(channel.signing_secret).verify(sent.body.decode(), sent.headers) == json.loads(sent.body)
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(signing_secrets.generate()).verify(sent.body.decode(), sent.headers)
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(channel.signing_secret).verify(sent.body.decode() + " ", sent.headers)

    def test_the_code_is_sent_only_where_it_is_allowed_and_kept_nowhere_else(
        self, house: House, door: Lock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with Server([answer(500), answer(200)]) as server, Server([answer(200)]) as other:
            with_code, _ = hook(server, include_code=True), hook(other, name="Without")
            house.stay(house.flat(door), DAY, DAY)
            house.settle()
            code = AccessGrant.objects.get().code
            tell()
            with time_machine.travel(timezone.now() + MINUTE, tick=False):
                tell()
            sent: list[Any] = [one.json() for one in server.requests]
            assert [one["data"]["code"] for one in sent] == [code, code]
            plain: Any = other.requests[0].json()
            assert "code" not in plain["data"]
        grant = AccessGrant.objects.get()
        assert grant.disclosed_at is not None
        assert {one.user_name for one in PinReveal.objects.all()} == {"webhook “Robot”"}
        rows = json.dumps(list(Delivery.objects.values()), default=str)
        assert code not in rows
        assert "h1dden" not in rows
        with_code.refresh_from_db()
        assert code not in caplog.text
        assert "h1dden" not in caplog.text
        assert "whsec_" not in caplog.text

    def test_a_code_that_is_being_exchanged_waits_and_one_that_was_revoked_is_not_told(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(200)]) as server:
            channel = hook(server, include_code=True)
            house.stay(house.flat(door), DAY, DAY)
            house.settle()
            collecting.collect(timezone.now())
            grant = AccessGrant.objects.get()
            grants.rotate(grant.pk, timezone.now())
            assert tell() == [SendResult.HELD]
            house.settle()
            clock.shift(2 * MINUTE)
            tell()
            codes = [one.json()["data"]["code"] for one in server.requests]  # type: ignore[index]
            grant.refresh_from_db()
            assert set(codes) == {grant.code}
            code_overrides.revoke([grant.pk], timezone.now())
            code_overrides.renew_code(grant.pk, timezone.now())
            house.settle()
            collecting.collect(timezone.now())
            code_overrides.revoke([grant.pk], timezone.now())
            assert tell() == [SendResult.DROPPED]
        assert channel.deliveries.filter(state=State.DROPPED).count() == 1

    def test_a_deleted_stay_takes_the_guests_name_along(self, house: House, door: Lock) -> None:
        channel = letters(events=EVERYTHING)
        stay = house.stay(house.flat(door), DAY, DAY)
        house.settle()
        tell()
        assert "Anna Nowak" in mail.outbox[0].subject
        stay.delete()
        assert "Anna" not in json.dumps([one.payload for one in channel.deliveries.all()])
