"""Locks that always fail must not keep the healthy ones of their account waiting.

The table: of 5 and of 10 locks, one up to all but one fail with one status; a usual run takes some of these,
`TURNKEY_PROOFS=full` all. Measured is the simulated time until the healthy locks hold their codes: for codes entered
together, and for one entered after the others failed for six minutes and the healthy ones had nothing to do. Figures go
to `var/figures/`.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.retry import OUTAGE_DELAYS
from pins.models import AccountState, LockState, Pin
from pins.reconcile import account_limits, sweep
from rentals.models import Lock
from tests.support.house import House, pin_of
from tests.support.paths import FIGURES

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SWEEP, TICK = 15 * SECOND, 5 * SECOND
#: Of nine that fail and come first, three are an outage; the others fail one probe each, and then a healthy one has it.
AT_ONCE = 7 * (OUTAGE_DELAYS[0] + TICK)
#: The longest pause between two probes, and the sweep after it.
LATER = OUTAGE_DELAYS[-1] + SWEEP

ALL = [(failing, total) for total in (5, 10) for failing in range(1, total)]
KINDS = ["500", "408", "428", "html_404", "403", "503", "409", "drop_lost"]
IS_FULL = os.environ.get("TURNKEY_PROOFS") == "full"
CASES = ALL if IS_FULL else [(1, 5), (4, 5), (9, 10)]
STATUSES = KINDS if IS_FULL else KINDS[:5]


def until_set(house: House, clock: time_machine.Traveller, healthy: list[Lock], bound: timedelta) -> timedelta:
    """Let time pass until nothing is missing on the healthy locks; how long that took."""
    begun = timezone.now()
    missing = Pin.objects.filter(lock__in=healthy).exclude(state=State.SET)
    house.settle()
    while missing.exists():
        assert timezone.now() - begun <= bound, f"{missing.count()} codes are missing after {bound}"
        clock.shift(TICK)
        house.settle()
    return timezone.now() - begun


def _measure(clock: time_machine.Traveller, status: str, failing: int, total: int) -> tuple[int, int | None]:
    house = House()
    locks = [house.lock(f"Door {n}") for n in range(total)]
    for lock in locks[:failing]:
        house.cloud.script(lock.device_id, [status] * 400)
    flats = [house.flat(lock, name=lock.name) for lock in locks]
    for n, flat in enumerate(flats):
        house.stay(flat, 2 * DAY + n * MINUTE, DAY)  # those that fail are due first
    first = until_set(house, clock, locks[failing:], AT_ONCE)
    if failing not in (1, total // 2, total - 1):
        return first.seconds, None
    for _ in range(6 * MINUTE // (2 * SWEEP)):
        clock.shift(2 * SWEEP)
        house.settle()
    house.stay(flats[-1], 5 * DAY, DAY)
    return first.seconds, until_set(house, clock, locks[failing:], LATER).seconds


@pytest.mark.slow
@pytest.mark.parametrize("status", STATUSES)
def test_locks_that_fail_do_not_starve_the_others(clock: time_machine.Traveller, status: str) -> None:
    lines = [f"starvation, locks failing with {status}: simulated seconds until the healthy ones hold their codes"]
    for failing, total in CASES:
        with transaction.atomic():  # each case begins with an empty database
            first, then = _measure(clock, status, failing, total)
            transaction.set_rollback(True)
        later = f", {then} s when alone later" if then is not None else ""
        lines.append(f"  {failing} of {total} fail: {first} s together{later}")
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"starvation-{status}.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def test_three_locks_that_fail_while_others_answer_are_no_outage(house: House, clock: time_machine.Traveller) -> None:
    locks = [house.lock(f"Door {n}") for n in range(6)]
    for lock in locks[::2]:
        house.cloud.script(lock.device_id, ["500"] * 400)
    for n, lock in enumerate(locks):
        house.stay(house.flat(lock, name=lock.name), 2 * DAY + n * MINUTE, DAY)
    house.settle()
    assert AccountState.objects.get().outages == 0
    assert Pin.objects.filter(lock__in=locks[1::2], state=State.SET).count() == 3


def test_a_lock_in_order_has_the_next_probe_and_its_answer_ends_the_pause(
    house: House, clock: time_machine.Traveller
) -> None:
    locks = [house.lock(f"Door {n}") for n in range(5)]
    for lock in locks[:3]:
        house.cloud.script(lock.device_id, ["500"] * 400)
    for n, lock in enumerate(locks):
        house.stay(house.flat(lock, name=lock.name), 2 * DAY + n * MINUTE, DAY)
    house.settle()
    state = AccountState.objects.get()
    assert state.paused_until is not None
    assert sweep.due_locks(timezone.now()) == []

    clock.move_to(state.paused_until + SECOND)
    assert sweep.due_locks(timezone.now()) == [locks[3].pk]
    assert house.run(locks[4]).requests == 0  # another one has the probe
    house.run(locks[3])
    assert AccountState.objects.get().outages == 0
    assert locks[4].pk in sweep.due_locks(timezone.now())


@pytest.mark.parametrize("is_due", [True, False], ids=["its audit is due", "its audit is far"])
def test_a_lock_that_is_only_to_be_compared_does_not_keep_the_probe(
    clock: time_machine.Traveller, is_due: bool
) -> None:
    """Sweep and run must name the same lock, or each of them waits for another one."""
    house = House(audits=True)
    busy, quiet = house.lock("Busy"), house.lock("Quiet")
    booking = house.stay(house.flat(busy), 2 * DAY, DAY)
    LockState.objects.create(lock=quiet, audit_at=timezone.now() + (-SECOND if is_due else DAY))
    AccountState.objects.update_or_create(
        account=house.account, defaults={"outages": 1, "dead_key": "", "probed_lock": busy.pk}
    )
    house.live(clock, MINUTE)
    assert pin_of(booking, busy).state == State.SET
    assert AccountState.objects.get().outages == 0
    assert (LockState.objects.get(lock=quiet).audited_at is not None) == is_due


def test_the_lock_whose_turn_it_is_is_found_among_more_due_ones_than_a_sweep_takes(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_LOCKS", 2)
    locks = [house.lock(f"Door {n}") for n in range(5)]
    for n, lock in enumerate(locks):
        house.stay(house.flat(lock, name=lock.name), 2 * DAY + n * MINUTE, DAY)
    faults = [[lock.pk, (timezone.now() - MINUTE).timestamp()] for lock in locks[:4]]
    AccountState.objects.update_or_create(account=house.account, defaults={"outages": 2, "recent_faults": faults})
    assert sweep.due_locks(timezone.now()) == [locks[4].pk]
    assert house.run(locks[4]).requests == 1


def test_a_quiet_account_is_not_written_to_when_an_answer_comes(house: House, clock: time_machine.Traveller) -> None:
    house.stay(house.flat(house.lock()), 2 * DAY, DAY)
    house.settle()
    AccountState.objects.get_or_create(account=house.account)
    with CaptureQueriesContext(connection) as queries:
        account_limits.answered(house.account, timezone.now())
    assert len(queries) == 1  # an UPDATE that finds nothing


@pytest.mark.parametrize("failing", [False, True])
def test_the_sweep_asks_as_often_for_many_locks_as_for_few(
    house: House, clock: time_machine.Traveller, failing: bool
) -> None:
    counts = []
    for more in (4, 16):
        for _ in range(more):
            lock = house.lock(f"Door {Lock.objects.count()}")
            house.stay(house.flat(lock, name=lock.name), 2 * DAY, DAY)
        if failing:
            AccountState.objects.update_or_create(account=house.account, defaults={"outages": 3})
        with CaptureQueriesContext(connection) as queries:
            now = timezone.now()
            woken = len(sweep.due_locks(now, sweep.ration(now)))
        assert woken == (1 if failing else Lock.objects.count())
        counts.append(len(queries))
    # How much is due by account, the budgets; refused keys and outages, forbidden locks, the locks; whose turn it is,
    # and what it may spend.
    assert counts[0] == counts[1] <= (7 if failing else 5)
