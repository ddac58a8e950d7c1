"""What may be given up, decided on counts and moments alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rentals.calendars.decide.absence import TAKEN_AGAIN, Expected, Judgement, judge

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
NOBODY: frozenset[int] = frozenset()


def expected(count: int, *, since: dict[int, datetime] | None = None, kept: frozenset[int] = NOBODY) -> list[Expected]:
    return [Expected(number, (since or {}).get(number), number in kept) for number in range(count)]


def verdict(stays: list[Expected], absent: set[int], *, empty: bool = False) -> Judgement:
    return judge(stays, absent, empty=empty, now=NOW, confirm_after=HALF_HOUR)


def test_nothing_absent_is_nothing_to_judge() -> None:
    assert verdict(expected(5), set()) == Judgement()
    assert verdict([], set(), empty=True) == Judgement()


@pytest.mark.parametrize(
    ("stays", "absent", "held"),
    [
        (1, 1, False),
        (2, 2, False),
        (3, 1, False),
        (3, 2, True),
        (4, 2, False),
        (4, 3, True),
        (5, 2, False),
        (5, 3, True),
    ],
)
def test_more_than_half_of_three_or_more_is_held(stays: int, absent: int, held: bool) -> None:
    made = verdict(expected(stays), set(range(absent)))
    everybody = frozenset(range(absent))
    assert (made.held, made.waiting) == ((everybody, NOBODY) if held else (NOBODY, everybody))


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_an_empty_calendar_is_held_whatever_the_count(count: int) -> None:
    long_absent = dict.fromkeys(range(count), NOW - timedelta(days=9))
    made = verdict(expected(count, since=long_absent), set(range(count)), empty=True)
    assert made.held == frozenset(range(count))
    assert not made.give_up


@pytest.mark.parametrize(("ago", "given_up"), [(29, False), (30, True), (31, True)])
def test_it_takes_two_absences_half_an_hour_apart(ago: int, given_up: bool) -> None:
    made = verdict(expected(4, since={0: NOW - timedelta(minutes=ago)}), {0})
    assert made.give_up == (frozenset({0}) if given_up else frozenset())
    assert made.waiting == (frozenset() if given_up else frozenset({0}))


def test_those_that_a_person_keeps_do_not_count() -> None:
    kept = frozenset({0, 1, 2})
    assert verdict(expected(3, kept=kept), {0, 1, 2}, empty=True) == Judgement()
    assert verdict(expected(6, kept=kept), {0, 1, 2, 3}).waiting == frozenset({3})


@pytest.mark.parametrize(
    ("stays", "absent", "empty", "reason"),
    [
        (1, 1, True, "The calendar is empty; it listed 1 stay."),
        (4, 4, True, "The calendar is empty; it listed 4 stays."),
        (3, 2, False, "2 of 3 stays to come vanished together."),
        (4, 1, False, ""),
    ],
)
def test_a_person_is_told_why_a_calendar_is_held(stays: int, absent: int, empty: bool, reason: str) -> None:
    assert verdict(expected(stays), set(range(absent)), empty=empty).held_reason == reason


LONG_AGO = NOW - timedelta(days=2)


def test_once_a_person_was_asked_no_time_settles_it() -> None:
    stays = [Expected(0, LONG_AGO, kept=False, asked=True), Expected(1, LONG_AGO, kept=False), *expected(9)[2:]]
    assert verdict(stays, {0, 1}) == Judgement(give_up=frozenset({1}), held=frozenset({0}))
    new = [Expected(0, None, kept=False, asked=True), Expected(1, None, kept=False), *expected(9)[2:]]
    assert verdict(new, {0, 1}) == Judgement(waiting=frozenset({1}), held=frozenset({0}))


def test_days_that_another_row_has_now_are_a_persons_to_decide_if_somebody_knows_the_code() -> None:
    stays = [Expected(0, LONG_AGO, kept=False, taken_again=True), *expected(9)[1:]]
    assert verdict(stays, {0}) == Judgement(held=frozenset({0}), held_reason=TAKEN_AGAIN)
    assert verdict(stays, {1}) == Judgement(waiting=frozenset({1}))  # it is listed itself
