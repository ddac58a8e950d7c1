"""One entry of an account's list of locks: which of our locks it is, what is stored of it, what a person is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.models import LockState
from pins.reconcile import inventory
from pins.reconcile.inventory import Change, Found, Inventory
from pins.tedee.messages import RemoteLock
from rentals.models import Lock, LockAccount

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
#: A lock of which there is nothing to say.
ENTRANCE = RemoteLock(
    id=1,
    serial_number="S-1",
    name="Entrance",
    type=2,
    time_zone="Europe/Warsaw",
    is_connected=True,
    has_bridge=True,
    has_keypad=True,
    battery_level=80,
)
LARGEST_ID = 2**63 - 1


@pytest.fixture
def account() -> LockAccount:
    return LockAccount.objects.create(name="Office", secret="key")


@pytest.fixture
def other() -> LockAccount:
    return LockAccount.objects.create(name="Other", secret="other-key")


def listed(account: LockAccount, *remote: RemoteLock, add: bool = True) -> Inventory:
    return inventory.store(account, remote, add=add)


def ours(account: LockAccount, device_id: int, serial_number: str = "", name: str = "Ours", **fields: object) -> Lock:
    return Lock.objects.create(account=account, device_id=device_id, serial_number=serial_number, name=name, **fields)


def told(found: Inventory) -> list[tuple[Change, tuple[str, ...]]]:
    return [(one.change, one.notes) for one in found.found]


# -- new locks ---------------------------------------------------------------------------------------------------------


def test_a_new_lock_is_taken_over_with_all_that_tedee_says(account: LockAccount) -> None:
    found = listed(account, ENTRANCE)
    lock = Lock.objects.get()
    assert (lock.account, lock.device_id, lock.serial_number, lock.name) == (account, 1, "S-1", "Entrance")
    assert (lock.has_keypad, lock.has_bridge, lock.is_connected) == (True, True, True)
    assert (lock.battery_level, lock.time_zone, lock.is_active) == (80, "Europe/Warsaw", True)
    assert found == Inventory((Found("Entrance", "S-1", 1, Change.NEW, (), lock.pk, is_connected=True),), ())


def test_whoever_only_knows_of_what_is_there_takes_over_no_new_lock(account: LockAccount) -> None:
    known = ours(account, 2, "S-2")
    found = listed(account, ENTRANCE, replace(ENTRANCE, id=2, serial_number="S-2"), add=False)
    assert [one.lock_id for one in found.found] == [known.pk]
    assert Lock.objects.get() == known


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": "  Front\ndoor "}, "Front door"),
        ({"name": "N" * 121}, "N" * 120),
        ({"name": ""}, "Lock S-1"),
        ({"name": " ", "serial_number": ""}, "Lock 1"),
        ({"name": "", "serial_number": "S" * 200}, "Lock " + "S" * 115),
    ],
)
def test_a_new_lock_has_a_name_of_one_line(account: LockAccount, changes: dict[str, str], name: str) -> None:
    found = listed(account, replace(ENTRANCE, **changes))  # type: ignore[arg-type]
    assert [one.name for one in found.found] == [Lock.objects.get().name] == [name]


@pytest.mark.parametrize(
    ("says", "stored"),
    [
        ({"battery_level": 0}, {"battery_level": 0}),
        ({"battery_level": 100}, {"battery_level": 100}),
        ({"battery_level": -1}, {"battery_level": None}),
        ({"battery_level": 101}, {"battery_level": None}),
        ({"battery_level": None}, {"battery_level": None}),
        ({"time_zone": "Z" * 65}, {"time_zone": "Z" * 64}),
        ({"time_zone": ""}, {"time_zone": ""}),
        ({"serial_number": "S" * 64}, {"serial_number": "S" * 64}),
        ({"serial_number": "S" * 65}, {"serial_number": ""}),
        ({"has_keypad": False}, {"has_keypad": False}),
        ({"has_bridge": False}, {"has_bridge": False}),
        ({"is_connected": False}, {"is_connected": False}),
        ({"is_connected": None}, {"is_connected": None}),
        ({"id": LARGEST_ID}, {"device_id": LARGEST_ID}),
    ],
)
def test_what_fits_is_stored(account: LockAccount, says: dict[str, object], stored: dict[str, object]) -> None:
    listed(account, replace(ENTRANCE, **says))  # type: ignore[arg-type]
    assert Lock.objects.filter(**stored).exists()


@pytest.mark.parametrize("number", [0, -1, LARGEST_ID + 1])
def test_a_lock_without_a_usable_number_is_left_alone(account: LockAccount, number: int) -> None:
    found = listed(account, replace(ENTRANCE, id=number))
    assert told(found) == [(Change.SKIPPED, ("Tedee gave it no usable number",))]
    assert found.found[0].lock_id is None
    assert not Lock.objects.exists()


# -- which lock it is --------------------------------------------------------------------------------------------------


def test_the_serial_number_decides_and_a_new_device_id_means_that_no_code_came_along(account: LockAccount) -> None:
    lock = ours(account, 7, "S-1", "Front door", has_keypad=True, battery_level=33)
    found = listed(account, ENTRANCE)
    lock.refresh_from_db()
    assert (lock.device_id, lock.name, lock.battery_level) == (1, "Front door", 80)
    notes = ("was removed and added again: its codes are being set anew",)
    assert found.found == (Found("Front door", "S-1", 1, Change.UPDATED, notes, lock.pk, True, True),)
    assert found.moved_lock_ids == found.lock_ids_to_wake == {lock.pk}
    assert listed(account, ENTRANCE).moved_lock_ids == set()


def test_without_a_serial_number_on_one_side_the_device_id_decides(account: LockAccount) -> None:
    typed, known = ours(account, 1), ours(account, 2, "S-2")
    found = listed(account, ENTRANCE, replace(ENTRANCE, id=2, serial_number=""))
    assert [one.lock_id for one in found.found] == [typed.pk, known.pk]
    assert found.moved_lock_ids == set()
    assert list(Lock.objects.order_by("device_id").values_list("serial_number", flat=True)) == ["S-1", "S-2"]


def test_a_device_id_of_another_lock_is_not_believed(account: LockAccount) -> None:
    cellar = ours(account, 1, "S-9", "Cellar")
    found = listed(account, ENTRANCE)
    wrong = "has the device id of “Cellar”, another lock. Correct the device id of “Cellar”"
    assert found.found == (Found("Entrance", "S-1", 1, Change.SKIPPED, (wrong,), cellar.pk),)
    assert Lock.objects.get().serial_number == "S-9"


def test_a_lock_added_again_whose_new_number_somebody_typed_in_as_another_one_waits_for_a_person(
    account: LockAccount,
) -> None:
    door, typed = ours(account, 7, "S-1", "Front door"), ours(account, 1, "", "Typed")
    found = listed(account, ENTRANCE)
    again = "was added again, but the entry “Typed” has its device id. Delete that entry"
    assert found.found == (Found("Entrance", "S-1", 1, Change.SKIPPED, (again,), door.pk),)
    door.refresh_from_db()
    assert door.device_id == 7
    typed.delete()
    assert listed(account, ENTRANCE).moved_lock_ids == {door.pk}


def test_another_account_keeps_its_lock(account: LockAccount, other: LockAccount) -> None:
    lock = ours(other, 7, "S-1", battery_level=5)
    found = listed(account, ENTRANCE)
    kept = "already here through the account “Other”, which keeps it"
    assert found.found == (Found("Entrance", "S-1", 1, Change.SKIPPED, (kept,), lock.pk),)
    assert found.seen_lock_ids == {lock.pk}
    lock.refresh_from_db()
    assert (lock.account, lock.device_id, lock.battery_level) == (other, 7, 5)


def test_an_account_whose_key_cannot_be_read_keeps_its_lock_all_the_same(
    account: LockAccount, other: LockAccount, settings: Settings
) -> None:
    ours(other, 1, "S-1")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    kept = "already here through the account “Other”, which keeps it"
    assert told(listed(account, ENTRANCE)) == [(Change.SKIPPED, (kept,))]


def test_a_lock_that_is_left_alone_is_named_as_tedee_does_or_by_its_number(
    account: LockAccount, other: LockAccount
) -> None:
    ours(other, 1, "S-1")
    assert [one.name for one in listed(account, replace(ENTRANCE, name="")).found] == ["Lock 1"]


def test_of_two_entries_with_one_serial_number_the_first_counts(account: LockAccount) -> None:
    found = listed(account, ENTRANCE, replace(ENTRANCE, id=2, name="Again"), replace(ENTRANCE, id=3, name="Third"))
    lock = Lock.objects.get()
    twice = ("listed twice under this serial number; the first entry counts",)
    assert (lock.device_id, lock.name) == (1, "Entrance")
    assert found.found[1:] == (
        Found("Again", "S-1", 2, Change.SKIPPED, twice),
        Found("Third", "S-1", 3, Change.SKIPPED, twice),
    )


def test_locks_without_a_serial_number_are_not_taken_for_one(account: LockAccount) -> None:
    found = listed(account, replace(ENTRANCE, serial_number=""), replace(ENTRANCE, id=2, serial_number=""))
    assert [one.change for one in found.found] == [Change.NEW, Change.NEW]
    assert Lock.objects.count() == 2


def test_an_entry_that_repeats_the_number_of_a_new_lock_is_that_lock(account: LockAccount) -> None:
    found = listed(account, ENTRANCE, replace(ENTRANCE, serial_number="", battery_level=70))
    lock = Lock.objects.get()
    assert [(one.change, one.lock_id) for one in found.found] == [(Change.NEW, lock.pk), (Change.UPDATED, lock.pk)]
    assert (lock.serial_number, lock.battery_level) == ("S-1", 70)


@pytest.mark.parametrize("old_first", [True, False])
def test_a_number_that_passes_from_one_lock_to_another_is_followed_in_the_order_of_the_list(
    account: LockAccount, *, old_first: bool
) -> None:
    """Once the lock that had it is known to have another one, it is free."""
    old, new = ours(account, 1, "S-1", "Old"), ours(account, 2, "S-2", "New")
    leaves, takes = replace(ENTRANCE, id=3), replace(ENTRANCE, id=1, serial_number="S-2")
    found = listed(account, leaves, takes) if old_first else listed(account, takes, leaves)
    numbers = dict(Lock.objects.values_list("pk", "device_id"))
    if old_first:
        assert found.moved_lock_ids == {old.pk, new.pk}
        assert numbers == {old.pk: 3, new.pk: 1}
    else:
        assert found.moved_lock_ids == {old.pk}
        assert numbers == {old.pk: 3, new.pk: 2}
        again = "was added again, but the entry “Old” has its device id. Delete that entry"
        assert told(found)[0] == (Change.SKIPPED, (again,))


def test_a_number_that_a_lock_has_now_is_free_for_no_other_one(account: LockAccount) -> None:
    door = ours(account, 1, "S-1", "Front door")
    found = listed(account, replace(ENTRANCE, id=5), replace(ENTRANCE, id=5, serial_number="S-5"))
    wrong = "has the device id of “Front door”, another lock. Correct the device id of “Front door”"
    assert told(found)[1] == (Change.SKIPPED, (wrong,))
    assert Lock.objects.get() == door


# -- locks that are known ----------------------------------------------------------------------------------------------


def test_what_tedee_does_not_say_stays_as_it_was_known(account: LockAccount) -> None:
    listed(account, ENTRANCE)
    silent = replace(ENTRANCE, battery_level=None, time_zone="", serial_number="")
    found = listed(account, silent)
    lock = Lock.objects.get()
    assert (lock.battery_level, lock.time_zone, lock.serial_number) == (80, "Europe/Warsaw", "S-1")
    assert told(found) == [(Change.SAME, ())]


@pytest.mark.parametrize(
    "change",
    [
        {"has_keypad": False},
        {"has_bridge": False},
        {"is_connected": False},
        {"battery_level": 79},
        {"time_zone": "Europe/Lisbon"},
    ],
)
def test_each_change_is_stored_and_told_and_a_repetition_writes_nothing(
    account: LockAccount, change: dict[str, object]
) -> None:
    listed(account, ENTRANCE)
    changed = replace(ENTRANCE, **change)  # type: ignore[arg-type]
    assert listed(account, changed).found[0].change == Change.UPDATED
    assert Lock.objects.filter(**change).exists()
    with CaptureQueriesContext(connection) as queries:
        assert listed(account, changed).found[0].change == Change.SAME
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


@pytest.mark.parametrize(
    ("says", "notes"),
    [
        ({}, ()),
        ({"has_keypad": False}, ("no keypad: guests cannot enter a code",)),
        ({"has_bridge": False}, ("no bridge: codes cannot be set from afar",)),
        ({"has_bridge": False, "is_connected": False}, ("no bridge: codes cannot be set from afar",)),
        ({"is_connected": False}, ("offline at the moment",)),
        ({"is_connected": None}, ()),
        ({"battery_level": 20}, ()),
        ({"battery_level": 19}, ("battery at 19 %: charge or change it",)),
        (
            {"has_keypad": False, "is_connected": False, "battery_level": 0},
            (
                "no keypad: guests cannot enter a code",
                "offline at the moment",
                "battery at 0 %: charge or change it",
            ),
        ),
    ],
)
def test_a_person_is_told_what_a_guest_would_stumble_over(
    account: LockAccount, says: dict[str, object], notes: tuple[str, ...]
) -> None:
    remote = replace(ENTRANCE, **says)  # type: ignore[arg-type]
    assert told(listed(account, remote)) == [(Change.NEW, notes)]
    assert told(listed(account, remote)) == [(Change.SAME, notes)]
    Lock.objects.update(is_active=False, device_id=9)
    off, moved = "switched off here: no codes are issued", "was removed and added again: its codes are being set anew"
    assert told(listed(account, remote)) == [(Change.UPDATED, (off, moved, *notes))]


def test_locks_that_the_account_no_longer_shows_are_named(account: LockAccount, other: LockAccount) -> None:
    ours(account, 8, "S-8", "Garage"), ours(account, 9, "", "Attic"), ours(other, 10, "S-10", "Elsewhere")
    found = listed(account, ENTRANCE)
    assert sorted(found.unseen) == ["Attic", "Garage"]
    assert found.seen_lock_ids == {Lock.objects.get(name="Entrance").pk}


def test_a_lock_that_is_listed_as_connected_rests_no_longer_because_it_was_offline(account: LockAccount) -> None:
    until = timezone.now() + DAY
    remotes, locks = [], []
    for number, cause in enumerate(("offline", "offline", "server", "offline"), 1):
        remotes.append(replace(ENTRANCE, id=number, serial_number=f"S-{number}", is_connected=number != 2))
        locks.append(ours(account, number, f"S-{number}"))
        LockState.objects.create(lock=locks[-1], paused_until=until, pause_cause=cause)
    moved = ours(account, 99, "S-5")
    found = listed(account, *remotes[:3], replace(ENTRANCE, serial_number="S-5", id=5))
    assert found.back_lock_ids == {locks[0].pk}
    assert found.lock_ids_to_wake == {locks[0].pk, moved.pk}
    assert list(LockState.objects.filter(paused_until=None).values_list("lock", flat=True)) == [locks[0].pk]


def test_a_list_of_many_known_locks_is_compared_with_as_few_statements_as_a_short_one(account: LockAccount) -> None:
    remotes = [replace(ENTRANCE, id=number, serial_number=f"S-{number}") for number in range(1, 13)]
    counts = []
    for some in (remotes[:2], remotes):
        listed(account, *some)
        with CaptureQueriesContext(connection) as queries:
            listed(account, *some)
        counts.append(len(queries))
    assert counts[0] == counts[1]
