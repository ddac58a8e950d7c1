from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.retry import DELAYS, Scope, delay, next_probe, outage, outage_delay, scope, scope_missing
from pins.tedee.errors import Cause

NOW = datetime(2027, 3, 3, 14, tzinfo=UTC)
FAR = timedelta(days=3)


def seconds(cause: Cause, failures: int, **options: Any) -> float:
    given_options = {"until_deadline": FAR, "jitter": 1.0, **options}
    return delay(cause, failures, **given_options).total_seconds()


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ((Cause.BUSY,), [0.25, 0.5, 1, 2, 5, 15, 30, 30, 30]),
        ((Cause.TIMEOUT, Cause.NETWORK), [0.25, 0.25, 1, 6, 30, 120, 300, 300, 300]),
        ((Cause.SERVER,), [0.5, 2, 6, 30, 120, 300, 300, 300, 300]),
        ((Cause.OFFLINE,), [0.5, 2, 5, 15, 60, 120, 300, 300, 300]),
        ((Cause.UNAUTHORIZED, Cause.FORBIDDEN), [300, 900, 3600, 3600, 3600, 3600, 3600, 3600, 3600]),
        ((Cause.RATE_LIMITED, Cause.NO_ROOM), [60, 300, 900, 900, 900, 900, 900, 900, 900]),
        ((Cause.BAD_REQUEST,), [1, 60, 900, 3600, 3600, 3600, 3600, 3600, 3600]),
        ((Cause.NOT_FOUND,), [0.5, 2, 6, 30, 120, 300, 300, 300, 300]),
        ((Cause.PIN_EXISTS,), [0.5, 30, 120, 300, 300, 300, 300, 300, 300]),
    ],
)
def test_delays_grow_with_the_failures_of_the_lock(causes: tuple[Cause, ...], expected: list[float]) -> None:
    for cause in causes:
        assert [seconds(cause, failures) for failures in range(1, 10)] == expected
        assert seconds(cause, 0) == expected[0]


def test_a_lock_that_fails_in_changing_ways_is_tried_again_soon_but_not_for_ever() -> None:
    assert seconds(Cause.TIMEOUT, 6, alike=1) == 0.25
    assert seconds(Cause.TIMEOUT, 6, alike=3) == 1
    assert seconds(Cause.TIMEOUT, 10, alike=1) == 180


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.NETWORK])
def test_what_became_of_a_lost_change_is_looked_at_without_a_rest_but_only_once(cause: Cause) -> None:
    assert seconds(cause, 1, in_doubt=True) == 0
    assert seconds(cause, 5, alike=1, in_doubt=True) == 0
    assert seconds(cause, 2, in_doubt=True) == 0.25
    assert seconds(cause, 4, in_doubt=True) == 6
    assert seconds(cause, 10, alike=1, in_doubt=True) == 180  # it never comes to anything
    assert seconds(cause, 1, in_doubt=True, hung=True) == 15  # the server may still work on it
    assert seconds(cause, 1, in_doubt=True, retry_after=3.0) == 3


@pytest.mark.parametrize("cause", sorted(set(Cause) - {Cause.TIMEOUT, Cause.NETWORK}))
def test_other_failures_rest_even_if_a_change_is_in_doubt(cause: Cause) -> None:
    assert seconds(cause, 1, in_doubt=True) == seconds(cause, 1) > 0


def test_jitter_shortens_at_most_by_half() -> None:
    assert seconds(Cause.OFFLINE, 5, jitter=0.5) == 30
    assert seconds(Cause.OFFLINE, 5, jitter=0.75) == 45
    for jitter in (0.49, 1.01):
        with pytest.raises(ValueError, match="Jitter"):
            seconds(Cause.BUSY, 1, jitter=jitter)


@pytest.mark.parametrize("jitter", [0.5, 1.0])
def test_what_the_server_asks_for_replaces_our_own_delay_and_is_not_shortened(jitter: float) -> None:
    assert seconds(Cause.OFFLINE, 6, retry_after=7.0, jitter=jitter) == 7
    assert seconds(Cause.BUSY, 1, retry_after=3000.0, jitter=jitter) == 3000


