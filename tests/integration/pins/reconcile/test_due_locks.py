"""Which locks a sweep wakes, in which order, and whether it sweeps at all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccountState, Heartbeat, Incident, LockState, Pin
from pins.reconcile import account_limits, sweep
from pins.reconcile.account_limits import WRITES_REST
from rentals.models import Lock, LockAccount
from tests.support.house import House

pytestmark = pytest.mark.django_db

MOMENT, SECOND, MINUTE = timedelta(milliseconds=1), timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZERO = timedelta(0)


def code_on(house: House, lock: Lock, deadline: timedelta | None, due: timedelta = ZERO) -> None:
    """A code that is due then, with that deadline; both count from now."""
    now = timezone.now()
    stay = house.stay(house.flat(lock, name=f"{lock.name} {Pin.objects.count()}"), DAY, DAY)
    times: dict[str, datetime | None] = {"next_try_at": now + due, "deadline_at": now + deadline if deadline else None}
    Pin.objects.filter(grant__booking=stay).update(**times)


def another_account(house: House, *locks: Lock, **state: object) -> LockAccount:
    account = LockAccount.objects.create(name="Other", secret="other-key")
    Lock.objects.filter(pk__in=[lock.pk for lock in locks]).update(account=account)
    AccountState.objects.create(account=account, **state)
    return account


# -- the order ---------------------------------------------------------------------------------------------------------


def test_the_earliest_deadline_comes_first_and_what_has_none_last(house: House) -> None:
    removal, far, idle, near, compared, moved, alike = (house.lock(name) for name in "ABCDEFG")
    code_on(house, removal, None)
    code_on(house, far, 5 * DAY)
    code_on(house, idle, HOUR, due=MOMENT)
    code_on(house, near, HOUR)
    LockState.objects.filter(lock=compared).update(audit_at=timezone.now())
    LockState.objects.filter(lock=moved).update(device_id=moved.device_id + 1)
    code_on(house, alike, HOUR)
    LockState.objects.filter(lock=idle).update(audit_at=timezone.now() + MOMENT, device_id=idle.device_id)
    expected = [near.pk, alike.pk, far.pk, removal.pk, compared.pk, moved.pk]
    assert sweep.due_locks(timezone.now()) == expected


def test_of_a_lock_with_many_codes_the_earliest_deadline_of_those_that_are_due_counts(house: House) -> None:
    first, second, third = (house.lock(name) for name in "ABC")
    for deadline in (6 * HOUR, 3 * HOUR, 9 * HOUR, None):
        code_on(house, second, deadline)
    code_on(house, first, 4 * HOUR)
    code_on(house, first, MINUTE, due=MOMENT)
    code_on(house, third, 2 * HOUR)
    assert sweep.due_locks(timezone.now()) == [third.pk, second.pk, first.pk]


def test_one_sweep_wakes_a_thousand_locks_and_the_next_one_the_others(house: House) -> None:
    many = [Lock(account=house.account, device_id=number, name=f"Door {number}") for number in range(1, 1001)]
    compared = Lock.objects.bulk_create(many)
    LockState.objects.bulk_create(LockState(lock=lock, audit_at=timezone.now()) for lock in compared)
    near = house.lock("Near")
    code_on(house, near, HOUR)
    woken = sweep.due_locks(timezone.now())
    assert woken == [near.pk, *(lock.pk for lock in compared[:-1])]
    LockState.objects.filter(lock__in=woken).update(dispatched_at=timezone.now())
    assert sweep.due_locks(timezone.now()) == [compared[-1].pk]


# -- who rests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "is_woken"),
    [
        ({"paused_until": MOMENT}, False),
        ({"paused_until": ZERO}, True),
        ({"lease_until": MOMENT}, False),
        ({"lease_until": ZERO}, True),
        ({"dispatched_at": -SECOND}, False),
        ({"dispatched_at": -45 * SECOND}, True),
        ({"dispatched_at": MOMENT}, True),  # an alarm for later
    ],
)
def test_a_lock_that_rests_or_runs_or_was_just_woken_is_left_alone(
    house: House, facts: dict[str, timedelta], *, is_woken: bool
) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    code_on(house, door, HOUR)
    code_on(house, other, 2 * HOUR)
    LockState.objects.filter(lock=door).update(**{name: timezone.now() + span for name, span in facts.items()})
    assert sweep.due_locks(timezone.now()) == ([door.pk] if is_woken else []) + [other.pk]


@pytest.mark.parametrize(
    ("state", "is_woken"),
    [
        ({"paused_until": MOMENT, "pause_cause": "renewal"}, False),
        ({"paused_until": ZERO, "pause_cause": "renewal"}, True),
        ({"paused_until": MOMENT, "pause_cause": WRITES_REST}, True),  # reads may be due
        ({"paused_until": None, "pause_cause": "renewal"}, True),
    ],
)
def test_an_account_that_rests_keeps_its_locks_and_no_others(
    house: House, state: dict[str, object], *, is_woken: bool
) -> None:
    first, second, elsewhere = (house.lock(name) for name in "ABC")
    another_account(house, elsewhere)
    for lock in (first, second, elsewhere):
        code_on(house, lock, HOUR)
    pause = state["paused_until"]
    AccountState.objects.filter(account=house.account).update(
        **{**state, "paused_until": timezone.now() + pause if isinstance(pause, timedelta) else None}
    )
    assert sweep.due_locks(timezone.now()) == ([first.pk, second.pk] if is_woken else []) + [elsewhere.pk]


def test_an_account_out_of_reach_wakes_the_lock_whose_turn_it_is_and_others_wake_all(house: House) -> None:
    first, second, here, there = (house.lock(name) for name in "ABCD")
    another_account(house, here, there)
    for lock in (first, second, here, there):
        code_on(house, lock, HOUR)
    AccountState.objects.filter(account=house.account).update(outages=1, probed_lock=first.pk)
    assert sweep.due_locks(timezone.now()) == [second.pk, here.pk, there.pk]
    AccountState.objects.update(paused_until=timezone.now() + SECOND, pause_cause="network")
    assert sweep.due_locks(timezone.now()) == []


def test_a_new_key_ends_the_rests_that_the_old_one_caused(house: House) -> None:
    door, forbidden, waiting = (house.lock(name) for name in "ABC")
    for lock in (door, forbidden):
        code_on(house, lock, HOUR)
    code_on(house, waiting, HOUR, due=MINUTE)
    later, old = timezone.now() + HOUR, account_limits.key_fingerprint(house.account)
    AccountState.objects.update(paused_until=later, pause_cause="unauthorized", dead_key=old, outages=1)
    LockState.objects.filter(lock=forbidden).update(paused_until=later, forbidden_key=old)
    Incident.open(Incident.Kind.NO_WRITE_SCOPE, timezone.now() - HOUR, about=house.account)
    assert sweep.due_locks(timezone.now()) == []
    LockAccount.objects.update(secret="new-key")
    assert sweep.due_locks(timezone.now()) == [door.pk], "one request tries the new key"
    assert Incident.objects.get().resolved_at == timezone.now()
    AccountState.objects.update(outages=0)
    assert sweep.due_locks(timezone.now()) == [door.pk, forbidden.pk]


# -- an account that is no longer observe-only -------------------------------------------------------------------------


def test_whoever_lets_turnkey_write_again_wakes_the_locks_with_due_work_the_most_urgent_first(house: House) -> None:
    far, near, next_one, idle, refused, elsewhere = (house.lock(name) for name in "ABCDEF")
    another_account(house, elsewhere)
    for lock, deadline in (
        (far, 5 * DAY),
        (near, HOUR),
        (next_one, 2 * HOUR),
        (refused, 3 * HOUR),
        (elsewhere, MINUTE),
    ):
        code_on(house, lock, deadline)
    code_on(house, far, 6 * DAY)
    code_on(house, far, MINUTE, due=MOMENT)
    code_on(house, idle, HOUR, due=MOMENT)
    rest = {"paused_until": timezone.now() + DAY, "pause_cause": "watched"}
    LockState.objects.update(**rest)
    LockState.objects.filter(lock=refused).update(pause_cause="offline")

    assert sweep.release(house.account.pk, timezone.now()) == [near.pk, next_one.pk, refused.pk, far.pk]

    found = {state.lock_id: (state.paused_until, state.pause_cause) for state in LockState.objects.all()}
    resting = {refused.pk: "offline", elsewhere.pk: "watched"}
    assert {lock: rest for lock, rest in found.items() if rest != (None, "")} == {
        lock: (timezone.now() + DAY, cause) for lock, cause in resting.items()
    }


# -- whether it sweeps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "longest"), [(15, 180), (22, 180), (23, 184), (60, 480)])
def test_a_sweep_that_stays_away_for_longer_than_a_restart_takes_is_told(
    clock: time_machine.Traveller, settings: Settings, seconds: int, longest: int
) -> None:
    settings.SWEEP_SECONDS = seconds
    last = timezone.now()
    Heartbeat.objects.create(name="other", at=last - DAY)
    assert sweep.idle_since(last) is None, "no sweep ever ran"
    Heartbeat.objects.create(name="sweep", at=last)
    assert sweep.idle_since(last + longest * SECOND) is None
    assert sweep.idle_since(last + longest * SECOND + MOMENT) == last
