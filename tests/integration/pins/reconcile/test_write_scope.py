"""A key that may read but change nothing: one incident about the account, and no storm."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from pins.core.pin_state import State
from pins.models import AccountState, Incident, LockState, Pin, PinAttempt
from rentals.models import Lock
from tests.support.house import House, pin_of
from tests.support.incidents import met, review
from tests.support.reconciling import ask_to_look

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def refuse_changes(house: House, *locks: Lock, status: str = "403", times: int = 500) -> None:
    for lock in locks:
        house.cloud.script(lock.device_id, [f"POST:{status}"] * times)


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("locks", [1, 2, 6])
def test_a_key_without_the_scope_is_one_incident_about_the_account(
    house: House, clock: time_machine.Traveller, status: str, locks: int
) -> None:
    doors = [house.lock(f"Door {n}") for n in range(locks)]
    refuse_changes(house, *doors, status=status)
    house.stay(house.flat(*doors), 3 * DAY, DAY)
    house.live(clock, MINUTE)
    assert review() == {Kind.NO_WRITE_SCOPE: Severity.URGENT}
    assert Incident.objects.get(resolved_at=None).account == house.account
    assert PinAttempt.objects.filter(op="post").count() == 2

    house.live(clock, 6 * HOUR)
    assert review() == {Kind.NO_WRITE_SCOPE: Severity.URGENT}
    assert Incident.objects.count() == 1  # neither a dead key nor a lock without permission was told
    assert PinAttempt.objects.filter(op="post").count() <= 2 + 1 + 1 + 12  # 5 and 15 minutes later, then each hour

    house.cloud.add_key("fresh-key", "fresh")
    house.account.secret = "fresh-key"
    house.account.save()
    for door in doors:
        house.cloud.desk._scripts.pop(door.device_id)
    house.live(clock, MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == locks
    assert review() == {}


def test_a_change_that_succeeds_ends_it_for_all(house: House, clock: time_machine.Traveller) -> None:
    doors = [house.lock(f"Door {n}") for n in range(4)]
    refuse_changes(house, *doors[:2], times=1)
    house.stay(house.flat(*doors[:2]), 3 * DAY, DAY)
    house.live(clock, MINUTE)
    assert review() == {Kind.NO_WRITE_SCOPE: Severity.URGENT}
    house.stay(house.flat(*doors[2:], name="Other"), 3 * DAY, DAY)
    house.live(clock, MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 0  # changes rest
    house.live(clock, 6 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 4
    assert review() == {}
    assert AccountState.objects.get().writes_refused == 0


def test_reads_go_on_while_changes_rest(house: House, clock: time_machine.Traveller) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    kept = house.stay(house.flat(door), 2 * DAY, DAY)
    house.settle()
    refuse_changes(house, door, cellar)
    house.stay(house.flat(door, cellar, name="Other"), 3 * DAY, DAY)
    house.live(clock, MINUTE)
    before = PinAttempt.objects.filter(op="list").count()
    ask_to_look(pin_of(kept, door))
    house.run(door)
    assert PinAttempt.objects.filter(op="list").count() == before + 1
    assert review() == {Kind.NO_WRITE_SCOPE: Severity.URGENT}


def test_one_lock_that_refuses_changes_is_that_locks_trouble(house: House, clock: time_machine.Traveller) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    refuse_changes(house, door)
    flat = house.flat(door, cellar)
    for n in range(3):
        house.stay(flat, (3 + n) * DAY, HOUR)
    house.live(clock, 20 * MINUTE)
    assert Pin.objects.filter(lock=cellar, state=State.SET).count() == 3
    house.stay(flat, 9 * DAY, HOUR)
    house.live(clock, 3 * HOUR)
    assert Pin.objects.filter(lock=cellar, state=State.SET).count() == 4
    assert PinAttempt.objects.filter(pin__lock=door, op="post").count() < 12


def test_a_lock_that_may_not_even_be_read_is_no_matter_of_the_scope(
    house: House, clock: time_machine.Traveller
) -> None:
    doors = [house.lock(f"Door {n}") for n in range(3)]
    for door in doors[:2]:
        house.cloud.set_forbidden(door.device_id, True)
    house.stay(house.flat(*doors), 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert met(Kind.NO_PERMISSION) == 2
    assert met(Kind.NO_WRITE_SCOPE) == 0
    assert LockState.objects.get(lock=doors[2]).paused_until is None
    assert Pin.objects.filter(state=State.SET).count() == 1


def test_after_a_dead_key_one_that_may_only_read_goes_on_reading(house: House, clock: time_machine.Traveller) -> None:
    doors = [house.lock(f"Door {n}") for n in range(3)]
    kept = [house.stay(house.flat(door, name=door.name), 2 * DAY, 9 * DAY) for door in doors]
    house.settle()
    house.cloud.add_key("read-only-key", "read-only")
    house.cloud.set_key_writes("read-only", False)
    house.account.secret = "refused-key"
    house.account.save()
    house.stay(house.flat(*doors, name="Other"), 13 * DAY, DAY)
    house.live(clock, MINUTE)
    assert review() == {Kind.DEAD_KEY: Severity.URGENT}
    house.account.secret = "read-only-key"
    house.account.save()
    house.live(clock, 2 * MINUTE)
    assert review() == {Kind.NO_WRITE_SCOPE: Severity.URGENT}
    assert AccountState.objects.get().outages == 0

    for stay, door in zip(kept, doors, strict=True):
        ask_to_look(pin_of(stay, door))
    house.live(clock, 6 * MINUTE)
    assert not Pin.objects.filter(must_look=True).exists()


@pytest.mark.parametrize("refusing", [1, 2])
def test_locks_that_refuse_changes_do_not_stop_those_that_take_them(
    house: House, clock: time_machine.Traveller, refusing: int
) -> None:
    """The cellar took codes with this key all along. Nothing else is due there when the doors refuse theirs."""
    cellar, *doors = (house.lock(name) for name in ("Cellar", "Front", "Back")[: refusing + 1])
    house.stay(house.flat(cellar, name="Cellar"), 2 * DAY, DAY)
    house.settle()
    refuse_changes(house, *doors)
    house.stay(house.flat(*doors, name="Doors"), 3 * DAY, DAY)
    house.live(clock, 30 * MINUTE)
    if refusing == 2:  # as if it were the key, until a change succeeds
        assert review() == {Kind.NO_WRITE_SCOPE: Severity.URGENT}
        house.stay(house.flat(cellar, name="First"), DAY, HOUR)
        house.live(clock, HOUR)
    for n in range(2):
        walk_in = house.stay(house.flat(cellar, name=f"Walk-in {n}"), timedelta(0), 5 * HOUR)
        house.live(clock, 10 * SECOND)
        assert pin_of(walk_in, cellar).state == State.SET
        house.live(clock, 2 * HOUR)
    open_now = Incident.objects.filter(resolved_at=None).values_list("kind", flat=True)
    assert list(open_now) == [Kind.NO_PERMISSION] * refusing
    assert met(Kind.NO_PERMISSION) == refusing
    assert met(Kind.NO_WRITE_SCOPE) == refusing - 1
