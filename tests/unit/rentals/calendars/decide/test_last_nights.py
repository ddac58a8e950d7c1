"""Calendars that write last nights: the signs, and what the option makes of a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from rentals.calendars.decide.last_nights import REASON, Signs, by_option, mark, signs
from rentals.calendars.events import AT_MIDNIGHT, NO_LENGTH, EndDates, Event, Reading, Verdict


def row(first: int, last: int, verdict: Verdict = Verdict.STAY, **facts: object) -> Reading:
    event = Event(f"uid-{first}", date(2027, 3, first), date(2027, 3, last), **facts)  # type: ignore[arg-type]
    return Reading(event, verdict, "")


def single(day: int, verdict: Verdict = Verdict.STAY) -> Reading:
    """One night, whose row ends on the day of its arrival."""
    return row(day, day + 1, verdict, no_length=True, doubts=(NO_LENGTH,))


def gaps(*readings: Reading) -> list[int]:
    return sorted(day.day for day in signs(readings).gaps)


MORNING = datetime(2027, 3, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(1, 4), row(5, 8), row(9, 12)], [4, 8]),
        ([row(1, 4), row(5, 8)], [4]),
        ([row(1, 4), row(4, 8), row(9, 12)], []),  # one begins on the day that another ends: check-out days
        ([row(1, 4), row(6, 8)], []),
        ([row(1, 4), row(5, 8, Verdict.BLOCK)], [4]),  # closed days are rows like others
        ([row(1, 4, Verdict.BLOCK), row(5, 8)], []),
        ([row(1, 4), row(5, 8, Verdict.CANCELLED)], []),
        ([row(1, 4), row(5, 8), row(10, 12), row(15, 17)], [4]),
        ([row(1, 4), row(5, 8), row(10, 12), row(15, 17), row(20, 22)], []),  # among many it is chance
        ([row(1, 4, end_assumed=True), row(5, 8)], []),
        ([row(1, 4, by_length=True), row(5, 8)], []),
        ([row(1, 4, doubts=(AT_MIDNIGHT,)), row(5, 8)], []),
        ([single(3), row(4, 8)], [3]),
        ([single(3)], []),
        ([replace(row(1, 4), event=Event("t", date(2027, 3, 1), MORNING)), row(6, 8)], []),
        ([], []),
    ],
)
def test_the_ends_after_which_a_single_day_is_missing(rows: list[Reading], expected: list[int]) -> None:
    assert gaps(*rows) == expected


@pytest.mark.parametrize(
    ("found", "strong"),
    [
        (Signs(), False),
        (Signs(frozenset({date(2027, 3, 4)})), False),
        (Signs(frozenset({date(2027, 3, 4), date(2027, 3, 8)})), True),
        (Signs(frozenset({date(2027, 3, 4)}), 1), True),
        (Signs(frozenset(), 2), False),
    ],
)
def test_two_signs_are_hardly_chance(found: Signs, strong: bool) -> None:
    assert found.are_strong is strong


def test_single_nights_count_as_signs_where_they_are_stays() -> None:
    assert signs([single(3), row(4, 8), single(9)]).single == 2
    assert signs([row(1, 4), row(5, 8), single(9, Verdict.BLOCK)]).single == 0


def test_the_stays_whose_last_night_may_be_missing_are_marked() -> None:
    rows = [row(1, 4, doubts=("Odd.",)), row(5, 8), row(9, 12, Verdict.BLOCK), row(13, 15)]
    doubts = [one.event.doubts for one in mark(rows, signs(rows))]
    assert doubts == [("Odd.", REASON), (REASON,), (), ()]
    weak = signs(rows[:2])
    assert mark(rows, weak) == tuple(rows)


@pytest.mark.parametrize(
    ("event", "ends", "doubts"),
    [
        (row(1, 4).event, date(2027, 3, 5), ()),
        (row(1, 4, end_assumed=True).event, date(2027, 3, 4), ()),
        (row(1, 4, by_length=True).event, date(2027, 3, 4), ()),
        (row(1, 4, doubts=(AT_MIDNIGHT,)).event, date(2027, 3, 4), (AT_MIDNIGHT,)),
        (single(3).event, date(2027, 3, 4), ()),
        (replace(single(3).event, doubts=("Odd.", NO_LENGTH)), date(2027, 3, 4), ("Odd.",)),
        (Event("t", date(2027, 3, 1), MORNING), MORNING, ()),
    ],
)
def test_the_option_adds_the_last_night(event: Event, ends: date, doubts: tuple[str, ...]) -> None:
    read = by_option(event, EndDates.LAST_NIGHT)
    assert (read.starts, read.ends, read.doubts) == (event.starts, ends, doubts)
    for other in (EndDates.UNDECIDED, EndDates.CHECK_OUT):
        assert by_option(event, other) == event
