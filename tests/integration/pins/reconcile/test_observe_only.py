"""Observe only: everything is worked out, nothing is written."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from pins import tasks
from pins.actions import stays
from pins.core.budget import Purpose
from pins.core.interpret import PreparedAttempt
from pins.core.pin_state import State
from pins.core.plan import Delete
from pins.desired import code_overrides, drift
from pins.incidents import sweep_checks
from pins.models import AccessGrant, LockState, Pin, PinAttempt, RateBudget
from pins.reconcile import attempts, by_hand, inventory, leases, sweep
from pins.simulator.messages import Request
from pins.simulator.transport import CloudTransport
from rentals.models import Lock, LockAccount, Property
from tests.support.booking_actions import cancel, change, open_incidents
from tests.support.house import KEY, House, pin_of
from tests.support.machine import World
from tests.support.observe_only import observed_house, watch, writes
from tests.support.pages import text
from tests.support.waking import forget_wakes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return observed_house()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The locks for which a run was asked for, in order."""
    asked: list[int] = []
    monkeypatch.setattr(tasks.run_lock, "delay", lambda *, lock_id: asked.append(lock_id))
    return asked


# -- nothing is written ------------------------------------------------------------------------------------------------


def test_a_stay_is_worked_out_and_nothing_is_written(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    stay = house.stay(house.flat(door), HOUR, 2 * DAY)
    house.settle()
    pin = pin_of(stay, door)
    assert len(pin.grant.code) == 6
    assert (pin.wanted, pin.admitted, pin.remote_id, pin.op) == (True, True, None, "")
    for _ in range(20):
        clock.shift(timedelta(minutes=17))
        drift.repair(datetime.now(UTC))
        house.settle()
        sweep_checks.check(datetime.now(UTC))
    clock.shift(3 * DAY)
    house.settle()
    assert pin_of(stay, door).state == State.REMOVED
    assert writes(house) == []
    assert not PinAttempt.objects.exists()
    assert open_incidents() == []


def test_what_a_person_does_writes_nothing_either(house: House, clock: time_machine.Traveller) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    flat, other = house.flat(entrance, door), house.flat(entrance, name="Other")
    stay = house.stay(flat, HOUR, 2 * DAY)
    house.settle()
    for act in (
        lambda: stays.try_again(stay, NOW),
        lambda: stays.new_code(stay, NOW),
        lambda: stays.revoke(stay, NOW),
        lambda: stays.try_again(stay, NOW),
        lambda: stays.new_code(stay, NOW),
        lambda: code_overrides.set_code(AccessGrant.objects.get().pk, "735125", NOW),
        lambda: change(stay, check_out=stay.check_out + DAY),
        lambda: change(stay, property=other),
        lambda: by_hand.try_now(list(Pin.objects.values_list("pk", flat=True)), NOW),
        lambda: flat.locks.remove(door),
        lambda: cancel(stay),
        stay.delete,
    ):
        act()
        house.settle()
        for lock in Lock.objects.all():
            house.run(lock)
        clock.shift(timedelta(minutes=6))
    assert writes(house) == []


def test_reading_is_allowed(house: House) -> None:
    house.lock("Known")
    house.cloud.add_lock("New")
    found = inventory.fetch(house.account, NOW, clients=house.client)
    assert len(found.found) == 2
    assert writes(house) == []


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_twenty_random_edits_and_all_that_follows_write_nothing(seed: int) -> None:
    world = World(seed=seed)
    try:
        account = LockAccount.objects.get()
        watch(account)
        chance = random.Random(seed)
        names = [*world.edits.STAYS, *world.edits.CODES, *world.edits.PLACES]
        for _ in range(4):
            world.edits.apply("book", chance.randrange(6), chance.randrange(7200))
        for _ in range(20):
            world.edits.apply(chance.choice(names), chance.randrange(6), chance.randrange(-7200, 90_000))
            world.work()
            for lock in world.locks():
                world.run(lock)
            world.pass_time(timedelta(seconds=chance.randrange(4000)))
            drift.repair(world.now)
        assert any(grant.code for grant in AccessGrant.objects.all())
        assert writes(world.house) == []

        watch(account, only=False)  # and then everything comes right
        world.come_to_rest()
    finally:
        world.close()


# -- two accounts ------------------------------------------------------------------------------------------------------


def test_a_shared_entrance_of_an_observed_account_leaves_the_other_doors_to_the_other_account(house: House) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    Lock.objects.filter(pk=door.pk).update(
        account=LockAccount.objects.create(name="Home", kind="personal_key", secret=KEY)
    )
    stay = house.stay(house.flat(entrance, door), HOUR, DAY)
    house.settle()
    assert pin_of(stay, door).state == State.SET
    assert pin_of(stay, entrance).remote_id is None
    assert [change.lock_id for change in house.cloud.journal.changes] == [door.device_id]
    grant = AccessGrant.objects.get()
    (there,) = house.ours(door)
    assert there.value == grant.code


def test_work_of_an_observed_account_takes_no_ration_from_others(house: House, settings: Any) -> None:
    settings.TEDEE_RATE_LIMIT = 3
    settings.TEDEE_RATE_WINDOW = 3600
    LockAccount.objects.update(rate_group="one")
    doors = [house.lock(f"Door {number}") for number in range(6)]
    house.flat(*doors)
    house.stay(Property.objects.get(), HOUR, DAY)
    RateBudget.objects.create(key="group:one")
    sweep.ration(NOW)
    assert RateBudget.objects.get().cutoff_at is None


# -- switching ---------------------------------------------------------------------------------------------------------


def test_switched_off_it_begins_at_once(
    house: House, woken: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    late, soon, idle = house.lock("Late"), house.lock("Soon"), house.lock("Idle")
    house.stay(house.flat(late), 9 * HOUR, DAY)
    house.stay(house.flat(soon), HOUR, DAY)
    house.settle()
    assert sweep.due_locks(NOW) == []  # it rests, and costs nothing
    woken.clear()
    forget_wakes()
    with django_capture_on_commit_callbacks(execute=True):
        watch(house.account, only=False)
        assert woken == []
    assert woken == [soon.pk, late.pk]
    LockState.objects.update(dispatched_at=None)  # nothing was really sent
    house.settle()
    assert set(Pin.objects.values_list("state", flat=True)) == {State.SET}
    assert house.ours(idle) == []


def test_switched_off_by_an_update_it_begins_with_the_next_sweep(house: House) -> None:
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    LockAccount.objects.update(observe_only=False)
    assert sweep.due_locks(NOW) == [door.pk]
    house.settle()
    assert pin_of(stay, door).state == State.SET


def test_a_lock_that_goes_over_to_an_account_that_writes_is_written_to(house: House) -> None:
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    door.account = LockAccount.objects.create(name="Home", secret=KEY)
    door.save()
    house.settle()
    assert pin_of(stay, door).state == State.SET


def test_saving_something_else_wakes_nobody(
    house: House, woken: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    house.stay(house.flat(house.lock()), HOUR, DAY)
    woken.clear()
    forget_wakes()
    with django_capture_on_commit_callbacks(execute=True):
        house.account.name = "Another"
        house.account.save()
        house.account.observe_only = False
        house.account.save(update_fields=["name"])
        deferred = LockAccount.objects.defer("observe_only", "secret", "webhook_token").get()
        deferred.name = "Once more"
        deferred.save()
    assert woken == []
    assert LockAccount.objects.get().observe_only


class Switch(CloudTransport):
    """Switches the account to observe-only while the first request that writes is under way."""

    def __init__(self, house: House) -> None:
        super().__init__(house.cloud, on_send=self._switch)

    def _switch(self, asked: Request) -> None:
        if asked.method != "GET":
            LockAccount.objects.update(observe_only=True)


def test_switched_on_the_request_under_way_lands_and_no_other_follows() -> None:
    house = House()
    door = house.lock()
    flat = house.flat(door)
    first, second = house.stay(flat, HOUR, DAY), house.stay(flat, 3 * DAY, DAY)
    house.transport = Switch(house)
    house.settle()
    assert pin_of(first, door).state == State.SET
    assert pin_of(second, door).remote_id is None
    assert writes(house) == ["POST"]


def test_a_code_that_is_there_stays_and_is_seen_to_expire(clock: time_machine.Traveller) -> None:
    house = House()
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    watch(house.account)
    change(stay, check_out=stay.check_out + DAY)
    house.settle()
    assert pin_of(stay, door).state == State.CHANGING
    change(stay, check_out=stay.check_out)
    house.settle()
    assert pin_of(stay, door).state == State.SET
    house.live(clock, 2 * DAY)
    assert pin_of(stay, door).state == State.REMOVED  # a look told
    assert writes(house) == ["POST"]


@pytest.mark.parametrize(("answer_of_cloud", "state"), [("timeout_applied", State.SET), ("drop_lost", State.SETTING)])
def test_a_lost_answer_is_looked_for_and_nothing_is_sent_again(
    answer_of_cloud: str, state: State, clock: time_machine.Traveller
) -> None:
    house = House()
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.cloud.script(door.device_id, [f"POST:{answer_of_cloud}"])
    house.transport = Switch(house)
    house.live(clock, timedelta(minutes=20))
    assert writes(house) == ["POST"]
    assert "GET" in [one.method for one in house.cloud.journal.requests]
    assert pin_of(stay, door).state == state


def test_a_revoked_code_that_stays_is_told(house: House, clock: time_machine.Traveller, host: Client) -> None:
    watch(house.account, only=False)
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    watch(house.account)
    said = stays.revoke(stay, NOW)
    assert "Turnkey only observes 1 lock and changes nothing there" in said.text
    house.settle()
    assert len(house.ours(door)) == 1
    page = text(host.get(f"/stays/{stay.pk}/"))
    assert "Not removed" in page
    assert "the code stays on it until it ends by itself" in page
    clock.shift(HOUR + timedelta(minutes=20))  # before it begins the lock lets nobody in with it
    sweep_checks.check(datetime.now(UTC))
    assert open_incidents() == ["code_stays"]
    assert "may still work" in text(host.get("/"))


def test_the_key_of_an_account_that_the_lock_has_left_removes_nothing_from_it() -> None:
    """The lock went over while it was compared, and its new account may write: with its own key."""
    house = House()
    door = house.lock()
    lease = leases.acquire(door)
    assert isinstance(lease, leases.Lease)
    home = LockAccount.objects.create(name="Home", secret=KEY, observe_only=False)
    Lock.objects.update(account=home)

    def prepared(lock: Lock) -> object:
        return attempts.prepare_for_lock(lock, lease, Delete(3), Purpose.AUDIT, NOW, NOW)

    assert isinstance(prepared(door), attempts.ObserveOnly)
    assert not PinAttempt.objects.exists()
    assert isinstance(prepared(Lock.objects.get()), PreparedAttempt)
