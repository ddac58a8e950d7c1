"""How many rows go into one statement: none is lost at an edge, and none costs a statement of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rentals.calendars.imports import bulk
from rentals.calendars.imports.bulk import batches, write_changed
from rentals.models import FeedItem, Property
from tests.support.imports import feed_of
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def filled(number: int) -> list[FeedItem]:
    home = Property.objects.create(name="Flat", timezone="Europe/Warsaw", check_in_time="15:00", check_out_time="11:00")
    feed = feed_of(home)
    FeedItem.objects.bulk_create(
        FeedItem(feed=feed, uid=f"row-{n}", first_seen_at=NOW, changed_at=NOW) for n in range(number)
    )
    return list(FeedItem.objects.order_by("pk"))


def written(rows: list[FeedItem], *names: str) -> list[str]:
    """Write these columns of the rows; the statements that it took."""
    with CaptureQueriesContext(connection) as queries:
        write_changed(FeedItem.objects, rows, {row.pk: names for row in rows})
    return statements(queries)


@pytest.mark.parametrize(
    ("number", "asked", "value_for_each"),
    [(0, 0, False), (19, 1, True), (20, 1, False), (21, 1, False), (30, 1, False), (31, 2, False), (61, 3, False)],
)
def test_rows_that_change_alike_are_all_written_with_one_value_for_all_from_twenty_on(
    monkeypatch: pytest.MonkeyPatch, number: int, asked: int, value_for_each: bool
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 30)
    rows = filled(number + 1)[:number]
    for row in rows:
        row.summary = "Closed"
    sent = written(rows, "summary")
    assert len(sent) == asked
    assert all(("CASE" in sql) is value_for_each for sql in sent)
    assert list(FeedItem.objects.order_by("pk").values_list("summary", flat=True)) == ["Closed"] * number + [""]


@pytest.mark.parametrize(("number", "asked"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_rows_that_all_differ_are_written_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch, number: int, asked: int
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 4)
    rows = filled(number + 1)[:number]
    for row in rows:
        row.uid = f"new-{row.pk}"
    assert len(written(rows, "uid")) == asked
    found = list(FeedItem.objects.order_by("pk").values_list("uid", flat=True))
    assert found == [row.uid for row in rows] + [f"row-{number}"]


@pytest.mark.parametrize(("most", "asked"), [(25, 2), (24, 3), (14, 5), (4, 9)])
def test_no_statement_has_more_parameters_than_the_database_takes(
    monkeypatch: pytest.MonkeyPatch, most: int, asked: int
) -> None:
    """Each row needs its key once, and its key and value for each column; a row alone is always written."""
    rows = filled(9)
    for row in rows:
        row.uid, row.summary = f"new-{row.pk}", f"Guest {row.pk}"
    monkeypatch.setattr(connection.features, "max_query_params", most)
    assert len(written(rows, "uid", "summary")) == asked
    found = FeedItem.objects.order_by("pk").values_list("uid", "summary")
    assert list(found) == [(row.uid, row.summary) for row in rows]


def test_keys_are_taken_in_batches_without_a_gap_and_without_a_repetition() -> None:
    assert [len(part) for part in batches(range(1001))] == [500, 500, 1]
    assert [key for part in batches(range(1001)) for key in part] == list(range(1001))
    assert [len(part) for part in batches(range(500))] == [500]
    assert list(batches([])) == []
