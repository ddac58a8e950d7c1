"""Bad days, told one by one: what exactly happens, and what must have happened in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import claims
from pins.models import AccessGrant, Incident, LockState, Pin, PinAttempt, ValueClaim
from pins.reconcile import leases
from pins.simulator.messages import Reply, Request
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def during(house: House, method: str, action: Callable[[], Any]) -> None:
    """Do something once, while the next request of a kind is being answered."""

    def hook(request: Request, reply: Reply) -> None:
        if request.method == method and house.transport.on_request is not None:
            house.transport.on_request = None
            action()

    house.transport.on_request = hook


def assert_one_right_pin(house: House, booking: Booking, lock: Lock) -> None:
    grant = AccessGrant.objects.get(booking=booking)
    (remote,) = [pin for pin in house.ours(lock) if pin.alias.endswith(grant.reference)]
    assert (remote.value, remote.body.start, remote.body.end) == (grant.code, grant.starts_at, grant.ends_at)
    assert pin_of(booking, lock).state == State.SET


def methods(house: House) -> list[str]:
    return [attempt.op for attempt in PinAttempt.objects.order_by("pk")]


def test_created_while_the_booking_is_edited(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)

    def extend() -> None:
        edited = Booking.objects.get(pk=booking.pk)
        edited.check_out += DAY
        edited.save()

    during(house, "POST", extend)
    house.live(clock, HOUR)

    assert methods(house) == ["post", "put"]  # the 201 was kept although the wish had moved on
    assert_one_right_pin(house, booking, door)


def test_applied_without_an_answer_then_cancelled_before_the_look(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["timeout_applied"])
    house.settle()
    assert pin_of(booking, door).state == State.IN_DOUBT

    booking.status = Booking.Status.CANCELLED
    booking.save()
    assert pin_of(booking, door).state == State.IN_DOUBT  # a wish erases no doubt
    house.live(clock, HOUR)

    assert house.ours(door) == []
    assert methods(house) == ["post", "list", "delete"]
    assert pin_of(booking, door).state == State.REMOVED


def test_lost_then_cancelled_lands_late_and_is_found_by_the_closing_look(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["late"])
    house.settle()
    booking.status = Booking.Status.CANCELLED
    booking.save()

    house.live(clock, MINUTE)
    assert house.ours(door) == []
    assert pin_of(booking, door).state == State.REMOVING  # not removed: it may still land
    house.live(clock, HOUR)

    assert house.ours(door) == []
    assert methods(house) == ["post", "list", "list", "delete"]
    assert pin_of(booking, door).state == State.REMOVED


def test_late_landing_after_not_found_and_a_second_406(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    # The first POST lands after the look; the second is lost too; by the third the first has landed: 406.
    house.cloud.script(door.device_id, ["late", "ok", "offline"])
    house.settle()
    house.run_at(clock, 1 * SECOND)  # the look: not found
    clock.shift(3 * MINUTE)  # the late write lands
    house.live(clock, HOUR)

    assert 406 in house.statuses()
    assert_one_right_pin(house, booking, door)


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


def test_lease_expiry_in_a_hang(house: House, clock: time_machine.Traveller) -> None:
    """The process is frozen for minutes in the middle of a request; another run takes over; then the first wakes."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)

    def freeze() -> None:
        clock.shift(2 * MINUTE)
        house.run(door)  # the lease has expired: this run finds a flight without an answer and looks

    during(house, "POST", freeze)
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert methods(house)[:2] == ["post", "list"]
    assert not PinAttempt.objects.filter(outcome="").exists()


def test_the_lock_rests_after_a_hang(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["hang_applied"])
    house.settle()
    paused = LockState.objects.get(lock=door).paused_until
    assert paused is not None
    assert paused - timezone.now() >= timedelta(seconds=15)


