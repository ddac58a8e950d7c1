"""Which codes have a place on a keypad, and what a lock's answers say of its places: exact numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.pin_state import Op
from pins.models import AccessGrant, Incident, LockState, Pin
from pins.reconcile import keypad_room
from pins.reconcile.known import pins_at_a_glance
from pins.tedee.errors import Cause
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of
from tests.support.spares import pool_on

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def door_with(house: House, capacity: int = 100) -> Lock:
    door = house.lock()
    Lock.objects.update(pin_capacity=capacity)
    door.refresh_from_db()
    return door


def stays(house: House, door: Lock, *begins: timedelta) -> list[Booking]:
    return [house.stay(house.flat(door, name=f"Flat {one}"), one, DAY) for one in begins]


def put(door: Lock, *bookings: Booking) -> None:
    """Their codes are on the lock."""
    for booking in bookings:
        pin = pin_of(booking, door)
        Pin.objects.filter(pk=pin.pk).update(remote_id=100 + pin.pk)


def state_of(door: Lock, **facts: Any) -> LockState:
    LockState.objects.filter(lock=door).update(**facts)
    return LockState.objects.get(lock=door)


def admit(door: Lock, foreign: int = 0) -> tuple[bool, bool]:
    now = timezone.now()
    return keypad_room.admit(door, pins_at_a_glance(door.pk, now), foreign, LockState.objects.get(lock=door), now)


def admitted(door: Lock, *bookings: Booking) -> list[bool]:
    return [pin_of(booking, door).admitted for booking in bookings]


def spares_admitted(door: Lock) -> int:
    return Pin.objects.filter(lock=door, grant__kind=AccessGrant.Kind.BACKUP, admitted=True).count()


# -- who has a place ---------------------------------------------------------------------------------------------------


def test_foreign_codes_and_five_places_are_left_out_and_the_nearest_have_the_others(house: House) -> None:
    door = door_with(house, 10)
    near, next_one, far = stays(house, door, DAY, 2 * DAY, 3 * DAY)
    assert admit(door, foreign=3) == (True, False)
    assert admitted(door, near, next_one, far) == [True, True, False]
    assert Incident.objects.get().kind == Kind.TOO_MANY_CODES
    assert admit(door, foreign=3) == (False, False)
    assert admit(door, foreign=2) == (True, True)
    assert admitted(door, near, next_one, far) == [True, True, True]


def test_codes_of_ours_keep_the_places_that_they_have(house: House) -> None:
    """The keypad turned out fuller than thought: nobody leaves for that, but for a nearer arrival."""
    door = door_with(house, 10)
    near, far, further = stays(house, door, 2 * DAY, 3 * DAY, 4 * DAY)
    put(door, near, far)
    assert admit(door, foreign=9) == (True, False)
    assert admitted(door, near, far, further) == [True, True, False]
    (nearest,) = stays(house, door, DAY)
    assert admit(door, foreign=9) == (True, False)
    assert admitted(door, nearest, near, far, further) == [True, True, False, False]


@pytest.mark.parametrize("why", ["over", "off"])
def test_a_stay_that_is_over_or_off_needs_no_place_even_while_its_code_is_there(
    house: House, clock: time_machine.Traveller, why: str
) -> None:
    door = door_with(house, 6)
    leaving, coming = stays(house, door, HOUR, 2 * DAY)
    put(door, leaving)
    assert admit(door) == (True, False)
    if why == "over":
        clock.move_to(leaving.check_out)
    else:
        Pin.objects.filter(pk=pin_of(leaving, door).pk).update(wanted=False)
    assert admit(door) == (True, True)
    assert admitted(door, coming) == [True]


def test_a_code_that_somebody_was_shown_meanwhile_stays(house: House) -> None:
    door = door_with(house, 6)
    (far,) = stays(house, door, 3 * DAY)
    put(door, far)
    stays(house, door, 2 * DAY)
    now = timezone.now()
    seen = pins_at_a_glance(door.pk, now)
    AccessGrant.objects.filter(booking=far).update(disclosed_at=now)
    keypad_room.admit(door, seen, 0, LockState.objects.get(lock=door), now)
    assert admitted(door, far) == [True]


def test_a_change_of_places_is_a_wish_and_names_no_other_code(house: House) -> None:
    door = door_with(house, 6)
    _, far = stays(house, door, 2 * DAY, 3 * DAY)
    before = {pin.pk: pin.desired_rev for pin in Pin.objects.all()}
    admit(door)
    after = {pin.pk: pin.desired_rev for pin in Pin.objects.all()}
    moved = pin_of(far, door).pk
    assert after == before | {moved: before[moved] + 1}
    assert pin_of(far, door).wished_at == timezone.now()


@pytest.mark.parametrize("said", [DAY - SECOND, DAY])
def test_what_a_lock_said_of_its_room_counts_for_a_day(house: House, said: timedelta) -> None:
    door = door_with(house)
    there, near, far = stays(house, door, DAY, 2 * DAY, 3 * DAY)
    put(door, there)
    state_of(door, learned_room=2, foreign_pins=1, learned_room_at=timezone.now() - said)
    is_believed = said < DAY
    assert admit(door) == (is_believed, not is_believed)
    assert admitted(door, there, near, far) == [True, True, not is_believed], "one asks for all"


@pytest.mark.parametrize("sign", ["remote id", "request under way", "to be looked for"])
def test_on_a_full_lock_whatever_may_be_there_keeps_its_place(house: House, sign: str) -> None:
    door = door_with(house)
    near, between, far = stays(house, door, DAY, 2 * DAY, 3 * DAY)
    facts: dict[str, dict[str, object]] = {
        "remote id": {"remote_id": 7},
        "request under way": {"op": Op.POST.value, "op_token": "7f3c2b1a-0000-4000-8000-000000000001"},
        "to be looked for": {"must_look": True},
    }
    Pin.objects.filter(pk=pin_of(far, door).pk).update(**facts[sign])
    state_of(door, learned_room=1, learned_room_at=timezone.now())
    assert admit(door) == (True, False)
    assert admitted(door, near, between, far) == [True, False, True], "and one asks for all"


@pytest.mark.parametrize("yielded", [DAY - SECOND, DAY])
def test_a_code_that_gave_its_place_away_goes_on_yielding_for_a_day(house: House, yielded: timedelta) -> None:
    door = door_with(house)
    (far,) = stays(house, door, 3 * DAY)
    put(door, far)
    Pin.objects.update(admitted=False)
    now = timezone.now()
    state_of(door, learned_room=1, learned_room_at=now, yielded_at=now - yielded)
    admit(door)
    assert admitted(door, far) == [yielded == DAY]


# -- spare codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("more", "expected"), [(0, 0), (1, 1), (2, 2), (9, 3)])
def test_spare_codes_have_places_only_where_twenty_are_left_beside_all_others(
    house: House, more: int, expected: int
) -> None:
    door = door_with(house, 4 + 2 + 5 + 20 + more)  # foreign codes, stays, places kept free, and twenty
    near, far = stays(house, door, DAY, 3 * DAY)
    house.settle()
    pool_on(house, door, 3, foreign=4)
    assert spares_admitted(door) == expected
    assert admit(door, foreign=4) == (False, True), "nobody needs a spare code"
    assert admitted(door, near, far) == [True, True]
    assert not Incident.objects.filter(kind=Kind.TOO_MANY_CODES).exists()


@pytest.mark.parametrize(
    ("audit_in", "becomes"), [(MINUTE, MINUTE), (15 * MINUTE, 15 * MINUTE), (16 * MINUTE, timedelta())]
)
def test_before_a_look_at_the_list_no_spare_code_has_a_place_and_the_look_comes_soon(
    house: House, audit_in: timedelta, becomes: timedelta
) -> None:
    door, gate = door_with(house), house.lock("Gate")
    pool_on(house, door)
    now = timezone.now()
    Pin.objects.update(admitted=True, remote_id=None)
    LockState.objects.update(looked_at=None, audit_at=now + audit_in)
    assert admit(door) == (True, True)
    assert spares_admitted(door) == 0
    due = dict(LockState.objects.values_list("lock", "audit_at"))
    assert due == {door.pk: now + becomes, gate.pk: now + audit_in}


def test_on_a_full_lock_spare_codes_stay_where_they_are_and_no_more_come(house: House) -> None:
    door = door_with(house)
    pool_on(house, door, 3)
    there, waiting, leaving = Pin.objects.order_by("pk")
    Pin.objects.filter(pk=there.pk).update(remote_id=7, admitted=True)
    Pin.objects.filter(pk=waiting.pk).update(remote_id=None, admitted=True)
    Pin.objects.filter(pk=leaving.pk).update(remote_id=8, admitted=False)
    state_of(door, learned_room=50, learned_room_at=timezone.now())
    assert admit(door) == (True, True)
    assert list(Pin.objects.filter(admitted=True).values_list("pk", flat=True)) == [there.pk]


# -- “no room” ---------------------------------------------------------------------------------------------------------


def refused(door: Lock, booking: Booking) -> None:
    keypad_room.refused(door, pin_of(booking, door), timezone.now())


def test_a_refusal_tells_how_many_codes_fill_this_lock(house: House) -> None:
    door, gate = door_with(house), house.lock("Gate")
    first, second, coming = stays(house, door, 2 * DAY, 3 * DAY, 4 * DAY)
    put(door, first, second)
    (elsewhere,) = stays(house, gate, 5 * DAY)
    put(gate, elsewhere)
    state_of(door, foreign_pins=3)
    refused(door, coming)
    told = state_of(door)
    assert (told.learned_room, told.learned_room_at, told.yielded_at) == (5, timezone.now(), None)
    assert state_of(gate).learned_room is None
    assert (Incident.objects.get().lock, Incident.objects.get().severity) == (door, Severity.WARNING)


@pytest.mark.parametrize(
    ("arrives_in", "furthest_yields", "severity"),
    [
        (DAY, True, Severity.WARNING),
        (timedelta(), True, Severity.WARNING),
        (DAY + SECOND, False, Severity.WARNING),
    ],
)
def test_for_an_arrival_within_a_day_the_furthest_code_gives_its_place_away(
    house: House, arrives_in: timedelta, furthest_yields: bool, severity: str
) -> None:
    door, gate = door_with(house), house.lock("Gate")
    told, near, far, absent = stays(house, door, 9 * DAY, 3 * DAY, 4 * DAY, 5 * DAY)
    put(door, told, near, far)
    AccessGrant.objects.filter(booking=told).update(disclosed_at=timezone.now())
    (coming,) = stays(house, door, arrives_in)
    refused(door, coming)
    assert admitted(door, told, near, far, absent, coming) == [True, True, not furthest_yields, True, True]
    assert state_of(door).yielded_at == (timezone.now() if furthest_yields else None)
    assert state_of(gate).yielded_at is None
    assert Incident.objects.get().severity == severity


def test_a_spare_code_gives_its_place_away_before_any_stay(house: House) -> None:
    door = door_with(house)
    pool_on(house, door)
    spare = Pin.objects.get()
    far, coming = stays(house, door, 9 * DAY, HOUR)
    put(door, far)
    refused(door, coming)
    assert admitted(door, far) == [True]
    spare.refresh_from_db()
    assert (spare.admitted, spare.remote_id is None) == (False, False)


@pytest.mark.parametrize(
    ("on_its_way", "severity"),
    [(True, Severity.WARNING), (False, Severity.URGENT)],
    ids=["the one that yields is still there", "it is gone"],
)
def test_a_second_refusal_takes_no_second_place(house: House, on_its_way: bool, severity: str) -> None:
    """While the one that yields is on its way out, more time helps. Afterwards the lock has another reason."""
    door = door_with(house)
    yielding, kept, coming = stays(house, door, 9 * DAY, 4 * DAY, HOUR)
    put(door, kept, *([yielding] if on_its_way else []))
    Pin.objects.filter(pk=pin_of(yielding, door).pk).update(admitted=False)
    state_of(door, yielded_at=timezone.now() - HOUR)
    refused(door, coming)
    assert admitted(door, kept) == [True]
    assert Incident.objects.get().severity == severity


def test_a_code_that_is_on_the_lock_needs_nobodys_place(house: House) -> None:
    """Only a change of it was refused."""
    door = door_with(house)
    far, here = stays(house, door, 9 * DAY, timedelta())
    put(door, far, here)
    refused(door, here)
    assert admitted(door, far) == [True]
    assert Incident.objects.get().severity == Severity.WARNING


def test_a_refused_spare_code_takes_no_place_and_tells_nobody(house: House) -> None:
    door = door_with(house)
    pool_on(house, door)
    spare = Pin.objects.select_related("grant").get()
    (far,) = stays(house, door, 9 * DAY)
    put(door, far)
    Pin.objects.filter(pk=spare.pk).update(remote_id=None)
    spare.refresh_from_db()
    keypad_room.refused(door, spare, timezone.now())
    assert state_of(door).learned_room == 1
    assert admitted(door, far) == [True]
    assert not Incident.objects.exists()


# -- room again --------------------------------------------------------------------------------------------------------


def test_a_code_that_the_lock_took_refutes_all_that_it_said(house: House) -> None:
    door, now = door_with(house), timezone.now()
    for facts in ({"learned_room": 3, "learned_room_at": now}, {"yielded_at": now}):
        keypad_room.taken(state_of(door, **facts))
        told = state_of(door)
        assert (told.learned_room, told.learned_room_at, told.yielded_at) == (None, None, None)


def test_what_was_learned_of_the_lock_since_the_run_began_is_not_undone_by_that(house: House) -> None:
    door, now = door_with(house), timezone.now()
    as_read = state_of(door, learned_room=3, learned_room_at=now)
    LockState.objects.filter(lock=door).update(list_version=17, written_at=now)
    keypad_room.taken(as_read)
    told = state_of(door)
    assert (told.learned_room, told.list_version, told.written_at) == (None, 17, now)


def test_a_code_that_a_lock_with_room_took_costs_no_statement(house: House) -> None:
    as_read = state_of(door_with(house))
    with CaptureQueriesContext(connection) as asked:
        keypad_room.taken(as_read)
    assert len(asked) == 0


@pytest.mark.parametrize(("codes", "learned"), [(4, None), (5, 5), (6, 6)])
def test_a_list_with_fewer_codes_than_filled_it_shows_room_and_one_with_more_that_it_takes_more(
    house: House, codes: int, learned: int | None
) -> None:
    door, gate, now = door_with(house), house.lock("Gate"), timezone.now()
    LockState.objects.update(learned_room=5, learned_room_at=now)
    keypad_room.listed(door, codes, now)
    assert (state_of(door).learned_room, state_of(gate).learned_room) == (learned, 5)
    assert state_of(door).learned_room_at == (now if learned else None)


def test_a_list_of_a_lock_that_was_never_full_says_nothing_of_room(house: House) -> None:
    door = door_with(house)
    for codes in (0, 50):
        keypad_room.listed(door, codes, timezone.now())
        assert state_of(door).learned_room is None


def test_room_ends_only_the_waits_for_room_on_this_lock(house: House) -> None:
    door, gate, now = door_with(house), house.lock("Gate"), timezone.now()
    waiting, other, over = stays(house, door, DAY, 2 * DAY, 3 * DAY)
    (elsewhere,) = stays(house, gate, 4 * DAY)
    for booking, lock, cause, until in (
        (waiting, door, Cause.NO_ROOM, now + HOUR),
        (other, door, Cause.BUSY, now + HOUR),
        (over, door, Cause.NO_ROOM, now),
        (elsewhere, gate, Cause.NO_ROOM, now + HOUR),
    ):
        Pin.objects.filter(pk=pin_of(booking, lock).pk).update(
            last_cause=cause.value, hold_until=until, next_try_at=now + HOUR, observed_rev=7
        )
    LockState.objects.update(learned_room=5, learned_room_at=now)
    keypad_room.freed(door, now)
    facts = Pin.objects.order_by("grant__starts_at").values_list("hold_until", "next_try_at", "observed_rev")
    stays_as_it_was = (now + HOUR, now + HOUR, 7)
    assert list(facts) == [(now, now, 8), stays_as_it_was, (now, now + HOUR, 7), stays_as_it_was]
    assert [state_of(lock).learned_room for lock in (door, gate)] == [None, 5]
