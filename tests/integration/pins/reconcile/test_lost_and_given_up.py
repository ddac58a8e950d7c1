"""A creation that was given up, on a lock whose lists lag behind and show its name otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.pin_state import State
from pins.models import AccessGrant, LockState, PinAttempt
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("shape", ["no_spaces", "no_hash"])
def test_the_code_of_a_creation_that_lands_late_is_removed_although_no_list_showed_it_in_time(
    clock: time_machine.Traveller, settings: Settings, shape: str
) -> None:
    """The lock has the value already, so another one is chosen, and the first code would open the door as well."""
    settings.LATE_SECONDS = 60
    house = House(audits=True, list_lag=90.0, alias_shape=shape, late_seconds=30.0)
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, DAY, DAY, name="Earlier")
    house.live(clock, 5 * MINUTE)
    LockState.objects.update(audit_at=timezone.now())
    house.live(clock, 2 * HOUR)
    house.cloud.script(door.device_id, ["POST:ok", "POST:late"])
    house.stay(flat, 3 * DAY, DAY, name="Neighbour")
    booking = house.stay(flat, 4 * DAY, 2 * DAY)
    house.live(clock, 2 * HOUR)
    assert PinAttempt.objects.filter(pin=pin_of(booking, door), status=406).exists(), "the lock had it already"

    there = sorted(pin.value for pin in house.cloud.pins(door.device_id))
    assert there == sorted(AccessGrant.objects.values_list("code", flat=True))
    assert pin_of(booking, door).state == State.SET
