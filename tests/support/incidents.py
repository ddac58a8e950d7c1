"""Incidents in tests: what is open after the checks, and locks that go out of reach."""

from __future__ import annotations

from django.utils import timezone

from pins.incidents import slow_checks, sweep_checks
from pins.models import Incident
from rentals.models import Lock
from tests.support.booking_actions import open_incidents
from tests.support.house import House


def review() -> dict[str, str]:
    """What is open after sweep and drift check have looked, twice: a second look finds nothing new."""
    for _ in range(2):
        sweep_checks.check(timezone.now())
        slow_checks.check(timezone.now())
    found = list(Incident.objects.filter(resolved_at=None).values_list("kind", "severity"))
    assert len(found) == len(dict(found)), "one open incident per cause; these tests have one subject of each"
    return dict(found)


def met(kind: Incident.Kind) -> int:
    """How many incidents of a kind there ever were."""
    return Incident.objects.filter(kind=kind).count()


def unplug(house: House, lock: Lock) -> None:
    house.cloud.set_connected(lock.device_id, False)


def plug_in(house: House, lock: Lock) -> None:
    house.cloud.set_connected(lock.device_id, True)


def open_after_sweep() -> list[str]:
    """What is open after the sweep has looked."""
    sweep_checks.check(timezone.now())
    return open_incidents()
