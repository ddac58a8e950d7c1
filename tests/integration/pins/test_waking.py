"""Messages that wake locks: one for many changes, none in vain, and none missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError

from pins import tasks
from pins.core.pin_state import State
from pins.desired import drift
from pins.models import LockState
from pins.reconcile import leases, run, sweep, wakes
from rentals.models import Booking, Lock, Property
from tests.support.house import House, pin_of
from tests.support.statements import statements
from tests.support.waking import messages

__all__ = ["messages"]
pytestmark = pytest.mark.django_db(transaction=True)

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def door(house: House) -> Lock:
    return house.lock()


@pytest.fixture
def flat(house: House, door: Lock) -> Property:
    return house.flat(door)


def mark_of(door: Lock) -> Any:
    return LockState.objects.get(lock=door).dispatched_at


# -- one message for many changes -----------------------------------------------------------------------------------


def test_many_changes_in_one_transaction_wake_each_lock_once(
    house: House, flat: Property, door: Lock, messages: list[int]
) -> None:
    second = house.lock("Second")
    other = house.flat(second, door, name="Other flat")
    with transaction.atomic():
        for number in range(5):
            house.stay(flat, (2 + 2 * number) * DAY, DAY)
            house.stay(other, (2 + 2 * number) * DAY, DAY)
        assert messages == []
    assert messages == [door.pk, second.pk]


def test_what_was_rolled_back_wakes_nobody_and_takes_nothing_along(
    house: House, flat: Property, door: Lock, messages: list[int]
) -> None:
    def given_up(begins: timedelta) -> None:
        with transaction.atomic():
            house.stay(flat, begins, DAY)
            transaction.set_rollback(True)

    given_up(7 * DAY)
    assert messages == []
    with transaction.atomic():
        given_up(DAY)
        with transaction.atomic():
            house.stay(flat, 3 * DAY, DAY)
        given_up(5 * DAY)
    assert messages == [door.pk]


def test_a_message_under_way_is_enough(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    for number in range(5):  # five transactions
        house.stay(flat, (2 + 2 * number) * DAY, DAY)
    assert messages == [door.pk]
    clock.shift(wakes.hint_holds() - SECOND)
    house.stay(flat, 20 * DAY, DAY)
    assert messages == [door.pk]
    clock.shift(SECOND)  # it counts as lost
    house.stay(flat, 22 * DAY, DAY)
    assert messages == [door.pk] * 2


def test_a_deadline_within_the_hour_always_sends(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    house.stay(flat, 2 * DAY, DAY)
    house.stay(flat, 61 * MINUTE, DAY)
    assert messages == [door.pk]
    house.stay(flat, 59 * MINUTE, DAY)
    assert messages == [door.pk] * 2
    second = house.lock("Second")
    house.stay(house.flat(door, second, name="Other flat"), 5 * MINUTE, DAY)
    assert messages[2:] == [door.pk, second.pk]


def test_a_lock_that_never_ran_is_woken(house: House, messages: list[int], clock: time_machine.Traveller) -> None:
    doors = [house.lock("A"), house.lock("B")]
    LockState.objects.all().delete()
    house.stay(house.flat(doors[0]), DAY, DAY)
    house.stay(house.flat(*doors, name="Other flat"), DAY, DAY)
    assert messages == [doors[0].pk, doors[0].pk, doors[1].pk]


def test_an_alarm_for_later_keeps_nobody_waiting_and_stays_known(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    alarm = timezone.now() + 100 * SECOND
    LockState.objects.update(dispatched_at=alarm)
    house.stay(flat, 2 * DAY, DAY)
    assert messages == [door.pk]
    assert mark_of(door) == alarm
    house.run(door)
    assert mark_of(door) == alarm


def test_a_message_that_could_not_be_sent_is_no_message(
    house: House, flat: Property, door: Lock, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    second = house.lock("Second")
    sent: list[int] = []

    def breaks(*, lock_id: int) -> None:
        if sent:
            raise OperationalError
        sent.append(lock_id)

    monkeypatch.setattr(tasks.run_lock, "delay", breaks)
    tasks.wake_locks([door.pk, second.pk])
    assert sent == [door.pk]
    assert (mark_of(door), mark_of(second)) == (timezone.now(), None)


# -- what a message costs that finds nothing to do -----------------------------------------------------------------


def deliver(door: Lock) -> int:
    """Run the task of one message; the statements that it needed."""
    with CaptureQueriesContext(connection) as captured:
        tasks.run_lock.apply(kwargs={"lock_id": door.pk}, throw=True)
    return len(statements(captured))


def test_an_idle_message_costs_two_statements(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    house.stay(flat, 2 * DAY, DAY)
    house.run(door)
    tasks.wake_locks([door.pk])
    assert mark_of(door) is not None
    assert deliver(door) <= 2
    assert mark_of(door) is None


def test_a_message_that_finds_an_alarm_set_costs_two_statements(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    house.stay(flat, -DAY, DAY + 100 * SECOND)
    house.run(door)
    LockState.objects.update(dispatched_at=timezone.now() + 100 * SECOND)
    assert deliver(door) <= 2


def test_a_message_that_finds_a_run_costs_two_statements_and_leaves_it_the_mark(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    lease = leases.acquire(door)
    assert isinstance(lease, leases.Lease)
    house.stay(flat, 2 * DAY, DAY)
    assert deliver(door) <= 2
    house.stay(flat, 4 * DAY, DAY)
    assert messages == [door.pk]  # one for all changes during a run
    leases.release(lease)
    assert mark_of(door) is None
    house.stay(flat, 6 * DAY, DAY)
    assert messages == [door.pk] * 2


# -- no change is left lying -------------------------------------------------------------------------------------------


class Between:
    """Does something once, just before the statement of a number, counted outside transactions; else after the last."""

    def __init__(self, place: int, act: Callable[[], object]) -> None:
        self.place, self.act, self.seen, self.done = place, act, 0, False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self.done and not context["connection"].in_atomic_block and not sql.startswith("BEGIN"):
            self.seen += 1
            if self.seen > self.place:
                self.done = True
                self.act()
        return execute(sql, params, many, context)


def deliver_all(house: House, door: Lock, messages: list[int], report: run.Report | None) -> None:
    """What worker and broker do: each message is a run, and a run that ends with work due sets its alarm for now.
    The sweep is not asked."""
    for _ in range(10):
        if report is not None and report.next_at is not None and report.next_at <= timezone.now():
            report = house.run(door)
        elif messages:
            messages.pop()
            report = house.run(door)
        else:
            return
    raise AssertionError("the lock does not come to rest")


@pytest.mark.parametrize("already_due", [True, False], ids=["a working run", "an idle run"])
def test_a_change_at_any_moment_of_a_run_is_found_without_the_sweep(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller, already_due: bool
) -> None:
    """Wherever another process saves a booking, its code is set by a message or by the run itself."""
    place, reached_the_end = 0, False
    while not reached_the_end:
        if already_due:
            house.stay(flat, (3 + 4 * place) * HOUR, HOUR)
        else:
            tasks.wake_locks([door.pk])
        assert mark_of(door) is not None  # its message is what `run` receives
        messages.clear()
        made: list[Booking] = []
        between = Between(place, lambda: made.append(house.stay(flat, (5 + 4 * place) * HOUR, HOUR)))  # noqa: B023
        with connection.execute_wrapper(between):
            report = house.run(door)
        reached_the_end = not between.done
        if reached_the_end:
            between.act()
        deliver_all(house, door, messages, report)
        assert pin_of(made[0], door).state == State.SET, f"left lying before statement {place}"
        assert mark_of(door) is None
        place += 1
    assert place > (4 if already_due else 2)  # so many moments were tried


@pytest.mark.parametrize("moment", ["before the mark", "between mark and message", "after the message"])
def test_a_run_at_any_moment_of_a_wake_leaves_no_mark_behind(
    house: House,
    flat: Property,
    door: Lock,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    moment: str,
) -> None:
    """A mark that outlives its message would silence the next change."""
    sent: list[int] = []
    monkeypatch.setattr(tasks.run_lock, "delay", lambda *, lock_id: sent.append(lock_id))
    house.stay(flat, 2 * DAY, DAY)
    older = sent.pop()  # a message that is delivered late
    LockState.objects.update(dispatched_at=None)

    def send(*, lock_id: int) -> None:
        if moment == "between mark and message":
            house.run(door)
        sent.append(lock_id)

    monkeypatch.setattr(tasks.run_lock, "delay", send)
    if moment == "before the mark":
        house.run(door)
    tasks.wake_locks([older])
    while sent:
        sent.pop()
        house.run(door)
    assert mark_of(door) is None
    house.stay(flat, 4 * DAY, DAY)
    assert sent == [door.pk]


def test_sweep_and_drift_check_wake_by_the_same_rule(
    house: House, flat: Property, door: Lock, messages: list[int], clock: time_machine.Traveller
) -> None:
    house.stay(flat, 2 * DAY, DAY)
    assert sweep.due_locks(timezone.now()) == []  # its message is under way
    Booking.objects.update(check_out=timezone.now() + 4 * DAY)
    tasks.wake_locks(drift.repair(timezone.now()))
    assert messages == [door.pk]
    clock.shift(wakes.hint_holds())
    assert sweep.due_locks(timezone.now()) == [door.pk]
