"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import time_machine

if TYPE_CHECKING:
    from django.test import Client

    from rentals.models import Property
    from tests.support.house import House

START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _database_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test moves the clock, that time has passed: PostgreSQL's own clock cannot be moved, nor that which counts
    since the start of the machine."""
    from django.utils import timezone

    from pins.reconcile import elapsed, leases

    monkeypatch.setattr(leases, "database_now", timezone.now)
    monkeypatch.setattr(elapsed, "elapsed", lambda: timezone.now().timestamp())
    monkeypatch.setattr(elapsed, "_last", {})


@pytest.fixture(autouse=True)
def _counts_of_no_other_test() -> None:
    """Limits that guard secrets are counted in memory where no Redis is."""
    from rentals.inbound import rate_limits

    rate_limits._own_memory.cache_clear()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The clock stands at 1 March 2027, 09:00 UTC, and moves when told to."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    """A house whose cloud lands late changes after two minutes."""
    from tests.support.house import House

    return House(late_seconds=120.0)


@pytest.fixture
def flat(house: House) -> Property:
    """A property with one lock."""
    return house.flat(house.lock())


@pytest.fixture
def host(client: Client, clock: time_machine.Traveller) -> Client:
    """The browser of somebody who may do everything."""
    from django.contrib.auth.models import User

    client.force_login(User.objects.create_superuser("host"))
    return client
