"""Stays as bars over days: where a property is taken, turns over or is booked twice. Pure.

A day has two columns, its morning and its afternoon. A stay begins with the afternoon of its first day and ends with
the morning of its last, so that a same-day turnover shows as two bars that touch. Bars that share a night come into
rows of their own: the browser's grid sees to that (`timeline.css`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rentals.end_to_end import is_same_guest

HALVES = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """A stay by its local days."""

    key: int
    arrives: date
    leaves: date
    label: str
    tentative: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A stay within the window. Columns count from 1, `end` is the first one behind it, as in CSS grids."""

    key: int
    label: str
    start: int
    end: int
    from_before: bool  # it began before the window
    goes_on: bool  # it ends after the window
    same_day: bool  # another guest leaves on the day on which it begins
    overlaps: bool
    tentative: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Free nights between two stays of the window."""

    start: int
    end: int
    nights: int


@dataclass(frozen=True, slots=True)
class Row:
    """One property's stays over the window."""

    bars: tuple[Bar, ...]
    gaps: tuple[Gap, ...]


def lay_out(stays: Iterable[Taken], first: date, days: int) -> Row:
    """The bars of one property over `days` days from `first` on."""
    last = first + timedelta(days=days)
    shown = sorted(
        (one for one in stays if one.leaves >= first and one.arrives < last and one.leaves >= one.arrives),
        key=lambda one: (one.arrives, one.leaves, one.key),
    )
    firm = [one for one in shown if not one.tentative]
    bars: list[Bar] = []
    for one in shown:
        start, end = _columns(one, first, days)
        if start >= end:
            continue  # it leaves on the first morning before the window's first half day, or the like
        bars.append(
            Bar(
                key=one.key,
                label=one.label,
                start=start,
                end=end,
                from_before=one.arrives < first,
                goes_on=one.leaves >= last,
                same_day=any(_leaves_for(one, other) for other in firm if other is not one),
                overlaps=not one.tentative and any(_share(one, other) for other in firm if other is not one),
                tentative=one.tentative,
            )
        )
    return Row(tuple(bars), tuple(_gaps(bars)))


def _columns(one: Taken, first: date, days: int) -> tuple[int, int]:
    start = HALVES * (one.arrives - first).days + 2
    end = HALVES * (one.leaves - first).days + 2
    if one.leaves == one.arrives:  # in and out on one day
        start -= 1
    return max(start, 1), min(end, HALVES * days + 1)


def _leaves_for(one: Taken, other: Taken) -> bool:
    """Whether another guest leaves on the day on which one arrives. A guest who stays on leaves for nobody."""
    return other.leaves == one.arrives and not is_same_guest(other.label, one.label)


def _share(one: Taken, other: Taken) -> bool:
    return one.arrives < other.leaves and other.arrives < one.leaves


def _gaps(bars: Sequence[Bar]) -> Iterable[Gap]:
    taken = 0
    for bar in sorted(bars, key=lambda one: one.start):
        if taken and bar.start > taken:
            yield Gap(taken, bar.start, (bar.start - taken) // HALVES)
        taken = max(taken, bar.end)
