"""What an import tells people: a row for each change, and counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import Guest, Verdict
from rentals.calendars.imports.report import ImportReport
from rentals.calendars.imports.summary import Action, Row, Summary
from rentals.models import FeedItem

FIRST, LAST = date(2027, 3, 10), date(2027, 3, 14)
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ARRIVAL = Arrival(
    Key("a", "", ""), Verdict.REVIEW, "Perhaps.", "Reserved - Anna", FIRST, LAST, guest=Guest(name="Anna Nowak")
)
COUNTED = ("created", "changed", "cancelled", "absent", "quarantined")


def item(verdict: str = "stay", **facts: Any) -> FeedItem:
    said = {"summary": "Reserved", "reason": "A stay.", "guest_name": "Piotr Lis", "starts_on": FIRST, "ends_on": LAST}
    return FeedItem(verdict=verdict, **said | facts)


def test_rows_say_what_happened_to_whom_and_when_in_their_order() -> None:
    report = ImportReport()
    report.row(Action.WAITS, ARRIVAL)
    report.item_row(Action.NEW, item())
    report.item_row(Action.LEFT, item("tentative", starts_on=None))
    assert report.summary([]).rows == (
        Row(Action.WAITS, FIRST, LAST, Verdict.REVIEW, "Anna Nowak", "Perhaps.", "Reserved - Anna"),
        Row(Action.NEW, FIRST, LAST, Verdict.STAY, "Piotr Lis", "A stay.", "Reserved"),
        Row(Action.LEFT, None, LAST, Verdict.TENTATIVE, "Piotr Lis", "A stay.", "Reserved"),
    )


@pytest.mark.parametrize("name", COUNTED)
def test_each_count_is_told_under_its_own_name(name: str) -> None:
    report = ImportReport()
    report.counts[name] += 7
    counts = report.summary([]).as_json()
    assert {key for key, value in counts.items() if value} == {name}
    assert counts[name] == 7


def test_an_import_that_did_nothing_counts_nothing() -> None:
    assert ImportReport().summary([item(), item("block")]) == Summary()


def test_what_waits_for_a_person_is_counted_among_everything_that_is_held() -> None:
    held, review = item(awaits_approval=True), item("review")
    summary = ImportReport().summary([held, held, item(), review, review, review, item("review", gone_at=NOW)])
    assert summary == Summary(held=2, review=3)


@pytest.mark.parametrize(
    ("verdict", "awaits", "found", "told"),
    [
        ("cancelled", True, "", "The channel cancelled a stay in progress."),
        ("cancelled", True, "All stays vanished.", "All stays vanished."),
        ("cancelled", False, "", ""),
        ("stay", True, "", ""),
        ("stay", True, "All stays vanished.", "All stays vanished."),
    ],
)
def test_why_stays_are_held(verdict: str, awaits: bool, found: str, told: str) -> None:
    report = ImportReport()
    report.held_reason = found
    summary = report.summary([item(), item(verdict, awaits_approval=awaits)])
    assert (summary.held, summary.held_reason) == (int(awaits), told)
