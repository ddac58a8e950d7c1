"""What the board says about the promise: never more than was kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pins.board.promise import promise
from pins.core.marks import Mark
from pins.measures.promise import Kept


def test_marks_that_applied_to_nobody_are_left_out() -> None:
    said = promise([Kept(Mark.DAY, 0, 0, 0), Kept(Mark.HOURS, 1, 1, 0), Kept(Mark.CHECK_IN, 3, 2, 0)])
    assert [(line.title, line.percent, line.said) for line in said.lines] == [
        ("4 hours before check-in", 100, "1 of 1 arrival"),
        ("At check-in", 66, "2 of 3 arrivals"),
    ]
    assert said.unknown == ""


def test_what_is_unknown_is_said() -> None:
    assert "For one arrival it is not known" in promise([Kept(Mark.DAY, 4, 3, 1)]).unknown
    assert "For up to 3 arrivals" in promise([Kept(Mark.DAY, 9, 4, 3), Kept(Mark.CHECK_IN, 9, 8, 1)]).unknown


@given(st.integers(1, 100_000), st.data())
def test_a_hundred_per_cent_is_all_of_them(arrivals: int, data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, arrivals))
    (line,) = promise([Kept(Mark.DAY, arrivals, kept, 0)]).lines
    assert (line.percent == 100) == (kept == arrivals)
    assert line.percent <= 100 * kept / arrivals
