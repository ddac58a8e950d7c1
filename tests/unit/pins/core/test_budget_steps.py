"""A clock that steps forward ends no window, and one that comes back begins one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.budget import SLOTS, Rules, Usage, learn, put_right, remaining, spend, stepped_ahead

START = datetime(2027, 3, 3, 14, 0, 7, 123_457, tzinfo=UTC)
HOURLY = Rules(limit=700, window_seconds=3600)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

all_rules = st.builds(Rules, limit=st.integers(1, 12), window_seconds=st.sampled_from([60, 600, 3600]))
#: What happens next: so much of a window passes, so often is asked, and by so many windows the clock steps forward.
happenings = st.lists(
    st.tuples(st.floats(0, 0.5), st.integers(0, 14), st.sampled_from([0, 0, 0.4, 1, 1.3, 3, 400])), max_size=20
)


@settings(deadline=None)
@given(rules=all_rules, told=happenings, times=st.integers(1, 3))
def test_no_window_of_true_time_holds_more_than_the_limit(
    rules: Rules, told: list[tuple[float, int, float]], times: int
) -> None:
    usage, true, ahead = Usage(), START, timedelta()
    window = timedelta(seconds=rules.window_seconds)
    sent: list[datetime] = []
    for part, asked, step in told:
        true += part * window
        if by := step * window:
            ahead += by
            for _ in range(times):  # each process notices for itself
                usage = stepped_ahead(usage, rules, true + ahead, by)
        for _ in range(asked):
            after = spend(usage, rules, true + ahead)
            if after is not None:
                usage = after
                sent.append(true)
    for last in sent:
        assert sum(last - window < moment <= last for moment in sent) <= rules.limit


def test_after_a_window_all_is_free_again() -> None:
    usage: Usage | None = Usage()
    for _ in range(500):
        assert usage is not None
        usage = spend(usage, HOURLY, START)
    assert usage is not None
    usage = stepped_ahead(usage, HOURLY, START + DAY, DAY)
    assert remaining(usage, HOURLY, START + DAY) == 200
    assert remaining(usage, HOURLY, START + DAY + HOUR - HOUR / SLOTS) == 200
    assert remaining(usage, HOURLY, START + DAY + HOUR + HOUR / SLOTS) == 700


def test_who_notices_later_does_not_hold_it_back_once_more() -> None:
    usage = spend(Usage(), HOURLY, START)
    assert usage is not None
    usage = stepped_ahead(usage, HOURLY, START + DAY, DAY)
    half = START + DAY + HOUR / 2
    again = stepped_ahead(usage, HOURLY, half, DAY)
    assert again is usage
    assert remaining(again, HOURLY, START + DAY + HOUR + HOUR / SLOTS) == 700
    # Of a step within a window nobody can tell, and that is on the safe side.
    assert remaining(stepped_ahead(usage, HOURLY, half, HOUR / 4), HOURLY, START + DAY + HOUR + HOUR / SLOTS) == 699


@pytest.mark.parametrize("times", [1, 2])
def test_a_refusal_holds_as_long_as_it_would_have(times: int) -> None:
    usage = learn(Usage(), HOURLY, START, 900.0)
    now = START + timedelta(seconds=300) + DAY
    for _ in range(times):
        usage = stepped_ahead(usage, HOURLY, now, DAY)
    assert remaining(usage, HOURLY, now + timedelta(seconds=599)) == 0
    assert remaining(usage, HOURLY, now + timedelta(seconds=601)) == 700


def test_a_refusal_that_was_over_stays_so() -> None:
    usage = learn(Usage(), HOURLY, START, 900.0)
    now = START + timedelta(seconds=901) + DAY
    assert remaining(stepped_ahead(usage, HOURLY, now, DAY), HOURLY, now) == 700


@pytest.mark.parametrize("refused", [None, 900.0, 86_400.0])
def test_what_a_clock_far_ahead_spent_and_was_refused_is_over_after_a_window(refused: float | None) -> None:
    usage = spend(Usage(), HOURLY, START + DAY)
    assert usage is not None
    if refused is not None:
        usage = learn(usage, HOURLY, START + DAY, refused)
    usage = put_right(usage, HOURLY, START)
    assert remaining(usage, HOURLY, START) == (699 if refused is None else 0)
    assert remaining(usage, HOURLY, START + HOUR + HOUR / SLOTS) == 700


def test_a_clock_that_is_right_or_a_little_behind_puts_nothing_right() -> None:
    usage = spend(Usage(), HOURLY, START)
    assert usage is not None
    for behind in (timedelta(), HOUR):
        assert put_right(usage, HOURLY, START - behind) is usage
    assert put_right(usage, HOURLY, START - HOUR - HOUR / SLOTS) is not usage
