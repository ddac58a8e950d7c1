"""A lock that was removed and added again: nothing that was known of the old device is true of the new one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.posts import Post
from pins.models import LockState, Pin
from rentals.models import Lock
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin, methods

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: What the state of a lock says of its device, as it is when nothing was seen yet.
NOTHING_SEEN: Final[dict[str, Any]] = {
    "foreign_pins": 0,
    "foreign_names": [],
    "looked_at": None,
    "list_version": None,
    "confirmed_since": 0,
    "list_proven_at": None,
    "strangers_since": None,
    "written_at": None,
    "audited_version": None,
    "confirmed_since_audit": 0,
    "learned_room": None,
    "learned_room_at": None,
    "yielded_at": None,
}


def added_again(house: House, door: Lock) -> Lock:
    LockState.objects.filter(lock=door).update(device_id=door.device_id)
    Lock.objects.filter(pk=door.pk).update(device_id=house.cloud.readd_lock(door.device_id))
    return Lock.objects.get(pk=door.pk)


@pytest.mark.parametrize(
    "fact",
    [
        {"remote_id": 7, "posts": []},
        {"extra_ids": [7]},
        {"nominees": [7]},
        {"posts": [[0.0, 7, None, False, False]]},
        {"suspected_at": timedelta(0), "twins": [[8, "Gate"]]},
        {"op": "put", "op_token": uuid.UUID(int=1), "op_remote_id": 7, "op_in_doubt": True},
        {"late_until": 2 * HOUR, "late_kinds": "put"},
        {"must_look": True},
        {"blocked": "value_taken", "blocked_rev": 1},
        {"hold_until": 2 * HOUR, "hold_rev": 1},
        {"exists": True, "tried_rev": 1},
        {"refused": True, "tried_rev": 1},
    ],
    ids=lambda fact: next(iter(fact)),
)
def test_whatever_was_known_of_a_code_it_is_looked_for_and_set_on_the_new_device(
    house: House, clock: time_machine.Traveller, fact: dict[str, Any]
) -> None:
    """Whether the device refused it, has it or lost an answer about it: that device is gone."""
    door = house.lock()
    booking = house.stay(house.flat(door), 5 * DAY, DAY)
    code = pin_of(booking, door).grant.code
    now = timezone.now()
    facts = {name: now + value if isinstance(value, timedelta) else value for name, value in fact.items()}
    Pin.objects.update(start_refused=True, **facts)
    token = pin_of(booking, door).op_token
    door = added_again(house, door)
    house.run(door)
    assert methods() == ["list", "post"]
    assert_one_right_pin(house, booking, door)
    pin = pin_of(booking, door)
    assert (pin.grant.code, pin.start_refused, pin.op_token == token) == (code, False, False)


def test_a_code_that_was_never_sent_needs_no_look_on_the_new_device(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 5 * DAY, DAY)
    door = added_again(house, door)
    house.run(door)
    assert methods() == ["post"]
    assert_one_right_pin(house, booking, door)


def test_codes_on_other_locks_are_not_concerned(house: House) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    booking = house.stay(house.flat(door, other), 5 * DAY, DAY)
    house.settle()
    LockState.objects.update(foreign_pins=3)
    before = pin_of(booking, other).remote_id
    house.run(added_again(house, door))
    pin = pin_of(booking, other)
    assert (pin.remote_id, pin.must_look, pin.state) == (before, False, State.SET)
    assert dict(LockState.objects.values_list("lock", "foreign_pins")) == {door.pk: 0, other.pk: 3}


def test_what_was_seen_of_the_old_device_is_forgotten(house: House) -> None:
    door, now = house.lock(), timezone.now()
    numbers = {name: 5 for name, nothing in NOTHING_SEEN.items() if not name.endswith("_at")}
    moments = {name: now for name in NOTHING_SEEN if name.endswith("_at")}
    LockState.objects.update(**{**numbers, **moments, "foreign_names": ["Anna"], "forbidden_key": "k", "failures": 2})
    door = added_again(house, door)
    house.run(door)
    state = LockState.objects.values(*NOTHING_SEEN, "device_id").get()
    assert state == {**NOTHING_SEEN, "device_id": door.device_id}


def test_a_lock_that_is_new_keeps_what_is_known_and_remembers_its_device(house: House) -> None:
    """The first run of a lock. What was prepared for it before is no knowledge of another device."""
    door = house.lock()
    booking = house.stay(house.flat(door), 5 * DAY, DAY)
    Pin.objects.update(posts=[Post(timezone.now() - HOUR, None, None).to_json()])
    house.run(door)
    assert LockState.objects.get().device_id == door.device_id
    assert methods() == ["post"]
    assert len(pin_of(booking, door).posts) == 2


def test_the_new_device_has_room_in_the_same_run_although_the_old_one_was_full(house: House) -> None:
    door = house.lock()
    stays = [house.stay(house.flat(door, name=f"Flat {n}"), (n + 3) * DAY, DAY) for n in range(3)]
    now = timezone.now()
    LockState.objects.update(learned_room=0, learned_room_at=now)
    Pin.objects.update(admitted=False)
    door = added_again(house, door)
    house.run(door)
    assert [pin_of(stay, door).state for stay in stays] == [State.SET] * 3
