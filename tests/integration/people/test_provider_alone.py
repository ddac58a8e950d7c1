"""People whom the provider governs: no other way in, asked again after hours, and proof where it counts."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.management import call_command
from django.test import Client

from config.people import links, tasks
from config.people.models import Passkey, ProviderAccount
from config.people.provider import pages
from tests.support.authenticator import Device
from tests.support.logins import PASSWORD, log_in
from tests.support.pages import text
from tests.support.provider import START, Provider, go

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("counts"),
    pytest.mark.parametrize("counts", ["no redis"], indirect=True),
]

PASSKEYS, STEP = "/admin/passkeys/", "/admin/second-step/"


@pytest.fixture
def anna(clock: time_machine.Traveller) -> User:
    """She had a password before the house had a provider."""
    user = User.objects.create_user("anna", "anna@example.com", PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    return user


@pytest.fixture
def chief(clock: time_machine.Traveller) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief", "chief@example.com", PASSWORD))
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def page_of(anna: User, name: str) -> str:
    return f"/admin/auth/user/{anna.pk}/{name}/"


# -- one way in -----------------------------------------------------------------------------------------------------


def test_who_is_known_by_the_provider_has_no_other_way_in(client: Client, anna: User, provider: Provider) -> None:
    before = Client()
    log_in(before, "anna", PASSWORD)
    device = Device()
    begun = before.post(f"{PASSKEYS}begin/").json()
    before.post(f"{PASSKEYS}make/", {"answer": device.make(begun), "name": "Phone"})
    assert Passkey.objects.exists()
    go(client, provider)
    assert is_in(client)
    other = Client()
    assert "You log in with single sign-on" in text(log_in(other, "anna", PASSWORD))
    asked = other.post("/admin/login/passkey/begin/").json()
    other.post("/admin/login/passkey/", {"answer": device.enter(asked)})
    assert "You log in with single sign-on" in text(other.get("/admin/login/"))
    assert not is_in(other)
    assert "single sign-on" not in text(log_in(Client(), "anna", "a wrong password")).split("Log in with")[0]


def test_no_link_is_mailed_to_them(anna: User, provider: Provider, settings: LazySettings) -> None:
    settings.PUBLIC_URL, settings.EMAIL_HOST = "https://codes.example.com", "mail.example.com"
    assert list(links.people_at("anna@example.com")) == [anna]
    go(Client(), provider)
    assert not links.people_at("anna@example.com").exists()
    tasks.mail_link.apply(kwargs={"user_id": anna.pk})
    assert mail.outbox == []


def test_a_session_with_a_password_ends_when_the_provider_knows_them(
    client: Client, anna: User, provider: Provider, clock: time_machine.Traveller
) -> None:
    log_in(client, "anna", PASSWORD)
    assert is_in(client)
    go(Client(), provider)
    clock.shift(timedelta(minutes=6))
    assert not is_in(client)


def test_an_administrator_allows_a_password_and_takes_it_back(anna: User, provider: Provider, chief: Client) -> None:
    go(Client(), provider)
    assert "alone: a password or a passkey does not let them in" in text(chief.get(page_of(anna, "change")))
    chief.post(page_of(anna, "password-link"))
    refused = text(chief.get(page_of(anna, "change")))
    assert "logs in with single sign-on alone. Allow a password first" in refused
    chief.post(page_of(anna, "log-in-here"))
    allowed = Client()
    log_in(allowed, "anna", PASSWORD)
    assert is_in(allowed)
    chief.post(page_of(anna, "log-in-here"))
    assert not is_in_after_login(anna)
    said = LogEntry.objects.filter(object_id=str(anna.pk)).values_list("change_message", flat=True)
    assert "From now on logs in through the provider alone." in " ".join(said)


def is_in_after_login(anna: User) -> bool:
    client = Client()
    log_in(client, anna.username, PASSWORD)
    return is_in(client)


def test_the_machine_allows_it_too(anna: User, provider: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    go(Client(), provider)
    call_command("password_link", "anna")
    assert "a password lets this person in as well" in capsys.readouterr().out
    assert is_in_after_login(anna)


def test_a_superuser_keeps_the_password_for_the_day_when_the_provider_fails(anna: User, provider: Provider) -> None:
    User.objects.filter(pk=anna.pk).update(is_superuser=True)
    go(Client(), provider)
    assert is_in_after_login(anna)


def test_without_the_provider_all_is_as_before(anna: User, provider: Provider, settings: LazySettings) -> None:
    go(Client(), provider)
    settings.OIDC_ISSUER = ""
    assert is_in_after_login(anna)


# -- asked again ----------------------------------------------------------------------------------------------------


def test_after_hours_of_work_the_provider_is_asked_again(
    client: Client, provider: Provider, clock: time_machine.Traveller
) -> None:
    go(client, provider)
    for _ in range(23):
        clock.shift(timedelta(minutes=30))
        assert is_in(client)
    clock.shift(timedelta(minutes=31))
    assert client.get("/timeline/")["Location"].endswith("/admin/login/?next=/timeline/")
    provider.says = {"groups": []}
    go(client, provider)
    assert not is_in(client)


def test_the_trip_to_the_provider_has_few_places(client: Client, provider: Provider) -> None:
    with pages._ROOM, pages._ROOM:  # as if two asked now
        answer = client.get(START)
    assert answer["Location"] == "/admin/login/"
    assert answer["Retry-After"] == "5"
    assert provider.asked == []
    assert client.get(START)["Location"].startswith(provider.issuer)


# -- proving it -----------------------------------------------------------------------------------------------------


@pytest.fixture
def free(anna: User, provider: Provider) -> User:
    """May have passkeys all the same."""
    go(Client(), provider)
    ProviderAccount.objects.update(also_here=True)
    return anna


def may_add(client: Client) -> bool:
    return client.post(f"{PASSKEYS}begin/").status_code == 200


@pytest.mark.parametrize(("says", "proves"), [(None, False), (-3600, False), (-10, True), (30, True), (3600, False)])
def test_coming_from_the_provider_proves_what_it_says_about_the_moment(
    client: Client, free: User, provider: Provider, says: int | None, proves: bool
) -> None:
    provider.says = {"auth_time": None if says is None else int(time.time()) + says}
    go(client, provider)
    assert is_in(client)
    assert may_add(client) is proves
    assert ("To switch it on" in text(client.get(STEP))) is not proves


@pytest.mark.parametrize("lie", [True, "now", [], {}, float("nan")], ids=str)
def test_what_is_no_moment_proves_nothing(client: Client, free: User, provider: Provider, lie: Any) -> None:
    provider.says = {"auth_time": lie}
    go(client, provider)
    assert not may_add(client)


def test_a_person_proves_it_again_at_the_provider(
    client: Client, free: User, provider: Provider, clock: time_machine.Traveller
) -> None:
    provider.says = {"auth_time": int(time.time())}
    go(client, provider)
    assert "prompt" not in provider.wished
    clock.shift(timedelta(minutes=20))
    page = " ".join(text(client.get(PASSKEYS)).split())
    assert "prove again with single sign-on who you are" in page
    assert f"{START}?again=1&amp;next={PASSKEYS}" in page
    provider.says = {"auth_time": int(time.time())}
    assert go(client, provider, f"{START}?again=1&next={PASSKEYS}")["Location"] == PASSKEYS
    assert (provider.wished["prompt"], provider.wished["max_age"]) == ("login", "0")
    assert may_add(client)


@pytest.mark.parametrize("ago", [None, 7200])
def test_a_provider_that_does_not_ask_again_is_told(
    client: Client, free: User, provider: Provider, ago: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    provider.says = {"auth_time": None if ago is None else int(time.time()) - ago}
    go(client, provider, f"{START}?again=1&next={PASSKEYS}")
    assert "let you through without asking again" in text(client.get(PASSKEYS))
    assert not may_add(client)
    assert "provider_did_not_ask_again" in caplog.text


def test_a_second_step_is_switched_on_soon_after_logging_in_alone(
    client: Client, anna: User, clock: time_machine.Traveller
) -> None:
    log_in(client, "anna", PASSWORD)
    assert "tk-secret" in text(client.get(STEP))
    clock.shift(timedelta(minutes=20))
    page = client.get(STEP)
    assert "log out and in again" in text(page)
    assert "tk-secret" not in text(page)
    assert client.post(STEP, {"code": "000000"}).status_code == 403


def test_where_one_is_required_who_just_came_may_switch_it_on(
    client: Client, anna: User, provider: Provider, settings: LazySettings, clock: time_machine.Traveller
) -> None:
    """Not every provider says when it asked, and the person sees no other page."""
    settings.SECOND_STEP_REQUIRED = True
    go(client, provider)
    assert "tk-secret" in text(client.get(STEP))
    clock.shift(timedelta(minutes=20))
    assert f"{START}?again=1&amp;next={STEP}" in text(client.get(STEP))
    assert client.get(f"{START}?again=1")["Location"].startswith(provider.issuer)
