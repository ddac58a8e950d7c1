"""Messages to guests on their way: once, when they fail, and when they have to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pins.guests import collecting
from pins.models import GuestGuide, GuestMessage, GuestPage, GuestText, Incident
from pins.notify import collecting as news
from pins.notify.tries import SendResult
from rentals.fields import Ciphertext
from rentals.models import Booking, Property
from tests.support.guests import DAY, HOUR, path_of, stay_of, tick
from tests.support.house import House
from tests.support.mail_server import MailServer

pytestmark = pytest.mark.django_db
SENT, HELD = [SendResult.SENT], [SendResult.HELD]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ready(house: House, flat: Property, guide: GuestGuide) -> Booking:
    stay = stay_of(house, flat, DAY)
    house.settle()
    return stay


def test_a_failure_is_an_incident_and_ends_with_the_delivery(
    ready: Booking, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert tick() == [SendResult.FAILED]
    assert not Incident.objects.exists()
    clock.shift(10 * MINUTE)
    assert tick() == [SendResult.FAILED]
    incident = Incident.objects.get(kind=Incident.Kind.GUEST_NOT_TOLD)
    assert (incident.booking, incident.severity) == (ready, "warning")
    assert "anna" not in GuestMessage.objects.get().last_error
    with MailServer() as server:
        settings.EMAIL_PORT = server.port
        clock.shift(HOUR)
        assert tick() == SENT
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_without_an_address_of_our_own_it_says_what_to_set(ready: Booking, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    assert tick() == [SendResult.FAILED]
    assert "PUBLIC_URL" in GuestMessage.objects.get().last_error


def test_the_hosts_own_words_in_the_guests_language(ready: Booking, guide: GuestGuide) -> None:
    GuestText.objects.create(
        guide=guide, language="de", subject="Willkommen, {{ guest }}", message="{{ link }}\n{{ wifi_name }}"
    )
    Booking.objects.update(guest_language="de")
    assert tick() == SENT
    assert mail.outbox[0].subject == "Willkommen, Anna Nowak"
    assert mail.outbox[0].body.startswith("https://codes.example.com/g/")


class TestWaiting:
    """What is off for a moment costs no message: what the guest was told counts from when it was written."""

    @pytest.fixture
    def written(self, ready: Booking) -> Booking:
        news.collect(timezone.now())
        collecting.collect(timezone.now())
        return ready

    def test_a_guide_that_is_switched_off_for_a_moment(
        self, written: Booking, guide: GuestGuide, clock: time_machine.Traveller
    ) -> None:
        GuestGuide.objects.update(is_active=False)
        assert tick() == HELD
        assert "waits" in GuestMessage.objects.get().last_error
        GuestGuide.objects.update(is_active=True)
        clock.shift(5 * MINUTE)
        assert tick() == SENT
        assert GuestMessage.objects.get().last_error == ""

    def test_a_stay_that_is_cancelled_by_mistake(self, written: Booking, clock: time_machine.Traveller) -> None:
        written.status = Booking.Status.CANCELLED
        written.save()
        assert tick() == HELD
        clock.shift(5 * MINUTE)
        assert tick() == HELD
        assert mail.outbox == []
        written.status = Booking.Status.CONFIRMED
        written.save()
        clock.shift(5 * MINUTE)
        assert tick() == SENT
        assert "changed" not in mail.outbox[0].subject.lower()

    def test_nobody_waits_beyond_the_stay(self, written: Booking, clock: time_machine.Traveller) -> None:
        GuestGuide.objects.update(is_active=False)
        assert tick() == HELD
        clock.move_to(written.check_out)
        assert tick() == [SendResult.DROPPED]
        assert mail.outbox == []


def test_a_secret_that_no_key_opens_stops_nobody_else(
    house: House, flat: Property, guide: GuestGuide, client: Client
) -> None:
    guide.wifi_name, guide.wifi_password = "Home", "blue-door"
    guide.save()
    stay = stay_of(house, flat, DAY)
    house.settle()
    path = path_of(stay)
    broken = Ciphertext("gAAAA-not-a-token")
    GuestGuide.objects.update(wifi_password=broken)
    GuestPage.objects.update(token=broken)
    assert tick() == [SendResult.FAILED]
    assert "FIELD_ENCRYPTION_KEYS" in GuestMessage.objects.get().last_error
    text = client.get(path).content.decode()
    assert "Door" in text
    assert "Home" in text
    assert "blue-door" not in text
