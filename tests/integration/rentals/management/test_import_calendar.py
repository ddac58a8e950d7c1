"""`manage.py import_calendar`: what it says, what it changes, and how it ends."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pytest_django import Settings

from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.feeds import FeedServer, sample
from tests.support.paths import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def feed() -> CalendarFeed:
    flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
    return CalendarFeed.objects.create(property=flat, name="Airbnb Old Town")


def run(feed: CalendarFeed | str, *arguments: str) -> str:
    out = io.StringIO()
    number = str(feed.pk) if isinstance(feed, CalendarFeed) else feed
    call_command("import_calendar", number, *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def failed(feed: CalendarFeed | str, *arguments: str, status: int = 1) -> str:
    with pytest.raises(CommandError) as refused:
        run(feed, *arguments)
    assert refused.value.returncode == status
    return str(refused.value)


def path_of(number: str) -> str:
    (found,) = (ROOT / "tests" / "ical").glob(f"{number}-*.ics")
    return str(found)


def test_a_file_is_imported_and_every_outcome_is_a_line(feed: CalendarFeed) -> None:
    said = run(feed, path_of("01"))
    assert Booking.objects.count() == 3
    assert "2027-03-03 to 2027-03-08  new stay  stay" in said
    assert "Imported: 3 created. 5 events in the calendar." in said
    state = CalendarFeed.objects.get().state
    assert (state.last_good_at, state.detected_channel) == (NOW, "airbnb")
    assert "nothing new" in run(feed, path_of("01"))


def test_a_dry_run_says_the_same_and_changes_nothing(feed: CalendarFeed) -> None:
    said = run(feed, path_of("01"), "--dry-run")
    assert "2027-03-03 to 2027-03-08  new stay  stay" in said
    assert "Would change: 3 created." in said
    assert "Nothing was changed" in said
    assert not Booking.objects.exists()
    assert not FeedItem.objects.exists()
    assert CalendarFeed.objects.get().state.last_good_at is None
    assert run(feed, path_of("01")).splitlines()[:4] == said.splitlines()[:4]


def test_standard_input_is_a_calendar_too(feed: CalendarFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sample(6))))
    assert "5 created" in run(feed, "-")


def test_a_closed_standard_input_is_told_and_no_crash(feed: CalendarFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert "closed" in failed(feed, "-", status=2)


def test_a_feed_that_is_switched_off_is_read_with_a_word(feed: CalendarFeed) -> None:
    CalendarFeed.objects.filter(pk=feed.pk).update(is_active=False)
    assert "is switched off" in run(feed, path_of("01"))
    assert Booking.objects.count() == 3


def test_names_stay_off_what_is_no_terminal_unless_asked_for(feed: CalendarFeed) -> None:
    assert "Dana" not in run(feed, path_of("06"), "--dry-run")
    assert "Dana" in run(feed, path_of("06"), "--dry-run", "--names")


@pytest.mark.parametrize("number", ["17", "18"])
def test_a_calendar_that_cannot_be_taken_changes_nothing_and_ends_with_1(feed: CalendarFeed, number: str) -> None:
    run(feed, path_of("01"))
    said = failed(feed, path_of(number))
    assert said.count("Nothing was changed.") == 1
    assert "This file is" in said
    assert Booking.objects.filter(status="confirmed").count() == 3


def test_a_hold_says_what_to_do(feed: CalendarFeed, clock: time_machine.Traveller) -> None:
    run(feed, path_of("01"))
    clock.shift(timedelta(hours=1))
    dry = run(feed, path_of("16"), "--dry-run")
    assert "2 stays would wait for your decision" in dry
    said = run(feed, path_of("16"))
    assert "Held: The calendar is empty; it listed 2 stays. 2 stays wait for your decision" in said
    assert f"/admin/rentals/calendarfeed/{feed.pk}/change/" in said
    assert Booking.objects.filter(status="confirmed").count() == 3


def test_quarantined_events_say_why(feed: CalendarFeed) -> None:
    said = run(feed, path_of("13"))
    assert said.count("quarantined") >= 4
    assert "3 quarantined" in said


@pytest.mark.parametrize("number", ["999", "x", "²", "9" * 30])
def test_an_unknown_feed_lists_the_known_ones(feed: CalendarFeed, number: str) -> None:
    said = failed(number, path_of("01"), status=2)
    assert f"{feed.pk}  Airbnb Old Town" in said


def test_wrong_usage_ends_with_2(feed: CalendarFeed, tmp_path: Path) -> None:
    assert "has no address" in failed(feed, status=2)
    assert "No such file" in failed(feed, str(tmp_path / "missing.ics"), status=2)
    assert "directory" in failed(feed, str(tmp_path), status=2)
    CalendarFeed.objects.all().delete()
    assert "There is none yet" in failed("1", status=2)


def test_without_a_file_the_address_is_fetched(feed: CalendarFeed, settings: Settings) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    with FeedServer() as server:
        feed.url = server.put("/very-secret.ics", sample(1))
        feed.save()
        assert "3 created" in run(feed)
    feed.refresh_from_db()
    said = failed(feed)
    assert "Nothing was changed." in said
    assert "very-secret" not in said


def test_the_address_of_a_private_host_is_refused(feed: CalendarFeed) -> None:
    feed.url = "https://127.0.0.1/very-secret"
    feed.save()
    said = failed(feed)
    assert "very-secret" not in said


def test_large_files_are_read_and_too_large_ones_refused(feed: CalendarFeed, tmp_path: Path) -> None:
    file = tmp_path / "large.ics"
    file.write_bytes(b"BEGIN:VCALENDAR\r\n" + b"X" * (5 * 1024 * 1024 + 1))
    assert "Nothing was changed." in failed(feed, str(file))


def test_wrong_arguments_end_the_process_with_2() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "import_calendar"], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 2
    assert "FEED_ID" in done.stderr


def test_a_terminal_is_told_what_takes_its_time(feed: CalendarFeed) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out, err = Terminal(), Terminal()
    call_command("import_calendar", str(feed.pk), path_of("06"), "--dry-run", stdout=out, stderr=err, no_color=True)
    assert "Comparing 1.3 kB with the stays of “Airbnb Old Town”" in err.getvalue()
    assert err.getvalue().endswith("\n")
    assert "Dana" in out.getvalue()