def test_absurd_demands_of_a_server_are_capped() -> None:
    assert seconds(Cause.RATE_LIMITED, 1, retry_after=1e300) == 86_400
    assert seconds(Cause.RATE_LIMITED, 1, retry_after=0.0) == 0.125
    assert seconds(Cause.RATE_LIMITED, 1, retry_after=-5.0) == 0.125


def test_after_ten_failures_at_most_twenty_tries_an_hour() -> None:
    assert seconds(Cause.BUSY, 9) == 30
    assert seconds(Cause.BUSY, 10) == 180
    assert seconds(Cause.BUSY, 10, until_deadline=None) == 180
    assert seconds(Cause.TIMEOUT, 50, jitter=0.5) == 180
    assert seconds(Cause.TIMEOUT, 50) == 300
    assert seconds(Cause.SERVER, 10, retry_after=1.0) == 180


@pytest.mark.parametrize("left", [timedelta(hours=1), timedelta(minutes=5), timedelta(0), timedelta(days=-2)])
def test_a_near_or_past_deadline_keeps_the_quick_rhythm(left: timedelta) -> None:
    assert seconds(Cause.BUSY, 100, until_deadline=left) == 30


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.TIMEOUT, Cause.SERVER, Cause.NETWORK])
def test_a_rest_ends_a_minute_after_the_deadline_at_the_latest(cause: Cause) -> None:
    near = timedelta(seconds=7)
    for failures in range(1, 10):
        assert seconds(cause, failures, until_deadline=near) == min(seconds(cause, failures), 67)
    assert seconds(cause, 9, until_deadline=near, hung=True) == max(15, min(seconds(cause, 9), 67))
    assert seconds(cause, 9, until_deadline=near, retry_after=600.0) == 600  # the server knows better
    assert seconds(cause, 20, until_deadline=timedelta(hours=1)) == seconds(cause, 9)
    assert seconds(cause, 20, until_deadline=timedelta(hours=1, seconds=1)) == max(180, seconds(cause, 9))


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.TIMEOUT, Cause.SERVER, Cause.NETWORK])
def test_while_a_guest_is_at_the_door_tries_are_at_most_a_minute_apart(cause: Cause) -> None:
    for failures in range(1, 40):
        assert seconds(cause, failures, until_deadline=-FAR, begun=True) <= 60
        assert seconds(cause, failures, until_deadline=None, begun=True) <= 60  # also after ten failures
    assert seconds(cause, 1, begun=True, hung=True) == 15
    assert seconds(cause, 1, begun=True, retry_after=600.0) == 600  # the server knows better


def test_a_guest_at_the_door_does_not_hurry_what_only_time_or_a_person_can_mend() -> None:
    for cause in set(Cause) - {Cause.BUSY, Cause.TIMEOUT, Cause.SERVER, Cause.NETWORK}:
        for failures in (1, 6, 12):
            assert seconds(cause, failures, begun=True) == seconds(cause, failures)


def test_a_hang_rests_at_least_fifteen_seconds() -> None:
    assert seconds(Cause.NETWORK, 1, hung=True) == 15
    assert seconds(Cause.NETWORK, 1, hung=True, retry_after=1.0, until_deadline=timedelta(0)) == 15
    assert seconds(Cause.NETWORK, 6, hung=True) == 120


@settings(deadline=None)
@given(
    cause=st.sampled_from(Cause),
    failures=st.integers(0, 10_000),
    left=st.none() | st.timedeltas(),
    retry_after=st.none() | st.floats(0, 1e9),
    hung=st.booleans(),
    jitter=st.floats(0.5, 1),
)
def test_every_failure_is_tried_again_after_a_moment_but_within_a_day(
    cause: Cause,
    failures: int,
    left: timedelta | None,
    retry_after: float | None,
    hung: bool,
    jitter: float,
) -> None:
    wait = delay(cause, failures, until_deadline=left, retry_after=retry_after, hung=hung, jitter=jitter)
    assert timedelta(milliseconds=125) <= wait <= timedelta(days=1)
    if retry_after is not None and retry_after <= 86_400:
        assert wait >= timedelta(seconds=retry_after)


