"""Stories that the state machine told and the code once got wrong. Each names what must never come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.plan import FRESH_END
from pins.desired import code_overrides
from pins.models import AccessGrant, Incident, PinAttempt, ValueClaim
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def after_answer(house: House, method: str, action: Callable[[], Any]) -> None:
    """Do something once, when the next request of a kind is over on the lock and its answer not yet stored."""
    carry = house.transport.handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        response = carry(request)
        if request.method == method:
            house.transport.handle_request = carry  # type: ignore[method-assign]
            action()
        return response

    house.transport.handle_request = handle  # type: ignore[method-assign]


def change(booking: Booking, **fields: object) -> None:
    fresh = Booking.objects.get(pk=booking.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh.save()


def assert_one_right_pin(house: House, booking: Booking, lock: Lock) -> None:
    grant = AccessGrant.objects.get(booking=booking)
    (remote,) = [pin for pin in house.ours(lock) if pin.alias.endswith(grant.reference)]
    assert (remote.value, remote.body.start, remote.body.end) == (grant.code, grant.starts_at, grant.ends_at)
    assert pin_of(booking, lock).state == State.SET


def methods() -> list[str]:
    return [attempt.op for attempt in PinAttempt.objects.order_by("pk")]


def test_a_frozen_worker_brings_home_an_old_list_and_it_teaches_nothing(
    house: House, clock: time_machine.Traveller
) -> None:
    """The list was read before another run set the code; believed late, it would have said that the code is gone."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["timeout_lost"])
    house.settle()
    clock.shift(MINUTE)

    def freeze() -> None:
        clock.shift(2 * MINUTE)
        house.run(door)
        assert pin_of(booking, door).state == State.SET

    after_answer(house, "GET", freeze)
    house.run(door)
    assert pin_of(booking, door).state == State.SET
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert methods() == ["post", "list", "list", "post"]


@pytest.mark.parametrize("extended", [False, True])
def test_the_id_of_an_expired_pin_may_be_a_foreign_pins_by_now(clock: time_machine.Traveller, extended: bool) -> None:
    """A DELETE, or a PUT with the extended stay, would have hit the cleaner's PIN."""
    house = House(id_reuse=True)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    clock.move_to(booking.check_out + (SECOND if extended else FRESH_END))  # nothing of ours ran for a while
    foreign = house.cloud.add_foreign_pin(door.device_id)
    assert foreign.id == pin_of(booking, door).remote_id

    if extended:
        change(booking, check_out=booking.check_out + DAY)
    house.live(clock, HOUR)

    assert foreign in house.cloud.pins(door.device_id)
    if extended:
        assert_one_right_pin(house, booking, door)
    else:
        assert house.ours(door) == []
        assert pin_of(booking, door).state == State.REMOVED


@pytest.mark.parametrize("extended", [False, True])
def test_a_pin_that_outlives_its_end_is_removed_without_looking_for_ever(
    clock: time_machine.Traveller, extended: bool
) -> None:
    house = House(expiry_lag=7 * 86400.0)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    clock.move_to(booking.check_out + 2 * HOUR)  # nobody of ours was there at the end

    if extended:
        change(booking, check_out=booking.check_out + DAY)
    house.live(clock, MINUTE)

    if extended:
        assert_one_right_pin(house, booking, door)
        assert methods() == ["post", "list", "delete", "post"]
    else:
        assert house.ours(door) == []
        assert methods() == ["post", "list", "delete"]


