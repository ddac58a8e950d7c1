"""Limits of one account: the request budget, 429, outages of the cloud and requests at the same time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose
from pins.core.pin_state import State
from pins.models import AccountState, LockState, Pin, PinAttempt, RateBudget
from pins.reconcile import account_limits, leases, request_budget, sweep
from rentals.models import Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_the_budget_is_never_exceeded_and_goes_to_the_nearest_arrivals(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 5, 3600
    flat = house.flat(house.lock())
    stays = [house.stay(flat, timedelta(hours=9 - n), HOUR) for n in range(8)]  # 2 to 9 hours from now

    house.live(clock, 10 * MINUTE)
    # A tenth, here one request, is kept for deadlines within four hours, and those come first.
    assert house.requests == 4
    set_now = {pin.grant.booking_id for pin in Pin.objects.filter(state=State.SET).select_related("grant")}
    nearest = sorted(stays, key=lambda stay: stay.check_in)[: len(set_now)]
    assert set_now == {stay.pk for stay in nearest}

    house.live(clock, HOUR + 2 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 8


def test_scarcity_leaves_the_budget_to_what_is_due_first(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 10
    near, far = house.lock("Near"), house.lock("Far")
    for n in range(8):
        house.stay(house.flat(near, name=f"N{n}"), HOUR + n * MINUTE, HOUR)
        house.stay(house.flat(far, name=f"F{n}"), 5 * DAY + n * HOUR, HOUR)
    leases.acquire(near)  # makes the row of the budget, and keeps the nearer work from being done first
    sweep.ration(timezone.now())
    house.run(far)
    assert house.requests == 0  # ten requests left, for eight nearer arrivals of which some may need two

    LockState.objects.update(lease_until=None)
    house.run(near)
    assert Pin.objects.filter(lock=near, state=State.SET).count() == 5  # in portions, from sweep to sweep
    for _ in range(4):
        clock.shift(15 * SECOND)
        sweep.ration(timezone.now())
        house.settle()
    assert Pin.objects.filter(lock=near, state=State.SET).count() == 8
    assert Pin.objects.filter(lock=far, state=State.SET).count() == 1  # and one request is kept


def test_many_removals_come_after_the_arrivals_that_the_budget_cannot_pay_all(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """Their codes are over, and the lock refuses them by itself. Those who come need theirs in six hours."""
    doors = [house.lock(f"Door {n}") for n in range(6)]
    flats = [house.flat(door, name=door.name) for door in doors]
    for n, flat in enumerate(flats):
        house.stay(flat, HOUR, HOUR, f"Leaving{n} Guest")
    house.settle()
    clock.shift(2 * HOUR)
    settings.TEDEE_RATE_LIMIT = 10
    for n, flat in enumerate(flats):
        house.stay(flat, 6 * HOUR, DAY, f"Coming{n} Guest")
    for _ in range(6):
        sweep.ration(timezone.now())
        house.settle()
        clock.shift(15 * SECOND)
    done = Counter(PinAttempt.objects.filter(started_at__gte=timezone.now() - HOUR).values_list("op", flat=True))
    assert done["post"] == 6
    assert done["delete"] + done["list"] == 3  # what was left over; one request is kept


def test_messages_between_two_sweeps_do_not_spend_what_earlier_deadlines_need(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 10
    near, far = house.lock("Near"), house.lock("Far")
    sweep.ration(timezone.now())  # nothing is due yet
    for n in range(5):
        house.stay(house.flat(near, name=f"N{n}"), HOUR + n * MINUTE, HOUR)
        house.stay(house.flat(far, name=f"F{n}"), 5 * DAY + n * HOUR, HOUR)
    house.run(far)  # its message comes first
    assert house.requests == 0
    assert LockState.objects.get(lock=far).pause_cause == request_budget.BUDGET_SPENT
    house.run(near)
    assert Pin.objects.filter(lock=near, state=State.SET).count() == 5
    clock.shift(15 * SECOND)
    assert sweep.due_locks(timezone.now()) == [far.pk], "what is left over is for the others"


def test_requests_taken_together_do_not_go_to_a_later_stay_of_the_same_lock(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """The lock of the first to arrive is also that of the last. Its message comes before any sweep."""
    settings.TEDEE_RATE_LIMIT = 10
    entrance = house.lock("Entrance")
    house.stay(house.flat(entrance, name="First"), 5 * HOUR, DAY)
    last = house.stay(house.flat(entrance, name="Last"), 9 * HOUR, DAY)
    for n in range(6):
        house.stay(house.flat(house.lock(f"Door {n}"), name=f"F{n}"), 6 * HOUR + n * MINUTE, DAY)
    house.run(entrance)
    assert house.requests == 1
    assert pin_of(last, entrance).state != State.SET
    budget = RateBudget.objects.get()
    assert sum(budget.usage["counts"]) == 1, "what was taken for more was given back"


def test_requests_are_taken_together_where_all_earlier_ones_can_be_paid(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 100
    door = house.lock()
    for n in range(5):
        house.stay(house.flat(door, name=f"F{n}"), 5 * HOUR + n * HOUR, DAY)
    house.stay(house.flat(house.lock("Other"), name="Other"), 6 * HOUR, DAY)
    with CaptureQueriesContext(connection) as queries:
        house.run(door)
    assert house.requests == 5
    paid = [one["sql"] for one in queries if one["sql"].startswith("UPDATE") and '"usage"' in one["sql"]]
    assert len(paid) == 1


def test_locks_that_are_only_to_be_compared_are_not_woken_while_codes_wait_for_requests(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    """Each would ask, be refused, and ask again five minutes later. Those that were added again cost no request."""
    house = House(audits=True)
    settings.TEDEE_RATE_LIMIT = 4
    calm, moved, door = house.lock("Calm"), house.lock("Moved"), house.lock("Door")
    hour_ago = timezone.now() - HOUR
    for lock in (calm, moved):
        LockState.objects.create(lock=lock, audit_at=hour_ago, device_id=lock.device_id)
    Lock.objects.filter(pk=moved.pk).update(device_id=moved.device_id + 1000)
    request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, timezone.now(), timezone.now())
    assert sweep.due_locks(timezone.now(), sweep.ration(timezone.now())) == [calm.pk, moved.pk]
    for n in range(3):
        house.stay(house.flat(door, name=f"F{n}"), HOUR + n * MINUTE, DAY)
    assert sweep.due_locks(timezone.now(), sweep.ration(timezone.now())) == [door.pk, moved.pk]


def test_of_an_account_without_requests_no_lock_is_woken_until_some_are_free(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 4
    doors = [house.lock(f"Door {n}") for n in range(12)]
    for n, door in enumerate(doors):
        house.stay(house.flat(door, name=door.name), HOUR + n * MINUTE, DAY)
    for _ in range(6):
        sweep.ration(timezone.now())
        house.settle()
        clock.shift(15 * SECOND)
    assert house.requests == 4
    clock.shift(30 * MINUTE)  # also those that found no requests left rest no longer
    sweep.ration(timezone.now())
    assert sweep.due_locks(timezone.now()) == []
    clock.shift(30 * MINUTE)
    sweep.ration(timezone.now())
    missing = Pin.objects.exclude(state=State.SET).order_by("deadline_at").values_list("lock_id", flat=True)
    assert sweep.due_locks(timezone.now()) == list(missing[:2])  # two, because each may need two requests


def test_a_429_rests_the_whole_account_until_the_window_begins(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_WINDOW = 600  # what we believe of the limit is far too high
    house = House(rate_limit=3, rate_window=600.0)
    locks = [house.lock(f"Door {n}") for n in range(6)]
    house.stay(house.flat(*locks), HOUR, DAY)
    house.live(clock, 30 * SECOND)
    assert house.statuses() == {201: 3, 429: 1}

    house.live(clock, 25 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 6
    assert house.statuses()[429] <= 3  # at most one in each window


def test_an_outage_of_the_cloud_is_met_with_single_probes(house: House, clock: time_machine.Traveller) -> None:
    locks = [house.lock(f"Door {n}") for n in range(8)]
    house.stay(house.flat(*locks), 5 * DAY, DAY)
    house.cloud.set_faults("html_error=1")
    house.live(clock, 10 * MINUTE)
    during_outage = PinAttempt.objects.count()
    assert during_outage < 25  # eight locks on their own schedule would have sent about 50
    assert AccountState.objects.get().outages

    house.cloud.set_faults("")
    house.live(clock, 20 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 8
    assert AccountState.objects.get().outages == 0


def test_an_account_has_so_many_requests_under_way_and_no_more(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_MAX_IN_FLIGHT = 2
    locks = [house.lock(f"Door {n}") for n in range(3)]
    first, second = leases.acquire(locks[0]), leases.acquire(locks[1])
    assert isinstance(first, leases.Lease)
    assert isinstance(second, leases.Lease)
    assert leases.acquire(locks[0]) == leases.Taken(None)  # one run per lock
    assert isinstance(leases.acquire(locks[2]), leases.Taken)

    leases.release(first)
    assert isinstance(leases.acquire(locks[2]), leases.Lease)

    clock.shift(account_limits.LEASE)  # a dead worker's lease ends by itself
    assert not leases.renew(second)
    assert isinstance(leases.acquire(locks[1]), leases.Lease)


def test_who_probes_and_until_when_the_others_rest(house: House, clock: time_machine.Traveller) -> None:
    first, second = house.lock("First"), house.lock("Second")
    house.stay(house.flat(first, second), 5 * DAY, DAY)
    now = timezone.now()
    resting = {"outages": 1, "recent_faults": [[first.pk, now.timestamp()]], "paused_until": now + MINUTE}
    AccountState.objects.update(**resting)
    state = AccountState.objects.get()
    assert {account_limits.rests_until(lock, state, now) for lock in (first, second)} == {now + MINUTE}
    assert account_limits.probing_locks(now, [state]) == set()

    later = now + MINUTE
    assert account_limits.rests_until(second, state, later) is None  # it did not fail: it probes
    others = account_limits.rests_until(first, state, later)
    assert others is not None
    assert 5 * SECOND <= others - later <= 15 * SECOND
    assert account_limits.probing_locks(later, [state]) == {second.pk}

    # A key that may not write is no outage: nobody probes the cloud.
    state.outages, state.dead_key = 0, account_limits.key_fingerprint(house.account)
    assert account_limits.probing_locks(later, [state]) == set()
    assert account_limits.rests_until(first, state, later) is None


@pytest.mark.parametrize("quiet_has", ["a comparison", "a code of a far stay"])
def test_a_lock_that_may_not_spend_does_not_keep_the_probe(
    house: House, clock: time_machine.Traveller, settings: Settings, quiet_has: str
) -> None:
    """Few requests are left. The lock that did not fail would have the probe, but what is due there must wait."""
    settings.TEDEE_RATE_LIMIT = 20
    quiet = house.lock("Quiet")
    if quiet_has == "a comparison":
        LockState.objects.filter(lock=quiet).update(audit_at=timezone.now())
    else:
        house.stay(house.flat(quiet, name="Quiet"), 20 * DAY, DAY)
    doors = [house.lock(f"Door {n}") for n in range(3)]
    house.stay(house.flat(*doors), timedelta(0), DAY)
    now = timezone.now()
    request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, now, now)
    row = RateBudget.objects.get()
    row.usage["counts"][-1] = 18
    row.save()
    faults = [[door.pk, now.timestamp()] for door in doors]
    AccountState.objects.update(outages=1, recent_faults=faults, paused_until=now)

    assert account_limits.able_to_probe(house.account, now) == {door.pk for door in doors}
    house.settle()
    assert AccountState.objects.get().outages == 0
    assert Pin.objects.filter(lock__in=doors, state=State.SET).count() > 0
