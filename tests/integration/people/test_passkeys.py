"""Passkeys: made soon after logging in, a way in without a password, and nothing that a forged answer can use."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from config.people import second_step
from config.people.models import Passkey, SecondStep
from tests.support.authenticator import Device
from tests.support.logins import PASSWORD, log_in
from tests.support.pages import text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("counts"),
    pytest.mark.parametrize("counts", ["no redis"], indirect=True),
]

PAGE, ENTER = "/admin/passkeys/", "/admin/login/passkey/"
LATER = timedelta(minutes=20)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2027-03-01T09:00:05Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def anna(clock: time_machine.Traveller) -> User:
    return User.objects.create_user("anna", "anna@example.com", PASSWORD, is_staff=True)


def made(client: Client, device: Device, name: str = "Phone") -> Any:
    asked = client.post(f"{PAGE}begin/")
    assert asked.status_code == 200, asked.content
    return client.post(f"{PAGE}make/", {"answer": device.make(asked.json()), "name": name})


@pytest.fixture
def device(anna: User) -> Device:
    """Anna's."""
    client, device = Client(), Device()
    log_in(client, "anna", PASSWORD)
    made(client, device)
    assert Passkey.objects.filter(user=anna).count() == 1
    return device


def enter(client: Client, device: Device, **changes: str) -> Any:
    asked = client.post(f"{ENTER}begin/").json()
    return client.post(ENTER, {"answer": device.enter(asked, **changes), "next": "/timeline/"})


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_a_passkey_lets_its_owner_in(client: Client, anna: User, device: Device) -> None:
    answer = enter(client, device)
    assert answer["Location"] == "/timeline/"
    assert is_in(client)
    assert answer.wsgi_request.user == anna
    page = text(client.get(PAGE))
    assert "Phone" in page
    assert "last used 1 March 2027" in page
    assert "Added a passkey." in LogEntry.objects.values_list("change_message", flat=True)


def test_it_is_a_second_step_too(client: Client, anna: User, device: Device, settings: LazySettings) -> None:
    step = second_step.prepared(anna)
    SecondStep.objects.filter(pk=step.pk).update(confirmed_at=anna.date_joined)
    settings.SECOND_STEP_REQUIRED = True
    enter(client, device)
    assert is_in(client)


def test_a_device_that_counts_nothing_works_again_and_again(anna: User) -> None:
    device, client = Device(counts=False), Client()
    log_in(client, "anna", PASSWORD)
    made(client, device)
    for _ in range(2):
        other = Client()
        enter(other, device)
        assert is_in(other)


@pytest.mark.parametrize("lie", ["site", "locked", "key", "unknown", "signature", "handle", "copy", "nonsense"])
def test_a_forged_answer_lets_nobody_in(
    client: Client, anna: User, device: Device, lie: str, caplog: pytest.LogCaptureFixture
) -> None:
    changes: dict[str, str] = {}
    if lie == "site":
        device.origin = "http://testserver.evil.example"
    elif lie == "locked":
        device.unlocked = False
    elif lie == "key":
        device.key = Device().key
    elif lie == "unknown":
        device.id = Device().id
    elif lie == "signature":
        changes = {"signature": "AAAA"}
    elif lie == "handle":
        changes = {"userHandle": "dHVybmtleTo5OTk"}  # turnkey:999
    elif lie == "copy":
        clone = copy.copy(device)
        enter(Client(), device)
        enter(Client(), device)
        device = clone
    else:
        changes = {"authenticatorData": "AAAA", "clientDataJSON": "e30"}
    enter(client, device, **changes)
    assert not is_in(client)
    assert "lets nobody in here" in text(client.get("/admin/login/"))
    assert "login_failed" in caplog.text


def test_what_was_asked_counts_once_here_and_for_five_minutes(
    client: Client, device: Device, clock: time_machine.Traveller
) -> None:
    answer = device.enter(client.post(f"{ENTER}begin/").json())
    stranger = Client()
    stranger.post(ENTER, {"answer": answer})
    assert not is_in(stranger)
    client.post(ENTER, {"answer": answer})
    assert is_in(client)
    client.logout()
    client.post(ENTER, {"answer": answer})
    assert not is_in(client)
    asked = client.post(f"{ENTER}begin/").json()
    clock.shift(timedelta(minutes=6))
    client.post(ENTER, {"answer": device.enter(asked)})
    assert not is_in(client)


