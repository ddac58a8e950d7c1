"""Requests that a run books in advance: never more than may be sent, and nothing is lost when they come back."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.budget import (
    BLOCK,
    SINGLE_BELOW,
    Block,
    Rules,
    Usage,
    book,
    give_back,
    is_open,
    learn,
    remaining,
    spend,
)

START = datetime(2027, 3, 3, 14, 0, 7, 123_457, tzinfo=UTC)
HOURLY = Rules(limit=700, window_seconds=3600)
SLOT = timedelta(minutes=1)

all_rules = st.builds(Rules, limit=st.integers(1, 60), window_seconds=st.sampled_from([60, 600, 3600]))


@settings(deadline=None)
@given(rules=all_rules, asked=st.lists(st.tuples(st.floats(0, 0.3), st.integers(1, 9)), max_size=30))
def test_booked_and_single_requests_together_never_exceed_the_limit(
    rules: Rules, asked: list[tuple[float, int]]
) -> None:
    usage, now = Usage(), START
    taken: list[tuple[datetime, int]] = []
    for part, most in asked:
        now += timedelta(seconds=part * rules.window_seconds)
        booked = book(usage, rules, now, most=most)
        if booked is not None:
            usage, block = booked
            assert 1 <= block.left <= min(most, BLOCK)
            taken.append((now, block.left))
    window = timedelta(seconds=rules.window_seconds)
    for last, _ in taken:
        assert sum(count for moment, count in taken if last - window <= moment <= last) <= rules.limit


@settings(deadline=None)
@given(rules=all_rules, spent=st.integers(0, 60), most=st.integers(1, 9), reserve=st.integers(0, 12))
def test_several_are_booked_only_while_much_is_left(rules: Rules, spent: int, most: int, reserve: int) -> None:
    usage = Usage()
    for _ in range(spent):
        usage = spend(usage, rules, START) or usage
    left = remaining(usage, rules, START)
    booked = book(usage, rules, START, reserve=reserve, most=most)
    if left <= reserve:
        assert booked is None
        return
    assert booked is not None
    kept = left - booked[1].left
    assert booked[1].left == 1 or kept >= max(reserve, math.ceil(SINGLE_BELOW * rules.limit))
    assert remaining(booked[0], rules, START) == kept


@settings(deadline=None)
@given(sent=st.integers(0, BLOCK), later=st.floats(0, 2), other=st.integers(0, 20))
def test_what_was_not_sent_comes_back_and_no_more(sent: int, later: float, other: int) -> None:
    booked = book(Usage(), HOURLY, START)
    assert booked is not None
    usage, block = booked
    now = START + timedelta(seconds=later * HOURLY.window_seconds)
    for _ in range(other):
        usage = spend(usage, HOURLY, now) or usage
    returned = give_back(usage, replace(block, left=block.left - sent))
    expected = Usage()
    for _ in range(sent):
        expected = spend(expected, HOURLY, START) or expected
    for _ in range(other):
        expected = spend(expected, HOURLY, now) or expected
    assert remaining(returned, HOURLY, now) == remaining(expected, HOURLY, now)


def test_a_block_is_open_until_its_slot_ends() -> None:
    booked = book(Usage(), HOURLY, START)
    assert booked is not None
    block = booked[1]
    assert is_open(block, HOURLY, START + timedelta(seconds=52))
    assert not is_open(block, HOURLY, START + SLOT)
    assert not is_open(replace(block, left=0), HOURLY, START)


def test_a_clock_that_steps_back_keeps_a_block_open() -> None:
    booked = book(Usage(), HOURLY, START)
    assert booked is not None
    assert is_open(booked[1], HOURLY, START - timedelta(hours=2))


def test_a_block_of_long_ago_or_of_another_clock_changes_nothing() -> None:
    usage = spend(Usage(), HOURLY, START)
    assert usage is not None
    assert give_back(usage, Block(usage.newest - 100, 3)) == usage
    assert give_back(usage, Block(usage.newest + 1, 3)) == usage


def test_nothing_is_booked_while_the_api_refuses_everything() -> None:
    usage = learn(Usage(), HOURLY, START, 600.0)
    assert book(usage, HOURLY, START + SLOT) is None
