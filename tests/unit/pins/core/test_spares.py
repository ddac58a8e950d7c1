"""Spare codes: when the own code is proven to fail, how a pool is kept, and who gets which."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.deadlines import deadline
from pins.core.periods import NO_END
from pins.core.pin_state import Content, Late, Op, PendingWrite, PinView, State
from pins.core.plan import state_of
from pins.core.spares import (
    LIFE,
    REPLACED_BEFORE_END,
    OwnCode,
    Spare,
    choose,
    failed,
    opens,
    refill,
)
from pins.tedee.messages import Recurrence
from tests.support.facts import NOW, SET, WISH, desires, observations

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SAID = Content("481516", NOW - DAY, NOW + DAY)
OWN = replace(WISH, content=SAID)
THERE = replace(SET, applied=SAID)
views = st.builds(PinView, desires(), observations())


@pytest.mark.parametrize(
    ("observed", "opening"),
    [
        (THERE, True),
        (replace(THERE, remote_id=None, applied=None), False),  # not set by then
        (replace(THERE, applied=None), False),
        (replace(THERE, applied=replace(SAID, code="234289")), False),  # changed while the lock was offline
        (replace(THERE, applied=replace(SAID, ends_at=NOW)), False),
        (replace(THERE, applied=replace(SAID, starts_at=NOW + MINUTE)), False),
        (replace(THERE, applied=replace(SAID, starts_at=None, ends_at=None)), True),
        (replace(THERE, applied=replace(SAID, recurrence=Recurrence(31))), False),
        (replace(THERE, omitted=True), False),
        (replace(THERE, not_found=True), False),
        (replace(THERE, must_look=True), False),
        (replace(THERE, must_read=True), False),
        (replace(THERE, pending=PendingWrite(Op.DELETE, 1, None, 7)), False),
        (
            replace(THERE, pending=PendingWrite(Op.PUT, 1, replace(SAID, ends_at=NOW + 9 * DAY), 7)),
            True,
        ),
        (replace(THERE, pending=PendingWrite(Op.PUT, 1, replace(SAID, code="234289"), 7)), False),
        (replace(THERE, late=Late(NOW + MINUTE, 1, 1, frozenset({Op.DELETE}))), False),
        (replace(THERE, late=Late(NOW, 1, 1, frozenset({Op.DELETE}))), True),
        (replace(THERE, late=Late(NOW + MINUTE, 1, 1, frozenset({Op.POST}))), True),
    ],
)
def test_what_the_lock_is_known_to_take(observed: object, opening: bool) -> None:
    assert opens(PinView(OWN, observed), NOW) is opening  # type: ignore[arg-type]


@given(views)
def test_nothing_that_is_in_doubt_opens(view: PinView) -> None:
    if opens(view, NOW):
        applied = view.observed.applied
        assert applied is not None
        assert view.observed.remote_id is not None
        assert applied.code == view.desired.content.code
        assert state_of(view, NOW) is not State.IN_DOUBT or view.observed.pending is not None


@given(views)
def test_a_code_in_reserve_is_never_due(view: PinView) -> None:
    """Whatever is wrong with it, everything that somebody waits for comes first."""
    desired = replace(view.desired, reserve=True, disclosed=False)
    if desired.content.ends_at is None:
        return
    due = deadline(PinView(desired, view.observed), NOW)
    if desired.is_live(NOW):
        assert due == NO_END
    elif view.observed.applied is None or view.observed.applied.has_ended(NOW):
        assert due >= desired.content.ends_at


def test_a_code_fails_only_while_it_should_work() -> None:
    own = OwnCode(NOW - DAY, NOW + DAY, {1: True, 2: False, 3: False})
    assert failed(own, NOW) == {2, 3}
    assert failed(own, NOW - DAY - MINUTE) == frozenset()
    assert failed(own, NOW + DAY) == frozenset()
    assert failed(replace(own, doors={1: True}), NOW) == frozenset()


# -- the pool ----------------------------------------------------------------------------------------------------------

spare_lists = st.lists(st.tuples(st.integers(-3, 36), st.booleans()), max_size=12).map(
    lambda rows: [Spare(number, NOW + days * DAY, is_open) for number, (days, is_open) in enumerate(rows)]
)
sizes = st.integers(0, 5)


def lasts(spare: Spare) -> bool:
    return spare.ends_at > NOW + REPLACED_BEFORE_END


@given(spare_lists, sizes)
def test_a_pool_is_filled_and_never_larger(spares: list[Spare], size: int) -> None:
    found = refill(spares, size, NOW)
    kept = [one for one in spares if one.grant_id not in found.drop]
    assert sum(map(lasts, kept)) + found.make == size
    assert len(kept) + found.make <= 2 * size
    usable = [one for one in spares if one.opens and one.ends_at > NOW]
    assert found.ready == min(len(usable), size)
    # None is given up before another one can be handed out in its place.
    assert sum(one in kept for one in usable) == found.ready
    assert all(one.ends_at > NOW for one in kept)


@given(spare_lists, sizes)
def test_a_pool_that_was_filled_rests(spares: list[Spare], size: int) -> None:
    found = refill(spares, size, NOW)
    made = [Spare(100 + number, NOW + LIFE) for number in range(found.make)]
    then = [one for one in spares if one.grant_id not in found.drop] + made
    again = refill(then, size, NOW)
    assert (again.make, again.drop) == (0, frozenset())


def test_one_that_ends_soon_stays_until_another_one_is_ready() -> None:
    old = Spare(1, NOW + 2 * DAY, opens=True)
    assert refill([old], 1, NOW).make == 1
    assert refill([old, Spare(2, NOW + LIFE)], 1, NOW).drop == frozenset()
    assert refill([old, Spare(2, NOW + LIFE, opens=True)], 1, NOW).drop == {1}
    assert refill([Spare(1, NOW + 2 * DAY)], 1, NOW).drop == {1}  # it never reached the lock
    assert refill([old], 0, NOW).drop == {1}


# -- handing out -------------------------------------------------------------------------------------------------------

by_lock = st.dictionaries(st.integers(1, 4), spare_lists, max_size=4)


@given(st.sets(st.integers(1, 4)), by_lock, by_lock)
def test_only_what_opens_is_handed_out_and_the_same_again(
    locks: set[int], held: dict[int, list[Spare]], waiting: dict[int, list[Spare]]
) -> None:
    found = choose(locks, held, waiting)
    assert set(found) <= locks
    for lock_id in locks:
        theirs = [one for one in held.get(lock_id, ()) if one.opens]
        others = [one for one in waiting.get(lock_id, ()) if one.opens]
        assert (lock_id in found) is bool(theirs or others)
        if lock_id in found:
            assert found[lock_id].opens
            assert found[lock_id] in (theirs or others)
            assert found[lock_id].ends_at == max(one.ends_at for one in theirs or others)
