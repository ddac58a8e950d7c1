from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.capacity import (
    LEFT_BESIDE_SPARES,
    Candidate,
    admitted,
    admitted_spares,
    admitted_to_full,
    believed,
    evicted,
    room,
)

NOW = datetime(2027, 3, 3, 14, tzinfo=UTC)


def one(pin_id: int, days: float, **facts: bool) -> Candidate:
    return Candidate(pin_id, NOW + timedelta(days=days), **{"disclosed": False, **facts})


def there(pin_id: int, days: float, **facts: bool) -> Candidate:
    return one(pin_id, days, on_lock=True, **facts)


def test_five_places_are_kept_free() -> None:
    assert (room(100, 0), room(100, 90), room(100, 98)) == (95, 5, 0)


def test_what_a_lock_said_of_its_room_is_believed_for_a_day() -> None:
    day, second = timedelta(days=1), timedelta(seconds=1)
    assert believed(97, NOW - day + second, NOW) == 97
    assert believed(97, NOW - day, NOW) is None
    assert believed(None, None, NOW) is None


def test_the_nearest_starts_are_admitted_and_a_disclosed_code_never_yields() -> None:
    candidates = [one(1, 9), one(2, 3), one(3, 20, disclosed=True), one(4, 1)]
    assert admitted(candidates, 2) == {3, 4}


@pytest.mark.parametrize(
    ("candidates", "learned", "foreign", "expected"),
    [
        ([there(1, 9), there(2, 20), one(3, 5), one(4, 1)], 5, 3, {1, 2, 4}),  # full: the nearest asks for all
        ([there(1, 9), one(2, 5), one(3, 6), one(4, 7)], 5, 3, {1, 2, 3}),  # one place is free, one more asks
        ([there(1, 9), there(2, 20, yielding=True), one(3, 1)], 2, 0, {1, 3}),  # what yields does not come back
        ([one(1, 3), one(2, 4)], 97, 97, {1}),
        ([there(1, 3), there(2, 4)], 1, 0, {1, 2}),  # nothing leaves because it is fuller than thought
    ],
)
def test_on_a_lock_that_said_it_was_full(
    candidates: list[Candidate], learned: int, foreign: int, expected: set[int]
) -> None:
    everyone = frozenset(candidate.pin_id for candidate in candidates)
    assert admitted_to_full(candidates, everyone, learned, foreign) == expected


def test_the_furthest_code_that_nobody_was_shown_makes_room_for_an_arrival_within_a_day() -> None:
    on_lock = [there(1, 3), there(2, 9), there(3, 20, disclosed=True), one(4, 30)]
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert evicted(on_lock, NOW + 12 * hour, NOW) == 2
    assert evicted(on_lock, NOW - 2 * day, NOW) == 2  # the guest is at the door
    assert evicted(on_lock, NOW + day, NOW) == 2
    assert evicted(on_lock, NOW + day + timedelta(seconds=1), NOW) is None
    assert evicted([there(1, 0.4), there(2, -1)], NOW + 12 * hour, NOW) is None  # no guest loses a code for a later one


def test_spare_codes_leave_twenty_places_and_go_first() -> None:
    spares = [one(1, -1, reserve=True), there(2, -2, reserve=True), there(3, -3, reserve=True)]
    assert admitted_spares(spares, LEFT_BESIDE_SPARES) == set()
    assert admitted_spares(spares, LEFT_BESIDE_SPARES + 1) == {2}
    assert admitted_spares(spares, LEFT_BESIDE_SPARES + 9) == {1, 2, 3}
    assert evicted([*spares, there(4, 20)], NOW, NOW) == 2


@given(
    st.lists(st.tuples(st.floats(-5, 60), st.booleans(), st.booleans()), max_size=20),
    st.integers(0, 30),
    st.integers(0, 10),
)
def test_no_code_on_the_lock_ever_leaves_it_because_the_lock_is_full(
    facts: list[tuple[float, bool, bool]], learned: int, foreign: int
) -> None:
    candidates = [one(n, days, disclosed=shown, on_lock=on) for n, (days, shown, on) in enumerate(facts)]
    chosen = admitted_to_full(candidates, frozenset(range(len(facts))), learned, foreign)
    assert {candidate.pin_id for candidate in candidates if candidate.on_lock} <= chosen
