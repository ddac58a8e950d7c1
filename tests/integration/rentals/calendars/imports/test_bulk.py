"""Columns of many rows, written with few statements: the same as if each row were saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from rentals.calendars.imports.bulk import write_changed, write_each
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.postgres import as_default_database
from tests.support.statements import statements

NUMBER = 700
COLUMNS = (
    "uid",
    "starts_on",
    "starts_at",
    "guest_count",
    "whole_days",
    "guest_name",
    "decision",
    "awaits_approval",
    "booking_id",
)
BEGIN = datetime(2027, 3, 1, 14, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=["the usual database", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])
def feed(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[CalendarFeed]:
    """A calendar with very many rows, on each of the databases."""
    if request.param == "PostgreSQL":
        with django_db_blocker.unblock(), as_default_database(request.getfixturevalue("postgres_database_url")):
            yield filled()
    else:
        request.getfixturevalue("db")
        yield filled()


def filled() -> CalendarFeed:
    home = Property.objects.create(name="Flat", timezone="Europe/Warsaw", check_in_time="15:00", check_out_time="11:00")
    feed = CalendarFeed.objects.create(property=home, name="Airbnb")
    Booking.objects.bulk_create([Booking(property=home, guest_name="Anna", check_in=BEGIN, check_out=BEGIN + DAY)])
    FeedItem.objects.bulk_create(
        FeedItem(feed=feed, uid=f"row-{n}", part=f"{n}", first_seen_at=BEGIN, changed_at=BEGIN) for n in range(NUMBER)
    )
    return feed


def rows(feed: CalendarFeed) -> list[FeedItem]:
    return list(FeedItem.objects.filter(feed=feed).order_by("pk"))


def changed(feed: CalendarFeed) -> list[FeedItem]:
    """Every row with values of its own, some of them empty."""
    found, stay = rows(feed), Booking.objects.get()
    for n, row in enumerate(found):
        row.booking_id = stay.pk if n % 7 else None
        row.uid = f"new-{n} %s 'quoted' \N{SNOWMAN}"
        row.starts_on = date(2027, 3, 1) + n * DAY if n % 2 else None
        row.starts_at = BEGIN + n * DAY if n % 3 else None
        row.guest_count = n if n % 5 else None
        row.whole_days = bool(n % 2)
        row.guest_name = f"Guest {n}"
    return found


def test_every_row_gets_its_own_values(feed: CalendarFeed) -> None:
    wanted = changed(feed)
    with CaptureQueriesContext(connection) as queries:
        write_each(FeedItem.objects, wanted[1:], COLUMNS)
    assert len(statements(queries)) <= NUMBER // 50 + 1
    found = rows(feed)
    assert found[0].uid == "row-0", "what is not among the rows stays as it is"
    for one, other in zip(found[1:], wanted[1:], strict=True):
        for name in COLUMNS:
            assert getattr(one, name) == getattr(other, name), name


def test_each_row_is_written_by_its_own_columns(feed: CalendarFeed) -> None:
    """Other columns of a row keep what the database has, also where many rows change alike."""
    wanted = changed(feed)
    for row in wanted[: NUMBER // 2]:
        row.guest_name = "Nobody"
    columns = {row.pk: {"guest_name"} if n < NUMBER // 2 else {"uid"} for n, row in enumerate(wanted)}
    write_changed(FeedItem.objects, wanted, columns)
    for n, row in enumerate(rows(feed)):
        expected = (f"row-{n}", "Nobody") if n < NUMBER // 2 else (wanted[n].uid, "")
        assert (row.uid, row.guest_name) == expected
