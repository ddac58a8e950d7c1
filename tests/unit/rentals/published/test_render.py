"""The iCalendar that we publish, as other programs read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rentals.calendars.classify.verdicts import recognise
from rentals.calendars.events import Channel
from rentals.calendars.ical.parse import read_calendar
from rentals.published.render import PublishedStay, clean, entries, etag, length_in_words, render
from rentals.published.turnovers import Stay

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stay(key: int, first: int, last: int, name: str = "", *, tentative: bool = False) -> PublishedStay:
    """A stay by hours from now."""
    return PublishedStay(Stay(NOW + first * HOUR, NOW + last * HOUR, key), tentative, name)


def read(body: bytes) -> icalendar.Calendar:
    calendar = icalendar.Calendar.from_ical(body)
    assert isinstance(calendar, icalendar.Calendar)
    return calendar


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "no time"),
        (timedelta(minutes=45), "45 min"),
        (4 * HOUR, "4 h"),
        (timedelta(hours=3, minutes=30), "3 h 30 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=2, hours=5, minutes=59), "2 days 5 h"),
    ],
)
def test_a_length_is_told_as_people_say_it(length: timedelta, words: str) -> None:
    assert length_in_words(length) == words


def test_a_text_is_one_line_without_tricks() -> None:
    assert clean("  Anna\r\nNowak\t\x00\u202e\u2066 ") == "Anna Nowak"
    assert len(clean("x" * 5000)) == 200


def test_a_tentative_stay_takes_no_part_in_turnovers() -> None:
    stays = [stay(1, 0, 24), stay(2, 30, 40, tentative=True), stay(3, 48, 72)]
    told = entries(stays, WARSAW, since=NOW, with_turnovers=True)
    assert [one.uid for one in told] == [
        "booking-1@turnkey",
        "turnover-3@turnkey",
        "booking-2@turnkey",
        "booking-3@turnkey",
    ]


def test_what_ended_before_the_window_is_left_out() -> None:
    assert entries([stay(1, -48, -24)], WARSAW, since=NOW - 24 * HOUR, with_turnovers=True) == []


def test_the_validator_follows_the_content_and_not_the_hour() -> None:
    told = entries([stay(1, 0, 24, "Anna")], WARSAW, since=NOW, with_turnovers=True)
    assert etag("Attic", told) == etag("Attic", list(told))
    assert etag("Attic", told) != etag("Cellar", told)
    renamed = entries([stay(1, 0, 24, "Ben")], WARSAW, since=NOW, with_turnovers=True)
    assert etag("Attic", told) != etag("Attic", renamed)
    assert "Anna" not in repr(told)


def test_what_we_publish_is_known_as_our_own() -> None:
    told = entries([stay(1, 24, 48)], WARSAW, since=NOW, with_turnovers=True)
    calendar = read_calendar(render("Attic", told, NOW), zone="Europe/Warsaw", now=NOW)
    assert recognise(calendar, Channel.AUTO) is Channel.TURNKEY


STAYS = st.lists(
    st.tuples(st.integers(-900, 900), st.integers(1, 300), st.text(max_size=60), st.booleans()), max_size=8
)


@given(st.text(max_size=80), STAYS)
def test_whatever_people_write_the_calendar_can_be_read_back(
    name: str, parts: list[tuple[int, int, str, bool]]
) -> None:
    stays = [
        stay(key, first, first + hours, text, tentative=tentative)
        for key, (first, hours, text, tentative) in enumerate(parts)
    ]
    told = entries(stays, WARSAW, since=NOW - 1000 * HOUR, with_turnovers=True)
    body = render(name, told, NOW)
    calendar = read(body)
    assert calendar.errors == []
    assert [str(event["UID"]) for event in calendar.events] == [one.uid for one in told]
    assert [str(event["SUMMARY"]) for event in calendar.events] == [one.summary for one in told]
    assert [event.start for event in calendar.events] == [one.starts_at for one in told]
    assert len({one.uid for one in told}) == len(told)
    assert all(len(line) <= 75 for line in body.split(b"\r\n")), "RFC 5545, 3.1: lines of 75 octets at most"
    assert body.count(b"BEGIN:VEVENT") == len(told)
