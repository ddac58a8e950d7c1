"""When locks are compared, as what it is spent, and what becomes of strays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.audit import (
    BEFORE_CHECK_IN,
    FULL_LIST,
    UNSEEN_AGAIN,
    Adopt,
    AdoptValue,
    Remove,
    Show,
    Wanted,
    judge_stray,
    moved_beyond_ours,
    next_audit,
    purpose,
    purpose_of_first_look,
    unseen_is_over,
    version_to_name,
)
from pins.core.budget import Purpose
from pins.core.pin_state import Content
from pins.tedee.messages import Recurrence
from tests.support.facts import NOW

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
CODE = Content("481516", NOW - DAY, NOW + DAY)


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 40 * 24), st.lists(st.integers(1, 60 * 24), max_size=6))
def test_each_check_in_has_a_comparison_in_the_day_before(hours: int, check_ins: list[int]) -> None:
    """And no two comparisons are nearer to each other than the period, but for such a check-in."""
    every = hours * HOUR
    moments = [NOW + hour * HOUR for hour in check_ins]
    audits = [NOW]
    while audits[-1] < NOW + 61 * DAY:
        coming = [moment for moment in moments if moment > audits[-1]]
        audits.append(next_audit(audits[-1], every, coming))
        assert SECOND <= audits[-1] - audits[-2] <= every
        if audits[-1] - audits[-2] < every:
            assert any(audits[-1] < moment <= audits[-1] + BEFORE_CHECK_IN for moment in coming)
    for moment in moments:
        assert any(moment - BEFORE_CHECK_IN <= audit < moment for audit in audits)


def test_a_day_costs_one_comparison_whoever_arrives() -> None:
    arrivals = [NOW + hours * HOUR for hours in (3, 9, 30)]
    assert next_audit(NOW, DAY, arrivals) == NOW + DAY


@pytest.mark.parametrize(
    ("audited", "check_in", "spent_as"),
    [
        (None, None, Purpose.AUDIT),
        (None, NOW + 25 * HOUR, Purpose.AUDIT),
        (None, NOW + 24 * HOUR, Purpose.ARRIVAL),
        (NOW - 20 * HOUR, NOW + 3 * HOUR, Purpose.AUDIT),
        (NOW - 22 * HOUR, NOW + 3 * HOUR, Purpose.ARRIVAL),
    ],
)
def test_the_one_before_a_check_in_is_spent_as_an_arrival(
    audited: datetime | None, check_in: datetime | None, spent_as: Purpose
) -> None:
    assert purpose(NOW, audited, check_in) is spent_as


def test_the_whole_list_is_asked_for_after_a_change_of_ours_and_once_a_week() -> None:
    assert version_to_name(7, 0, NOW, NOW, counts=True, proved=True) == 7
    assert version_to_name(None, 0, NOW, NOW, counts=True, proved=True) is None
    assert version_to_name(7, 1, NOW, NOW, counts=True, proved=True) is None
    assert version_to_name(7, 0, None, NOW, counts=True, proved=True) is None
    assert version_to_name(7, 0, NOW - FULL_LIST, NOW, counts=True, proved=True) is None
    assert version_to_name(7, 0, NOW - FULL_LIST + SECOND, NOW, counts=True, proved=True) == 7
    assert version_to_name(7, 0, NOW, NOW, counts=True, proved=False) is None


@pytest.mark.parametrize("counts", [None, False])
def test_a_version_that_is_not_known_to_count_is_never_named(counts: bool | None) -> None:
    assert version_to_name(7, 0, NOW, NOW, counts=counts, proved=True) is None


@pytest.mark.parametrize(
    ("version", "audited", "confirmed", "counts", "moved"),
    [
        (7, 5, 2, True, False),
        (7, 5, 2, None, False),
        (7, 7, 0, False, True),
        (8, 5, 2, True, True),
        (6, 5, 2, True, True),
        (None, 5, 2, True, True),
        (7, None, 2, True, True),
    ],
)
def test_whether_somebody_else_changed_the_lock(
    version: int | None, audited: int | None, confirmed: int, counts: bool | None, moved: bool
) -> None:
    assert moved_beyond_ours(version, audited, confirmed, counts=counts) is moved


def test_a_creation_that_was_given_up_is_searched_for_twice_more() -> None:
    audits = [NOW]
    while audits[-1] < NOW + 2 * DAY:
        audits.append(next_audit(audits[-1], DAY, (), unseen_at=NOW - SECOND))
    first, second = UNSEEN_AGAIN
    assert audits[1:3] == [NOW - SECOND + first, NOW - SECOND + second]
    assert audits[3] == audits[2] + DAY
    assert not unseen_is_over(NOW - SECOND, audits[1])
    assert unseen_is_over(NOW - SECOND, audits[2])
    assert unseen_is_over(None, NOW)


def test_a_stray_goes_when_it_is_over_comes_home_where_it_fits_and_else_is_shown() -> None:
    wanted = [Wanted(1, replace(CODE, code="604173")), Wanted(2, CODE)]
    assert judge_stray(replace(CODE, ends_at=NOW), wanted, NOW) == Remove()
    assert judge_stray(CODE, wanted, NOW) == Adopt(2)
    assert judge_stray(replace(CODE, starts_at=NOW), wanted, NOW) == Adopt(2)  # a moved start is put right afterwards
    other = [
        replace(CODE, code="999888"),
        replace(CODE, ends_at=NOW + HOUR),
        replace(CODE, ends_at=None),
        replace(CODE, recurrence=Recurrence(3)),
        replace(CODE, recurrence=Recurrence(127, time(8), time(9))),
    ]
    assert {judge_stray(one, wanted, NOW) for one in other} == {Show()}


NAME = "Anna 02-04 Mar #7F3K2Q"


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [
        ([("Anna 02-04 Mar #AAAA11", True)], AdoptValue(0)),
        ([("Ben 02-04 Mar #AAAA11", True)], AdoptValue(0)),  # spelled otherwise, and nobody else has these days
        ([("Ben 02-04 Mar #AAAA11", True), ("Anna 02-04 Mar #BBBB22", True)], AdoptValue(1)),
        ([("Ben 02-04 Mar #AAAA11", True), ("Cleo 02-04 Mar #BBBB22", True)], Show()),
        ([("Anna 02-04 Mar #AAAA11", True), ("Anna 02-04 Mar #BBBB22", True)], Show()),
        ([("Anna 02-04 Mar #AAAA11", False)], Show()),  # its guest was told another value
        ([], Show()),
    ],
)
def test_a_code_from_before_a_loss_goes_to_the_one_stay_that_it_fits(
    wanted: list[tuple[str, bool]], verdict: object
) -> None:
    stray = replace(CODE, code="735125")
    asked = [Wanted(pin, CODE, alias, is_free) for pin, (alias, is_free) in enumerate(wanted)]
    assert judge_stray(stray, asked, NOW, NAME) == verdict
    for other in ({"starts_at": NOW}, {"ends_at": NOW + HOUR}, {"recurrence": Recurrence(3)}):
        assert judge_stray(replace(stray, **other), asked, NOW, NAME) == Show()


def test_the_same_value_comes_before_the_same_name() -> None:
    asked = [Wanted(1, replace(CODE, code="735125"), NAME, is_free=True), Wanted(2, CODE, "Ben #BBBB22")]
    assert judge_stray(CODE, asked, NOW, NAME) == Adopt(2)


def test_a_permanent_code_is_nobodys_stay() -> None:
    stray = replace(CODE, code="735125", ends_at=None)
    assert judge_stray(stray, [Wanted(1, replace(CODE, ends_at=None), NAME, is_free=True)], NOW, NAME) == Show()


def test_the_first_look_after_a_restore_belongs_to_the_work_that_waits_for_it() -> None:
    assert purpose_of_first_look(NOW, NOW - HOUR) == Purpose.ARRIVAL
    assert purpose_of_first_look(NOW, NOW + BEFORE_CHECK_IN) == Purpose.ARRIVAL
    assert purpose_of_first_look(NOW, NOW + BEFORE_CHECK_IN + SECOND) == Purpose.AUDIT
    assert purpose_of_first_look(NOW, None) == Purpose.AUDIT
