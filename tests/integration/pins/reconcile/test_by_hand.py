"""What a person asks of the locks: try again now, look now, and the first look at a keypad."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.pin_state import State
from pins.models import LockState, Pin
from pins.reconcile import by_hand, sweep
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of
from tests.support.reconciling import during, just_before, methods
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FAR = timedelta(days=3650)


def stays(house: House, door: Lock, *ends: timedelta) -> list[Booking]:
    """Stays of a day each, in flats of their own."""
    return [house.stay(house.flat(door, name=f"Until {end}"), end - DAY, DAY) for end in ends]


def marked() -> list[int]:
    return list(Pin.objects.filter(must_look=True).order_by("pk").values_list("pk", flat=True))


# -- try again now -----------------------------------------------------------------------------------------------------


def test_a_code_that_rests_is_tried_at_once_and_others_rest_on(house: House) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    asked = stays(house, door, 2 * DAY)[0]
    waiting = stays(house, other, 2 * DAY)[0]
    for lock in (door, other):
        house.cloud.script(lock.device_id, ["POST:offline"])
    house.settle()
    assert methods() == ["post", "post"]
    now = timezone.now()

    assert by_hand.try_now([pin_of(asked, door).pk], now) == {door.pk}

    assert sweep.due_locks(now) == [door.pk]
    assert LockState.objects.get(lock=other).paused_until is not None
    house.settle()
    assert pin_of(asked, door).state == State.SET
    assert pin_of(waiting, other).state == State.SETTING


def test_a_code_that_the_lock_refused_is_sent_again_because_a_person_says_so(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    blocked, other = stays(house, door, 3 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["POST:400"] * 4)
    house.live(clock, HOUR)
    assert [pin_of(stay, door).state for stay in (blocked, other)] == [State.BLOCKED, State.BLOCKED]
    by_hand.try_now([pin_of(blocked, door).pk], timezone.now())
    house.settle()
    assert [pin_of(stay, door).state for stay in (blocked, other)] == [State.SET, State.BLOCKED]


def test_codes_that_are_tried_again_name_their_locks_once_and_nothing_asked_names_none(house: House) -> None:
    doors = [house.lock("A"), house.lock("B"), house.lock("C")]
    for door in doors:
        stays(house, door, 2 * DAY, 4 * DAY)
    asked = Pin.objects.filter(lock__in=doors[:2]).values_list("pk", flat=True)
    revisions = {pin.pk: pin.observed_rev for pin in Pin.objects.all()}
    assert by_hand.try_now(list(asked), timezone.now()) == {doors[0].pk, doors[1].pk}
    changed = {pin.pk for pin in Pin.objects.all() if pin.observed_rev != revisions[pin.pk]}
    assert changed == set(asked), "a run that read them before must read them again"
    assert by_hand.try_now([], timezone.now()) == set()


def test_trying_many_codes_again_takes_as_many_statements_as_trying_few(house: House) -> None:
    few, many = house.lock("Few"), house.lock("Many")
    stays(house, few, *(number * DAY for number in range(2, 4)))
    stays(house, many, *(number * DAY for number in range(2, 12)))
    counts = []
    for lock in (few, many):
        asked = list(Pin.objects.filter(lock=lock).values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            by_hand.try_now(asked, timezone.now())
        counts.append(len(statements(queries)))
    assert counts[0] == counts[1]


# -- look now ----------------------------------------------------------------------------------------------------------


def test_a_look_marks_the_code_on_the_lock_that_ends_last_and_costs_one_request(house: House) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    _, last, _ = stays(house, door, 3 * DAY, 9 * DAY, 5 * DAY)
    stays(house, other, 20 * DAY)
    house.settle()
    house.cloud.script(door.device_id, ["POST:offline"])
    stays(house, door, 25 * DAY)  # which is not there yet
    house.settle()
    LockState.objects.update(paused_until=None)
    before, now = house.requests, timezone.now()

    assert by_hand.look_now(door.pk, now)
    assert marked() == [pin_of(last, door).pk]
    assert sweep.due_locks(now) == [door.pk]
    revision = pin_of(last, door).observed_rev
    assert by_hand.look_now(door.pk, now), "somebody has asked already, and one look is enough"
    assert marked() == [pin_of(last, door).pk]
    assert pin_of(last, door).observed_rev == revision

    house.settle()
    assert house.requests == before + 2, "one for the list, and one for the code that was not there"
    assert marked() == []
    assert LockState.objects.get(lock=door).looked_at == now


def test_where_no_code_is_on_the_lock_the_wanted_one_that_ends_last_is_marked(house: House) -> None:
    door = house.lock()
    _, last, _ = stays(house, door, 3 * DAY, 9 * DAY, 5 * DAY)
    assert by_hand.look_now(door.pk, timezone.now())
    assert marked() == [pin_of(last, door).pk]


def test_a_lock_without_a_code_that_counts_is_not_looked_at(house: House, clock: time_machine.Traveller) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    over, off = stays(house, door, 2 * DAY, 9 * DAY)
    stays(house, other, 20 * DAY)
    off.status = Booking.Status.CANCELLED
    off.save()
    clock.move_to(over.check_out - SECOND)
    assert pin_of(over, door).remote_id is None
    ends = pin_of(over, door).grant.ends_at
    clock.move_to(ends)  # it never came to be on the lock, and nobody needs it any more
    assert pin_of(over, door).wanted
    assert not by_hand.look_now(door.pk, timezone.now())
    assert marked() == []
    clock.move_to(ends - SECOND)
    assert by_hand.look_now(door.pk, timezone.now())
    assert marked() == [pin_of(over, door).pk]


def test_a_code_that_stays_on_the_lock_after_its_end_is_looked_at(house: House) -> None:
    door = house.lock()
    (stay,) = stays(house, door, 2 * DAY)
    house.settle()
    stay.status = Booking.Status.CANCELLED
    stay.save()
    assert by_hand.look_now(door.pk, timezone.now())
    assert marked() == [pin_of(stay, door).pk]


def test_a_code_with_a_request_under_way_is_left_to_its_run(house: House) -> None:
    door = house.lock()
    seen: list[tuple[bool, list[int]]] = []

    def look() -> None:
        seen.append((by_hand.look_now(door.pk, timezone.now()), marked()))

    (last,) = stays(house, door, 9 * DAY)
    during(house, "POST", look)
    house.settle()
    assert seen.pop() == (False, []), "there is no other one to mark"
    (first,) = stays(house, door, 3 * DAY)
    house.settle()
    last.check_out += HOUR
    last.save()
    during(house, "PUT", look)
    house.settle()
    assert seen == [(True, [pin_of(first, door).pk])]
    assert [pin_of(stay, door).state for stay in (first, last)] == [State.SET, State.SET]


@pytest.mark.parametrize("on_the_lock", [True, False], ids=["on the lock", "wanted"])
def test_a_request_that_is_prepared_at_that_moment_sends_the_look_to_the_next_code(
    house: House, on_the_lock: bool
) -> None:
    door = house.lock()
    first, last = stays(house, door, 3 * DAY, 9 * DAY)
    if on_the_lock:
        house.settle()

    def prepare() -> None:
        Pin.objects.filter(pk=pin_of(last, door).pk).update(op="put", op_token=uuid.uuid4())

    with just_before("SAVEPOINT", prepare):
        assert by_hand.look_now(door.pk, timezone.now())
    assert marked() == [pin_of(first, door).pk]


# -- the first look ----------------------------------------------------------------------------------------------------


def test_keypads_that_nobody_ever_read_are_compared_now_and_no_others(clock: time_machine.Traveller) -> None:
    house, now = House(audits=True), timezone.now()
    fresh, unread, read = house.lock("Fresh"), house.lock("Unread"), house.lock("Read")
    unknown, off, bare, apart = house.lock("Unknown"), house.lock("Off"), house.lock("Bare"), house.lock("Apart")
    not_asked = house.lock("Not asked")
    for lock in (unread, read, off, not_asked):
        LockState.objects.create(lock=lock, audit_at=now + FAR, looked_at=now - HOUR if lock == read else None)
    Lock.objects.filter(pk__in=[fresh.pk, unread.pk, not_asked.pk]).update(has_keypad=True, has_bridge=True)
    Lock.objects.filter(pk=unknown.pk).update(has_keypad=None, has_bridge=None)
    Lock.objects.filter(pk=off.pk).update(is_active=False)
    Lock.objects.filter(pk=bare.pk).update(has_keypad=False)
    Lock.objects.filter(pk=apart.pk).update(has_bridge=False)
    asked = [lock.pk for lock in (fresh, unread, read, unknown, off, bare, apart)]

    assert by_hand.first_look(iter(asked), now) == {fresh.pk, unread.pk, unknown.pk}

    assert dict(LockState.objects.values_list("lock", "audit_at")) == {
        fresh.pk: now,
        unread.pk: now,
        unknown.pk: now,
        read.pk: now + FAR,
        off.pk: now + FAR,
        bare.pk: None,
        apart.pk: None,
        not_asked.pk: now + FAR,
    }
    assert sorted(sweep.due_locks(now)) == sorted([fresh.pk, unread.pk, unknown.pk])
    house.settle()
    assert house.requests == 3
    assert by_hand.first_look(asked, now) == set()


def test_nothing_asked_looks_at_nothing(house: House) -> None:
    door = house.lock()
    assert by_hand.first_look([], timezone.now()) == set()
    assert LockState.objects.get(lock=door).audit_at == timezone.now() + FAR


def test_a_first_run_that_begins_at_that_moment_is_no_hindrance(clock: time_machine.Traveller) -> None:
    door, now = House(audits=True).lock(), timezone.now()
    with just_before("INSERT", lambda: LockState.objects.create(lock=door, failures=1)):
        assert by_hand.first_look([door.pk], now) == {door.pk}
    state = LockState.objects.get(lock=door)
    assert (state.failures, state.audit_at) == (1, now)
