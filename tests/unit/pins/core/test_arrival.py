"""What the activity of locks says of a stay."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.arrival import (
    AWAITED,
    BEFORE,
    LATER,
    Awaited,
    Code,
    Entry,
    Judgement,
    Sign,
    is_absent,
    judge,
    read_again,
    sign_of,
)
from pins.tedee.messages import Recurrence

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)  # a Monday
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BEGINS, ENDS = NOON + 3 * HOUR, NOON + 70 * HOUR
OURS = Code(1, frozenset({7, 8}), BEGINS, ENDS, is_guest=True)


def entry(sign: Sign, after: timedelta, lock: int = 7, **more: object) -> Entry:
    return Entry(lock, sign, BEGINS + after, **more)  # type: ignore[arg-type]


def other(number: int = 2, starts: datetime = BEGINS, ends: datetime = ENDS, **more: object) -> Code:
    return Code(number, frozenset({7}), starts, ends, **{"is_guest": True, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "sign"),
    [(61, "opened"), (63, "opened"), (64, "opened"), (65, "locked"), (62, "wrong"), (75, "outside")],
)
def test_the_events_that_are_about_codes(event: int, sign: str) -> None:
    assert sign_of(event) == sign


@pytest.mark.parametrize("event", [0, 32, 34, 60, 999, -1])
def test_other_events_say_nothing(event: int) -> None:
    assert sign_of(event) is None


def test_the_first_opening_is_probably_the_only_guest_who_can_open() -> None:
    found = judge(OURS, [], [entry(Sign.OPENED, 3 * HOUR), entry(Sign.OPENED, HOUR, lock=8)])
    assert (found.first_opened_at, found.is_named) == (BEGINS + HOUR, False)


def test_a_named_opening_is_certain_whoever_else_could_have_been() -> None:
    found = judge(OURS, [other()], [entry(Sign.OPENED, HOUR, named=1)])
    assert (found.first_opened_at, found.is_named) == (BEGINS + HOUR, True)


@pytest.mark.parametrize(
    "line",
    [
        entry(Sign.OPENED, HOUR, named=2),
        entry(Sign.OPENED, HOUR, is_foreign=True),
        entry(Sign.OPENED, -HOUR),
        entry(Sign.OPENED, HOUR, lock=99),
        entry(Sign.LOCKED, HOUR),
    ],
    ids=["another guest", "a code that is not ours", "before the code works", "another lock", "locked"],
)
def test_what_is_no_arrival(line: Entry) -> None:
    assert judge(OURS, [], [line]).first_opened_at is None


def test_of_two_who_can_open_nothing_is_said_but_somebody_may_have_come() -> None:
    found = judge(OURS, [other(starts=NOON)], [entry(Sign.OPENED, HOUR)])
    assert found == Judgement(was_used=True)
    assert judge(OURS, [other(starts=NOON, ends=BEGINS)], [entry(Sign.OPENED, HOUR)]).first_opened_at == BEGINS + HOUR


def test_a_cleaner_counts_within_their_hours_and_two_more() -> None:
    mornings = Recurrence(31, time(8), time(16))
    cleaner = other(starts=NOON - 900 * HOUR, ends=NOON + 900 * HOUR, is_guest=False, recurrence=mornings)
    assert judge(OURS, [cleaner], [entry(Sign.OPENED, HOUR)]).first_opened_at is None  # 16:00
    assert (
        judge(OURS, [cleaner], [entry(Sign.OPENED, 2 * HOUR)]).first_opened_at is None
    )  # 17:00, as a zone may shift it
    assert judge(OURS, [cleaner], [entry(Sign.OPENED, 5 * HOUR)]).first_opened_at == BEGINS + 5 * HOUR
    weekend = Recurrence(96)
    cleaner = other(starts=NOON - 900 * HOUR, ends=NOON + 900 * HOUR, is_guest=False, recurrence=weekend)
    assert judge(OURS, [cleaner], [entry(Sign.OPENED, HOUR)]).first_opened_at == BEGINS + HOUR


def test_tried_before_the_time() -> None:
    found = judge(OURS, [], [entry(Sign.OUTSIDE, -2 * HOUR), entry(Sign.OUTSIDE, -HOUR)])
    assert (found.early_at, found.early_is_named) == (BEGINS - HOUR, False)
    assert judge(OURS, [], [entry(Sign.OUTSIDE, -9 * HOUR)]).early_at is None
    named = judge(OURS, [other()], [entry(Sign.OUTSIDE, -2 * HOUR, named=1)])
    assert (named.early_at, named.early_is_named) == (BEGINS - 2 * HOUR, True)
    next_guest_of_another_flat = other(starts=BEGINS + HOUR)
    assert judge(OURS, [next_guest_of_another_flat], [entry(Sign.OUTSIDE, -2 * HOUR)]).early_at is None


def test_three_wrong_codes_in_a_row_are_told_and_two_are_not() -> None:
    row = [entry(Sign.WRONG, minute * MINUTE) for minute in (0, 4, 9)]
    found = judge(OURS, [], [*row, row[0]])  # a line that came twice
    assert (found.wrong_at, found.wrong_tries) == (BEGINS + 9 * MINUTE, 3)
    assert judge(OURS, [], row[:2]).wrong_tries == 0
    apart = [entry(Sign.WRONG, hour * HOUR) for hour in range(3)]
    assert judge(OURS, [], apart).wrong_tries == 0
    assert judge(OURS, [other()], row).wrong_tries == 0  # either of two guests


LINES = st.builds(
    Entry,
    st.sampled_from([7, 8, 99]),
    st.sampled_from(list(Sign)),
    st.integers(-600, 6000).map(lambda minutes: BEGINS + minutes * MINUTE),
    st.sampled_from([None, None, 1, 2]),
    st.booleans(),
)
RIVALS = st.builds(
    lambda number, starts, length: other(number, BEGINS + starts * HOUR, BEGINS + (starts + length) * HOUR),
    st.integers(2, 5),
    st.integers(-100, 100),
    st.integers(1, 100),
)


@given(st.lists(LINES, max_size=8), st.lists(RIVALS, max_size=3))
def test_nothing_is_said_of_a_guest_that_could_have_been_another(lines: list[Entry], rivals: list[Code]) -> None:
    found = judge(OURS, rivals, lines)
    if found.first_opened_at is not None:
        doors = {one.lock_id for one in lines if one.at == found.first_opened_at and one.sign is Sign.OPENED}
        # One of the doors that were opened at that moment no rival opens.
        elsewhere = {lock_id for one in rivals if one.opens(found.first_opened_at) for lock_id in one.lock_ids}
        assert found.is_named or doors - elsewhere
        assert found.is_named or OURS.opens(found.first_opened_at)
        assert found.was_used or found.is_named
    # Neither the order of lines nor seeing them twice changes anything.
    assert judge(OURS, rivals, [*reversed(lines), *lines]) == found


def test_the_rhythm_of_reading() -> None:
    def pause(now: datetime, *guests: Awaited) -> timedelta:
        return read_again(guests, now) - now

    awaited, here = Awaited(BEGINS, has_come=False), Awaited(BEGINS, has_come=True)
    assert pause(BEGINS - 3 * HOUR, awaited) == BEFORE
    assert pause(BEGINS - 20 * MINUTE, awaited) == 20 * MINUTE  # so that it is read when the code begins to work
    assert pause(BEGINS + HOUR, awaited) == AWAITED
    assert pause(BEGINS + HOUR, awaited, here) == AWAITED
    assert pause(BEGINS + HOUR, here) == LATER
    assert pause(BEGINS + 20 * HOUR, awaited) == LATER
    assert pause(NOON) == LATER


def test_nobody_came_is_said_only_where_all_is_known() -> None:
    midnight = NOON + 11 * HOUR
    later = midnight + HOUR
    nothing = Judgement()

    def absent(found: Judgement = nothing, since: datetime = NOON, read: datetime = later, code: Code = OURS) -> bool:
        return is_absent(code, found, midnight=midnight, whole_since=since, read_at=read)

    assert absent()
    assert not absent(since=BEGINS + MINUTE)  # lines are missing
    assert not absent(read=midnight + MINUTE)  # lines come late
    assert not absent(Judgement(was_used=True))
    assert not absent(Judgement(first_opened_at=BEGINS + HOUR))
    assert not absent(code=Code(1, frozenset({7}), BEGINS, midnight, is_guest=True))
