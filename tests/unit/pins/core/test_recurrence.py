"""Weekdays and daily hours as one short text."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.recurrence import read_recurrence, write_recurrence
from pins.tedee.messages import Recurrence

LONGEST = 24  # characters of the database columns


@pytest.mark.parametrize(
    ("recurrence", "text"),
    [
        (None, ""),
        (Recurrence(48), "48"),
        (Recurrence(31, time(9), time(17)), "31 09:00:00-17:00:00"),
        (Recurrence(127, time(22, 30), time(6, 0, 15)), "127 22:30:00-06:00:15"),
    ],
)
def test_the_text(recurrence: Recurrence | None, text: str) -> None:
    assert write_recurrence(recurrence) == text
    assert read_recurrence(text) == recurrence


times = st.times().map(lambda moment: moment.replace(microsecond=0))


@given(st.integers(1, 127), st.none() | times, st.none() | times)
def test_a_column_gives_back_what_was_stored(weekdays: int, start: time | None, end: time | None) -> None:
    recurrence = Recurrence.of(weekdays, start, end)
    text = write_recurrence(recurrence)
    assert len(text) <= LONGEST
    assert read_recurrence(text) == recurrence


@pytest.mark.parametrize("text", ["x", "0", "128", "127", "31 09:00:00", "31 09:00-25:00", "31 -", "-"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_recurrence(text)
