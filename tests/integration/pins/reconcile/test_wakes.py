"""Marks of messages that wake a lock: when one is under way, what needs another one, and when a mark is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.models import LockState, Pin
from pins.reconcile import leases, wakes
from rentals.models import Lock
from tests.support.house import House
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

MOMENT, SECOND, HOUR, DAY = timedelta(milliseconds=1), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
ZERO = timedelta(0)


@dataclass(frozen=True)
class Case:
    """A lock when somebody wants it to run. Times count from now."""

    mark: timedelta | None  # its message
    is_woken: bool  # is another one sent
    mark_then: timedelta | None
    due: timedelta | None = None  # its code, if it has one
    deadline: timedelta | None = None


CASES = {
    "nothing is under way": Case(None, True, ZERO),
    "a message was sent at this moment": Case(ZERO, False, ZERO),
    "a message was sent a while ago": Case(MOMENT - 45 * SECOND, False, MOMENT - 45 * SECOND),
    "a message counts as lost": Case(-45 * SECOND, True, ZERO),
    "an alarm is set": Case(MOMENT, True, MOMENT),
    "an alarm and a near deadline": Case(HOUR, True, HOUR, ZERO, ZERO),
    "a near deadline": Case(-SECOND, True, ZERO, ZERO, HOUR),
    "a deadline that is over": Case(-SECOND, True, ZERO, -HOUR, -DAY),
    "a deadline that is far": Case(-SECOND, False, -SECOND, ZERO, HOUR + MOMENT),
    "a near deadline of what is due later": Case(-SECOND, False, -SECOND, MOMENT, ZERO),
    "due work without a deadline": Case(-SECOND, False, -SECOND, ZERO, None),
    "a near deadline and no message": Case(None, True, ZERO, ZERO, ZERO),
}


def after(now: datetime, span: timedelta | None) -> datetime | None:
    return None if span is None else now + span


def prepared(house: House, case: Case, name: str, now: datetime) -> Lock:
    lock = house.lock(name)
    if case.due is not None:
        house.stay(house.flat(lock, name=name), DAY, DAY)
        times = {"next_try_at": after(now, case.due), "deadline_at": after(now, case.deadline)}
        Pin.objects.filter(lock=lock).update(**times)
    LockState.objects.filter(lock=lock).update(dispatched_at=after(now, case.mark))
    return lock


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "all together"])
def test_a_message_is_sent_unless_one_is_under_way_and_nothing_is_urgent(house: House, *, together: bool) -> None:
    now = timezone.now()
    locks = {name: prepared(house, case, name, now) for name, case in CASES.items()}
    expected = [locks[name].pk for name, case in CASES.items() if case.is_woken]
    asked = [lock.pk for lock in locks.values()]
    if together:
        woken = wakes.mark(iter(asked), now)
    else:
        woken = [lock_id for one in asked for lock_id in wakes.mark([one], now)]
    assert woken == expected
    found = dict(LockState.objects.values_list("lock", "dispatched_at"))
    assert found == {locks[name].pk: after(now, case.mark_then) for name, case in CASES.items()}


def test_messages_are_sent_in_the_order_in_which_they_were_asked_for_each_once(house: House) -> None:
    first, second, third, apart = (house.lock(name) for name in "ABCD")
    LockState.objects.filter(lock=second).update(dispatched_at=timezone.now())
    LockState.objects.filter(lock=first).delete()  # it never ran
    asked = [third.pk, second.pk, first.pk, third.pk, first.pk]
    assert wakes.mark(asked, timezone.now()) == [third.pk, first.pk]
    assert wakes.mark([first.pk, first.pk], timezone.now()) == [first.pk]
    assert LockState.objects.get(lock=apart).dispatched_at is None


def test_waking_one_lock_takes_one_statement_and_waking_none_takes_none(house: House) -> None:
    lock = house.lock()
    for asked, usual in (([lock.pk], 1), ([], 0)):
        with CaptureQueriesContext(connection) as queries:
            assert wakes.mark(asked, timezone.now()) == asked
        assert len(statements(queries)) == usual


@pytest.mark.parametrize(("sweep", "holds"), [(1, 30), (10, 30), (11, 33), (60, 180)])
def test_a_message_is_waited_for_three_sweeps_and_half_a_minute_at_least(
    house: House, settings: Settings, sweep: int, holds: int
) -> None:
    settings.SWEEP_SECONDS = sweep
    lock, sent_at = house.lock(), timezone.now()
    LockState.objects.update(dispatched_at=sent_at)
    assert wakes.mark([lock.pk], sent_at + holds * SECOND - MOMENT) == []
    assert wakes.mark([lock.pk], sent_at + holds * SECOND) == [lock.pk]


def test_only_the_marks_of_messages_that_could_not_be_sent_are_withdrawn(house: House) -> None:
    unsent, marked_anew, alarmed, sent = (house.lock(name) for name in "ABCD")
    now = timezone.now()
    marks = {unsent.pk: now, marked_anew.pk: now + MOMENT, alarmed.pk: now + HOUR, sent.pk: now}
    for lock_id, mark in marks.items():
        LockState.objects.filter(lock=lock_id).update(dispatched_at=mark)
    wakes.withdraw([unsent.pk, marked_anew.pk, alarmed.pk], now)
    assert dict(LockState.objects.values_list("lock", "dispatched_at")) == {**marks, unsent.pk: None}


def test_a_message_that_arrives_takes_its_mark_away_unless_a_run_has_the_lock(house: House) -> None:
    lock, other, now = house.lock("Door"), house.lock("Other"), timezone.now()
    cases: list[tuple[timedelta, timedelta | None, bool]] = [
        (-HOUR, None, False),
        (ZERO, None, False),
        (2 * SECOND, None, False),  # the clock of whoever sent it is ahead
        (2 * SECOND + MOMENT, None, True),  # an alarm
        (ZERO, -SECOND, False),
        (ZERO, ZERO, False),
        (ZERO, MOMENT, True),  # of the run that holds the lease
    ]
    for mark, lease, stays in cases:
        LockState.objects.update(dispatched_at=now + mark, lease_until=after(now, lease))
        wakes.arrived(lock.pk, now)
        assert LockState.objects.get(lock=lock).dispatched_at == (now + mark if stays else None), (mark, lease)
        assert LockState.objects.get(lock=other).dispatched_at == now + mark


def test_the_end_of_a_run_takes_a_mark_away_and_leaves_an_alarm(house: House) -> None:
    lock, now = house.lock(), timezone.now()
    for mark, stays in ((ZERO, False), (2 * SECOND, False), (2 * SECOND + MOMENT, True)):
        lease = leases.acquire(lock)
        assert isinstance(lease, leases.Lease)
        LockState.objects.update(dispatched_at=now + mark)
        leases.release(lease)
        assert LockState.objects.get().dispatched_at == (now + mark if stays else None), mark
