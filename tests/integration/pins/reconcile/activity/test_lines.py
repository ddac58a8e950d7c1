"""What is kept of a lock's activity, whose code a line names, and since when nothing is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from pins.core.alias import new_reference
from pins.models import AccessGrant, DoorEntry, InstallationKey, LockActivity, LockState
from pins.reconcile import activity
from pins.tedee.messages import ActivityItem
from rentals.models import Booking, Lock, LockAccount
from tests.support.house import House

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
OPENED, LOCKED, WRONG, OUTSIDE, AUTO_LOCKED = 61, 65, 62, 75, 32


def line(number: int | str, at: datetime | None, event: int = OPENED, name: str = "") -> ActivityItem:
    return ActivityItem(number, 1, event, name, at)


def lines(count: int, oldest: datetime) -> list[ActivityItem]:
    """So many lines about no code, a second after each other."""
    return [line(number, oldest + number * SECOND, AUTO_LOCKED) for number in range(count)]


def store(door: Lock, items: Iterable[ActivityItem]) -> None:
    activity.store(door, items, timezone.now())


# -- lines -------------------------------------------------------------------------------------------------------------


def test_each_line_about_a_code_is_kept_once(house: House, door: Lock) -> None:
    at = timezone.now() - HOUR
    told = [OPENED, LOCKED, WRONG, OUTSIDE, AUTO_LOCKED]
    items = [line(number, at + number * SECOND, event) for number, event in enumerate(told)]
    store(door, items)
    store(door, [*items, line("late", at, WRONG)])
    kept = DoorEntry.objects.filter(lock=door).order_by("pk").values_list("remote_id", "sign", "at")
    assert list(kept) == [
        ("0", "opened", at),
        ("1", "locked", at + SECOND),
        ("2", "wrong", at + 2 * SECOND),
        ("3", "outside", at + 3 * SECOND),
        ("late", "wrong", at),
    ]


def test_the_same_number_at_another_lock_is_another_line(house: House, door: Lock) -> None:
    gate, at = house.lock("Gate"), timezone.now() - HOUR
    store(door, [line(1, at)])
    store(gate, [line(1, at)])
    assert sorted(DoorEntry.objects.values_list("lock", flat=True)) == sorted([door.pk, gate.pk])


@pytest.mark.parametrize(
    ("age", "is_kept"),
    [
        (14 * DAY, False),
        (14 * DAY - SECOND, True),
        (SECOND, True),
        (-10 * MINUTE, True),
        (-10 * MINUTE - SECOND, False),
    ],
)
def test_a_line_that_is_too_old_or_of_the_future_is_not_kept(door: Lock, age: timedelta, is_kept: bool) -> None:
    now = timezone.now()
    store(door, [line(1, now - age), line(2, None)])
    kept = list(DoorEntry.objects.values_list("at", flat=True))
    assert kept == ([min(now, now - age)] if is_kept else []), "a clock that is fast tells of now"


def test_a_number_longer_than_the_column_is_cut(door: Lock) -> None:
    store(door, [line("x" * 70, timezone.now())])
    assert DoorEntry.objects.get().remote_id == "x" * 64


# -- names -------------------------------------------------------------------------------------------------------------


def named(door: Lock, name: str) -> tuple[int | None, bool]:
    store(door, [line(1, timezone.now(), OPENED, name)])
    return DoorEntry.objects.values_list("grant", "is_foreign").get()


def test_a_code_of_ours_is_known_by_its_reference(door: Lock, stay: Booking) -> None:
    grant = AccessGrant.objects.get(booking=stay)
    assert named(door, f"Anna 01-04 Mar #{grant.reference}") == (grant.pk, False)


def test_a_code_of_ours_that_is_no_longer_known_is_no_guests(door: Lock, stay: Booking) -> None:
    assert named(door, f"Anna 01-04 Mar #{new_reference(InstallationKey.load())}") == (None, True)


@pytest.mark.parametrize(
    ("name", "is_foreign"),
    [("CLEANER Maria", True), ("cleaner maria ", True), ("Owner", False), ("Maria", False), ("", False)],
)
def test_a_name_is_that_of_a_foreign_code_only_where_a_list_showed_it(
    door: Lock, stay: Booking, name: str, is_foreign: bool
) -> None:
    """Where the name is that of the app's user, or none, nothing is said. Some foreign codes have no name."""
    LockState.objects.filter(lock=door).update(foreign_names=["Cleaner Maria", "", "Gardener"])
    assert named(door, name) == (None, is_foreign)


