"""What a run knows about its lock: which codes count as there, and when the database is asked again."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.posts import Post
from pins.models import AccessGrant, AccountState, LockState, Pin
from pins.reconcile.known import KnownLock, PinFacts, pins_at_a_glance
from pins.tedee.errors import Cause
from rentals.models import Lock, LockAccount
from tests.support.due_codes import due_codes
from tests.support.house import House

pytestmark = pytest.mark.django_db

MICROSECOND, SECOND, HOUR, DAY = timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
#: A code of a stay that runs, as it should be.
SET = PinFacts(
    pk=1,
    wanted=True,
    admitted=True,
    remote_id=7,
    extra_ids=[],
    nominees=[],
    posts=[],
    op="",
    op_in_doubt=False,
    must_look=False,
    last_cause="",
    starts_at=NOW - DAY,
    ends_at=NOW + DAY,
    disclosed_at=None,
    kind="guest",
    applied_ends_at=NOW + DAY,
    desired_rev=3,
    tried_rev=3,
)
#: A removal is wished, and was not sent yet.
TO_GO: dict[str, Any] = {"wanted": False, "desired_rev": 4}


def post(remote_id: int | None, ends_at: datetime = NOW + DAY, *, absent: bool = False) -> list[Any]:
    return Post(NOW - HOUR, remote_id, ends_at, absent).to_json()


# -- how many codes may be there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differs", "living"),
    [
        ({}, 1),
        ({"remote_id": None}, 0),
        ({"extra_ids": [8, 9]}, 3),
        ({"remote_id": None, "extra_ids": [8], "applied_ends_at": None}, 1),
        # what we sent, and do not manage
        ({"posts": [post(7)]}, 1),
        ({"posts": [post(8)]}, 2),
        ({"posts": [post(None), post(None)]}, 3),
        ({"posts": [post(8, absent=True)]}, 1),
        # its end has come
        ({"applied_ends_at": NOW}, 0),
        ({"applied_ends_at": NOW + MICROSECOND}, 1),
        ({"applied_ends_at": None}, 1),
        ({"posts": [post(7, NOW)]}, 0),
        ({"posts": [post(7, NOW + MICROSECOND)]}, 1),
        ({"posts": [post(8, NOW)]}, 1),
        ({"extra_ids": [8], "posts": [post(8, NOW)]}, 1),
        ({"extra_ids": [8], "applied_ends_at": NOW}, 1),
        ({"remote_id": None, "applied_ends_at": NOW, "posts": [post(None)]}, 1),
        # about to go
        (TO_GO, 0),
        ({"admitted": False, "desired_rev": 4}, 0),
        ({"ends_at": NOW, "desired_rev": 4}, 0),
        ({"ends_at": NOW + MICROSECOND, "desired_rev": 4}, 1),
        ({"desired_rev": 4}, 1),
        ({**TO_GO, "extra_ids": [8], "posts": [post(7), post(8)]}, 0),
        # a removal that was sent did not end it, or cannot: nobody knows the id
        ({"wanted": False}, 1),
        ({"admitted": False}, 1),
        ({"ends_at": NOW}, 1),
        ({**TO_GO, "posts": [post(9)]}, 1),
        ({**TO_GO, "posts": [post(None)]}, 1),
    ],
    ids=str,
)
def test_codes_count_that_may_work_and_that_nothing_explains(differs: dict[str, Any], living: int) -> None:
    assert replace(SET, **differs).living(NOW) == living


@pytest.mark.parametrize("kind", AccessGrant.Kind)
@pytest.mark.parametrize("disclosed_at", [None, NOW])
def test_a_spare_code_is_one_until_somebody_has_it(kind: AccessGrant.Kind, disclosed_at: datetime | None) -> None:
    facts = replace(SET, kind=kind.value, disclosed_at=disclosed_at)
    assert facts.is_reserve == (kind is AccessGrant.Kind.BACKUP and disclosed_at is None)


# -- which codes are looked at -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "is_seen"),
    [
        ({}, False),
        ({"wanted": True, "ends": MICROSECOND}, True),
        ({"wanted": True, "ends": timedelta(0)}, False),
        ({"remote_id": 7}, True),
        ({"extra_ids": [7]}, True),
        ({"posts": [post(None)]}, True),
        ({"op": "delete", "op_token": uuid.UUID(int=1)}, True),
        ({"must_look": True}, True),
        ({"last_cause": Cause.NO_ROOM.value, "hold": SECOND}, True),
        ({"last_cause": Cause.NO_ROOM.value, "hold": timedelta(0)}, False),
        ({"last_cause": Cause.NO_ROOM.value}, False),
        ({"last_cause": Cause.BUSY.value, "hold": SECOND}, False),
    ],
    ids=str,
)
def test_a_code_is_looked_at_that_is_wanted_may_be_there_or_waits_for_room(
    house: House, facts: dict[str, Any], is_seen: bool
) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    (pk,) = due_codes(door, 1)
    now, facts = timezone.now(), dict(facts)
    AccessGrant.objects.update(starts_at=now - DAY, ends_at=now + facts.pop("ends", HOUR))
    hold = facts.pop("hold", None)
    Pin.objects.update(**{"wanted": False, "hold_until": now + hold if hold is not None else None, **facts})
    assert [pin.pk for pin in pins_at_a_glance(door.pk, now)] == ([pk] if is_seen else [])
    assert pins_at_a_glance(other.pk, now) == []


def test_a_glance_tells_of_each_code_what_is_stored(house: House) -> None:
    door, now = house.lock(), timezone.now()
    first, second = due_codes(door, 2)
    stored: dict[str, Any] = {
        "wanted": True,
        "admitted": False,
        "remote_id": 7,
        "extra_ids": [8],
        "nominees": [9],
        "posts": [post(7)],
        "op": "put",
        "op_in_doubt": True,
        "must_look": True,
        "last_cause": "busy",
        "desired_rev": 5,
        "tried_rev": 4,
        "applied_ends_at": now + HOUR,
    }
    Pin.objects.filter(pk=first).update(op_token=uuid.uuid4(), **stored)
    AccessGrant.objects.filter(pins=first).update(kind="backup", disclosed_at=now - HOUR)
    grant: dict[str, Any] = {
        "starts_at": now + DAY,
        "ends_at": now + 2 * DAY,
        "kind": "backup",
        "disclosed_at": now - HOUR,
    }
    facts = {pin.pk: pin for pin in pins_at_a_glance(door.pk, now)}
    assert facts[first] == PinFacts(pk=first, **stored, **grant)
    assert facts.keys() == {first, second}


# -- when it is read again ---------------------------------------------------------------------------------------


def test_what_a_run_knows_is_read_once_and_again_only_after_something_happened(house: House) -> None:
    door, now = house.lock(), timezone.now()
    (pk,) = due_codes(door, 1)
    known = KnownLock(door.pk, now)
    LockState.objects.update(foreign_pins=3)
    AccountState.objects.update(outages=2)
    Lock.objects.update(name="Gate")
    Pin.objects.update(remote_id=7)

    def reads() -> int:
        with CaptureQueriesContext(connection) as captured:
            now_known = known.at(now)
            assert now_known.account_state is not None
            seen.append((now_known.state.foreign_pins, now_known.account_state.outages, now_known.lock.name))
            held.append([pin.held for pin in now_known.pins])
        return len(captured)

    seen: list[tuple[int, int, str]] = []
    held: list[list[set[int]]] = []
    assert reads() == 0
    known.outdated()
    assert [reads(), reads()] == [2, 0], "the lock with its account and the states of both, and the codes"
    assert seen == [(0, 0, "Door"), (3, 2, "Gate"), (3, 2, "Gate")]
    assert held == [[set()], [{7}], [{7}]]
    assert known.holders == {7: {pk}}


def test_a_lock_that_moves_to_another_account_is_worked_at_with_the_key_of_the_one_it_came_from(house: House) -> None:
    door = house.lock()
    known = KnownLock(door.pk, timezone.now())
    other = LockAccount.objects.create(name="Other", kind="personal_key", secret="other-key")
    Lock.objects.update(account=other)
    known.outdated()
    assert known.at(timezone.now()).lock.account == other
    assert (known.account_id, known.account_state) == (house.account.pk, None)


def test_a_run_knows_under_which_ids_codes_are_believed_and_whether_any_waits_for_room(house: House) -> None:
    door = house.lock()
    first, second, third = due_codes(door, 3)
    Pin.objects.filter(pk=first).update(remote_id=7, extra_ids=[8])
    Pin.objects.filter(pk=second).update(remote_id=7, nominees=[9])
    known = KnownLock(door.pk, timezone.now())
    assert known.holders == {7: {first, second}, 8: {first}, 9: {second}}
    assert known.holders[10] == set()
    assert not known.waits_for_room
    Pin.objects.filter(pk=third).update(last_cause=Cause.NO_ROOM.value)
    known.outdated()
    assert known.at(timezone.now()).waits_for_room
