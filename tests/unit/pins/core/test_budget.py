from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.budget import (
    DEADLINE_IS_NEAR,
    REQUESTS_PER_CODE,
    Purpose,
    Rules,
    Usage,
    admits,
    affordable_at,
    asks_others,
    beyond,
    codes_payable,
    cutoff,
    half_spent,
    learn,
    remaining,
    reserve_for,
    spend,
    spendable_until,
)

START = datetime(2027, 3, 3, 14, 0, 7, 123_457, tzinfo=UTC)
HOURLY = Rules(limit=700, window_seconds=3600)

all_rules = st.builds(Rules, limit=st.integers(1, 12), window_seconds=st.sampled_from([1, 7, 60, 100, 600, 3600]))
# Steps of time as parts of the window: bursts, slots, just under a window, long silences.
steps = st.lists(
    st.tuples(st.floats(0, 0.05) | st.floats(0, 1.1) | st.sampled_from([0.0, 1 / 60, 1.0, 2.5]), st.integers(1, 14)),
    min_size=1,
    max_size=25,
)
Steps = list[tuple[float, int]]


def spend_all(usage: Usage, rules: Rules, now: datetime, times: int, reserve: int = 0) -> tuple[Usage, int]:
    done = 0
    for _ in range(times):
        after = spend(usage, rules, now, reserve=reserve)
        if after is None:
            break
        usage, done = after, done + 1
    return usage, done


def walk(usage: Usage, rules: Rules, now: datetime, taken: Steps) -> tuple[Usage, datetime, list[datetime]]:
    """Take the steps and spend what each asks for. Returns the moments of the granted requests, too."""
    spent: list[datetime] = []
    for part, times in taken:
        now += timedelta(seconds=part * rules.window_seconds)
        usage, done = spend_all(usage, rules, now, times)
        spent += [now] * done
    return usage, now, spent


@settings(deadline=None)
@given(rules=all_rules, taken=steps)
def test_no_rolling_window_ever_exceeds_the_limit(rules: Rules, taken: Steps) -> None:
    _, _, spent = walk(Usage(), rules, START, taken)
    window = timedelta(seconds=rules.window_seconds)
    for last in spent:
        assert sum(last - window <= moment <= last for moment in spent) <= rules.limit


