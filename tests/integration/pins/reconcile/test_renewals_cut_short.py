"""Renewals that end in the middle: a process that dies, an answer that comes late or never, somebody who overtakes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccountTokens, Incident
from pins.reconcile import account_limits, tokens
from pins.tedee import oauth
from pins.tedee.errors import NetworkFault
from tests.support.house import House
from tests.support.incidents import review

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


@pytest.fixture
def house(house: House) -> House:
    house.connect()
    return house


class Died(BaseException):
    """The process ends."""


def test_a_process_that_dies_while_it_renews_lets_another_one_go_on(
    clock: time_machine.Traveller,
) -> None:
    house = House(reuse="accepted")
    house.connect()
    clock.shift(2 * HOUR)

    def die(refresh_token: str, now: datetime) -> oauth.Tokens:
        house.renewed(refresh_token, now)
        raise Died

    with pytest.raises(Died):
        tokens.auth_for(house.account, ask=die)
    with pytest.raises(tokens.TokenNotReady):  # for all that others know, it is still at it
        tokens.auth_for(house.account, ask=house.renewed)
    clock.shift(61 * SECOND)
    assert tokens.auth_for(house.account, ask=house.renewed).header().startswith("Bearer ")


def test_an_answer_that_comes_late_counts_although_another_one_took_over(
    house: House, clock: time_machine.Traveller
) -> None:
    """A frozen process got the tokens; another one asked with the old token meanwhile, and was refused."""
    clock.shift(2 * HOUR)
    row = AccountTokens.objects.get()

    def freeze(refresh_token: str, now: datetime) -> oauth.Tokens:
        found = house.renewed(refresh_token, now)
        clock.shift(2 * MINUTE)
        tokens.renew(AccountTokens.objects.get(), timezone.now(), refuse)
        assert AccountTokens.objects.get().ended == AccountTokens.Ended.LOST
        return found

    def refuse(refresh_token: str, now: datetime) -> oauth.Tokens:
        raise oauth.GrantRefused(400)

    assert tokens.renew(row, timezone.now(), freeze).ended == ""
    assert review() == {}
    assert account_limits.paused_until(house.account, timezone.now()) is None
    assert AccountTokens.objects.get().version == 2


def test_a_failure_of_one_who_was_overtaken_changes_nothing(house: House, clock: time_machine.Traveller) -> None:
    clock.shift(2 * HOUR)

    def overtaken(refresh_token: str, now: datetime) -> oauth.Tokens:
        house.connect()
        raise oauth.GrantRefused(400)

    row = tokens.renew(AccountTokens.objects.get(), timezone.now(), overtaken)
    assert (row.ended, row.failures) == ("", 0)
    assert review() == {}


def test_a_refused_token_of_the_past_does_not_end_the_present_one(house: House, clock: time_machine.Traveller) -> None:
    old = tokens.auth_for(house.account, ask=house.renewed)
    clock.shift(2 * HOUR)
    new = tokens.auth_for(house.account, ask=house.renewed)
    assert old.refused(), "the account goes on with the new one"
    assert tokens.auth_for(house.account, ask=house.renewed) == new


def test_a_renewal_whose_answer_is_lost_and_that_then_cannot_be_reached_stays_in_doubt(
    house: House, clock: time_machine.Traveller
) -> None:
    clock.shift(2 * HOUR)
    failures = iter([NetworkFault(), oauth.ClientRefused(401), oauth.GrantRefused(400)])

    def fail(refresh_token: str, now: datetime) -> oauth.Tokens:
        raise next(failures)

    for _ in range(3):
        tokens.renew_due(timezone.now(), ask=fail)
        clock.shift(2 * MINUTE)
    assert AccountTokens.objects.get().ended == AccountTokens.Ended.LOST
