"""What counts as waiting for a request, when the requests of an account are shared out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.models import LockState, Pin
from pins.reconcile import demand
from pins.reconcile.demand import BUDGET_SPENT
from rentals.models import Lock, LockAccount
from tests.support.house import House

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("pin", "lock", "counts"),
    [
        ({}, {}, True),
        ({"next_try_at": MINUTE}, {}, True),  # it keeps its place
        ({"next_try_at": MINUTE + SECOND}, {}, False),
        ({"deadline_at": None}, {}, False),
        ({}, {"paused_until": MINUTE, "pause_cause": "busy"}, True),  # by then it may send one
        ({}, {"paused_until": MINUTE + SECOND, "pause_cause": "busy"}, False),
        ({}, {"paused_until": HOUR, "pause_cause": BUDGET_SPENT}, True),  # it waits for just these requests
    ],
)
def test_a_code_counts_if_it_needs_a_request_that_its_lock_may_send(
    house: House, clock: time_machine.Traveller, pin: dict[str, Any], lock: dict[str, Any], counts: bool
) -> None:
    now = timezone.now()
    house.stay(house.flat(house.lock()), HOUR, DAY)

    def moments(values: dict[str, Any]) -> dict[str, Any]:
        return {name: now + value if isinstance(value, timedelta) else value for name, value in values.items()}

    Pin.objects.update(**moments(pin))
    LockState.objects.bulk_create([LockState(lock=one) for one in Lock.objects.filter(operation=None)])
    LockState.objects.update(**moments(lock))
    assert demand.due(now).exists() is counts
    asked = demand.by_budget(now)
    assert [(key, one.codes, one.accounts) for key, one in asked.items()] == (
        [(f"account:{house.account.pk}", 1, [house.account.pk])] if counts else []
    )


def test_an_account_that_is_only_watched_asks_for_nothing(house: House, clock: time_machine.Traveller) -> None:
    house.stay(house.flat(house.lock()), HOUR, DAY)
    LockAccount.objects.update(observe_only=True)
    assert not demand.due(timezone.now()).exists()


def test_accounts_that_share_a_budget_are_counted_together_and_the_earliest_come_first(
    house: House, clock: time_machine.Traveller
) -> None:
    now = timezone.now()
    family = LockAccount.objects.create(name="Family", secret="one", rate_group="ours")
    LockAccount.objects.update(rate_group="ours")
    doors = [house.lock(f"Door {n}") for n in range(3)]
    doors[2].account = family
    doors[2].save()
    for n, door in enumerate(doors):
        house.stay(house.flat(door, name=door.name), (3 - n) * HOUR, DAY)
    (asked,) = demand.by_budget(now).values()
    assert (asked.codes, sorted(asked.accounts)) == (3, [house.account.pk, family.pk])
    deadlines = list(Pin.objects.order_by("deadline_at").values_list("deadline_at", flat=True))
    assert demand.first_deadlines(asked.accounts, now, 2) == deadlines[:2]
    assert demand.first_deadlines([house.account.pk], now, 9) == deadlines[1:]
