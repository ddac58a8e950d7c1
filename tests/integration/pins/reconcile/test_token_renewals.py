"""What one renewal writes down: before it asks, after a success, and after each kind of failure."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccountState, AccountTokens, Incident
from pins.reconcile import account_limits, tokens
from pins.tedee import oauth
from pins.tedee.errors import NetworkFault, RateLimited, ServerFault, TedeeError, Unreachable
from rentals.models import LockAccount
from tests.support.house import House

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(house: House) -> House:
    house.connect()
    return house


@pytest.fixture(autouse=True)
def longest_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", max)


def row_of(account: LockAccount) -> AccountTokens:
    return AccountTokens.objects.get(account=account)


def another(name: str, **fields: object) -> AccountTokens:
    """A connected account whose token has just ended. Its refresh token bears its name."""
    now = timezone.now()
    account = LockAccount.objects.create(name=name, kind="oauth", secret="")
    known = {
        "connected_at": now - DAY,
        "obtained_at": now - HOUR,
        "access_token": f"access of {name}",
        "access_until": now,
        "refresh_token": name,
        "refresh_until": now + DAY,
    }
    return AccountTokens.objects.create(account=account, **{**known, **fields})


def given(refresh: str = "new refresh", **fields: timedelta) -> tokens.Renewal:
    """Asks somebody who gives new tokens."""

    def ask(refresh_token: str, now: datetime) -> oauth.Tokens:
        return oauth.Tokens("new access", refresh, now, fields.get("lives", HOUR), fields.get("refresh_lives"))

    return ask


def failing(error: TedeeError) -> tokens.Renewal:
    def ask(refresh_token: str, now: datetime) -> oauth.Tokens:
        raise error

    return ask


class Asked:
    """Gives new tokens, or fails, and notes for which refresh tokens."""

    def __init__(self, failures: dict[str, TedeeError] | None = None) -> None:
        self.seen: list[str] = []
        self.failures = failures or {}

    def __call__(self, refresh_token: str, now: datetime) -> oauth.Tokens:
        self.seen.append(refresh_token)
        if refresh_token in self.failures:
            raise self.failures[refresh_token]
        return oauth.Tokens("new access", "new refresh", now, HOUR, None)


# -- the claim ---------------------------------------------------------------------------------------------------------


def test_who_renews_says_so_before_it_asks(house: House, clock: time_machine.Traveller) -> None:
    clock.shift(2 * HOUR)
    now = begun = timezone.now()
    seen: list[tuple[bool, datetime | None, datetime | None]] = []

    def look(refresh_token: str, at: datetime) -> oauth.Tokens:
        row = row_of(house.account)
        assert (at, refresh_token) == (now, row.refresh_token)
        seen.append((row.renewer is not None, row.renewing_until, row.asked_at))
        raise NetworkFault

    tokens.renew(row_of(house.account), now, look)
    clock.shift(5 * MINUTE)
    now = timezone.now()
    tokens.renew(row_of(house.account), now, look)
    assert seen == [(True, begun + MINUTE, begun), (True, now + MINUTE, begun)], "in doubt since the first"


@pytest.mark.parametrize(
    ("claimed_until", "is_asked"),
    [
        (None, True),
        (timedelta(0), True),
        (SECOND, False),
        (2 * MINUTE, False),
        (2 * MINUTE + SECOND, True),  # of before the clock stepped back
    ],
)
def test_one_who_renews_is_not_overtaken_while_it_can_still_be_at_it(
    house: House, claimed_until: timedelta | None, *, is_asked: bool
) -> None:
    now = timezone.now()
    until = now + claimed_until if claimed_until is not None else None
    AccountTokens.objects.update(renewing_until=until, renewer=uuid.uuid4())
    row = tokens.renew(row_of(house.account), now, given())
    assert (row.version, row.access_token == "new access") == ((2, True) if is_asked else (1, False))


def test_a_row_that_was_renewed_or_ended_since_it_was_read_is_returned_as_it_is(house: House) -> None:
    old, asked = row_of(house.account), Asked()
    AccountTokens.objects.update(version=5)
    assert tokens.renew(old, timezone.now(), asked).version == 5
    old = row_of(house.account)
    AccountTokens.objects.update(ended=AccountTokens.Ended.REFUSED)
    assert tokens.renew(old, timezone.now(), asked).ended == "refused"
    assert asked.seen == []


# -- success -----------------------------------------------------------------------------------------------------------


def test_new_tokens_take_the_place_of_the_old_ones_and_of_all_troubles(house: House) -> None:
    other = another("Other")
    now = timezone.now()
    AccountTokens.objects.update(
        failures=3, failing_since=now - HOUR, failure="client", retry_at=now + MINUTE, asked_at=now - HOUR
    )
    before = row_of(house.account)
    row = tokens.renew(before, now, given(lives=3 * HOUR, refresh_lives=5 * DAY))
    assert (row.version, row.access_token, row.refresh_token) == (2, "new access", "new refresh")
    assert (row.obtained_at, row.access_until, row.refresh_until) == (now, now + 3 * HOUR, now + 5 * DAY)
    assert (row.renewer, row.renewing_until, row.asked_at, row.retry_at) == (None, None, None, None)
    assert (row.failures, row.failing_since, row.failure) == (0, None, "")
    assert (row.ended, row.ended_at) == ("", None)
    assert (row.connection, row.connected_at) == (before.connection, before.connected_at)
    other.refresh_from_db()
    assert (other.version, other.failures) == (1, 3)


def test_a_server_that_says_nothing_of_the_end_is_believed_to_keep_a_connection_for_as_long_as_the_settings_say(
    house: House, settings: Settings
) -> None:
    settings.TEDEE_OAUTH_REFRESH_DAYS = 30
    assert tokens.renew(row_of(house.account), timezone.now(), given()).refresh_until == timezone.now() + 30 * DAY


def test_a_success_ends_the_rest_that_the_renewal_caused_and_no_other(house: House) -> None:
    other, now = another("Other"), timezone.now()
    AccountState.objects.create(account=other.account, paused_until=now + HOUR, pause_cause="renewal")

    def rests(cause: str) -> tuple[datetime | None, str, str]:
        AccountState.objects.filter(account=house.account).update(
            paused_until=now + HOUR, pause_cause=cause, dead_key="k"
        )
        tokens.renew(row_of(house.account), now, given())
        state = AccountState.objects.get(account=house.account)
        return state.paused_until, state.pause_cause, state.dead_key

    assert rests("renewal") == (None, "", "")
    for cause in ("network", account_limits.CONNECTION_REST):
        assert rests(cause) == (now + HOUR, cause, "k")
    assert AccountState.objects.get(account=other.account).paused_until == now + HOUR


# -- failure -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "word", "is_in_doubt", "rest"),
    [
        (NetworkFault(), "no_answer", True, 2 * SECOND),
        (ServerFault(500), "no_answer", True, 2 * SECOND),
        (ServerFault(503, retry_after=20.0), "no_answer", True, 20 * SECOND),
        (Unreachable(), "network", False, 2 * SECOND),
        (RateLimited(429, retry_after=7.0), "rate_limited", False, 7 * SECOND),
        (oauth.ClientRefused(401), "client", False, 2 * SECOND),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, TedeeError) else None,
)
def test_a_failure_is_noted_with_its_reason_and_the_next_try(
    house: House, error: TedeeError, word: str, rest: timedelta, *, is_in_doubt: bool
) -> None:
    other, now = another("Other"), timezone.now()
    before = row_of(house.account)
    row = tokens.renew(before, now, failing(error))
    assert (row.failure, row.failures, row.failing_since, row.retry_at) == (word, 1, now, now + rest)
    assert row.asked_at == (now if is_in_doubt else None)
    assert (row.renewer, row.renewing_until, row.ended, row.version) == (None, None, "", 1)
    assert (row.access_token, row.refresh_token) == (before.access_token, before.refresh_token)
    other.refresh_from_db()
    assert (other.failures, other.asked_at) == (0, None)


def test_rests_grow_with_each_failure_and_their_beginning_stays_known(
    house: House, clock: time_machine.Traveller
) -> None:
    begun, rests = timezone.now(), []
    for number in range(1, 6):
        clock.shift(5 * MINUTE)
        row = tokens.renew(row_of(house.account), timezone.now(), failing(Unreachable()))
        assert (row.failures, row.failing_since) == (number, begun + 5 * MINUTE)
        assert row.retry_at is not None
        rests.append((row.retry_at - timezone.now()).total_seconds())
    assert rests == [2, 5, 15, 60, 60]


def test_accounts_do_not_try_again_at_one_moment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", min)
    assert tokens.renew(row_of(house.account), timezone.now(), failing(Unreachable())).retry_at == (
        timezone.now() + SECOND
    ), "from half of the rest to the whole"


def test_what_is_certain_does_not_end_a_doubt(house: House, clock: time_machine.Traveller) -> None:
    begun = timezone.now()
    for error in (NetworkFault(), Unreachable()):
        assert tokens.renew(row_of(house.account), timezone.now(), failing(error)).asked_at == begun
        clock.shift(5 * MINUTE)


@pytest.mark.parametrize(
    ("left", "before", "rests"),
    [
        (MINUTE + SECOND, {}, False),  # the old token is good
        (MINUTE, {}, True),
        (-DAY, {}, True),
        (-DAY, {"outages": 1}, False),  # it is probed already
        (-DAY, {"dead_key": "k"}, False),
    ],
)
def test_an_account_without_a_good_token_rests_until_the_next_try(
    house: House, left: timedelta, before: dict[str, object], *, rests: bool
) -> None:
    now, other = timezone.now(), another("Other")
    AccountState.objects.create(account=other.account)
    AccountTokens.objects.filter(account=house.account).update(access_until=now + left, obtained_at=now - 4 * HOUR)
    AccountState.objects.filter(account=house.account).update(**before)
    tokens.renew(row_of(house.account), now, failing(Unreachable()))
    state = AccountState.objects.get(account=house.account)
    assert (state.paused_until, state.pause_cause) == ((now + 2 * SECOND, "renewal") if rests else (None, ""))
    assert AccountState.objects.get(account=other.account).paused_until is None


def test_an_account_that_has_no_facts_of_operation_yet_rests_too(house: House) -> None:
    row = another("New")
    tokens.renew(row, timezone.now(), failing(Unreachable()))
    assert AccountState.objects.get(account=row.account).paused_until == timezone.now() + 2 * SECOND


@pytest.mark.parametrize("was_lost", [True, False])
def test_a_refusal_ends_the_connection_and_says_why(
    house: House, clock: time_machine.Traveller, *, was_lost: bool
) -> None:
    other = another("Other")
    if was_lost:
        AccountTokens.objects.update(asked_at=timezone.now() - SECOND)
    begun = timezone.now()

    def ask(refresh_token: str, now: datetime) -> oauth.Tokens:
        clock.shift(3 * SECOND)
        raise oauth.GrantRefused(400)

    row = tokens.renew(row_of(house.account), begun, ask)
    now = begun + 3 * SECOND
    assert (row.ended, row.ended_at) == ("lost" if was_lost else "refused", now)
    assert (row.renewer, row.renewing_until, row.failures, row.retry_at) == (None, None, 0, None)
    state = AccountState.objects.get(account=house.account)
    assert (state.paused_until, state.pause_cause) == (now + HOUR, account_limits.CONNECTION_REST)
    (incident,) = Incident.objects.all()
    assert (incident.kind, incident.account, incident.opened_at) == ("connection_ended", house.account, now)
    other.refresh_from_db()
    assert other.ended == ""


@pytest.mark.parametrize("error", [oauth.GrantRefused(400), Unreachable()])
def test_a_failure_of_one_who_was_overtaken_is_not_stored(
    house: House, error: TedeeError, clock: time_machine.Traveller
) -> None:
    clock.shift(2 * HOUR)

    def ask(refresh_token: str, now: datetime) -> oauth.Tokens:
        AccountTokens.objects.update(renewer=uuid.uuid4())  # another one took over, and is at it
        raise error

    row = tokens.renew(row_of(house.account), timezone.now(), ask)
    assert (row.ended, row.failures, row.failure, row.retry_at) == ("", 0, "", None)
    assert row.renewing_until == timezone.now() + MINUTE
    assert AccountState.objects.get(account=house.account).paused_until is None
    assert not Incident.objects.exists()


def test_tokens_that_come_after_another_one_was_refused_make_all_good_again(
    house: House, clock: time_machine.Traveller
) -> None:
    other = another("Other")
    Incident.open(Incident.Kind.CONNECTION_ENDED, timezone.now(), about=other.account)
    Incident.open(Incident.Kind.NO_WRITE_SCOPE, timezone.now(), about=house.account)

    def freeze(refresh_token: str, now: datetime) -> oauth.Tokens:
        clock.shift(2 * MINUTE)
        assert tokens.renew(row_of(house.account), timezone.now(), failing(oauth.GrantRefused(400))).ended == "lost"
        return given()(refresh_token, now)

    begun = timezone.now()
    row = tokens.renew(row_of(house.account), begun, freeze)
    assert (row.version, row.ended, row.ended_at, row.obtained_at, row.asked_at) == (2, "", None, begun, None)
    state = AccountState.objects.get(account=house.account)
    assert (state.paused_until, state.pause_cause, state.dead_key) == (None, "", "")
    resolved = Incident.objects.exclude(resolved_at=None).values_list("kind", "account", "resolved_at")
    assert list(resolved) == [("connection_ended", house.account.pk, begun + 2 * MINUTE)]


def test_tokens_that_come_after_somebody_connected_anew_are_not_stored(house: House) -> None:
    def ask(refresh_token: str, now: datetime) -> oauth.Tokens:
        house.connect()
        return given()(refresh_token, now)

    row = tokens.renew(row_of(house.account), timezone.now(), ask)
    assert (row.version, row.access_token == "new access") == (2, False)


# -- the periodic renewal ----------------------------------------------------------------------------------------------


def test_what_ends_within_five_minutes_is_renewed_those_that_failed_least_first(clock: time_machine.Traveller) -> None:
    now = timezone.now()
    another("often failed", failures=2, access_until=now - HOUR)
    another("later", access_until=now + 5 * MINUTE, obtained_at=now - HOUR)
    another("sooner", access_until=now + MINUTE)
    another("not yet", access_until=now + 5 * MINUTE + SECOND)
    another("over", ended="refused", ended_at=now)
    another("rests", retry_at=now + SECOND, failures=1)
    another("has rested", retry_at=now, failures=1)
    another("is renewed", renewing_until=now + SECOND)
    another("lives shortly", obtained_at=now - 10 * SECOND, access_until=now + 4 * MINUTE)
    LockAccount.objects.filter(pk=another("has a key").account_id).update(kind="personal_key")
    asked = Asked()
    tokens.renew_due(now, ask=asked)
    assert asked.seen == ["sooner", "later", "has rested", "often failed"]


def test_a_connection_that_is_over_is_not_even_read(house: House, clock: time_machine.Traveller) -> None:
    clock.shift(2 * HOUR)
    AccountTokens.objects.update(ended="refused")
    with CaptureQueriesContext(connection) as queries:
        tokens.renew_due(timezone.now(), ask=house.renewed)
    assert len(queries) == 1


def test_a_server_out_of_reach_is_not_asked_for_all_accounts_at_once_and_a_refusal_stops_nobody(
    clock: time_machine.Traveller,
) -> None:
    now = timezone.now()
    for number, name in enumerate(("first", "refused", "cut off", "last")):
        another(name, access_until=now + number * SECOND)
    asked = Asked({"refused": oauth.GrantRefused(400), "cut off": NetworkFault()})
    tokens.renew_due(now, ask=asked)
    assert asked.seen == ["first", "refused", "cut off"]
    tokens.renew_due(timezone.now(), ask=asked)
    assert asked.seen[3:] == ["last"], "the next minute goes on with those that have not failed"
