"""When an access token is renewed, and who waits meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.tokens import (
    LONGEST_CLAIM,
    LONGEST_REST,
    RENEWAL_LEASE,
    TokenFacts,
    TokenStep,
    is_usable,
    may_be_renewed,
    next_step,
    rest,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
S = timedelta(seconds=1)
Step = TokenStep


def facts(*, age: int = 1800, left: int = 1800, **more: object) -> TokenFacts:
    """A token that came `age` seconds ago and ends in `left`."""
    return TokenFacts(NOW - age * S, NOW + left * S, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "step"),
    [
        (facts(), Step.USE),
        (facts(age=3300, left=300), Step.RENEW),
        (facts(age=3600, left=0), Step.RENEW),
        (facts(age=3600, left=-90_000), Step.RENEW),
        (facts(age=0, left=20), Step.USE),  # a short-lived one is not renewed all the time
        (facts(age=15, left=5), Step.RENEW),
        (facts(age=3400, left=200, renewing_until=NOW + 30 * S), Step.USE),
        (facts(age=3570, left=30, renewing_until=NOW + 30 * S), Step.WAIT),
        (facts(age=3600, left=0, renewing_until=NOW + RENEWAL_LEASE + S), Step.WAIT),  # its clock is a little ahead
        (facts(age=3600, left=0, renewing_until=NOW), Step.RENEW),
        (facts(age=3600, left=0, renewing_until=NOW + LONGEST_CLAIM + S), Step.RENEW),  # the clock stepped back
        (facts(age=3400, left=200, retry_at=NOW + 30 * S), Step.USE),
        (facts(age=3600, left=0, retry_at=NOW + 30 * S), Step.WAIT),
        (facts(age=3600, left=0, retry_at=NOW + LONGEST_REST + S), Step.RENEW),
        (facts(ended=True), Step.ENDED),
        (facts(age=3600, left=0, ended=True), Step.ENDED),
    ],
)
def test_what_comes_before_a_request(token: TokenFacts, step: TokenStep) -> None:
    assert next_step(token, NOW) is step


def test_a_token_serves_until_shortly_before_its_end() -> None:
    assert is_usable(facts(age=3539, left=61), NOW)
    assert not is_usable(facts(age=3540, left=60), NOW)
    assert is_usable(facts(age=17, left=3), NOW)  # of 20 seconds an eighth is kept
    assert not is_usable(facts(ended=True), NOW)


def test_a_fresh_token_that_is_refused_is_not_renewed() -> None:
    assert not may_be_renewed(facts(age=10), NOW)
    assert may_be_renewed(facts(age=60), NOW)
    assert not may_be_renewed(facts(age=60, ended=True), NOW)


def test_rests_grow_to_a_minute_and_a_server_may_ask_for_an_hour_at_most() -> None:
    assert [rest(n, None, 1.0).total_seconds() for n in (1, 2, 3, 4, 9)] == [2, 5, 15, 60, 60]
    assert rest(1, 90, 0.5) == 90 * S
    assert rest(1, 0, 0.5) == S
    assert rest(1, 10**9, 0.5) == LONGEST_REST


@given(
    age=st.integers(0, 20_000),
    left=st.integers(-20_000, 20_000),
    renewing=st.none() | st.integers(-500, 500),
    retry=st.none() | st.integers(-5000, 5000),
    ended=st.booleans(),
)
def test_a_token_is_used_only_while_it_is_good_and_nobody_waits_for_ever(
    age: int, left: int, renewing: int | None, retry: int | None, ended: bool
) -> None:
    token = TokenFacts(
        NOW - age * S,
        NOW + left * S,
        None if renewing is None else NOW + renewing * S,
        None if retry is None else NOW + retry * S,
        ended,
    )
    step = next_step(token, NOW)
    assert (step is Step.ENDED) == ended
    if step is Step.USE:
        assert is_usable(token, NOW)
        assert left > 0
    if step is Step.WAIT:
        # A rest too far away to be believed may become believable while somebody renews.
        assert next_step(token, NOW + LONGEST_CLAIM + LONGEST_REST + S) is Step.RENEW