def test_an_adopted_pin_with_a_reused_id_ends_what_we_believed_of_another(clock: time_machine.Traveller) -> None:
    """The guest who left still counted as the owner of the id, and the removal took the next guest's code away."""
    house = House(id_reuse=True)
    door = house.lock()
    flat = house.flat(door)
    leaving, arriving = house.stay(flat, HOUR, DAY, name="Leaving"), house.stay(flat, 40 * DAY, DAY, name="Arriving")
    house.settle()
    old_id = pin_of(leaving, door).remote_id
    house.cloud.set_connected(door.device_id, False)
    clock.move_to(leaving.check_out)  # expires on the lock while it is out of our reach
    house.settle()
    house.cloud.set_connected(door.device_id, True)
    change(arriving, check_in=leaving.check_out + MINUTE, check_out=leaving.check_out + DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.live(clock, DAY / 2)

    assert_one_right_pin(house, arriving, door)
    assert pin_of(arriving, door).remote_id == old_id
    assert pin_of(leaving, door).state == State.REMOVED


def most_at_once(house: House) -> int:
    """The largest number of PINs of ours that were on one lock at any instant."""
    most, present = 0, set()
    house.cloud.advance()
    for done in house.cloud.journal.changes:
        place = (done.lock_id, done.pin_id)
        if done.action == "created":
            present.add(place)
        elif done.action in ("deleted", "expired"):
            present.discard(place)
        most = max(most, len(present))
    return most


@pytest.mark.parametrize("was_set", [False, True])
def test_a_lost_post_lands_after_the_code_was_renewed_and_there_are_never_two(
    house: House, clock: time_machine.Traveller, was_set: bool
) -> None:
    """The lock refuses a second PIN of the same value, but not one with the old value beside the new one."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["POST:late"])
    house.settle()
    clock.shift(SECOND)
    if was_set:
        house.settle()  # the look finds nothing, the second POST of the value succeeds
    code_overrides.renew_code(AccessGrant.objects.get().pk, timezone.now())
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert most_at_once(house) == 1


def test_a_start_moved_to_the_present_is_still_in_the_future_when_it_arrives(clock: time_machine.Traveller) -> None:
    """Cut to whole seconds and some milliseconds on the way, "now" was always in the past and refused again."""
    clock.shift(timedelta(seconds=0.9))
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 2 * DAY)
    house.live(clock, HOUR)

    (remote,) = house.ours(door)
    assert remote.body.start is not None
    assert booking.check_in + HOUR < remote.body.start <= booking.check_in + HOUR + 2 * MINUTE
    assert pin_of(booking, door).state == State.SET
    assert methods() == ["post", "post"]


def test_a_moved_start_counts_as_equal_only_while_it_is_past(clock: time_machine.Traveller) -> None:
    """After a refused start, every earlier start counted as equal to the one on the lock, even days before it."""
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 20 * DAY)
    house.live(clock, HOUR)
    change(booking, check_in=booking.check_in + 10 * DAY)
    house.live(clock, HOUR)
    change(booking, check_in=booking.check_in + 5 * DAY)
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)


def test_a_rest_after_a_refusal_does_not_outlast_the_stay(house: House, clock: time_machine.Traveller) -> None:
    """The stay was shortened, the lock refused the change, and the old end is days away."""
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 3 * DAY)
    house.settle()
    house.cloud.script(door.device_id, ["PUT:400"] * 3)
    change(booking, check_out=timezone.now() + 5 * MINUTE)
    house.live(clock, 6 * MINUTE)

    assert house.ours(door) == []


def test_a_code_that_waits_for_room_keeps_its_claim(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    Lock.objects.update(pin_capacity=6)
    flat = house.flat(door)
    far = house.stay(flat, 5 * DAY, DAY)
    house.settle()
    near = house.stay(flat, 2 * DAY, DAY)
    house.live(clock, HOUR)

    assert_one_right_pin(house, near, door)
    assert pin_of(far, door).state == State.SCHEDULED
    assert ValueClaim.objects.filter(grant__booking=far, released_at=None).count() == 1


def test_a_closing_look_that_failed_is_not_forgotten(clock: time_machine.Traveller) -> None:
    """A lost POST landed after the end, on a lock that keeps ended PINs a while."""
    house = House(late_seconds=120.0, expiry_lag=7 * 86400.0)
    door = house.lock()
    house.stay(house.flat(door), -HOUR, HOUR + MINUTE)
    house.cloud.script(door.device_id, ["POST:late", "GET:ok", "POST:offline"])
    house.settle()
    house.run_at(clock, 1 * SECOND)
    house.cloud.script(door.device_id, ["GET:offline", "GET:offline"])
    clock.shift(20 * MINUTE)
    house.live(clock, HOUR)

    assert house.ours(door) == []


def test_room_for_all_ends_the_incident_also_when_the_stay_that_waited_was_cancelled(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    Lock.objects.update(pin_capacity=6)
    flat = house.flat(door)
    near, far = house.stay(flat, 2 * DAY, DAY), house.stay(flat, 5 * DAY, DAY)
    house.settle()
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.TOO_MANY_CODES

    change(far, status=Booking.Status.CANCELLED)
    change(near, check_out=near.check_out + HOUR)
    house.settle()

    assert not Incident.objects.filter(resolved_at=None).exists()
