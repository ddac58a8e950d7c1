"""Logging in through an OpenID Connect provider: who comes in, and every answer of it that must not let anybody in."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from config import environment
from config.people import codes, second_step
from config.people.models import ProviderAccount, SecondStep
from config.people.provider import wire
from tests.support.pages import text
from tests.support.provider import CLIENT, START, Provider, go

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("counts"),
    pytest.mark.parametrize("counts", ["no redis"], indirect=True),
]


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def said(client: Client) -> str:
    return text(client.get("/admin/login/"))


def groups_of(name: str) -> set[str]:
    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


# -- who comes in ---------------------------------------------------------------------------------------------------


def test_a_new_person_comes_in_with_the_groups_that_the_provider_names(client: Client, provider: Provider) -> None:
    answer = go(client, provider, f"{START}?next=/timeline/")
    assert answer["Location"] == "/timeline/"
    assert is_in(client)
    user = User.objects.get(username="anna")
    assert (user.email, user.is_staff, user.is_superuser) == ("anna@example.com", True, False)
    assert not user.has_usable_password()
    assert groups_of("anna") == {"operator"}
    assert "Groups by the provider: operator." in LogEntry.objects.values_list("change_message", flat=True)


def test_a_person_of_ours_is_known_by_their_address_and_then_by_their_account(
    client: Client, provider: Provider
) -> None:
    mine = User.objects.create_user("a.nowak", "anna@example.com", is_staff=True)
    go(client, provider)
    assert is_in(client)
    assert ProviderAccount.objects.get().user == mine
    provider.says = {"email": "anna.new@example.com", "preferred_username": "somebody"}
    other = Client()
    go(other, provider)
    assert is_in(other)
    assert User.objects.count() == 1


def test_groups_follow_the_provider_and_others_stay(client: Client, provider: Provider) -> None:
    go(client, provider)
    User.objects.get().groups.add(Group.objects.get(name="code-reveal"))
    provider.says = {"groups": ["managers", "chess"]}
    go(Client(), provider)
    assert groups_of("anna") == {"administrator", "code-reveal"}
    provider.says = {"groups": []}
    late = Client()
    go(late, provider)
    assert not is_in(late)
    assert groups_of("anna") == {"code-reveal"}


def test_without_a_list_of_groups_only_people_of_ours_come_in(
    client: Client, provider: Provider, settings: LazySettings
) -> None:
    settings.OIDC_GROUPS = ()
    go(client, provider)
    assert not is_in(client)
    assert not User.objects.exists()
    User.objects.create_user("a.nowak", "anna@example.com", is_staff=True)
    go(client, provider)
    assert is_in(client)


def test_a_second_step_of_ours_is_asked_for_unless_the_provider_took_one(client: Client, provider: Provider) -> None:
    user = User.objects.create_user("anna", "anna@example.com", is_staff=True)
    step = second_step.prepared(user)
    SecondStep.objects.filter(pk=step.pk).update(confirmed_at=user.date_joined)
    assert go(client, provider)["Location"] == "/admin/login/code/"
    assert not is_in(client)
    client.post("/admin/login/code/", {"code": codes.code_at(step.key, int(time.time() // codes.PERIOD))})
    assert is_in(client)
    provider.says = {"amr": ["pwd", "mfa"]}
    other = Client()
    go(other, provider)
    assert is_in(other)


def test_where_everybody_needs_a_second_step_one_of_the_provider_counts(
    client: Client, provider: Provider, settings: LazySettings
) -> None:
    settings.SECOND_STEP_REQUIRED = True
    go(client, provider)
    assert client.get("/admin/")["Location"] == "/admin/second-step/"
    provider.says = {"amr": ["otp", "mfa"]}
    other = Client()
    go(other, provider)
    assert is_in(other)


def test_the_provider_may_change_its_keys_and_how_it_takes_the_secret(client: Client, provider: Provider) -> None:
    provider.basic = False
    go(client, provider)
    assert is_in(client)
    provider.new_key()
    wire._kept[provider.issuer].at -= 61  # as if a minute had passed
    other = Client()
    go(other, provider)
    assert is_in(other)


# -- who does not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "says",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-program"},
        {"aud": [CLIENT, "another-program"]},
        {"aud": [CLIENT, "another-program"], "azp": "another-program"},
        {"azp": "another-program"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "never"},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 300},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_lets_nobody_in(
    client: Client, provider: Provider, says: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    provider.says = says
    go(client, provider)
    assert not is_in(client)
    assert "cannot be believed" in said(client)
    assert not User.objects.exists()
    assert "login_failed" in caplog.text
    assert "example.com" not in caplog.text


@pytest.mark.parametrize("how", ["public key as a secret", "a key that is not listed", "no signature"])
def test_a_signature_by_somebody_else_lets_nobody_in(client: Client, provider: Provider, how: str) -> None:
    if how == "public key as a secret":
        provider.sign_with_the_public_key()
    elif how == "no signature":
        honest = provider._signed
        provider._signed = lambda nonce: "eyJhbGciOiJub25lIn0." + honest(nonce).split(".")[1] + "."  # type: ignore[method-assign]
    else:
        listed = provider.listed
        provider.new_key()
        provider.listed = listed
    go(client, provider)
    assert not is_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_the_provider_did_not_verify_makes_nobody_known(
    client: Client, provider: Provider, verified: Any
) -> None:
    User.objects.create_superuser("chief", "anna@example.com")
    provider.says = {"email_verified": verified}
    go(client, provider)
    assert not is_in(client)
    assert "verified" in said(client)
    assert not ProviderAccount.objects.exists()


def test_an_address_in_letters_that_only_look_alike_takes_nobody_over(client: Client, provider: Provider) -> None:
    User.objects.create_superuser("chief", "mike@example.com")
    provider.says = {"email": "mi\N{KELVIN SIGN}e@example.com"}
    go(client, provider)
    assert not is_in(client)
    assert not ProviderAccount.objects.exists()


def test_an_address_that_was_given_to_another_person_takes_nobody_over(client: Client, provider: Provider) -> None:
    User.objects.create_superuser("chief", "anna@example.com")
    go(client, provider)
    provider.says = {"sub": "subject-2"}
    other = Client()
    go(other, provider)
    assert not is_in(other)
    assert "belongs to somebody else" in said(other)


def test_a_person_who_is_switched_off_stays_out(client: Client, provider: Provider) -> None:
    User.objects.create_user("anna", "anna@example.com", is_staff=True, is_active=False)
    go(client, provider)
    assert not is_in(client)
    assert "switched off" in said(client)


def test_a_group_of_ours_that_does_not_exist_is_named(
    client: Client, provider: Provider, settings: LazySettings
) -> None:
    settings.OIDC_GROUPS = (("front-desk", "no-such-group"),)
    go(client, provider)
    assert "does not have: no-such-group" in said(client)
    assert not User.objects.exists()


# -- the way there and back -------------------------------------------------------------------------------------------


def test_a_login_that_was_not_begun_here_is_refused_without_asking_the_provider(
    client: Client, provider: Provider
) -> None:
    stolen = provider.approve(client.get(START)["Location"])
    asked = len(provider.asked)
    victim = Client()
    for path in (stolen, f"{START}back/", f"{START}back/?code=1&state="):
        victim.get(path)
        assert not is_in(victim)
    assert len(provider.asked) == asked


def test_what_was_begun_counts_once_and_for_ten_minutes(
    client: Client, provider: Provider, clock: time_machine.Traveller
) -> None:
    back = provider.approve(client.get(START)["Location"])
    client.get(back)
    client.logout()
    client.get(back)
    assert not is_in(client)
    back = provider.approve(client.get(START)["Location"])
    clock.shift(timedelta(minutes=11))
    client.get(back)
    assert not is_in(client)


@pytest.mark.parametrize("changes", [{"state": "another"}, {"iss": "https://evil.example"}, {"error": "access_denied"}])
def test_an_answer_of_somebody_else_is_refused(client: Client, provider: Provider, changes: dict[str, str]) -> None:
    go(client, provider, **changes)
    assert not is_in(client)


def test_next_stays_inside(client: Client, provider: Provider) -> None:
    for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        answer = go(Client(), provider, f"{START}?next={wanted}")
        assert answer["Location"] == "/"


@pytest.mark.parametrize("place", ["token", "/realms/house/keys", "/realms/house/.well-known/openid-configuration"])
def test_a_provider_that_fails_is_said_and_the_password_still_works(
    client: Client, provider: Provider, place: str
) -> None:
    provider.fails = {place: 500}
    there = client.get(START)
    if place == "token":
        client.get(provider.approve(there["Location"]))
    page = said(client)
    assert "cannot be asked at this moment" in page
    assert "Log in with single sign-on" in page


@pytest.mark.parametrize(
    "publishes",
    [{"issuer": "https://evil.example"}, {"jwks_uri": None}, {"token_endpoint": "file:///etc/passwd"}, {"jwks_uri": 7}],
    ids=str,
)
def test_a_provider_that_describes_itself_otherwise_is_not_used(
    client: Client, provider: Provider, publishes: dict[str, Any]
) -> None:
    provider.publishes = publishes
    there = client.get(START)
    if "token_endpoint" in publishes:
        client.get(provider.approve(there["Location"]))
    assert "cannot be asked" in said(client)
    assert not is_in(client)


def test_tries_of_one_address_are_limited(client: Client, provider: Provider) -> None:
    for _ in range(40):
        client.get(START)
    assert client.get(START)["Location"] == "/admin/login/"
    assert "Too many tries" in said(client)


def test_without_a_provider_there_is_no_such_page(client: Client) -> None:
    assert client.get(START).status_code == 404
    assert client.get(f"{START}back/").status_code == 404
    assert START not in said(client)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"OIDC_ISSUER": "https://login.example.com"}, "belong together"),
        ({"OIDC_ISSUER": "http://login.example.com", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"}, "https://"),
        ({"OIDC_ISSUER": "login", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"}, "usable address"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wrong: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(environment.SettingsError, match=wrong):
        environment.provider()


def test_the_list_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_GROUPS", "cn=desk=operator,  /house/managers = administrator")
    assert environment.pairs("OIDC_GROUPS") == (("cn=desk", "operator"), ("/house/managers", "administrator"))
    monkeypatch.setenv("OIDC_GROUPS", "managers")
    with pytest.raises(environment.SettingsError, match="a list such as"):
        environment.pairs("OIDC_GROUPS")
