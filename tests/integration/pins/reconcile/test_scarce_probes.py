"""Which locks may probe a cloud out of reach while requests are scarce: one that may not spend keeps no probe."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose
from pins.models import LockState, RateBudget
from pins.reconcile import account_limits, request_budget
from rentals.models import Lock
from tests.support.house import House

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def due_at(house: House, door: Lock, calm: Lock, *, spent: int) -> None:
    """A code is due at the door, and a comparison at the calm lock. So many of the requests were sent."""
    now = timezone.now()
    house.stay(house.flat(door), 9 * DAY, DAY)
    LockState.objects.filter(lock=calm).update(audit_at=now)
    request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, now, now)
    row = RateBudget.objects.get()
    row.usage["counts"][-1] = spent
    row.save()


@pytest.mark.parametrize(("spent", "both"), [(9, True), (10, False)])
def test_from_the_half_that_comparisons_may_not_use_only_codes_probe(
    house: House, settings: Settings, spent: int, both: bool
) -> None:
    settings.TEDEE_RATE_LIMIT = 20
    door, calm = house.lock("Door"), house.lock("Calm")
    due_at(house, door, calm, spent=spent)
    able = account_limits.able_to_probe(house.account, timezone.now())
    assert able == ({door.pk, calm.pk} if both else {door.pk})


def test_where_nothing_that_is_due_may_spend_the_probe_is_anybodys(house: House, settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT = 20
    door, calm = house.lock("Door"), house.lock("Calm")
    due_at(house, door, calm, spent=19)  # the last ones are for what is near
    assert account_limits.able_to_probe(house.account, timezone.now()) == {door.pk, calm.pk}
