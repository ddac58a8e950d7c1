"""What Tedee refuses: values, removals, whole locks, and how long a refusal counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import Blocked, State
from pins.desired import code_overrides
from pins.models import AccessGrant, Incident, PinAttempt
from tests.support.booking_actions import change, open_incidents
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin, methods, tell_the_guests

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_two_values_refused_as_invalid_block_the_code(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["400", "400", "ok"])
    house.live(clock, HOUR)
    pin = pin_of(booking, door)
    assert (pin.state, pin.blocked) == (State.BLOCKED, "value_refused")
    assert methods() == ["post", "post"]
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.VALUE_REFUSED

    booking.check_out += HOUR  # the wish changes: the block ends
    booking.save()
    house.live(clock, HOUR)
    assert_one_right_pin(house, booking, door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_dead_key_stops_the_account_and_a_new_key_goes_on_at_once(
    house: House, clock: time_machine.Traveller
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    booking = house.stay(house.flat(door, cellar), 2 * DAY, 5 * DAY)
    house.cloud.set_key_revoked("demo", True)
    house.live(clock, 10 * SECOND)
    assert house.statuses() == {401: 2}  # no storm: one lock asked to write and to read, the other did not
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.DEAD_KEY

    house.cloud.add_key("fresh-key", "fresh")
    house.account.secret = "fresh-key"
    house.account.save()
    house.live(clock, 10 * SECOND)

    assert_one_right_pin(house, booking, door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_404_from_a_moved_address_removes_nothing(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.settle()
    house.cloud.script(door.device_id, ["html_404"] * 3)
    booking.check_out += DAY
    booking.save()
    house.live(clock, MINUTE)
    assert_one_right_pin(house, booking, door)


@pytest.mark.parametrize("answer", ["busy", "offline"])
def test_a_value_that_was_taken_once_is_judged_anew_for_an_edited_stay(
    house: House, clock: time_machine.Traveller, answer: str
) -> None:
    """A 409 or 428 says nothing of the value; the 406 before it concerned the stay as it was."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    tell_the_guests()
    foreign = house.cloud.add_foreign_pin(door.device_id, value=AccessGrant.objects.get().code)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).blocked == Blocked.VALUE_TAKEN

    house.cloud.remove_pin(door.device_id, foreign.id)
    house.cloud.script(door.device_id, [f"POST:{answer}"])
    change(booking, check_out=booking.check_out + HOUR)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert open_incidents() == []


@pytest.mark.parametrize("answer", ["busy", "offline"])
def test_a_new_value_is_not_condemned_by_the_refusal_of_the_old_one(
    house: House, clock: time_machine.Traveller, answer: str
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    tell_the_guests()
    house.cloud.script(door.device_id, ["POST:400"])
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).blocked == Blocked.VALUE_REFUSED

    grant = AccessGrant.objects.get()
    code_overrides.revoke([grant.pk], timezone.now())
    code_overrides.set_code(grant.pk, "482915", timezone.now())
    house.cloud.script(door.device_id, [f"POST:{answer}"])
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert [pin.value for pin in house.ours(door)] == ["482915"]


@pytest.mark.parametrize(
    ("steps", "tries"),
    [(["POST:404"] * 3, 2), (["POST:timeout_lost", "GET:404", "GET:404"], 3)],
    ids=["to a POST", "to the list"],
)
def test_a_404_that_is_about_the_lock_rests_the_lock_with_an_incident_until_it_works_again(
    house: House, clock: time_machine.Traveller, steps: list[str], tries: int
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    flat = house.flat(door, cellar)
    for n in range(4):
        house.stay(flat, (n + 1) * DAY, DAY)
    house.cloud.script(door.device_id, steps)
    house.settle()
    clock.shift(SECOND)
    house.settle()
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.LOCK_UNKNOWN
    assert PinAttempt.objects.filter(pin__lock=door).count() == tries  # not one for each stay
    assert len(house.ours(cellar)) == 4

    house.live(clock, HOUR)
    assert len(house.ours(door)) == 4
    assert open_incidents() == []


def test_a_rest_after_a_refusal_does_not_outlast_the_stay(house: House, clock: time_machine.Traveller) -> None:
    """The stay was shortened, the lock refused the change, and the old end is days away."""
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 3 * DAY)
    house.settle()
    house.cloud.script(door.device_id, ["PUT:400"] * 3)
    change(booking, check_out=timezone.now() + 5 * MINUTE)
    house.live(clock, 6 * MINUTE)

    assert house.ours(door) == []


def test_a_key_without_permission_rests_the_lock_until_there_is_another_key(
    house: House, clock: time_machine.Traveller
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    booking = house.stay(house.flat(door, cellar), 2 * DAY, 5 * DAY)
    house.cloud.set_forbidden(door.device_id, True)
    house.live(clock, MINUTE)
    assert house.statuses() == {201: 1, 403: 2}  # refused, and refused to read, too
    assert pin_of(booking, cellar).state == State.SET  # the other lock is not concerned
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.NO_PERMISSION

    house.cloud.set_forbidden(door.device_id, False)
    house.cloud.add_key("fresh-key", "fresh")
    house.account.secret = "fresh-key"
    house.account.save()
    house.live(clock, 10 * SECOND)
    assert pin_of(booking, door).state == State.SET
    assert not Incident.objects.filter(resolved_at=None).exists()
