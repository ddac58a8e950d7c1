"""Requests without an answer: a look finds out, a late landing is found, and no code is there twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import code_overrides
from pins.models import AccessGrant, LockState, PinAttempt
from pins.reconcile import leases
from rentals.models import Booking
from tests.support.house import House, pin_of
from tests.support.reconciling import after_answer, assert_one_right_pin, during, methods

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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


def test_applied_without_an_answer_then_cancelled_before_the_look(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["timeout_applied", "GET:busy"])
    house.settle()
    assert pin_of(booking, door).state == State.IN_DOUBT

    booking.status = Booking.Status.CANCELLED
    booking.save()
    assert pin_of(booking, door).state == State.IN_DOUBT  # a wish erases no doubt
    house.live(clock, HOUR)

    assert house.ours(door) == []
    assert methods() == ["post", "list", "list", "delete"]
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
    assert methods() == ["post", "list", "list", "delete"]
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


def test_lease_expiry_in_a_hang(house: House, clock: time_machine.Traveller) -> None:
    """The process is frozen for minutes in the middle of a request; another run takes over; then the first wakes."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)

    def freeze() -> None:
        clock.shift(2 * MINUTE)
        house.run(door)  # the lease has expired: this run finds an attempt without an answer and looks

    during(house, "POST", freeze)
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert methods()[:2] == ["post", "list"]
    assert not PinAttempt.objects.filter(outcome="").exists()


def test_the_lock_rests_after_a_hang(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["hang_applied"])
    house.settle()
    paused = LockState.objects.get(lock=door).paused_until
    assert paused is not None
    assert paused - timezone.now() >= timedelta(seconds=15)


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
    assert methods() == expected


def test_an_old_list_that_a_frozen_worker_brings_teaches_nothing(house: House, clock: time_machine.Traveller) -> None:
    """The list was read before another run set the code; believed late, it would have said that the code is gone."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["timeout_lost"])

    def freeze() -> None:
        clock.shift(2 * MINUTE)
        house.run(door)
        clock.shift(SECOND)
        house.run(door)
        assert pin_of(booking, door).state == State.SET

    after_answer(house, "GET", freeze)
    house.run(door)
    assert pin_of(booking, door).state == State.SET
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert methods() == ["post", "list", "list", "post"]


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


def test_a_write_that_gets_lost_each_time_is_sent_more_and_more_rarely(
    house: House, clock: time_machine.Traveller
) -> None:
    """The list answers each time, so the lock is well; a code a second would eat the hour's requests."""
    door = house.lock()
    house.stay(house.flat(door), 2 * DAY, DAY)
    house.cloud.script(door.device_id, ["POST:timeout_lost"] * 400)
    house.live(clock, HOUR)
    assert house.requests < 60


def test_a_removal_that_a_late_list_denies_is_sent_more_and_more_rarely(clock: time_machine.Traveller) -> None:
    """The lock ended the code by itself. Its list still shows it for a while, and its 404 has no envelope, so that
    nobody may believe it."""
    house = House(list_lag=120.0, error_body="empty")
    door = house.lock()
    booking = house.stay(house.flat(door), 0 * DAY, HOUR)
    house.live(clock, HOUR - SECOND)
    before = house.requests
    house.live(clock, HOUR)
    assert pin_of(booking, door).state == State.REMOVED
    assert house.requests - before < 30
