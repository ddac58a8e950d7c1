"""Stays as bars: where they begin and end, meet, overlap and leave nights free.

The window of the tables is a week from 1 March. A day has two columns: 1 and 2 are the morning and the afternoon of
the 1st, 13 and 14 of the 7th.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.board import calendar
from pins.board.timeline import HALVES, Bar, Gap, Taken, lay_out
from tests.support.paths import ROOT

FIRST = date(2027, 3, 1)
DAYS = 7


def stay(arrives: int, leaves: int, key: int = 1, *, tentative: bool = False) -> Taken:
    """A stay between two days of March; 0 and below are in February. Each key is another guest's."""
    day = timedelta(days=1)
    guest = ("Anna", "Ben", "Chris")[key % 3]
    return Taken(key, FIRST + (arrives - 1) * day, FIRST + (leaves - 1) * day, guest, tentative)


def bars(*stays: Taken) -> list[Bar]:
    return list(lay_out(stays, FIRST, DAYS).bars)


@pytest.mark.parametrize(
    ("arrives", "leaves", "columns", "cut"),
    [
        (2, 4, (4, 8), (False, False)),
        (1, 2, (2, 4), (False, False)),
        (6, 7, (12, 14), (False, False)),  # it leaves on the last morning
        (-1, 3, (1, 6), (True, False)),
        (0, 1, (1, 2), (True, False)),  # only its last morning is seen
        (6, 8, (12, 15), (False, True)),  # the 8th is behind the window
        (7, 9, (14, 15), (False, True)),  # only its first afternoon
        (-5, 20, (1, 15), (True, True)),
        (3, 3, (5, 6), (False, False)),  # in and out on one day
        (1, 1, (1, 2), (False, False)),
        (7, 7, (13, 14), (False, False)),
    ],
)
def test_where_a_stay_begins_and_ends(
    arrives: int, leaves: int, columns: tuple[int, int], cut: tuple[bool, bool]
) -> None:
    (bar,) = bars(stay(arrives, leaves))
    assert (bar.start, bar.end) == columns
    assert (bar.from_before, bar.goes_on) == cut


@pytest.mark.parametrize(("arrives", "leaves"), [(-3, 0), (8, 9), (8, 8), (0, 0), (5, 3)])
def test_a_stay_outside_the_window_or_an_impossible_one_is_not_shown(arrives: int, leaves: int) -> None:
    found = lay_out([stay(arrives, leaves)], FIRST, DAYS)
    assert (found.bars, found.gaps) == ((), ())


def test_a_same_day_turnover_is_two_bars_that_touch() -> None:
    first, second = bars(stay(4, 6, 2), stay(2, 4, 1))
    assert (first.key, second.key) == (1, 2)
    assert first.end == second.start == 8
    assert (first.same_day, second.same_day) == (False, True)
    assert not first.overlaps
    assert not second.overlaps


def test_an_overlap_marks_both() -> None:
    found = lay_out([stay(2, 5, 1), stay(4, 6, 2), stay(6, 7, 3)], FIRST, DAYS)
    assert [bar.overlaps for bar in found.bars] == [True, True, False]
    assert found.bars[2].same_day


def test_a_tentative_stay_is_shown_and_neither_overlaps_nor_turns_over() -> None:
    firm, hint, after = bars(stay(2, 5, 1), stay(3, 5, 2, tentative=True), stay(5, 6, 3))
    assert (firm.overlaps, hint.overlaps, after.overlaps) == (False, False, False)
    assert hint.tentative
    assert after.same_day  # because of the firm one
    (_, after_hint) = bars(stay(3, 5, 2, tentative=True), stay(5, 6, 3))
    assert not after_hint.same_day


def test_in_and_out_on_the_day_on_which_the_next_arrives_touches_it() -> None:
    short, following = bars(stay(3, 3, 1), stay(3, 5, 2))
    assert (short.start, short.end, following.start) == (5, 6, 6)
    assert following.same_day
    assert not short.overlaps


def test_in_and_out_while_somebody_stays_overlaps() -> None:
    assert [(bar.key, bar.overlaps) for bar in bars(stay(2, 5, 1), stay(3, 3, 2))] == [(1, True), (2, True)]


@pytest.mark.parametrize(
    ("stays", "gaps"),
    [
        ([stay(1, 2, 1), stay(4, 5, 2)], [Gap(4, 8, 2)]),
        ([stay(1, 2, 1), stay(2, 3, 2)], []),
        ([stay(-3, 1, 1), stay(3, 9, 2)], [Gap(2, 6, 2)]),
        ([stay(1, 5, 1), stay(2, 3, 2), stay(6, 7, 3)], [Gap(10, 12, 1)]),
        ([stay(3, 5, 1)], []),  # nobody knows what is before the first and after the last
        ([stay(1, 2, 1), stay(3, 3, 2)], [Gap(4, 5, 0)]),  # half a day is no night
    ],
)
def test_free_nights_between_stays(stays: list[Taken], gaps: list[Gap]) -> None:
    assert list(lay_out(stays, FIRST, DAYS).gaps) == gaps


@given(st.lists(st.tuples(st.integers(-6, 14), st.integers(0, 8), st.booleans()), max_size=12))
def test_bars_lie_in_the_window_and_gaps_between_them(spans: list[tuple[int, int, bool]]) -> None:
    stays = [stay(begins, begins + nights, key, tentative=hint) for key, (begins, nights, hint) in enumerate(spans)]
    found = lay_out(stays, FIRST, DAYS)
    assert all(1 <= bar.start < bar.end <= 2 * DAYS + 1 for bar in found.bars)
    free = {column for gap in found.gaps for column in range(gap.start, gap.end)}
    assert not free & {column for bar in found.bars for column in range(bar.start, bar.end)}


def test_the_style_sheet_has_a_place_for_each_column() -> None:
    style = (ROOT / "pins" / "static" / "pins" / "timeline.css").read_text()
    last = HALVES * calendar.DAYS + 1
    for column in range(1, last):
        assert f".from{column} {{ grid-column-start: {column}; }}" in style
        assert f".to{column + 1} {{ grid-column-end: {column + 1}; }}" in style
    assert f".to{last + 1} " not in style


def test_a_guest_who_stays_on_is_no_turnover() -> None:
    day = timedelta(days=1)
    first = Taken(1, FIRST, FIRST + 2 * day, "Anna Nowak")
    second = Taken(2, FIRST + 2 * day, FIRST + 4 * day, "Nowak, Anna")
    assert [bar.same_day for bar in bars(first, second)] == [False, False]