@settings(deadline=None)
@given(rules=all_rules, before=steps, retry_after=st.floats(0, 1), after=steps)
def test_no_fixed_window_exceeds_the_limit_once_a_429_has_shown_its_beginning(
    rules: Rules, before: Steps, retry_after: float, after: Steps
) -> None:
    usage, now, spent = walk(Usage(), rules, START, before)
    seconds = retry_after * rules.window_seconds
    boundary = now + timedelta(seconds=seconds)
    usage = learn(usage, rules, now, seconds)
    _, _, later = walk(usage, rules, now, after)

    window = timedelta(seconds=rules.window_seconds)
    # A microsecond of rounding at the boundary is no overspend.
    assert all(moment >= boundary - timedelta(microseconds=2) for moment in later)
    windows = [(moment - boundary + timedelta(microseconds=2)) // window for moment in spent + later]
    assert all(windows.count(number) <= rules.limit for number in windows if number >= 0)


def test_a_known_window_may_be_spent_in_full_at_once() -> None:
    usage = learn(Usage(), HOURLY, START, 600.0)
    for hour in range(3):
        begins = START + timedelta(seconds=600, hours=hour, microseconds=1)
        assert spend(usage, HOURLY, begins - timedelta(seconds=1)) is None
        usage, done = spend_all(usage, HOURLY, begins, 1000)
        assert done == 700
        assert affordable_at(usage, HOURLY, begins) - begins <= timedelta(hours=1)


def test_requests_just_before_a_boundary_count_on_both_sides() -> None:
    usage = learn(Usage(), HOURLY, START, 0.0)
    boundary = START + timedelta(hours=1)
    usage, done = spend_all(usage, HOURLY, boundary - timedelta(seconds=1), 100)
    assert done == 100
    assert remaining(usage, HOURLY, boundary + timedelta(seconds=1)) == 600


@settings(deadline=None)
@given(rules=all_rules, taken=steps, back=st.floats(0, 3), learned=st.none() | st.floats(0, 1))
def test_a_clock_that_steps_back_never_grants_more(
    rules: Rules, taken: Steps, back: float, learned: float | None
) -> None:
    usage, now, _ = walk(Usage(), rules, START, taken)
    if learned is not None:
        usage = learn(usage, rules, now - timedelta(seconds=2 * rules.window_seconds), learned)
        usage, now, _ = walk(usage, rules, now, taken)
    earlier = now - timedelta(seconds=back * rules.window_seconds)

    assert remaining(usage, rules, earlier) <= remaining(usage, rules, now)
    granted_then, done_then = spend_all(usage, rules, earlier, 20)
    assert done_then <= remaining(usage, rules, now)
    if back <= 1:  # a larger step counts as a wrong clock put right, and forgets how far ahead it was
        assert remaining(granted_then, rules, now) <= remaining(usage, rules, now) - done_then


def test_one_clock_far_ahead_does_not_freeze_the_account_for_long() -> None:
    usage, _ = spend_all(Usage(), HOURLY, START + timedelta(days=3), 700)

    assert remaining(usage, HOURLY, START) == 0
    usage = learn(usage, HOURLY, START, None)
    assert remaining(usage, HOURLY, START + timedelta(seconds=3661)) == 700


@settings(deadline=None)
@given(rules=all_rules, taken=steps, reserve=st.integers(0, 12), learned=st.none() | st.floats(0, 1))
def test_the_moment_of_affordability_is_the_earliest(
    rules: Rules, taken: Steps, reserve: int, learned: float | None
) -> None:
    usage, now, _ = walk(Usage(), rules, START, taken)
    if learned is not None:
        usage = learn(usage, rules, now, learned * rules.window_seconds)
    at = affordable_at(usage, rules, now, reserve=reserve)

    assert at >= now
    if reserve >= rules.limit:
        assert at == now + timedelta(seconds=rules.window_seconds)
        return
    assert spend(usage, rules, at, reserve=reserve) is not None
    if at > now:
        assert spend(usage, rules, at - timedelta(microseconds=1), reserve=reserve) is None


@settings(deadline=None)
@given(rules=all_rules, taken=steps)
def test_a_request_costs_one_and_silence_restores_everything(rules: Rules, taken: Steps) -> None:
    usage, now, _ = walk(Usage(), rules, START, taken)
    left = remaining(usage, rules, now)
    after = spend(usage, rules, now)

    assert (after is None) == (left == 0)
    if after is not None:
        assert remaining(after, rules, now) == left - 1
    assert remaining(usage, rules, now + timedelta(seconds=rules.window_seconds * 61 / 60 + 0.001)) == rules.limit


def test_a_reserve_is_left_untouched() -> None:
    usage, done = spend_all(Usage(), HOURLY, START, 1000, reserve=70)
    assert done == 630
    usage, done = spend_all(usage, HOURLY, START, 1000)
    assert done == 70


def test_an_unused_account_may_spend_now() -> None:
    assert remaining(Usage(), HOURLY, START) == 700
    assert affordable_at(Usage(), HOURLY, START) == START


@pytest.mark.parametrize("retry_after", [None, -1.0, float("nan"), float("inf")])
def test_a_429_without_a_usable_retry_after_rests_for_a_minute_and_teaches_nothing(retry_after: float | None) -> None:
    usage = learn(Usage(), HOURLY, START, retry_after)
    assert usage.boundary is None
    assert remaining(usage, HOURLY, START + timedelta(seconds=59)) == 0
    assert remaining(usage, HOURLY, START + timedelta(seconds=61)) == 700


def test_the_longest_of_several_blocks_holds() -> None:
    usage = learn(learn(Usage(), HOURLY, START, 1800.0), HOURLY, START, 60.0)
    assert remaining(usage, HOURLY, START + timedelta(seconds=1799)) == 0
    assert affordable_at(usage, HOURLY, START) == START + timedelta(seconds=1800)


def test_a_block_is_capped_to_a_day() -> None:
    usage = learn(Usage(), HOURLY, START, 1e12)
    assert affordable_at(usage, HOURLY, START) <= START + timedelta(days=1)


def test_a_changed_window_counts_what_was_spent_as_spent_now() -> None:
    usage, _ = spend_all(learn(Usage(), HOURLY, START, 0.0), HOURLY, START + timedelta(seconds=1), 300)
    shorter = Rules(limit=700, window_seconds=600)
    assert remaining(usage, shorter, START + timedelta(minutes=30)) == 400


@settings(deadline=None)
@given(rules=all_rules, taken=steps, retry_after=st.none() | st.floats(0, 1e5))
def test_usage_survives_json(rules: Rules, taken: Steps, retry_after: float | None) -> None:
    usage, now, _ = walk(Usage(), rules, START, taken)
    for value in (usage, learn(usage, rules, now, retry_after)):
        assert Usage.from_json(json.loads(json.dumps(value.to_json()))) == value


def test_json_may_be_empty_or_short_but_not_wrong() -> None:
    assert Usage.from_json({}) == Usage()
    assert Usage.from_json({"counts": [1, 2]}).counts[-3:] == (0, 1, 2)
    wrong: list[dict[str, object]] = [{"counts": {}}, {"counts": ["1"]}, {"newest": "1"}, {"boundary": "soon"}]
    for data in wrong:
        with pytest.raises(ValueError, match="of a budget"):
            Usage.from_json(data)


@pytest.mark.parametrize(
    ("purpose", "left", "expected"),
    [
        (Purpose.ARRIVAL, timedelta(hours=3), 0),
        (Purpose.ARRIVAL, timedelta(days=-1), 0),
        (Purpose.ARRIVAL, timedelta(hours=4), 70),
        (Purpose.ARRIVAL, timedelta(hours=24), 70),
        (Purpose.ARRIVAL, None, 70),
        (Purpose.AUDIT, timedelta(0), 350),
        (Purpose.CONNECTIVITY, None, 350),
    ],
)
def test_reserves_by_purpose(purpose: Purpose, left: timedelta | None, expected: int) -> None:
    assert reserve_for(purpose, left, HOURLY) == expected


def test_a_reserve_is_rounded_up() -> None:
    assert reserve_for(Purpose.ARRIVAL, None, Rules(15, 60)) == 2


@pytest.mark.parametrize(("limit", "window"), [(0, 3600), (700, 0), (-1, 1)])
def test_rules_without_room_are_refused(limit: int, window: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rules(limit, window)


def test_naive_moments_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        remaining(Usage(), HOURLY, datetime(2027, 3, 3))


@given(st.lists(st.integers(-300, 3000), max_size=60), st.integers(0, 120))
def test_a_cutoff_leaves_what_is_left_to_the_earliest(minutes: list[int], left: int) -> None:
    deadlines = sorted(START + timedelta(minutes=one) for one in minutes)
    until = cutoff(deadlines, left)
    if until is None:
        assert len(deadlines) * REQUESTS_PER_CODE <= left
        return
    assert until == deadlines[codes_payable(left) - 1]
    assert cutoff(deadlines[: left + 1], left) == until  # no more of them need be known
    assert admits(until, deadlines[0], START), "the first never waits, even if nothing is left at this moment"


def test_what_is_overdue_may_spend_under_any_cutoff() -> None:
    hour = timedelta(hours=1)
    assert admits(None, START + 99 * hour, START)
    assert admits(START + hour, START + hour, START)
    assert not admits(START + hour, START + 2 * hour, START)
    assert admits(START - 9 * hour, START, START), "the cutoff is a deadline that has passed"
    assert not admits(START - 9 * hour, START + hour, START)


def test_work_that_is_not_near_leaves_enough_for_all_that_is_due_earlier() -> None:
    assert asks_others(DEADLINE_IS_NEAR)
    assert not asks_others(DEADLINE_IS_NEAR - timedelta(seconds=1))
    assert beyond(1, 0) == 1
    assert beyond(11, 5) == 1
    assert beyond(10, 5) == 0


def test_whom_the_sweep_may_wake() -> None:
    later = START + timedelta(hours=9)
    assert spendable_until(500, None, HOURLY, START) is None
    assert spendable_until(500, later, HOURLY, START) == later
    assert spendable_until(70, later, HOURLY, START) == START + DEADLINE_IS_NEAR  # the rest is kept for near deadlines
    assert spendable_until(500, START - timedelta(hours=9), HOURLY, START) == START


@pytest.mark.parametrize(("spent", "left"), [(0, 350), (100, 350), (350, 350), (500, 200), (700, 0)])
def test_after_a_loss_at_least_half_counts_as_spent(spent: int, left: int) -> None:
    usage = Usage()
    for _ in range(spent):
        usage = spend(usage, HOURLY, START) or usage
    assert remaining(half_spent(usage, HOURLY, START), HOURLY, START) == left
    assert remaining(half_spent(usage, HOURLY, START), HOURLY, START + timedelta(hours=2)) == 700


def test_half_of_an_odd_limit_is_the_greater_half() -> None:
    assert remaining(half_spent(Usage(), Rules(limit=1, window_seconds=60), START), Rules(1, 60), START) == 0
