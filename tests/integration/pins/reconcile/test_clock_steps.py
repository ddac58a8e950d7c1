"""The clock of the machine stands a day ahead for a while. When it is right again, nothing waits for tomorrow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins import tasks
from pins.core.pin_state import State
from pins.models import AccountState, Delivery, Heartbeat, LockActivity, LockState, Pin, StayArrival
from pins.notify import collecting, sending, tries
from pins.reconcile import clock_steps, sweep
from rentals.models import LockAccount
from tests.support.activity import tick
from tests.support.house import House, pin_of
from tests.support.notifications import letters, open_for
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_day_ahead(clock: time_machine.Traveller, meanwhile: Callable[[], object]) -> None:
    """Do something while the clock is wrong; the sweeps go on."""
    true = timezone.now()
    clock.move_to(true + DAY)
    meanwhile()
    tasks.sweep.apply()
    clock.move_to(true + timedelta(seconds=10))
    tasks.sweep.apply()


def test_a_stay_that_was_entered_then_gets_its_code_now(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    a_day_ahead(clock, lambda: house.stay(flat, 3 * DAY, DAY))
    house.settle()
    assert len(house.ours(door)) == 1


def test_a_code_that_was_removed_as_over_comes_back(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 6 * HOUR)
    house.settle()
    a_day_ahead(clock, house.settle)
    house.settle()
    assert pin_of(booking, door).state == State.SET
    assert len(house.ours(door)) == 1


def test_a_stay_that_was_entered_while_no_sweep_ran_gets_its_code_within_a_minute(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door)
    true = timezone.now()
    clock.move_to(true + DAY)
    house.stay(flat, 3 * DAY, DAY)
    clock.move_to(true + timedelta(minutes=1))
    tasks.sweep.apply()
    house.settle()
    assert not house.ours(door)
    tasks.check_drift.apply()
    house.settle()
    assert len(house.ours(door)) == 1


def test_a_code_that_was_removed_while_no_sweep_ran_comes_back_within_a_minute(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 6 * HOUR)
    house.settle()
    true = timezone.now()
    clock.move_to(true + DAY)
    house.settle()
    clock.move_to(true + timedelta(minutes=1))
    tasks.check_drift.apply()
    house.settle()
    assert pin_of(booking, door).state == State.SET
    assert len(house.ours(door)) == 1


def test_no_lock_and_no_account_rests_until_tomorrow(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), 3 * DAY, DAY)

    def rest() -> None:
        later = timezone.now() + timedelta(minutes=5)
        LockState.objects.update(paused_until=later, pause_cause="timeout", audit_at=later + DAY)
        AccountState.objects.update(paused_until=later, pause_cause="rate_limited")

    a_day_ahead(clock, rest)
    assert sweep.due_locks(timezone.now()) == [door.pk]
    house.settle()
    assert len(house.ours(door)) == 1
    state = LockState.objects.get(lock=door)
    assert state.audit_at is not None
    assert state.audit_at <= timezone.now() + DAY


def test_a_message_whose_sender_died_then_is_tried_at_once(house: House, clock: time_machine.Traveller) -> None:
    letters()
    open_for(house.lock())
    collecting.collect(timezone.now())
    message = Delivery.objects.get()

    def die() -> None:
        assert tries.claim(Delivery.objects.filter(pk=message.pk), timezone.now())

    a_day_ahead(clock, die)
    assert sending.due(timezone.now(), 9) == [message.pk]


def test_locks_are_read_for_arrivals_again_and_nobody_is_missed_by_a_midnight_to_come(
    house: House, clock: time_machine.Traveller
) -> None:
    LockAccount.objects.update(reads_activity=True)
    door = house.lock()
    house.stay(house.flat(door), -HOUR, 3 * DAY)
    house.settle()

    def read() -> None:
        assert tick(house) == 1
        assert StayArrival.objects.filter(absent_at=timezone.now()).update(announced=True)

    a_day_ahead(clock, read)
    assert LockActivity.objects.values_list("read_at", "due_at", "rest_until").get() == (None, None, None)
    house.settle()
    assert tick(house) == 1
    assert StayArrival.objects.values_list("absent_at", "announced").get() == (None, False)


OF_LOCKS = (
    *("dispatched_at", "looked_at", "written_at", "list_proven_at", "audited_at", "full_list_at"),
    *("creation_unseen_at", "learned_room_at", "yielded_at", "offline_since"),
)
OF_ACCOUNTS = ("watched_at", "listed_at", "key_checked_at", "alias_checked_at")
OF_CODES = ("listed_at", "list_doubted_at", "suspected_at", "edited_at")


def test_nothing_was_seen_or_done_at_a_moment_to_come(house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), HOUR, DAY)
    now = timezone.now()
    later = now + DAY
    Heartbeat.objects.create(name="notify", at=later)
    AccountState.objects.get_or_create(account=house.account)
    LockState.objects.update(**dict.fromkeys(OF_LOCKS, later))
    AccountState.objects.update(**dict.fromkeys(OF_ACCOUNTS, later))
    Pin.objects.update(**dict.fromkeys(OF_CODES, later))
    assert clock_steps.forget(now)
    assert LockState.objects.values(*OF_LOCKS).get() == dict.fromkeys(OF_LOCKS, now)
    assert AccountState.objects.values(*OF_ACCOUNTS).get() == dict.fromkeys(OF_ACCOUNTS, now)
    assert Pin.objects.values(*OF_CODES).get() == dict.fromkeys(OF_CODES, now)


def test_a_right_clock_costs_one_question(house: House) -> None:
    tasks.sweep.apply()
    with CaptureQueriesContext(connection) as asked:
        assert not clock_steps.forget(timezone.now())
    assert len(statements(asked)) == 1


@pytest.mark.parametrize(("ahead", "noticed"), [(timedelta(seconds=30), False), (timedelta(minutes=2), True)])
def test_clocks_of_two_machines_may_differ_a_little(ahead: timedelta, noticed: bool) -> None:
    Heartbeat.objects.create(name="notify", at=timezone.now() + ahead)
    assert clock_steps.forget(timezone.now()) is noticed
    assert not clock_steps.forget(timezone.now())