@pytest.mark.parametrize(
    "answer", ["", "[]", "{", "{}", "[" * 9000, json.dumps({"id": 1, "rawId": 2}), "x" * 50_000], ids=range(7)
)
def test_whatever_is_sent_is_answered(client: Client, device: Device, answer: str) -> None:
    client.post(f"{ENTER}begin/")
    assert client.post(ENTER, {"answer": answer}).status_code == 302
    log_in(client, "anna", PASSWORD)
    client.post(f"{PAGE}begin/")
    assert client.post(f"{PAGE}make/", {"answer": answer}).status_code == 302
    assert Passkey.objects.count() == 1


def test_next_stays_inside(client: Client, device: Device) -> None:
    asked = client.post(f"{ENTER}begin/").json()
    answer = client.post(ENTER, {"answer": device.enter(asked), "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_a_person_who_is_switched_off_stays_out(client: Client, anna: User, device: Device) -> None:
    User.objects.update(is_active=False)
    enter(client, device)
    assert not is_in(client)


def test_tries_of_one_address_are_limited(client: Client, device: Device) -> None:
    for _ in range(40):
        client.post(f"{ENTER}begin/")
    assert client.post(f"{ENTER}begin/").status_code == 429


def test_one_is_made_soon_after_logging_in_alone(client: Client, anna: User, clock: time_machine.Traveller) -> None:
    """A session that somebody found open gives no way in for ever."""
    log_in(client, "anna", PASSWORD)
    asked = client.post(f"{PAGE}begin/").json()
    clock.shift(LATER)
    assert "log out and in again" in text(client.get(PAGE))
    assert client.post(f"{PAGE}begin/").status_code == 403
    client.post(f"{PAGE}make/", {"answer": Device().make(asked)})
    found = Client()
    found.force_login(anna)  # a session that was not begun by logging in here
    assert found.post(f"{PAGE}begin/").status_code == 403
    assert not Passkey.objects.exists()


@pytest.mark.parametrize("lie", ["site", "locked", "twice"])
def test_a_forged_new_one_is_not_taken(client: Client, anna: User, device: Device, lie: str) -> None:
    new = Device()
    if lie == "site":
        new.origin = "https://evil.example"
    elif lie == "locked":
        new.unlocked = False
    else:
        new = device
    User.objects.create_user("eve", "eve@example.com", PASSWORD, is_staff=True)
    log_in(client, "eve", PASSWORD)
    made(client, new)
    assert "could not be added" in text(client.get(PAGE))
    assert Passkey.objects.get().user == anna


def test_each_person_removes_their_own(client: Client, anna: User, device: Device) -> None:
    one = Passkey.objects.get()
    User.objects.create_user("eve", "eve@example.com", PASSWORD, is_staff=True)
    log_in(client, "eve", PASSWORD)
    client.post(f"{PAGE}{one.pk}/remove/")
    assert Passkey.objects.exists()
    mine = Client()
    log_in(mine, "anna", PASSWORD)
    mine.post(f"{PAGE}{one.pk}/remove/")
    assert not Passkey.objects.exists()
    enter(client := Client(), device)
    assert not is_in(client)


def test_an_administrator_and_the_machine_can_remove_them_all(
    client: Client, anna: User, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.create_superuser("chief", password=PASSWORD)
    log_in(client, "chief", PASSWORD)
    page = text(client.get(f"/admin/auth/user/{anna.pk}/change/"))
    assert "1 passkey." in page
    client.post(f"/admin/auth/user/{anna.pk}/drop-second-step/")
    assert not Passkey.objects.exists()
    mine = Client()
    log_in(mine, "anna", PASSWORD)
    made(mine, Device())
    call_command("password_link", "anna", "--drop-second-step")
    assert "passkeys are removed" in capsys.readouterr().out
    assert not Passkey.objects.exists()


def test_pages_are_for_people_who_are_in(client: Client) -> None:
    for address in (PAGE, f"{PAGE}begin/", f"{PAGE}make/", f"{PAGE}1/remove/"):
        answer = client.get(address) if address == PAGE else client.post(address)
        assert answer["Location"].startswith("/admin/login/")
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(ENTER, {"answer": "{}"}).status_code == 403