def test_a_removal_without_an_answer_whose_id_is_given_to_another_guest(clock: time_machine.Traveller) -> None:
    house = House(id_reuse=True)
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, 2 * DAY, 2 * DAY, name="Leaving")
    house.settle()
    old_id = pin_of(leaving, door).remote_id

    house.cloud.script(door.device_id, ["timeout_applied"])
    leaving.status = Booking.Status.CANCELLED
    leaving.save()
    house.settle()
    arriving = house.stay(flat, 3 * DAY, 2 * DAY, name="Arriving")
    other = pin_of(arriving, door)
    Pin.objects.exclude(pk=other.pk).update(next_try_at=None)  # the new guest's code goes first
    clock.shift(10 * SECOND)
    house.run(door)
    assert pin_of(arriving, door).remote_id == old_id
    Pin.objects.exclude(pk=other.pk).update(next_try_at=timezone.now())
    house.live(clock, HOUR)

    assert_one_right_pin(house, arriving, door)
    assert pin_of(leaving, door).state == State.REMOVED


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_extension_around_the_removal(house: House, clock: time_machine.Traveller, moment: str) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, 2 * DAY)
    house.settle()
    code = AccessGrant.objects.get().code

    def extend() -> None:
        edited = Booking.objects.get(pk=booking.pk)
        edited.check_out += DAY
        edited.save()

    if moment == "before":
        clock.move_to(booking.check_out - MINUTE)
        extend()
    else:
        clock.move_to(booking.check_out)
        if moment == "during":
            house.cloud.settings = replace(house.cloud.settings, expiry_lag=60.0)
            during(house, "DELETE", extend)
            house.settle()
        else:
            house.settle()
            extend()
    house.live(clock, HOUR)

    booking.refresh_from_db()
    assert_one_right_pin(house, booking, door)
    assert AccessGrant.objects.get().code == code


def test_two_bookings_swap_their_properties(house: House, clock: time_machine.Traveller) -> None:
    left, right, entrance = house.lock("Left"), house.lock("Right"), house.lock("Entrance")
    one, two = house.flat(left, entrance, name="One"), house.flat(right, entrance, name="Two")
    first, second = house.stay(one, 2 * DAY, 2 * DAY, name="First"), house.stay(two, 2 * DAY, 2 * DAY, name="Second")
    house.settle()

    first.property, second.property = two, one
    first.save()
    second.save()
    house.live(clock, HOUR)

    assert_one_right_pin(house, first, right)
    assert_one_right_pin(house, second, left)
    assert_one_right_pin(house, first, entrance)
    assert_one_right_pin(house, second, entrance)
    assert [len(house.ours(lock)) for lock in (left, right, entrance)] == [1, 1, 2]


@pytest.mark.parametrize("fault", ["ok", "timeout_applied", "timeout_lost", "late"])
def test_the_stay_comes_back_during_the_removal(house: House, clock: time_machine.Traveller, fault: str) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.settle()

    def restore() -> None:
        booking.status = Booking.Status.CONFIRMED
        booking.save()

    booking.status = Booking.Status.CANCELLED
    booking.save()
    house.cloud.script(door.device_id, [fault])
    during(house, "DELETE", restore)
    house.live(clock, 6 * HOUR)

    assert_one_right_pin(house, booking, door)
    assert pin_of(booking, door).late_until is None


