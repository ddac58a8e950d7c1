"""What history proves about a mark: the table of cases, and laws over all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.marks import BEFORE, CodeFacts, Mark, StayFacts, Verdict, judge, passed
from pins.core.pin_state import State

AT = datetime(2027, 3, 3, 14, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LONG_AGO = AT - timedelta(days=9)

CONFIRMED = CodeFacts(State.SET, LONG_AGO, LONG_AGO, has_keypad=True, was_sent=True)
STAY = StayFacts(LONG_AGO, LONG_AGO, [CONFIRMED], observed=False, withdrawn=False)
OFFLINE = replace(CONFIRMED, state=State.SETTING, was_sent=False)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        pytest.param(CONFIRMED, Verdict.KEPT, id="confirmed ever since"),
        pytest.param(replace(CONFIRMED, changed_at=AT), Verdict.KEPT, id="confirmed in time"),
        pytest.param(OFFLINE, Verdict.MISSED, id="not set since before the mark"),
        pytest.param(replace(OFFLINE, state=State.IN_DOUBT, was_sent=True), Verdict.MISSED, id="in doubt at the mark"),
        pytest.param(replace(OFFLINE, state=State.BLOCKED), Verdict.MISSED, id="blocked at the mark"),
        pytest.param(
            replace(CONFIRMED, changed_at=AT + MINUTE, was_sent=False), Verdict.MISSED, id="confirmed a minute late"
        ),
        pytest.param(replace(CONFIRMED, changed_at=AT + HOUR), Verdict.UNKNOWN, id="sent before, in this state later"),
        pytest.param(
            replace(CONFIRMED, state=State.IN_DOUBT, changed_at=AT + HOUR), Verdict.UNKNOWN, id="doubted after the mark"
        ),
        pytest.param(
            replace(CONFIRMED, changed_at=AT + HOUR, wished_at=AT + MINUTE, was_sent=False),
            Verdict.UNKNOWN,
            id="the wish changed after the mark",
        ),
        pytest.param(replace(CONFIRMED, has_keypad=False), Verdict.MISSED, id="nowhere to enter it"),
    ],
)
def test_one_code(code: CodeFacts, verdict: Verdict) -> None:
    assert judge(replace(STAY, codes=[code]), AT) is verdict
    # Another door with a code does not help the guest; a door without one spoils all.
    assert judge(replace(STAY, codes=[CONFIRMED, code]), AT) is verdict


@pytest.mark.parametrize(
    ("stay", "verdict"),
    [
        pytest.param(replace(STAY, entered_at=AT), Verdict.KEPT, id="entered at the last moment"),
        pytest.param(replace(STAY, entered_at=AT + MINUTE), None, id="entered later"),
        pytest.param(replace(STAY, issue_at=AT), None, id="issued no sooner, as the property says"),
        pytest.param(replace(STAY, observed=True, codes=[]), None, id="observe-only"),
        pytest.param(replace(STAY, withdrawn=True, codes=[]), None, id="a person took the code back"),
        pytest.param(replace(STAY, codes=[]), Verdict.MISSED, id="no lock in use"),
        pytest.param(replace(STAY, entered_at=None, codes=[]), Verdict.MISSED, id="never planned"),
    ],
)
def test_which_marks_count(stay: StayFacts, verdict: Verdict | None) -> None:
    assert judge(stay, AT) is verdict


_moments = st.sampled_from([-3600, -1, 0, 1, 3600]).map(lambda seconds: AT + timedelta(seconds=seconds))
_codes = st.builds(
    CodeFacts,
    state=st.sampled_from(State),
    changed_at=_moments,
    wished_at=_moments,
    has_keypad=st.booleans(),
    was_sent=st.booleans(),
)


@given(st.lists(_codes, min_size=1, max_size=4))
def test_kept_is_said_only_of_what_was_set_on_every_lock_and_stayed_so(codes: list[CodeFacts]) -> None:
    kept = judge(replace(STAY, codes=codes), AT) is Verdict.KEPT
    assert kept == all(one.state is State.SET and one.changed_at <= AT and one.has_keypad for one in codes)


@pytest.mark.parametrize(("mark", "hours"), [(Mark.DAY, 24), (Mark.HOURS, 4), (Mark.CHECK_IN, 0)])
def test_a_mark_passes_so_many_hours_before_check_in(mark: Mark, hours: int) -> None:
    at, second = AT - hours * HOUR, timedelta(seconds=1)
    assert passed(AT, at - second, at) == [mark]
    assert passed(AT, at, at + second) == []


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_each_mark_passes_once_however_the_looks_fall(gaps: list[int]) -> None:
    check_in = AT + timedelta(hours=30)
    looks = [AT]
    for gap in gaps:
        looks.append(looks[-1] + timedelta(minutes=gap))
    met = [mark for since, until in pairwise(looks) for mark in passed(check_in, since, until)]
    assert met == [mark for mark in Mark if AT < check_in - BEFORE[mark] <= looks[-1]]
