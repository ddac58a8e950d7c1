"""The guest's page: what it says when, and to whom it says nothing."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.logging import redact
from pins.desired import code_overrides, drift
from pins.guests import links, views
from pins.models import AccessGrant, GuestPage, GuestPicture, Incident, PinReveal
from rentals.inbound import rate_limits
from rentals.models import Booking
from rentals.models.tokens import token_digest
from tests.support.guests import DAY, HOUR, guide_of, page_text, path_of, shown_code, stay_of
from tests.support.house import House

pytestmark = pytest.mark.django_db


def test_planned_then_ready_then_active_then_ended(house: House, clock: time_machine.Traveller, client: Client) -> None:
    flat = house.flat(house.lock("Front door"), house.lock("Entrance"), issue_ahead_days=1)
    guide_of(flat, code_hours=24, grace_hours=5)
    stay = stay_of(house, flat, 2 * DAY)
    text = page_text(client, stay)
    assert text.count("Planned") == 2
    assert "You can see your code here from Tuesday, 2 Mar 2027, 10:00" in text
    assert "Your stay begins in 2" in text
    clock.shift(DAY + HOUR)
    drift.look(timezone.now())
    house.settle()
    text = page_text(client, stay)
    assert text.count("Ready") == 2
    assert "Your code is ready." in text
    clock.shift(DAY)
    text = page_text(client, stay)
    assert text.count("Active now") == 2
    assert "Your stay ends in 2" in text
    clock.move_to(stay.check_out + HOUR)
    assert "Your stay is over." in page_text(client, stay)
    clock.move_to(stay.check_out + 5 * HOUR)
    assert client.get(path_of(stay)).status_code == 404


def test_a_get_discloses_nothing_and_a_press_does(house: House, client: Client) -> None:
    flat = house.flat(house.lock("Front door"))
    guide_of(flat)
    stay = stay_of(house, flat, 5 * HOUR)
    house.settle()
    grant = AccessGrant.objects.get(booking=stay)
    for path in (path_of(stay), path_of(stay) + "?lang=pl"):
        assert grant.code not in client.get(path).content.decode().replace("</span><span>", "")
    assert client.get(path_of(stay, "guest-code")).status_code == 405
    grant.refresh_from_db()
    assert grant.disclosed_at is None
    assert shown_code(client, stay) == grant.code
    grant.refresh_from_db()
    assert grant.disclosed_at == timezone.now()
    assert PinReveal.objects.get(grant=grant).user_name == "the guest, on their page"


@pytest.mark.parametrize("why", ["too early", "offline", "half", "not released", "revoked", "cancelled"])
def test_no_code_where_it_is_not_true(house: House, client: Client, why: str) -> None:
    front, gate = house.lock("Front door"), house.lock("Gate")
    flat = house.flat(front, gate)
    guide_of(flat, needs_release=why == "not released")
    if why in ("offline", "half"):
        for lock in (front, gate) if why == "offline" else (gate,):
            house.cloud.lock(lock.device_id).connected = False
    stay = stay_of(house, flat, 3 * DAY if why == "too early" else 5 * HOUR)
    house.run(front)
    house.run(gate)
    if why == "revoked":
        code_overrides.revoke([AccessGrant.objects.get(booking=stay).pk], timezone.now())
    if why == "cancelled":
        stay.status = Booking.Status.CANCELLED
        stay.save()
    assert "Show my code" not in page_text(client, stay)
    assert shown_code(client, stay) == ""
    assert AccessGrant.objects.get(booking=stay).disclosed_at is None
    assert not PinReveal.objects.exists()
    assert ("Ready" in page_text(client, stay)) is (why in ("too early", "half", "not released"))
    if why == "not released":
        assert links.release(stay.pk, timezone.now())
        assert shown_code(client, stay)


def test_a_page_is_nobodys_but_the_guests(house: House, client: Client) -> None:
    flat = house.flat(house.lock())
    guide = guide_of(flat, address="Rynek 3, Kraków", wifi_name="Home", wifi_password="blue-door")
    picture = GuestPicture.objects.create(guide=guide, caption="The gate", content_type="image/png", data=b"\x89PNG")
    stay = stay_of(house, flat, 5 * HOUR)
    page = client.get(path_of(stay))
    assert page["Cache-Control"] == "no-store"
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert not page.cookies
    text = page.content.decode()
    assert "blue-door" in text
    assert "anna@example.com" not in text
    assert "<script" not in text
    assert " style=" not in text
    assert client.get(path_of(stay, "guest-picture", picture_id=picture.pk)).content == b"\x89PNG"
    former = path_of(stay)
    assert links.rotate([stay.pk])
    assert client.get(former).status_code == 404
    assert client.get(path_of(stay)).status_code == 200
    guide.is_active = False
    guide.save()
    assert client.get(path_of(stay)).status_code == 404
    assert client.get("/g/" + "x" * 5000 + "/").status_code == 404
    assert client.get("/g/wrong/", headers={"accept-language": "pl-PL,en;q=0.5"}).content.decode().count('lang="pl"')


def test_the_link_is_stored_as_a_digest_and_hidden_in_logs(
    house: House, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    flat = house.flat(house.lock())
    guide_of(flat)
    stay = stay_of(house, flat, 5 * HOUR)
    path, page = path_of(stay), GuestPage.objects.get()
    assert len(page.token) >= 43
    assert page.token_digest == token_digest(page.token)
    with caplog.at_level(logging.DEBUG):
        client.get(path + "pictures/9/")
        client.post(path)
    assert page.token not in redact(caplog.text)
    assert redact("GET /g/Ab12-short-one/code/ 404") == "GET /g/[hidden] 404"
    assert redact("see https://codes.example.com/g//mistyped") == "see https://codes.example.com/g//[hidden]"


def test_languages_follow_the_link_the_stay_and_the_browser(house: House, client: Client) -> None:
    flat = house.flat(house.lock())
    guide_of(flat)
    stay = stay_of(house, flat, 5 * HOUR, guest_language="pl")
    polish = client.get(path_of(stay), headers={"accept-language": "de"}).content.decode()
    assert "Nie mogę wejść" in polish
    assert "poniedziałek, 1 marca 2027" in polish
    assert "Ich komme nicht hinein" in page_text(client, stay, "de")
    Booking.objects.update(guest_language="")
    assert "arrive pas à entrer" in client.get(path_of(stay), headers={"accept-language": "fr-CH"}).content.decode()
    assert "I cannot get in" in client.get(path_of(stay), headers={"accept-language": "ja"}).content.decode()


class TestHelp:
    def test_the_host_is_told_urgently_and_the_guest_what_to_try(self, house: House, client: Client) -> None:
        front = house.lock("Front door")
        flat = house.flat(front)
        guide_of(flat, host_phone="+48 601 234 567")
        stay = stay_of(house, flat, -HOUR)
        house.cloud.lock(front.device_id).connected = False
        house.run(front)
        text = client.post(path_of(stay, "guest-help")).content.decode()
        assert "Your host has been told." in text
        assert "Your code is not on this door yet: Front door" in text
        assert "This lock has no connection: Front door" in text
        assert "tel:+48 601 234 567" in text
        incident = Incident.objects.get(kind=Incident.Kind.GUEST_SHUT_OUT)
        assert (incident.booking, incident.severity) == (stay, Incident.Severity.URGENT)
        client.post(path_of(stay, "guest-help"))
        assert Incident.objects.filter(kind=Incident.Kind.GUEST_SHUT_OUT).count() == 1
        answer = client.post(path_of(stay, "guest-is-in"), follow=True).content.decode()
        assert "Your host knows that you are in" in answer
        incident.refresh_from_db()
        assert incident.resolved_at == timezone.now()

    def test_too_early_is_no_emergency(self, house: House, client: Client) -> None:
        flat = house.flat(house.lock())
        guide_of(flat)
        stay = stay_of(house, flat, 5 * HOUR)
        house.settle()
        assert "It is too early" in client.post(path_of(stay, "guest-help")).content.decode()
        assert Incident.objects.get(kind=Incident.Kind.GUEST_SHUT_OUT).severity == Incident.Severity.WARNING

    def test_a_stay_without_trouble_says_so(self, house: House, clock: time_machine.Traveller, client: Client) -> None:
        flat = house.flat(house.lock())
        guide_of(flat)
        stay = stay_of(house, flat, HOUR)
        house.settle()
        clock.shift(timedelta(hours=2))
        assert "Every door has your code" in client.post(path_of(stay, "guest-help")).content.decode()


def test_who_asks_too_often_waits(house: House, client: Client, settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url
    rate_limits._resting.clear()
    flat = house.flat(house.lock())
    guide_of(flat)
    stay = stay_of(house, flat, -HOUR)
    asked = [client.post(path_of(stay, "guest-help")) for _ in range(views.HELPS.amount + 1)]
    assert [answer.status_code for answer in asked[-2:]] == [200, 429]
    assert "Please wait a moment" in asked[-1].content.decode()
    assert int(asked[-1]["Retry-After"]) > 0
    assert asked[-1]["Cache-Control"] == "no-store"
    assert client.get(path_of(stay)).status_code == 200  # the page itself has a limit of its own