def test_the_foreign_codes_of_another_lock_say_nothing_of_this_one(house: House, door: Lock) -> None:
    LockState.objects.filter(lock=house.lock("Gate")).update(foreign_names=["Cleaner Maria"])
    assert named(door, "Cleaner Maria") == (None, False)


def test_a_reference_that_another_installation_made_is_a_name_like_others(door: Lock) -> None:
    forged = new_reference(b"the key of somebody else")
    assert named(door, f"Anna 01-04 Mar #{forged}") == (None, False)


# -- how far it is known -----------------------------------------------------------------------------------------------

#: Fewer are all that there is.
FULL = 20


def known_since(door: Lock, items: list[ActivityItem], *, read: timedelta | None = None) -> timedelta | None:
    """For how long nothing is missing, after these lines. `read`: it was read so long ago, and was known for a day."""
    now = timezone.now()
    if read is not None:
        LockActivity.objects.create(lock=door, read_at=now - read, whole_since=now - DAY)
    store(door, items)
    told = LockActivity.objects.get(lock=door)
    assert told.read_at == now
    return now - told.whole_since if told.whole_since is not None else None


@pytest.mark.parametrize(("oldest", "since"), [(HOUR, 14 * DAY), (20 * DAY, 20 * DAY)])
def test_few_lines_are_all_that_there_is(door: Lock, oldest: timedelta, since: timedelta) -> None:
    assert known_since(door, lines(FULL - 1, timezone.now() - oldest)) == since


def test_a_lock_without_lines_is_known_as_long_as_lines_are_kept(door: Lock) -> None:
    assert known_since(door, []) == 14 * DAY


def test_of_many_lines_it_is_known_since_the_oldest(door: Lock) -> None:
    assert known_since(door, lines(FULL, timezone.now() - HOUR)) == HOUR


@pytest.mark.parametrize(
    ("oldest", "since"),
    [(2 * HOUR, DAY), (HOUR, DAY), (HOUR - SECOND, HOUR - SECOND), (2 * DAY, 2 * DAY)],
    ids=["beyond the last time", "just to the last time", "a gap", "beyond all before"],
)
def test_many_lines_go_on_from_the_last_time_if_they_reach_back_to_it(
    door: Lock, oldest: timedelta, since: timedelta
) -> None:
    assert known_since(door, lines(FULL, timezone.now() - oldest), read=HOUR) == since


@pytest.mark.parametrize("at", [None, timedelta(minutes=11)], ids=["unreadable", "of the future"])
def test_many_lines_without_a_moment_leave_a_gap_until_now(door: Lock, at: timedelta | None) -> None:
    moment = None if at is None else timezone.now() + at
    assert known_since(door, [line(number, moment) for number in range(FULL)], read=HOUR) == timedelta()


# -- what others ask ---------------------------------------------------------------------------------------------------


def test_a_wrong_code_is_told_of_its_lock_and_from_a_moment_on(house: House, door: Lock) -> None:
    now, (gate, cellar) = timezone.now(), [house.lock(name) for name in ("Gate", "Cellar")]
    store(door, [line(1, now - HOUR, WRONG)])
    store(gate, [line(1, now - HOUR), line(2, now - HOUR, OUTSIDE), line(3, now - HOUR - SECOND, WRONG)])
    store(cellar, [line(1, now, WRONG)])
    assert activity.wrong_codes([door.pk, gate.pk], now - HOUR) == {door.pk}
    assert activity.wrong_codes([door.pk, gate.pk, cellar.pk], now - 2 * HOUR) == {door.pk, gate.pk, cellar.pk}


def test_a_guest_at_the_door_makes_that_lock_due_and_no_other(house: House, door: Lock) -> None:
    now, gate = timezone.now(), house.lock("Gate")
    other = LockAccount.objects.create(name="Unread", secret="unread-key", reads_activity=False)
    attic = Lock.objects.create(account=other, device_id=77, name="Attic")
    for lock in (door, gate, attic):
        LockActivity.objects.create(lock=lock, due_at=now + HOUR)
    activity.hurry([door.pk, attic.pk], now)
    due = dict(LockActivity.objects.values_list("lock", "due_at"))
    assert due == {door.pk: now, gate.pk: now + HOUR, attic.pk: now + HOUR}
