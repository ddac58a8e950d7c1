"""Each channel in its own language: what people read, and what stays as machines know it."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone, translation

from pins.incidents import texts
from pins.notify import collecting, reasons
from rentals.models import Booking, Lock
from tests.support.house import House
from tests.support.notifications import hook, letters, open_for, resolve_for, tell, tried
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def in_polish(kind: str) -> texts.IncidentText:
    with translation.override("pl"):
        return texts.text_of(kind)


def bodies(server: Server) -> list[Any]:
    return [one.json() for one in server.requests]


def test_a_letter_about_a_stay_is_polish_with_its_times(house: House, door: Lock) -> None:
    letters(language="pl", events=["stay.cancelled"])
    stay = house.stay(house.flat(door, name="Stare Miasto 3"), DAY, 3 * DAY, "Anna")
    house.settle()
    tell()
    stay.status = Booking.Status.CANCELLED
    stay.save()
    tell()
    (letter,) = mail.outbox
    assert letter.subject == "Odwołano: Anna, Stare Miasto 3"
    assert letter.body.splitlines()[:3] == [
        "Anna, Stare Miasto 3",
        "Pobyt jest odwołany. Jego kod jest usuwany z zamków: Front door.",
        "Przyjazd wt 2 mar 2027, 10:00 CET, wyjazd pt 5 mar 2027, 10:00 CET.",
    ]


@pytest.mark.parametrize(
    ("stays", "said"),
    [
        (0, "Pon 1 mar: bez przyjazdów"),
        (1, "Pon 1 mar: 1 przyjazd, gotowe: 1"),
        (3, "Pon 1 mar: 3 przyjazdy, gotowe: 3"),
        (5, "Pon 1 mar: 5 przyjazdów, gotowe: 5"),
    ],
)
def test_a_summary_has_the_plurals_of_its_language(
    stays: int, said: str, house: House, door: Lock, clock: time_machine.Traveller
) -> None:
    letters(language="pl", events=[], timezone="Europe/Warsaw", summary_at=time(10, 30))
    for number in range(stays):
        house.stay(house.flat(door, name=f"Flat {number}"), 6 * HOUR, DAY, "Anna")
    house.settle()
    clock.shift(30 * MINUTE)
    tell()
    (letter,) = mail.outbox
    assert letter.subject == said
    assert ("Dziś przyjeżdżają:" if stays else "Dziś nikt nie przyjeżdża.") in letter.body
    assert "Nic do naprawienia." in letter.body


def test_an_incident_reaches_each_channel_in_its_language(door: Lock) -> None:
    letters(name="Anna")
    letters(name="Ewa", target="ewa@example.com", language="pl")
    with Server([answer(200)]) as server:
        hook(server, language="pl")
        open_for(door)
        tell()
        resolve_for(door)
        tell()
        opened, resolved = bodies(server)
    polish, english = in_polish("no_permission"), texts.text_of("no_permission")
    assert polish.remedy != english.remedy
    said = {(one.to[0], one.subject): one.body for one in mail.outbox}
    assert f"What to do: {english.remedy}" in said["anna@example.com", f"{english.what}: Front door"]
    assert f"Co zrobić: {polish.remedy}" in said["ewa@example.com", f"{polish.what}: Front door"]
    assert "Nie trzeba już nic robić." in said["ewa@example.com", "Znowu w porządku: Front door"]
    assert opened["type"] == "incident.opened"
    assert resolved["data"]["incident"]["kind"] == "no_permission"
    assert opened["data"]["language"] == resolved["data"]["language"] == "pl"
    assert opened["data"]["remedy"] == polish.remedy


def test_a_message_is_in_one_language_though_the_channel_has_another_one_since(door: Lock) -> None:
    channel = letters(language="pl")
    open_for(door)
    collecting.collect(timezone.now())
    channel.language = "en"
    channel.save()
    tell()
    (letter,) = mail.outbox
    assert f"Co zrobić: {in_polish('no_permission').remedy}" in letter.body


def test_why_a_message_was_not_sent_is_kept_in_english_and_said_in_the_readers_language() -> None:
    with Server([answer(503)]) as server:
        stored = tried(hook(server, language="pl"))
    assert stored == "The receiver answers with status 503."
    with translation.override("pl"):
        assert reasons.shown(stored) == "Odbiorca odpowiada kodem 503."
        assert reasons.shown("It could not be sent in time.") == "Nie udało się wysłać na czas."
        assert reasons.shown("Words of another release.") == "Words of another release."
        assert reasons.shown("") == ""


def test_a_test_message_is_in_the_channels_language(settings: Any) -> None:
    assert tried(letters(language="pl")) == ""
    assert mail.outbox[0].subject == "Turnkey: wiadomość próbna"
