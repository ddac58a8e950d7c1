"""Text messages to guests. They carry no id, so the host hears of a doubt before one is sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from apprise.plugins.clicksend import NotifyClickSend
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from pins.guests import collecting, sending
from pins.models import GuestGuide, GuestMessage, GuestText, Incident
from pins.models.outbox import CLAIM
from pins.notify import collecting as news
from pins.notify import services
from pins.notify.tries import SendResult
from pins.reconcile import after_loss
from rentals.models import Booking, Property
from tests.support.guests import DAY, stay_of, tick
from tests.support.house import House
from tests.support.scripted_server import Reply, Server, answer, hang

pytestmark = pytest.mark.django_db
SENT, FAILED = [SendResult.SENT], [SendResult.FAILED]


@pytest.fixture
def ready(house: House, flat: Property, guide: GuestGuide) -> Booking:
    guide.text_service = "clicksend://user:h1dden@{phone}"
    guide.save()
    stay = stay_of(house, flat, DAY, guest_email="", guest_phone="+48 601 234 567")
    house.settle()
    return stay


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    """A server in the place of the service. We wait for it hardly at all."""
    monkeypatch.setattr(services, "ANSWER_SECONDS", 0.2)

    class InPlace(Server):
        def __enter__(self) -> InPlace:
            super().__enter__()
            monkeypatch.setattr(NotifyClickSend, "notify_url", f"http://127.0.0.1:{self.port}/sms")
            return self

    def serve(*replies: Reply) -> Server:
        return InPlace(replies)

    return serve


def unresolved() -> list[str]:
    return list(Incident.objects.filter(resolved_at=None).values_list("kind", flat=True))


def test_it_goes_to_the_guests_number(ready: Booking, guide: GuestGuide, service: Callable[..., Server]) -> None:
    GuestText.objects.create(guide=guide, language="en", message="A long story. " * 90 + "{{ link }}")
    with service(answer(200)) as server:
        assert tick() == SENT
    (sent,) = server.requests
    body: Any = sent.json()
    (message,) = body["messages"]
    assert message["to"] == "+48601234567"
    assert "/g/" in message["body"]
    assert len(message["body"]) < 300
    assert GuestMessage.objects.get().last_error == ""


def test_without_an_answer_the_host_hears_before_it_goes_out_again(
    ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller, host: Client
) -> None:
    with service(hang(), answer(200)) as server:
        assert tick() == FAILED
        assert unresolved() == ["guest_not_told"]
        stay = reverse("stay", args=[ready.pk])
        assert sending.ONCE_MORE in host.get(stay).content.decode()
        clock.shift(sending.TELL_FIRST / 2)
        assert tick() == []
        clock.shift(sending.TELL_FIRST / 2)
        assert tick() == SENT
        assert len(server.requests) == 2
    assert unresolved() == []
    assert sending.PERHAPS_TWICE in host.get(stay).content.decode()


def test_after_a_second_time_without_an_answer_a_person_decides(
    ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller
) -> None:
    with service(hang()) as server:
        assert tick() == FAILED
        clock.shift(sending.TELL_FIRST)
        assert tick() == FAILED
        clock.shift(DAY / 4)
        assert tick() == []
        assert len(server.requests) == 2
    message = GuestMessage.objects.get()
    assert (message.state, message.last_error) == ("given_up", sending.UNSURE)
    assert unresolved() == ["guest_not_told"]


def test_a_refusal_is_no_doubt(ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller) -> None:
    with service(answer(500), answer(200)):
        assert tick() == FAILED
        clock.shift(sending.TELL_FIRST)
        assert tick() == SENT
    assert GuestMessage.objects.get().last_error == ""


def test_a_sender_that_died_before_it_sent_leaves_no_doubt(
    ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(sending, "_try", killed)
        with pytest.raises(SystemExit):
            tick()
    clock.shift(CLAIM)
    with service(answer(200)):
        assert tick() == SENT


def test_a_letter_that_arrived_does_not_end_the_incident_of_the_text_message(
    ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller
) -> None:
    Booking.objects.update(guest_email="anna@example.com")
    with service(hang(), answer(200)):
        assert sorted(tick()) == [SendResult.FAILED, SendResult.SENT]
        assert len(mail.outbox) == 1
        assert unresolved() == ["guest_not_told"]
        clock.shift(sending.TELL_FIRST)
        assert tick() == SENT
    assert unresolved() == []


def test_after_a_restore_nobody_knows_what_was_sent_since(
    ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller
) -> None:
    news.collect(timezone.now())
    collecting.collect(timezone.now())
    after_loss.begin(timezone.now())
    with service(answer(200)) as server:
        (waiting,) = GuestMessage.objects.all()
        assert sending.send(waiting.pk) is SendResult.FAILED
        assert unresolved() == ["guest_not_told"]
        assert server.requests == []


def test_a_doubt_outlasts_a_guide_that_is_off_for_a_moment(
    ready: Booking, service: Callable[..., Server], clock: time_machine.Traveller
) -> None:
    news.collect(timezone.now())
    collecting.collect(timezone.now())
    GuestMessage.objects.update(begun_at=timezone.now())  # whoever sent it died
    GuestGuide.objects.update(is_active=False)
    assert tick() == [SendResult.HELD]
    GuestGuide.objects.update(is_active=True)
    clock.shift(sending.OFF_LOOK_AGAIN)
    with service(answer(200)) as server:
        assert tick() == FAILED
        assert server.requests == []
    assert unresolved() == ["guest_not_told"]
