"""What the demo tells about calendars, and what its calendars say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import icalendar
import pytest

from pins.stack.calendar_news import CalendarNews, FeedSeen, StaySeen, differences
from pins.stack.demo_calendars import CHANGES_AFTER, FEEDS, SampleFeed, body_of, calendar_server, first_start

ZONE = "Europe/Warsaw"
BEGAN = datetime(2030, 6, 10, 22, 30, tzinfo=UTC)  # the 11th in Warsaw


def feed(*periods: str, uids: str = "ab", undecided: int = 0, troubles: tuple[str, ...] = ()) -> FeedSeen:
    stays = {number: StaySeen(period, "confirmed") for number, period in enumerate(periods)}
    return FeedSeen("Airbnb Attic", stays, frozenset(uids), undecided, troubles)


def test_arrivals_changes_and_cancellations_are_told_once() -> None:
    news = CalendarNews({})
    assert news.tell({1: feed()}) == []
    assert news.tell({1: feed("3-8 Mar", "9-12 Mar")}) == ["Airbnb Attic: 2 stays arrived: 3-8 Mar, 9-12 Mar"]
    assert news.tell({1: feed("3-8 Mar", "9-12 Mar")}) == []
    assert news.tell({1: feed("4-9 Mar", "9-12 Mar")}) == ["Airbnb Attic: the stay 3-8 Mar is now 4-9 Mar"]
    cancelled = FeedSeen("Airbnb Attic", {0: StaySeen("4-9 Mar", "cancelled"), 1: StaySeen("9-12 Mar", "confirmed")})
    assert news.tell({1: cancelled}) == ["Airbnb Attic: the stay 4-9 Mar is cancelled"]


def test_a_tentative_stay_is_told_as_such() -> None:
    seen = FeedSeen("Vrbo", {1: StaySeen("2-5 Apr", "tentative")})
    assert CalendarNews({}).tell({1: seen}) == ["Vrbo: 1 stay arrived: 2-5 Apr (tentative, no code yet)"]
    confirmed = FeedSeen("Vrbo", {1: StaySeen("2-5 Apr", "confirmed")})
    assert CalendarNews({1: seen}).tell({1: confirmed}) == ["Vrbo: the stay 2-5 Apr is confirmed now"]


def test_new_identities_of_the_same_stays_are_worth_a_line() -> None:
    (line,) = CalendarNews({1: feed("3-8 Mar", uids="ab")}).tell({1: feed("3-8 Mar", uids="cd")})
    assert line.startswith("Airbnb Attic: all its events have new UIDs")
    assert CalendarNews({1: feed("3-8 Mar", uids="ab")}).tell({1: feed("3-8 Mar", uids="bc")}) == []


def test_what_waits_and_what_is_wrong_is_told_when_it_begins_and_when_it_ends() -> None:
    news = CalendarNews({1: feed()})
    (waits,) = news.tell({1: feed(undecided=1)})
    assert "waits for a decision" in waits
    (held,) = news.tell({1: feed(undecided=1, troubles=("held",))})
    assert "nothing is cancelled" in held
    assert news.tell({1: feed(undecided=1, troubles=("held",))}) == []
    assert news.tell({1: feed()}) == ["Airbnb Attic: is no longer held"]


@pytest.mark.parametrize("sample", FEEDS, ids=lambda sample: sample.channel)
@pytest.mark.parametrize("later", [timedelta(0), CHANGES_AFTER])
def test_every_sample_is_a_calendar_around_the_first_start(sample: SampleFeed, later: timedelta) -> None:
    calendar = icalendar.Calendar.from_ical(body_of(sample, BEGAN, BEGAN + later, ZONE))
    assert isinstance(calendar, icalendar.Calendar)
    days = [event.start.date() if isinstance(event.start, datetime) else event.start for event in calendar.events]
    today = BEGAN.astimezone(ZoneInfo(ZONE)).date()
    assert len(days) >= 3
    assert any(abs((day - today).days) < 10 for day in days), "nothing happens soon"


def test_after_a_while_a_stay_has_moved_another_has_come_and_identities_are_new() -> None:
    airbnb, booking, *others = FEEDS
    before, after = (body_of(airbnb, BEGAN, BEGAN + later, ZONE) for later in (timedelta(0), CHANGES_AFTER))
    assert before.count(b"SUMMARY:Reserved") + 1 == after.count(b"SUMMARY:Reserved")
    rotated = [body_of(booking, BEGAN, BEGAN + later, ZONE) for later in (timedelta(0), CHANGES_AFTER)]
    uids = [{line for line in body.splitlines() if line.startswith(b"UID")} for body in rotated]
    assert not uids[0] & uids[1]
    for other in others:
        assert body_of(other, BEGAN, BEGAN, ZONE) == body_of(other, BEGAN, BEGAN + CHANGES_AFTER, ZONE)


def test_the_first_start_is_remembered(tmp_path: Path) -> None:
    assert first_start(tmp_path / "demo", BEGAN) == BEGAN
    assert first_start(tmp_path / "demo", BEGAN + timedelta(days=3)) == BEGAN
    (tmp_path / "demo" / "calendars_since").write_text("spoilt")
    assert first_start(tmp_path / "demo", BEGAN + timedelta(days=4)) == BEGAN + timedelta(days=4)


def test_the_calendars_are_served_and_nothing_else() -> None:
    with calendar_server(BEGAN, ZONE) as server, httpx.Client(trust_env=False, timeout=10) as client:
        for sample in FEEDS:
            answer = client.get(server.url + sample.path)
            assert answer.content.startswith(b"BEGIN:VCALENDAR")
            again = client.get(server.url + sample.path, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304
        assert client.get(server.url + "/airbnb-later.ics").status_code == 404


def test_stays_that_left_a_calendar_are_no_new_identities() -> None:
    stays = {1: StaySeen("3-8 Mar", "confirmed")}
    listed = FeedSeen("Airbnb", stays, frozenset({"a"}))
    left = FeedSeen("Airbnb", stays, frozenset())
    assert list(differences(listed, left)) == []
    assert list(differences(left, listed)) == []
    assert any("new UIDs" in said for said in differences(listed, FeedSeen("Airbnb", stays, frozenset({"b"}))))


def test_a_great_number_of_stays_is_told_in_one_short_line() -> None:
    stays = {number: StaySeen(f"{number} Mar", "confirmed") for number in range(5000)}
    (said,) = differences(FeedSeen("", {}), FeedSeen("Big", stays))
    assert said.startswith("5000 stays arrived: 0 Mar, 1 Mar")
    assert said.endswith("and 4990 more")
    assert len(said) < 200
