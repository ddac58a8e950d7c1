"""When codes of ours pile up on a lock: what is counted, how often, and when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.posts import Post
from pins.models import AccessGrant, Incident, Pin
from pins.reconcile import pile_up
from pins.reconcile.known import KnownLock
from rentals.models import Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
Kind = Incident.Kind


def made(codes: int) -> list[object]:
    """So many creations whose codes nobody accounts for."""
    now = timezone.now()
    return [Post(now, 900 + number, now + 9 * DAY).to_json() for number in range(codes)]


def furnished(house: House) -> tuple[Lock, Pin, Pin]:
    """A lock with one code on it, the PIN of that code, and another one that has none and wants one."""
    door = house.lock()
    flat = house.flat(door)
    there = house.stay(flat, DAY, DAY)
    house.settle()
    coming = house.stay(flat, 5 * DAY, DAY)
    return door, pin_of(there, door), pin_of(coming, door)


def pile(pin: Pin, codes: int) -> None:
    """Beside the one that is accounted for, there are so many."""
    Pin.objects.filter(pk=pin.pk).update(posts=made(codes))


def breaker(door: Lock) -> pile_up.Breaker:
    return pile_up.Breaker(KnownLock(door.pk, timezone.now()))


@pytest.mark.parametrize(("codes", "is_open"), [(0, False), (4, False), (5, True)])
def test_three_codes_more_than_wanted_are_borne_and_a_person_is_told_of_four(
    house: House, codes: int, is_open: bool
) -> None:
    door, there, coming = furnished(house)
    house.lock("Gate")
    pile(there, codes)
    assert breaker(door).is_open(coming, timezone.now()) is is_open
    told = list(Incident.objects.values_list("kind", "lock", "severity", "resolved_at"))
    assert told == ([(Kind.CODES_PILE_UP, door.pk, Incident.Severity.URGENT, None)] if is_open else [])


def ends(pin: Pin, at: datetime) -> None:
    AccessGrant.objects.filter(pins=pin).update(starts_at=at - DAY, ends_at=at)


@pytest.mark.parametrize("stay", ["comes", "ends in a second", "is over", "is off", "has no place"])
def test_only_stays_that_want_a_code_now_explain_one(house: House, stay: str) -> None:
    door, there, coming = furnished(house)
    waiting = pin_of(house.stay(house.flat(door, name="Other"), DAY, DAY), door)
    Pin.objects.filter(pk=waiting.pk).update(must_look=True)  # of interest, whatever is wanted
    pile(there, 5)  # borne with two more stays, and not with one
    now = timezone.now()
    if stay in ("ends in a second", "is over"):
        ends(waiting, now + SECOND if stay == "ends in a second" else now)
    if stay == "is off":
        Pin.objects.filter(pk=waiting.pk).update(wanted=False)
    if stay == "has no place":
        Pin.objects.filter(pk=waiting.pk).update(admitted=False)
    assert breaker(door).is_open(coming, now) is (stay not in ("comes", "ends in a second"))


def test_codes_of_another_lock_are_not_counted(house: House) -> None:
    door, _, coming = furnished(house)
    gate = house.lock("Gate")
    pile(pin_of(house.stay(house.flat(gate, name="Other"), DAY, DAY), gate), 9)
    assert not breaker(door).is_open(coming, timezone.now())


def test_first_creations_cost_no_statement_and_are_counted_once_in_a_run(house: House) -> None:
    """A code that is wanted and not made yet changes nothing: what the run read when it began is enough."""
    door, there, coming = furnished(house)
    one, now = breaker(door), timezone.now()
    with CaptureQueriesContext(connection) as asked:
        assert not one.is_open(coming, now)
    assert len(asked) == 0
    pile(there, 5)
    assert not one.is_open(coming, now)


def test_a_code_that_may_have_been_made_before_is_counted_anew(house: House) -> None:
    door, there, coming = furnished(house)
    one, now = breaker(door), timezone.now()
    assert not one.is_open(coming, now)
    pile(there, 5)
    coming.posts = made(1)
    assert one.is_open(coming, now)
    coming.posts = []
    assert one.is_open(coming, now), "and then it holds for all"
    pile(there, 0)
    coming.posts = made(1)
    assert not one.is_open(coming, now)


def test_after_more_than_a_plain_success_the_lock_is_read_again_before_it_is_counted(house: House) -> None:
    door, there, coming = furnished(house)
    known = KnownLock(door.pk, timezone.now())
    one = pile_up.Breaker(known)
    house.stay(house.flat(door, name="Other"), DAY, DAY)
    pile(there, 5)
    known.outdated()
    assert not one.is_open(coming, timezone.now()), "the new stay wants one"
    pile(there, 6)
    known.outdated()
    assert pile_up.Breaker(known).is_open(coming, timezone.now())


# -- when it is over ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [5, 6])
def test_it_is_over_when_few_are_left_on_the_lock_that_was_told(house: House, left: int) -> None:
    door, there, _ = furnished(house)
    gate, now = house.lock("Gate"), timezone.now()
    for about in (door, gate):
        Incident.open(Kind.CODES_PILE_UP, now, about=about)
    Incident.open(Kind.NO_ROOM, now, about=door)
    pile(there, left - 1)
    pile_up.look_again(door, now)
    over = list(Incident.objects.filter(resolved_at=now).values_list("kind", "lock"))
    assert over == ([(Kind.CODES_PILE_UP, door.pk)] if left == 5 else [])


def test_of_a_lock_that_nobody_was_told_of_only_that_is_asked(house: House) -> None:
    """Every comparison of every lock asks. It is not counted because of an incident of another lock, or of old."""
    door, _, _ = furnished(house)
    now = timezone.now()
    Incident.open(Kind.CODES_PILE_UP, now, about=house.lock("Gate"))
    Incident.open(Kind.CODES_PILE_UP, now - DAY, about=door)
    Incident.resolve(now - SECOND, about=door, kinds=(Kind.CODES_PILE_UP,))
    Incident.open(Kind.NO_ROOM, now, about=door)
    with CaptureQueriesContext(connection) as asked:
        pile_up.look_again(door, now)
    assert len(asked) == 1
