"""PINs on the lock that Turnkey did not plan: of other people, or of ours and one too many."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.models import AccessGrant, Incident, Pin, ValueClaim
from tests.support.booking_actions import requests_sent
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_a_foreign_pin_with_the_same_value_makes_another_value_while_nobody_knows_it(
    house: House, clock: time_machine.Traveller
) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    booking = house.stay(house.flat(entrance, door), 2 * DAY, 5 * DAY)
    first = AccessGrant.objects.get().code
    foreign = house.cloud.add_foreign_pin(door.device_id, value=first)
    house.live(clock, HOUR)

    assert AccessGrant.objects.get().code != first
    assert_one_right_pin(house, booking, entrance)
    assert_one_right_pin(house, booking, door)
    assert foreign in house.cloud.pins(door.device_id)
    assert ValueClaim.objects.filter(released_at=None).count() == 2


def test_a_foreign_pin_with_a_value_that_the_guest_knows_is_an_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    grant = AccessGrant.objects.get()
    AccessGrant.objects.update(disclosed_at=timezone.now())
    house.cloud.add_foreign_pin(door.device_id, value=grant.code)
    house.live(clock, HOUR)

    pin = pin_of(booking, door)
    assert (pin.state, pin.blocked) == (State.BLOCKED, "value_taken")
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.VALUE_TAKEN
    assert AccessGrant.objects.get().code == grant.code


def test_two_of_ours_with_different_values_on_one_list_end_as_the_right_one(
    house: House, clock: time_machine.Traveller
) -> None:
    """A restored backup left a PIN with our reference and a value of old; it comes first on the list."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    grant = AccessGrant.objects.get()
    house.cloud.add_foreign_pin(door.device_id, alias=f"Anna 01-02 Mar #{grant.reference}", value="730519")
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.live(clock, HOUR)

    (remote,) = house.cloud.pins(door.device_id)
    assert (remote.value, remote.body.start, remote.body.end) == (grant.code, grant.starts_at, grant.ends_at)
    assert pin_of(booking, door).state == State.SET


def test_a_404_about_one_too_many_is_believed_only_when_the_list_confirms_it(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.settle()
    grant = AccessGrant.objects.get()
    house.cloud.add_foreign_pin(door.device_id, alias=f"Anna 01-02 Mar #{grant.reference}", value="730519")
    Pin.objects.update(must_look=True, next_try_at=timezone.now())
    house.cloud.script(door.device_id, ["DELETE:404"])
    house.live(clock, HOUR)

    assert requests_sent() == ["post", "list", "delete", "list", "delete"]
    assert [pin.value for pin in house.ours(door)] == [grant.code]
    assert pin_of(booking, door).state == State.SET