def test_whose_failure_it_is() -> None:
    lock = {Cause.BUSY, Cause.TIMEOUT, Cause.OFFLINE, Cause.SERVER, Cause.NETWORK, Cause.FORBIDDEN}
    account = {Cause.UNAUTHORIZED, Cause.RENEWAL, Cause.RATE_LIMITED}
    pin = {Cause.BAD_REQUEST, Cause.NOT_FOUND, Cause.PIN_EXISTS, Cause.NO_ROOM}
    assert lock | account | pin == set(Cause) == set(DELAYS)
    assert {scope(cause) for cause in lock} == {Scope.LOCK}
    assert {scope(cause) for cause in account} == {Scope.ACCOUNT}
    assert {scope(cause) for cause in pin} == {Scope.PIN}


def faults(*locks_and_ages: tuple[int, float]) -> list[tuple[int, datetime]]:
    return [(lock, NOW - timedelta(seconds=age)) for lock, age in locks_and_ages]


def test_faults_on_three_locks_within_a_minute_are_an_outage() -> None:
    assert outage(faults((1, 60), (2, 30), (3, 0)), NOW)
    assert not outage(faults((1, 60.1), (2, 30), (3, 0)), NOW)
    assert not outage(faults((1, 5), (2, 4), (2, 3), (1, 2)), NOW)
    assert not outage([], NOW)


def test_probes_of_an_outage_become_rarer() -> None:
    assert [outage_delay(probes).total_seconds() for probes in range(-1, 7)] == [5, 5, 15, 30, 60, 120, 120, 120]
    at_the_door = [outage_delay(probes, begun=True).total_seconds() for probes in range(7)]
    assert at_the_door == [5, 15, 30, 60, 60, 60, 60]


def test_each_lock_is_probed_once_soon_and_then_probes_become_rarer() -> None:
    waits = [outage_delay(probes, 8).total_seconds() for probes in range(14)]
    assert waits == [5] * 9 + [15, 30, 60, 120, 120]
    assert outage_delay(20, 8, begun=True).total_seconds() == 60


@pytest.mark.parametrize(
    ("due", "failed", "last", "expected"),
    [
        ([], {}, None, None),
        ([4, 2, 3], {}, None, 2),
        ([2, 3, 4], {}, 2, 3),  # in turn
        ([2, 3, 4], {}, 4, 2),
        ([1, 2, 3], {1: 10, 2: 0}, 2, 3),  # the one that did not fail
        ([1, 2, 3], {1: 10, 2: 0, 3: 20}, 2, 3),  # the one that failed longest ago
        ([2], {2: 0}, 2, 2),  # no other has work
    ],
)
def test_whose_turn_it_is_to_probe(
    due: list[int], failed: dict[int, int], last: int | None, expected: int | None
) -> None:
    at = {lock: NOW - timedelta(seconds=age) for lock, age in failed.items()}
    assert next_probe(due, at, last) == expected


@settings(deadline=None)
@given(st.sets(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 40))
def test_each_lock_with_work_has_the_probe_once_before_any_has_it_twice(due: set[int], last: int) -> None:
    failed: dict[int, datetime] = {}
    turns = []
    for second in range(len(due)):
        chosen = next_probe(due, failed, last)
        assert chosen is not None
        turns.append(chosen)
        failed[chosen] = NOW + timedelta(seconds=second)
        last = chosen
    assert sorted(turns) == sorted(due)


def test_two_refused_changes_are_the_keys_fault_unless_another_lock_differs() -> None:
    assert scope_missing(2, 1, others_differ=False)
    assert scope_missing(2, 2, others_differ=True)
    assert not scope_missing(1, 1, others_differ=False)
    assert not scope_missing(5, 1, others_differ=True)
