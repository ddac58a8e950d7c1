from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.retry import DELAYS, OUTAGE_DELAYS, Scope, delay, outage, outage_delay, scope
from pins.tedee.errors import Cause

NOW = datetime(2027, 3, 3, 14, tzinfo=UTC)
FAR = timedelta(days=3)


def seconds(cause: Cause, failures: int, **options: Any) -> float:
    given_options = {"until_deadline": FAR, "jitter": 1.0, **options}
    return delay(cause, failures, **given_options).total_seconds()


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ((Cause.BUSY,), [0.5, 1, 2, 5, 15, 30, 30, 30, 30]),
        ((Cause.TIMEOUT, Cause.SERVER, Cause.NETWORK), [0.5, 2, 6, 30, 120, 300, 300, 300, 300]),
        ((Cause.OFFLINE,), [2, 5, 15, 60, 120, 300, 300, 300, 300]),
    ],
)
def test_delays_grow_with_the_failures_of_the_lock(causes: tuple[Cause, ...], expected: list[float]) -> None:
    for cause in causes:
        assert [seconds(cause, failures) for failures in range(1, 10)] == expected


def test_a_lock_that_fails_in_changing_ways_is_tried_again_soon_but_not_for_ever() -> None:
    assert seconds(Cause.TIMEOUT, 6, alike=1) == 0.5
    assert seconds(Cause.TIMEOUT, 6, alike=2) == 2
    assert seconds(Cause.TIMEOUT, 10, alike=1) == 180


def test_jitter_shortens_at_most_by_half() -> None:
    assert seconds(Cause.OFFLINE, 4, jitter=0.5) == 30
    assert seconds(Cause.OFFLINE, 4, jitter=0.75) == 45
    for jitter in (0.49, 1.01):
        with pytest.raises(ValueError, match="Jitter"):
            seconds(Cause.BUSY, 1, jitter=jitter)


@pytest.mark.parametrize("jitter", [0.5, 1.0])
def test_what_the_server_asks_for_replaces_our_own_delay_and_is_not_shortened(jitter: float) -> None:
    assert seconds(Cause.OFFLINE, 6, retry_after=7.0, jitter=jitter) == 7
    assert seconds(Cause.BUSY, 1, retry_after=3000.0, jitter=jitter) == 3000


def test_absurd_demands_of_a_server_are_capped() -> None:
    assert seconds(Cause.RATE_LIMITED, 1, retry_after=1e300) == 86_400
    assert seconds(Cause.RATE_LIMITED, 1, retry_after=0.0) == 0.25
    assert seconds(Cause.RATE_LIMITED, 1, retry_after=-5.0) == 0.25


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


def test_a_hang_rests_at_least_fifteen_seconds() -> None:
    assert seconds(Cause.NETWORK, 1, hung=True) == 15
    assert seconds(Cause.NETWORK, 1, hung=True, retry_after=1.0, until_deadline=timedelta(0)) == 15
    assert seconds(Cause.NETWORK, 5, hung=True) == 120


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
    assert timedelta(milliseconds=250) <= wait <= timedelta(days=1)
    if retry_after is not None and retry_after <= 86_400:
        assert wait >= timedelta(seconds=retry_after)


def test_whose_failure_it_is() -> None:
    lock = {Cause.BUSY, Cause.TIMEOUT, Cause.OFFLINE, Cause.SERVER, Cause.NETWORK, Cause.FORBIDDEN}
    account = {Cause.UNAUTHORIZED, Cause.RATE_LIMITED}
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
    waits = [outage_delay(probes) for probes in range(8)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (OUTAGE_DELAYS[0], OUTAGE_DELAYS[-1])
    assert outage_delay(-1) == OUTAGE_DELAYS[0]
