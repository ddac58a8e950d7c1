"""The outcome of an import: nothing to begin with, counts alone for logs, and no guest in what is printed."""

from __future__ import annotations

from datetime import date

from rentals.calendars.events import Verdict
from rentals.calendars.imports.summary import Action, Row, Summary

DAYS = date(2027, 3, 10), date(2027, 3, 14)


def test_neither_a_summary_nor_a_row_says_anything_that_it_was_not_told() -> None:
    summary = Summary()
    assert summary.as_json() == {
        "created": 0,
        "changed": 0,
        "cancelled": 0,
        "held": 0,
        "absent": 0,
        "quarantined": 0,
        "review": 0,
        "events": 0,
    }
    assert (summary.unchanged, summary.outdated, summary.held_reason, summary.rows) == (False, False, "", ())
    row = Row(Action.QUARANTINED, None, None, Verdict.QUARANTINED)
    assert (row.guest_name, row.reason, row.said) == ("", "", "")


def test_counts_alone_go_into_answers_and_the_database() -> None:
    row = Row(Action.NEW, *DAYS, Verdict.STAY, "Anna Nowak")
    summary = Summary(1, 2, 3, 4, 5, 6, 7, 8, unchanged=True, outdated=True, held_reason="Anna is late", rows=(row,))
    assert summary.as_json() == {
        "created": 1,
        "changed": 2,
        "cancelled": 3,
        "held": 4,
        "absent": 5,
        "quarantined": 6,
        "review": 7,
        "events": 8,
    }


def test_neither_rows_nor_counts_print_a_guest() -> None:
    """All of them may land in a log or a traceback."""
    row = Row(Action.NEW, *DAYS, Verdict.STAY, "Anna Nowak", "A stay.", "Reserved - Anna Nowak")
    summary = Summary(created=1, rows=(row,))
    assert repr(row).endswith("verdict=<Verdict.STAY: 'stay'>, reason='A stay.')")
    assert repr(summary).endswith("outdated=False, held_reason='')")
    assert "Anna" not in f"{row!r} {summary!r} {summary.as_json()}"