def test_a_lock_that_was_added_again_gets_its_codes_back(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    staying, cancelled = house.stay(flat, 2 * DAY, 2 * DAY), house.stay(flat, 6 * DAY, 2 * DAY)
    house.settle()
    cancelled.status = Booking.Status.CANCELLED
    cancelled.save()
    house.settle()

    door.device_id = house.cloud.readd_lock(door.device_id)
    door.save()
    house.live(clock, HOUR)

    assert_one_right_pin(house, staying, door)
    assert len(house.cloud.pins(door.device_id)) == 1
    assert pin_of(cancelled, door).state == State.REMOVED


def test_a_stay_extended_after_its_pin_expired_gets_it_back(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    clock.move_to(booking.check_out + 5 * SECOND)  # gone on the lock, not yet noticed by us
    booking.check_out += DAY
    booking.save()
    house.live(clock, MINUTE)

    assert_one_right_pin(house, booking, door)
    assert AccessGrant.objects.get().code == code
    assert methods(house) == ["post", "list", "post"]  # an expired PIN's id may be another's: no PUT


def test_a_stay_extended_after_its_pin_expired_gets_a_new_code_where_the_old_one_was_taken(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    AccessGrant.objects.update(disclosed_at=timezone.now())
    clock.move_to(booking.check_out + 5 * SECOND)
    house.cloud.add_foreign_pin(door.device_id, value=code)
    booking.check_out += DAY
    booking.save()
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert AccessGrant.objects.get().code != code
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.CODE_CHANGED


@pytest.mark.parametrize("when", ["before it reached the lock", "after it reached the lock"])
def test_the_worker_dies_in_the_middle_of_a_request(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    class KilledError(BaseException):
        """Nothing of ours catches it, as nothing catches SIGKILL."""

    def die(*_: object) -> None:
        raise KilledError

    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    with monkeypatch.context() as patch:
        patch.setattr(leases, "release", lambda lease: None)  # a killed process releases nothing
        if when.startswith("before"):
            house.transport.on_send = die
        else:
            house.transport.on_request = die
        with pytest.raises(KilledError):
            house.run(door)
    house.transport.on_send = house.transport.on_request = None

    assert house.run(door).requests == 0  # the lease still stands
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert not house.cloud.collisions
    expected = ["post", "list", "post"] if when.startswith("before") else ["post", "list"]
    assert methods(house) == expected


def test_two_values_refused_as_invalid_block_the_code(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["400", "400", "ok"])
    house.live(clock, HOUR)
    pin = pin_of(booking, door)
    assert (pin.state, pin.blocked) == (State.BLOCKED, "value_refused")
    assert methods(house) == ["post", "post"]
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.VALUE_REFUSED

    booking.check_out += HOUR  # the wish changes: the block ends
    booking.save()
    house.live(clock, HOUR)
    assert_one_right_pin(house, booking, door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_start_in_the_past_is_sent_as_now_only_after_it_was_refused(clock: time_machine.Traveller) -> None:
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 2 * DAY)
    house.live(clock, MINUTE)
    (remote,) = house.ours(door)
    assert remote.body.start is not None
    assert booking.check_in < remote.body.start < booking.check_in + 2 * HOUR
    assert pin_of(booking, door).state == State.SET
    assert methods(house) == ["post", "post"]
    house.live(clock, HOUR)
    assert methods(house) == ["post", "post"]  # and treated as equal from then on


def test_a_full_lock_takes_the_code_when_there_is_room_again(clock: time_machine.Traveller) -> None:
    house = House(capacity=1)
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, -DAY, DAY + 30 * MINUTE)
    house.settle()
    arriving = house.stay(flat, HOUR, DAY)
    house.settle()
    assert Incident.objects.filter(kind=Incident.Kind.NO_ROOM, resolved_at=None).exists()
    clock.move_to(leaving.check_out)
    house.live(clock, HOUR)
    assert_one_right_pin(house, arriving, door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_dead_key_stops_the_account_and_a_new_key_goes_on_at_once(
    house: House, clock: time_machine.Traveller
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    booking = house.stay(house.flat(door, cellar), 2 * DAY, 5 * DAY)
    house.cloud.set_key_revoked("demo", True)
    house.live(clock, 10 * SECOND)
    assert house.statuses() == {401: 1}  # no storm: one lock asked, the other did not
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


def test_values_of_a_grant_are_not_used_again_for_ninety_days(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    clock.move_to(booking.check_out)
    house.settle()
    assert code in claims.taken_on([door.pk], timezone.now())
    clock.shift(91 * DAY)
    assert code not in claims.taken_on([door.pk], timezone.now())
