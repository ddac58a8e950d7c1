"""Nine runs find that their token has ended: one renews it, eight wait."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from pins.models import AccountTokens, Incident
from pins.reconcile import tokens
from tests.support.house import House
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


def an_old_connection(house: House) -> None:
    house.connect()
    AccountTokens.objects.update(obtained_at=timezone.now() - timedelta(minutes=30))


def renewals(house: House) -> int:
    return sum(one.grant_type == "refresh_token" for one in house.cloud.authority.asked)


def test_nine_runs_whose_token_ends_in_the_middle_renew_it_once() -> None:
    house = House(token_latency=0.2)
    house.cloud.sleep = time.sleep
    an_old_connection(house)
    doors = [house.lock(f"Door {n}") for n in range(9)]
    for door in doors:
        house.stay(house.flat(door, name=str(door)), DAY, DAY)
    house.cloud.authority.expire_access(house.cloud.gate, timezone.now())

    def until_done(place: int) -> None:
        for _ in range(200):
            report = house.run(doors[place])
            if report.next_at is None or report.next_at > timezone.now() + timedelta(seconds=5):
                return
            time.sleep(0.02)

    at_once([lambda place=place: until_done(place) for place in range(9)])  # type: ignore[misc]
    assert renewals(house) == 1
    assert [len(house.ours(door)) for door in doors] == [1] * 9
    assert house.cloud.collisions == []
    assert Incident.objects.count() == 0


def test_while_one_renews_the_others_are_told_when_to_come_again() -> None:
    house = House(token_latency=0.2)
    house.cloud.sleep = time.sleep
    an_old_connection(house)
    AccountTokens.objects.update(access_until=timezone.now())

    def one() -> str | timedelta:
        try:
            return tokens.auth_for(house.account, ask=house.renewed).header()
        except tokens.TokenNotReady as wait:
            return wait.until - timezone.now()

    found = at_once([one] * 9)
    assert renewals(house) == 1
    assert len({one for one in found if isinstance(one, str)}) == 1
    assert all(one < timedelta(seconds=2) for one in found if isinstance(one, timedelta))
    assert AccountTokens.objects.get().version == 2
