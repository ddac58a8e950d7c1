"""Which message is due when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pins.guests.timing import LAST_CALL, Kind, Situation, Told, due

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ARRIVES = NOW + 10 * DAY
FACT = Told(ARRIVES, ARRIVES + 3 * DAY, 1, "link", "code")
WAITING = Situation(
    now_true=FACT,
    is_expected=True,
    confirmed=True,
    released=True,
    lead=2 * DAY,
    code_in_message=False,
    told=None,
    told_ready=False,
)
TOLD = replace(WAITING, told=FACT, told_ready=True)


def test_the_message_goes_when_the_code_is_ready_and_its_time_has_come() -> None:
    assert due(WAITING, ARRIVES - 2 * DAY - HOUR) is None
    assert due(WAITING, ARRIVES - 2 * DAY) is Kind.READY
    for not_yet in (replace(WAITING, confirmed=False), replace(WAITING, released=False)):
        assert due(not_yet, ARRIVES - 2 * DAY) is None
        assert due(not_yet, ARRIVES - LAST_CALL - HOUR) is None


def test_the_link_goes_by_four_hours_before_in_any_case() -> None:
    for state in (
        replace(WAITING, confirmed=False),
        replace(WAITING, released=False),
        replace(WAITING, confirmed=False, lead=timedelta(0)),
    ):
        assert due(state, ARRIVES - LAST_CALL) is Kind.LINK
        assert due(state, ARRIVES + HOUR) is Kind.LINK
    assert due(replace(WAITING, lead=timedelta(0)), ARRIVES - LAST_CALL) is Kind.READY


def test_nothing_more_until_something_changes() -> None:
    assert due(TOLD, ARRIVES) is None
    for other in (
        replace(FACT, check_in=ARRIVES + HOUR),
        replace(FACT, check_out=FACT.check_out - HOUR),
        replace(FACT, place=2),
        replace(FACT, link="another"),
        replace(FACT, code="another"),
    ):
        assert due(replace(TOLD, now_true=other), ARRIVES) is Kind.CHANGED
    # Another code that is not on the locks yet would only be asked for in vain.
    assert due(replace(TOLD, now_true=replace(FACT, code="another"), confirmed=False), ARRIVES) is None
    # Who was never told of a code hears of none that replaced it.
    link_only = replace(TOLD, told=replace(FACT, code=""), told_ready=False)
    assert due(link_only, ARRIVES) is None
    assert due(replace(link_only, code_in_message=True), ARRIVES) is Kind.READY


flags = st.booleans()
facts = st.builds(
    Told,
    st.integers(-99, 99).map(lambda one: NOW + one * HOUR),
    st.integers(0, 199).map(lambda one: NOW + one * HOUR),
    st.integers(1, 2),
    st.sampled_from("ab"),
    st.sampled_from(["", "x", "y"]),
)
situations = st.builds(
    Situation,
    now_true=facts,
    is_expected=flags,
    confirmed=flags,
    released=flags,
    lead=st.integers(0, 99).map(lambda one: one * HOUR),
    code_in_message=flags,
    told=st.one_of(st.none(), facts),
    told_ready=flags,
)


@given(situations)
def test_ready_is_said_only_when_it_is_so(stay: Situation) -> None:
    kind = due(stay, NOW)
    if kind is not None:
        assert stay.is_expected
        assert stay.now_true.check_out > NOW
    if kind is Kind.READY:
        assert stay.confirmed
        assert stay.released
    if stay.is_expected and stay.told is None and stay.now_true.check_in - LAST_CALL <= NOW < stay.now_true.check_out:
        assert kind is not None
    if stay.told == stay.now_true and stay.told_ready:
        assert kind is None
