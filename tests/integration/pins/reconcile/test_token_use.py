"""What a request of a connected account is sent with, when a token is given up, and what connecting does."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccountState, AccountTokens, Incident, LockState
from pins.reconcile import account_limits, tokens
from pins.tedee import oauth
from pins.tedee.auth import PersonalKey
from pins.tedee.errors import Unauthorized, Unreachable
from rentals.models import LockAccount
from tests.support.house import KEY, WAY_BACK, House
from tests.support.real_cloud import listening_cloud

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind = Incident.Kind


def row() -> AccountTokens:
    return AccountTokens.objects.get()


# -- how this Turnkey is known at Tedee --------------------------------------------------------------------------------


def test_the_registration_is_what_the_settings_say(settings: Settings) -> None:
    settings.TEDEE_OAUTH_AUTHORIZE_URL, settings.TEDEE_OAUTH_TOKEN_URL = "https://a.test/", "https://t.test/"
    settings.TEDEE_OAUTH_CLIENT_ID, settings.TEDEE_OAUTH_CLIENT_SECRET = "ours", "hidden"
    settings.TEDEE_OAUTH_SCOPES = "offline_access Device.Read"
    assert tokens.registration() == oauth.Registration(
        authorize_url="https://a.test/",
        token_url="https://t.test/",
        client_id="ours",
        client_secret="hidden",
        scopes="offline_access Device.Read",
    )


def test_unless_told_otherwise_the_server_of_the_settings_is_asked(house: House, settings: Settings) -> None:
    with listening_cloud(settings) as cloud:
        settings.TEDEE_OAUTH_TOKEN_URL = settings.TEDEE_API_URL.removesuffix("/api/v37") + "/oauth2/token"
        (settings.TEDEE_OAUTH_CLIENT_ID, settings.TEDEE_OAUTH_CLIENT_SECRET) = next(
            iter(cloud.authority.clients.items())
        )
        now, verifier = timezone.now(), oauth.new_verifier()
        code = cloud.authority.allow(settings.TEDEE_OAUTH_CLIENT_ID, WAY_BACK, _challenge(verifier), now)
        found = oauth.redeem(tokens.registration(), code, verifier=verifier, back=WAY_BACK, now=now)
        tokens.connect(house.account, found, now)
        AccountTokens.objects.update(access_until=now)
        tokens.renew_due(now)
        assert (row().version, row().obtained_at, row().access_until) == (2, now, now + HOUR)
        AccountTokens.objects.update(access_until=now)
        assert tokens.auth_for(house.account) == tokens.StoredToken(house.account.pk, 3, row().access_token)


def _challenge(verifier: str) -> str:
    asked = oauth.authorize_url(tokens.registration(), back=WAY_BACK, state="", verifier=verifier)
    return asked.partition("code_challenge=")[2].partition("&")[0]


# -- what a request is sent with ---------------------------------------------------------------------------------------


def test_an_account_with_a_key_sends_its_key_although_it_was_connected_once(house: House) -> None:
    house.connect()
    house.account.kind, house.account.secret = "personal_key", KEY
    assert tokens.auth_for(house.account, ask=house.renewed) == PersonalKey(KEY)


def test_a_good_token_is_sent_as_it_is(house: House) -> None:
    house.connect()
    auth = tokens.auth_for(house.account, ask=house.renewed)
    assert auth == tokens.StoredToken(house.account.pk, 1, row().access_token)
    assert auth.header() == f"Bearer {row().access_token}"


def test_a_token_that_ends_soon_is_renewed_and_sent_all_the_same_while_it_cannot_be(
    house: House, clock: time_machine.Traveller
) -> None:
    house.connect()
    house.cloud.authority.add_script(["error"])
    clock.shift(56 * MINUTE)
    assert tokens.auth_for(house.account, ask=house.renewed) == tokens.StoredToken(
        house.account.pk, 1, row().access_token
    )
    clock.shift(2 * MINUTE)
    assert tokens.auth_for(house.account, ask=house.renewed) == tokens.StoredToken(
        house.account.pk, 2, row().access_token
    )


def until(house: House, ask: tokens.Renewal) -> timedelta:
    with pytest.raises(tokens.TokenNotReady) as told:
        tokens.auth_for(house.account, ask=ask)
    return told.value.until - timezone.now()


def test_who_waits_for_another_one_comes_again_in_about_a_second_and_not_all_at_once(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.connect()
    clock.shift(2 * HOUR)
    AccountTokens.objects.update(renewing_until=timezone.now() + MINUTE)
    monkeypatch.setattr(random, "uniform", min)
    assert until(house, house.renewed) == SECOND / 2
    monkeypatch.setattr(random, "uniform", max)
    assert until(house, house.renewed) == 3 * SECOND / 2
    AccountTokens.objects.update(retry_at=timezone.now() + SECOND)
    assert until(house, house.renewed) == 3 * SECOND / 2
    AccountTokens.objects.update(retry_at=timezone.now() + 20 * SECOND)
    assert until(house, house.renewed) == 20 * SECOND, "nothing is tried before"


def test_who_finds_that_it_cannot_be_renewed_comes_again_with_the_next_try(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", max)
    house.connect()
    clock.shift(2 * HOUR)

    def fail(refresh_token: str, now: object) -> oauth.Tokens:
        clock.shift(10 * SECOND)  # the rest begins with the answer
        raise Unreachable

    assert until(house, fail) == 2 * SECOND


@pytest.mark.parametrize("known", [True, False], ids=["told before", "told now"])
def test_a_connection_that_has_ended_sends_nothing(house: House, clock: time_machine.Traveller, *, known: bool) -> None:
    house.connect()
    clock.shift(2 * HOUR)
    house.cloud.authority.revoke_all(house.cloud.gate)
    if known:
        tokens.renew_due(timezone.now(), ask=house.renewed)
    auth = tokens.auth_for(house.account, ask=house.renewed)
    with pytest.raises(Unauthorized, match="Connect with Tedee"):
        auth.header()
    assert auth.refused() is False


# -- a token that is refused before its end ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "facts", "goes_on"),
    [
        (MINUTE, {}, True),
        (MINUTE - SECOND, {}, False),  # it was good: the account is refused
        (MINUTE, {"ended": "refused"}, False),
        (MINUTE, {"version": 2}, True),  # renewed meanwhile
        (SECOND, {"version": 2}, True),
        (MINUTE, {"version": 2, "ended": "refused"}, False),
    ],
)
def test_a_refused_token_is_given_up_unless_another_one_would_not_help(
    house: House, clock: time_machine.Traveller, age: timedelta, facts: dict[str, object], *, goes_on: bool
) -> None:
    house.connect()
    other = LockAccount.objects.create(name="Other", kind="oauth", secret="")
    AccountState.objects.create(account=other, pause_cause=account_limits.CONNECTION_REST)
    auth = tokens.auth_for(house.account, ask=house.renewed)
    clock.shift(age)
    AccountTokens.objects.update(**facts)
    before = row().access_until
    assert auth.refused() is goes_on
    given_up = goes_on and "version" not in facts
    assert row().access_until == (timezone.now() if given_up else before)


def test_a_token_that_has_ended_by_itself_is_not_said_to_end_later(house: House, clock: time_machine.Traveller) -> None:
    house.connect()
    auth, ends = tokens.auth_for(house.account, ask=house.renewed), row().access_until
    clock.shift(2 * HOUR)
    assert auth.refused()
    assert row().access_until == ends


def test_an_account_that_was_refused_with_a_fresh_token_asks_for_no_other_one(
    house: House, clock: time_machine.Traveller
) -> None:
    house.connect()
    auth = tokens.auth_for(house.account, ask=house.renewed)
    clock.shift(10 * MINUTE)
    AccountState.objects.update(pause_cause=account_limits.CONNECTION_REST)
    assert auth.refused() is False
    AccountTokens.objects.all().delete()
    assert auth.refused() is False
    AccountState.objects.update(pause_cause="")
    assert auth.refused() is False, "nobody is connected any more"


# -- connecting --------------------------------------------------------------------------------------------------------


def brought(scopes: str = "", refresh_lives: timedelta | None = None) -> oauth.Tokens:
    return oauth.Tokens("access", "refresh", timezone.now() - SECOND, HOUR, refresh_lives, scopes)


def test_whoever_connects_brings_tokens_in_place_of_the_key(house: House, settings: Settings) -> None:
    settings.TEDEE_OAUTH_REFRESH_DAYS = 30
    other = LockAccount.objects.create(name="Other", kind="personal_key", secret=KEY)
    now = timezone.now()
    LockAccount.objects.filter(pk=house.account.pk).update(name="Renamed")
    tokens.connect(house.account, brought(), now)
    account = LockAccount.objects.get(pk=house.account.pk)
    assert (account.kind, account.secret, account.name) == ("oauth", "", "Renamed")
    assert (row().account, row().version, row().connected_at) == (house.account, 1, now)
    assert (row().access_token, row().refresh_token) == ("access", "refresh")
    assert (row().obtained_at, row().access_until) == (now - SECOND, now - SECOND + HOUR)
    assert row().refresh_until == now - SECOND + 30 * DAY
    other.refresh_from_db()
    assert (other.kind, other.secret) == ("personal_key", KEY)


def test_who_connects_again_ends_what_was_known_of_the_former_connection(
    house: House, clock: time_machine.Traveller
) -> None:
    house.connect()
    other = LockAccount.objects.create(name="Other", kind="personal_key", secret=KEY)
    tokens.connect(other, brought(), timezone.now())
    former = AccountTokens.objects.get(account=house.account)
    AccountTokens.objects.filter(account=house.account).update(
        ended="lost", ended_at=timezone.now(), failures=4, failure="client", renewing_until=timezone.now() + MINUTE
    )
    clock.shift(DAY)
    tokens.connect(house.account, brought(refresh_lives=5 * DAY), timezone.now())
    found = AccountTokens.objects.get(account=house.account)
    assert (found.version, found.connected_at) == (2, timezone.now())
    assert found.connection != former.connection
    assert (found.ended, found.ended_at, found.failures, found.failure, found.renewing_until) == ("", None, 0, "", None)
    assert found.refresh_until == timezone.now() - SECOND + 5 * DAY
    apart = AccountTokens.objects.get(account=other)
    assert (apart.version, apart.connected_at) == (1, timezone.now() - DAY)


@pytest.mark.parametrize(
    ("asked", "granted", "may_write"),
    [
        ("offline_access Device.ReadWrite", "", True),
        ("offline_access Device.ReadWrite", "Device.Read", False),
        ("offline_access Device.Read", "", False),
        ("offline_access", "", None),
    ],
)
def test_whether_a_connection_may_put_codes_on_locks_is_known_where_its_scopes_say_so(
    house: House, settings: Settings, asked: str, granted: str, may_write: bool | None
) -> None:
    settings.TEDEE_OAUTH_SCOPES = asked
    other = LockAccount.objects.create(name="Other", kind="personal_key", secret=KEY)
    for account in (house.account, other):
        AccountState.objects.update_or_create(account=account, defaults={"key_may_write": not may_write})
    tokens.connect(house.account, brought(granted), timezone.now())
    assert AccountState.objects.get(account=house.account).key_may_write is may_write
    assert AccountState.objects.get(account=other).key_may_write is (not may_write)


@pytest.mark.parametrize("cause", ["renewal", "unauthorized", account_limits.CONNECTION_REST])
def test_a_new_connection_ends_the_rest_that_the_former_access_caused(house: House, cause: str) -> None:
    now = timezone.now()
    lock = house.lock()
    dead = "" if cause == "renewal" else account_limits.key_fingerprint(house.account)
    AccountState.objects.update(paused_until=now + HOUR, pause_cause=cause, dead_key=dead)
    forbidden = account_limits.key_fingerprint(house.account)
    LockState.objects.update(paused_until=now + HOUR, forbidden_key=forbidden)
    tokens.connect(house.account, brought(), now)
    state = AccountState.objects.get()
    assert (state.paused_until, state.pause_cause, state.dead_key) == (None, "", "")
    found = LockState.objects.get(lock=lock)
    assert (found.paused_until, found.forbidden_key) == (None, "")


def test_an_outage_of_the_cloud_is_not_over_because_somebody_connects(house: House) -> None:
    now = timezone.now()
    AccountState.objects.update(paused_until=now + HOUR, pause_cause="network", outages=2)
    tokens.connect(house.account, brought(), now)
    state = AccountState.objects.get()
    assert (state.paused_until, state.pause_cause, state.outages) == (now + HOUR, "network", 2)


def test_a_new_connection_resolves_what_was_told_of_the_former_access_and_nothing_else(house: House) -> None:
    now = timezone.now()
    other = LockAccount.objects.create(name="Other", kind="oauth", secret="")
    over = (Kind.DEAD_KEY, Kind.CONNECTION_ENDED, Kind.CONNECTION_ENDS, Kind.CONNECTION_FAILS)
    for kind in (*over, Kind.NO_WRITE_SCOPE):
        Incident.open(kind, now - HOUR, about=house.account)
        Incident.open(kind, now - HOUR, about=other)
    tokens.connect(house.account, brought(), now)
    still = Incident.objects.filter(account=house.account, resolved_at=None).values_list("kind", flat=True)
    assert list(still) == [Kind.NO_WRITE_SCOPE]
    assert set(Incident.objects.exclude(resolved_at=None).values_list("resolved_at", flat=True)) == {now}
    assert Incident.objects.filter(account=other, resolved_at=None).count() == 5


def test_an_account_that_uses_a_key_again_keeps_no_tokens_and_others_theirs(house: House) -> None:
    house.connect()
    other = LockAccount.objects.create(name="Other", kind="personal_key", secret=KEY)
    tokens.connect(other, brought(), timezone.now())
    tokens.forget(house.account)
    assert row().account == other
