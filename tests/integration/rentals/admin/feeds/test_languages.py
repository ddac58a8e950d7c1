"""What the page of a calendar quotes from the database reads in the person's language; the history stays English."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from rentals import calendar_terms
from rentals.access import EVERYTHING
from rentals.admin.feed_panel import FeedPanel, panel
from rentals.admin.feed_queries import with_health
from rentals.calendars import conflicts
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property
from tests.support.feed_pages import HOUR, NOW, action, calendar, event, feed_of, take
from tests.support.polling import feed_at, polled
from tests.support.scripted_server import Server, answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

UNKNOWN = "Its text is not known to us: treated as a stay, please check."
TEXTS: dict[str | tuple[str, str], str | tuple[str, str, str]] = {
    "Please check.": "Prosimy sprawdzić.",
    UNKNOWN: "Nie znamy tej treści.",
    "It ends when it starts: read as one night.": "Jedna noc.",
    "It lasts more than {nights} nights.": "Trwa dłużej niż {nights} nocy.",
    ("The calendar is empty; it listed {number} stay.", "The calendar is empty; it listed {number} stays."): (
        "Pusty; miał {number} pobyt.",
        "Pusty; miał {number} pobyty.",
        "Pusty; miał {number} pobytów.",
    ),
    "The channel answers with status {status}. Turnkey will try again.": "Kanał odpowiada: {status}.",
    ("{number} stay kept.", "{number} stays kept."): (
        "zachowano {number}.",
        "zachowano {number}.",
        "zachowano {number}.",
    ),
}


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, settings: Settings) -> None:
    """A catalog of its own, so that nobody's choice of words changes what is tested."""
    of = Catalog(locale="pl")
    for text, words in TEXTS.items():
        of.add(text, words)
    file = io.BytesIO()
    write_mo(file, of)
    folder = tmp_path / "pl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(file.getvalue())
    settings.LOCALE_PATHS = [tmp_path]


def _panel(feed: CalendarFeed) -> FeedPanel:
    found = with_health(CalendarFeed.objects.select_related("property", "state"), NOW).get(pk=feed.pk)
    return panel(found, NOW, EVERYTHING)


def test_reasons_are_said_in_the_language_of_the_reader(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(event("a", "20270310", "20270310", "Zorblax"), event("b", "20270310", "20300310")))
    with translation.override("pl"):
        shown = _panel(feed)
        assert [one.why for one in shown.items] == ["Jedna noc. Nie znamy tej treści."]
        assert [one.why for one in shown.unreadable] == ["Trwa dłużej niż 800 nocy."]
        section = conflicts.section(Booking.objects.select_related("property").get(), EVERYTHING)
        assert section is not None
        assert "Jedna noc. Nie znamy tej treści." in section.notes
    assert [one.why for one in _panel(feed).unreadable] == ["It lasts more than 800 nights."]


def test_a_hold_is_said_in_the_language_of_the_reader(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(event("a", "20270310", "20270312"), event("b", "20270320", "20270322")))
    take(feed, calendar(), NOW + HOUR)
    with translation.override("pl"):
        found = _panel(feed).hold
        assert found is not None
        assert found.reason == "Pusty; miał 2 pobyty."


@pytest.mark.usefixtures("flat")
def test_a_failed_fetch_is_said_in_the_language_of_the_reader() -> None:
    with Server([answer(500)]) as server:
        feed = feed_at(server)
        polled(feed)
    assert FeedState.objects.get().last_error == "The channel answers with status 500. Turnkey will try again."
    with translation.override("pl"):
        assert "Kanał odpowiada: 500." in str(_panel(feed).facts)


def test_rows_of_an_earlier_release_read_as_they_can(flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(event("a", "20270310", "20270312", "Zorblax")))
    item = FeedItem.objects.get()
    with translation.override("pl"):
        for stored, shown in ((UNKNOWN, "Nie znamy tej treści."), ("Its code ends at 09:00, {odd}.",) * 2):
            FeedItem.objects.update(reason=stored)
            item.refresh_from_db()
            assert calendar_terms.reason(item) == shown


def test_what_did_not_change_is_not_written_again(flat: Property) -> None:
    feed = feed_of(flat)
    body = calendar(event("a", "20270310", "20270310", "Zorblax"), event("b", "20270310", "20300310"))
    take(feed, body)
    before = list(FeedItem.objects.order_by("pk").values_list("changed_at", flat=True))
    FeedState.objects.update(body_hash="", content_hash="")
    take(feed, body, NOW + HOUR)
    assert list(FeedItem.objects.order_by("pk").values_list("changed_at", flat=True)) == before


def test_the_history_is_kept_in_english(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(event("a", "20270310", "20270312"), event("b", "20270320", "20270322")))
    take(feed, calendar(), NOW + HOUR)
    chosen = [str(one.pk) for one in FeedItem.objects.all()]
    with translation.override("pl"):
        host.post(action(feed, "dismiss"), {"item": chosen}, headers={"accept-language": "pl"})
    assert LogEntry.objects.latest("pk").change_message == "Kept: 2 stays kept."
