"""Which incidents end because a lock answered as it should, and which stay open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.plan import Create, Delete, Request, Update
from pins.models import AccessGrant, Incident, Pin
from pins.reconcile.endings import Endings
from pins.tedee.errors import Cause
from rentals.models import Lock
from tests.support.due_codes import due_codes
from tests.support.house import House

pytestmark = pytest.mark.django_db

MICROSECOND, MINUTE, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(days=1)
Kind = Incident.Kind
#: Those that are over when a code is as it should be, those that only its removal ends, and one that neither ends.
WAITED_FOR: Final = {Kind.CODE_LATE, Kind.OUTCOME_UNKNOWN, Kind.VALUE_REFUSED, Kind.VALUE_TAKEN, Kind.CREATED_OFTEN}
UNTIL_IT_IS_GONE: Final = {Kind.CODE_STAYS, Kind.CODE_CHANGED}
OF_A_CODE: Final = WAITED_FOR | UNTIL_IT_IS_GONE | {Kind.CHANGED_IN_APP}
#: The same of a lock: an answer to a change, a new code that it took, and room for all.
UNTIL_IT_ANSWERS: Final = {Kind.NO_PERMISSION, Kind.LOCK_UNKNOWN, Kind.LOCK_OFFLINE}
OF_A_LOCK: Final = UNTIL_IT_ANSWERS | {Kind.NO_ROOM, Kind.TOO_MANY_CODES, Kind.CODES_PILE_UP, Kind.BATTERY_LOW}


def two_codes(house: House) -> tuple[Pin, Pin]:
    """On two locks, each with every incident that there is."""
    pins = []
    for number in range(2):
        door = house.lock(f"Door {number}")
        (pk,) = due_codes(door, 1, first=number + 1)
        pins.append(Pin.objects.get(pk=pk))
        for kind in OF_A_CODE:
            Incident.open(kind, timezone.now(), about=pins[-1])
        for kind in OF_A_LOCK:
            Incident.open(kind, timezone.now(), about=door)
    return pins[0], pins[1]


def still_open(about: Pin | Lock) -> set[str]:
    subject = {"pin": about} if isinstance(about, Pin) else {"lock": about}
    return set(Incident.objects.filter(resolved_at=None, **subject).values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        (State.SET, WAITED_FOR),
        (State.REMOVED, WAITED_FOR | UNTIL_IT_IS_GONE),
        (State.CHANGING, set()),
        (State.IN_DOUBT, set()),
        (State.REMOVING, set()),
        (State.BLOCKED, set()),
    ],
)
def test_what_a_code_reached_ends_what_was_waited_for(
    house: House, clock: time_machine.Traveller, state: State, ended: set[Kind]
) -> None:
    pin, neighbour = two_codes(house)
    pin.state = state
    endings = Endings(pin.lock_id)
    endings.learned(pin)
    clock.shift(MINUTE)
    endings.write(timezone.now())
    assert still_open(pin) == OF_A_CODE - ended
    assert set(Incident.objects.exclude(resolved_at=None).values_list("resolved_at", flat=True)) == (
        {timezone.now()} if ended else set()
    )
    assert (still_open(pin.lock), still_open(neighbour)) == (OF_A_LOCK, OF_A_CODE), "a read proves nothing of these"


@pytest.mark.parametrize(
    ("step", "ended"),
    [(Create(), {Kind.NO_ROOM, *UNTIL_IT_ANSWERS}), (Update(7), UNTIL_IT_ANSWERS), (Delete(7), UNTIL_IT_ANSWERS)],
)
def test_a_confirmed_change_shows_that_the_lock_works_and_a_new_code_that_it_has_room(
    house: House, step: Request, ended: set[Kind]
) -> None:
    pin, neighbour = two_codes(house)
    pin.state = State.SET
    endings = Endings(pin.lock_id)
    endings.changed(pin, step)
    endings.write(timezone.now())
    assert (still_open(pin.lock), still_open(pin)) == (OF_A_LOCK - ended, OF_A_CODE - WAITED_FOR)
    assert (still_open(neighbour.lock), still_open(neighbour)) == (OF_A_LOCK, OF_A_CODE)


def test_room_for_all_ends_that_there_are_too_many_codes_and_nothing_else(house: House) -> None:
    pin, neighbour = two_codes(house)
    endings = Endings(pin.lock_id)
    endings.all_have_room()
    endings.write(timezone.now())
    assert still_open(pin.lock) == OF_A_LOCK - {Kind.TOO_MANY_CODES}
    assert (still_open(pin), still_open(neighbour.lock)) == (OF_A_CODE, OF_A_LOCK)


@pytest.mark.parametrize(
    ("differs", "waits"),
    [
        ({}, True),
        ({"wanted": False}, False),
        ({"remote_id": 7}, False),
        ({"last_cause": Cause.BUSY.value}, False),
        ({"last_cause": ""}, False),
        ({"ends": timedelta(0)}, False),
        ({"ends": MICROSECOND}, True),
        ({"on_other_lock": True}, False),
    ],
    ids=str,
)
def test_a_lock_that_took_a_code_is_full_as_long_as_another_code_waits_for_room_there(
    house: House, differs: dict[str, Any], waits: bool
) -> None:
    pin, elsewhere = two_codes(house)
    differs = dict(differs)
    (waiting,) = due_codes(elsewhere.lock if differs.pop("on_other_lock", False) else pin.lock, 1, first=9)
    now = timezone.now()
    begun = now - DAY
    AccessGrant.objects.filter(pins=waiting).update(starts_at=begun, ends_at=now + differs.pop("ends", DAY))
    Pin.objects.filter(pk=waiting).update(**{"last_cause": Cause.NO_ROOM.value, **differs})
    endings = Endings(pin.lock_id)
    endings.changed(pin, Create())
    endings.write(now)
    assert (Kind.NO_ROOM in still_open(pin.lock)) == waits
    assert not still_open(pin.lock) & UNTIL_IT_ANSWERS, "these do not depend on room"


def test_what_was_ended_is_ended_once(house: House, clock: time_machine.Traveller) -> None:
    """One that opens again after it was written down stays open, and what ended earlier keeps its moment."""
    pin, _ = two_codes(house)
    Incident.objects.filter(kind=Kind.LOCK_UNKNOWN).update(resolved_at=timezone.now())
    earlier = timezone.now()
    endings = Endings(pin.lock_id)
    endings.changed(pin, Update(7))
    clock.shift(MINUTE)
    endings.write(timezone.now())
    assert Incident.objects.get(kind=Kind.LOCK_UNKNOWN, lock=pin.lock).resolved_at == earlier

    Incident.open(Kind.LOCK_OFFLINE, timezone.now(), about=pin.lock)
    with CaptureQueriesContext(connection) as captured:
        endings.write(timezone.now())
    assert Kind.LOCK_OFFLINE in still_open(pin.lock)
    assert not captured.captured_queries

    endings.changed(pin, Update(7))
    endings.write(timezone.now())
    assert Kind.LOCK_OFFLINE not in still_open(pin.lock)
