"""Ends that are no ends, and rows that cannot be read: a night with a mark, or a person is told in time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.incidents import unreadable
from pins.models import Incident
from rentals.calendars.imports import approval
from rentals.models import FeedItem
from tests.support.calendars import calendar, event
from tests.support.faults import at, code_of, confirmed, fetched_and_checked, home, local_stays, look
from tests.support.house import House
from tests.support.imports import feed_of, incidents_of, state_of

pytestmark = pytest.mark.django_db

GOOD = event("good@pms", date(2027, 6, 10), date(2027, 6, 12), "Reserved - Tam Vries")


def row(*lines: str, uid: str = "e@pms", summary: str = "Reserved - Odalys Brink") -> str:
    named = [f"UID:{uid}"] if uid else []
    return "\r\n".join(["BEGIN:VEVENT", *named, *lines, f"SUMMARY:{summary}", "END:VEVENT"])


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270509"),
        ("DTSTART;VALUE=DATE:20270509", "DURATION:P0D"),
        ("DTSTART;VALUE=DATE:20270509", "DURATION:PT0S"),
        ("DTSTART;VALUE=DATE:20270509", "DURATION:P0W"),
        ("DTSTART:20270509T000000", "DTEND:20270509T000000"),
        ("DTSTART:20270509T160000", "DTEND:20270509T160000"),
        ("DTSTART:20270509T160000", "DURATION:PT0M"),
    ],
)
def test_an_end_at_the_start_is_one_night_with_a_code_and_a_mark(
    house: House, clock: time_machine.Traveller, zone: str, lines: tuple[str, ...]
) -> None:
    flat = home(house, zone)
    at(clock, "05-08 09:00")
    fetched_and_checked(feed_of(flat), calendar(row(*lines), GOOD))
    stay, good = confirmed(flat)
    begins = "16:00" if "T16" in lines[0] else "15:00"
    assert local_stays(flat)[0] == (f"05-09 {begins}", "05-10 11:00")
    assert (stay.needs_review, good.needs_review) == (True, False)
    assert code_of(stay)


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:20270509T150000", "DTEND:20270509T150001"),
        ("DTSTART;TZID=Europe/Amsterdam:20270509T150000", "DTEND;TZID=Europe/Amsterdam:20270509T151500"),
        ("DTSTART:20270509T130000Z", "DURATION:PT1M"),
    ],
)
def test_a_moment_of_arrival_is_one_night_with_a_code_and_a_mark(
    house: House, clock: time_machine.Traveller, lines: tuple[str, ...]
) -> None:
    """The code worked for a second."""
    flat = home(house)
    at(clock, "05-08 09:00")
    fetched_and_checked(feed_of(flat), calendar(row(*lines), GOOD))
    assert local_stays(flat)[0] == ("05-09 15:00", "05-10 11:00")
    assert [one.needs_review for one in confirmed(flat)] == [True, False]
    assert code_of(confirmed(flat)[0])


@pytest.mark.parametrize(
    ("ends", "marked"),
    [
        (":20270510T235900", True),
        (":20270510T235959Z", True),
        (";TZID=Europe/Amsterdam:20270510T235959", True),
        (":20270510T230000", False),
    ],
)
def test_the_last_minute_after_a_true_arrival_may_be_that_of_the_last_night(
    house: House, clock: time_machine.Traveller, ends: str, marked: bool
) -> None:
    """The guest was shut out in the last night."""
    flat = home(house)
    at(clock, "05-08 09:00")
    fetched_and_checked(
        feed_of(flat), calendar(row("DTSTART;TZID=Europe/Amsterdam:20270509T150000", f"DTEND{ends}"), GOOD)
    )
    assert [one.needs_review for one in confirmed(flat)] == [marked, False]


@pytest.mark.parametrize(("nights", "marked"), [(365, False), (366, True), (416, True), (800, True)])
def test_long_stays_have_a_code_and_very_long_ones_a_mark(
    house: House, clock: time_machine.Traveller, nights: int, marked: bool
) -> None:
    flat = home(house)
    at(clock, "05-08 09:00")
    fetched_and_checked(
        feed_of(flat), calendar(event("l@pms", date(2027, 5, 9), date(2027, 5, 9) + timedelta(days=nights)))
    )
    (stay,) = confirmed(flat)
    assert (stay.departure_date - stay.arrival_date).days == nights
    assert stay.needs_review is marked
    assert code_of(stay)


LEAVES = "its first day cannot be read, leaves 11 May 2027"
UNREADABLE = {
    "end before start": (("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270507"), "arrives 9 May 2027"),
    "negative length": (("DTSTART;VALUE=DATE:20270509", "DURATION:-P2D"), "arrives 9 May 2027"),
    "times backwards": (("DTSTART:20270509T150000", "DTEND:20270508T110000"), "arrives 9 May 2027"),
    "801 nights": (("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20290718"), "arrives 9 May 2027"),
    "until for ever": (("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20991231"), "arrives 9 May 2027"),
    "impossible end": (("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270532"), "arrives 9 May 2027"),
    "impossible start": (("DTSTART;VALUE=DATE:20270532", "DTEND;VALUE=DATE:20270511"), LEAVES),
    "no start": (("DTEND;VALUE=DATE:20270511",), LEAVES),
    "no days": ((), "its day cannot be read"),
    "start in words": (("DTSTART:soon",), "its day cannot be read"),
    "every hour": (
        ("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270511", "RRULE:FREQ=HOURLY"),
        "arrives 9 May 2027",
    ),
    "two rows in one": (
        ("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270511", "DTSTART;VALUE=DATE:20270601"),
        "its day cannot be read",
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_row_that_cannot_be_read_is_told_with_its_words_and_its_day(
    house: House, clock: time_machine.Traveller, kind: str
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    now = at(clock, "05-01 09:00")
    lines, day = UNREADABLE[kind]
    fetched_and_checked(feed, calendar(row(*lines), GOOD))
    assert len(confirmed(flat)) == 1
    assert incidents_of(feed) == [("feed_unreadable", True)]
    assert unreadable.words([feed.pk], now) == {feed.pk: f"“Reserved - Odalys Brink”, {day}"}


def test_the_sooner_the_more_urgent(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    found = []
    at(clock, "04-10 09:00")
    fetched_and_checked(feed, calendar(row("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270507"), GOOD))
    for moment in ("04-10 09:00", "05-01 09:00", "05-09 09:00"):
        at(clock, moment)
        look()
        found.append(Incident.objects.get(resolved_at=None).severity)
    assert found == ["notice", "warning", "urgent"]
    at(clock, "05-12 09:00")
    look()
    assert incidents_of(feed) == [("feed_unreadable", False)]


def test_another_row_that_cannot_be_read_is_news_of_its_own(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    now = at(clock, "05-01 09:00")
    first = row("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270507")
    fetched_and_checked(feed, calendar(first, GOOD))
    fetched_and_checked(feed, calendar(first, GOOD).replace(b"20270301T", b"20270302T"))
    assert incidents_of(feed) == [("feed_unreadable", True)]
    second = row("DTSTART:soon", uid="s@pms", summary="Reserved - Tam Vries")
    fetched_and_checked(feed, calendar(first, second, GOOD))
    assert incidents_of(feed) == [("feed_unreadable", False), ("feed_unreadable", True)]
    assert unreadable.words([feed.pk], now)[feed.pk] == (
        "“Reserved - Odalys Brink”, arrives 9 May 2027; “Reserved - Tam Vries”, its day cannot be read"
    )
    fetched_and_checked(feed, calendar(GOOD))
    assert incidents_of(feed) == [("feed_unreadable", False), ("feed_unreadable", False)]


def test_a_stay_whose_latest_version_cannot_be_read_keeps_its_code_and_is_told(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    good = row("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270511")
    fetched_and_checked(feed, calendar(good, GOOD))
    code = code_of(confirmed(flat)[0])
    fetched_and_checked(feed, calendar(good.replace("20270511", "20270501"), GOOD))
    assert code_of(confirmed(flat)[0]) == code
    assert incidents_of(feed) == [("feed_unreadable", True)]
    fetched_and_checked(feed, calendar(good, GOOD))
    assert incidents_of(feed) == [("feed_unreadable", False)]


def test_a_person_ends_it_by_saying_that_nobody_comes(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    body = calendar(row("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270507"), GOOD)
    fetched_and_checked(feed, body)
    approval.decide(FeedItem.objects.get(uid="e@pms").pk, "not_stay", timezone.now())
    look()
    assert incidents_of(feed) == [("feed_unreadable", False)]
    fetched_and_checked(feed, body)
    assert incidents_of(feed) == [("feed_unreadable", False)]


@pytest.mark.parametrize("ends", ["20291231", "20991231", "99981231"])
def test_closed_days_for_years_are_closed_days(house: House, clock: time_machine.Traveller, ends: str) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    closed = row("DTSTART;VALUE=DATE:20270509", f"DTEND;VALUE=DATE:{ends}", summary="Not available")
    fetched_and_checked(feed, calendar(closed, GOOD))
    assert FeedItem.objects.get(uid="e@pms").verdict == "block"
    assert incidents_of(feed) == []


def test_closed_days_that_cannot_be_read_are_a_notice(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched_and_checked(
        feed, calendar(row("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270507", summary="Blocked"), GOOD)
    )
    assert Incident.objects.get(feed=feed).severity == "notice"


# -- the end date is the last night ------------------------------------------------------------------------------------


def last_nights(*rows: tuple[int, int], summary: str = "Reserved") -> list[str]:
    return [
        event(f"r{number}@pms", date(2027, 5, first), date(2027, 5, last), f"{summary} - Guest{number}")
        for number, (first, last) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("rows", "offered", "marked"),
    [
        ([(9, 9), (10, 12), (13, 13)], True, [True, True, True]),
        ([(9, 11), (12, 14), (15, 18)], True, [True, True, False]),
        ([(9, 11), (12, 14)], True, [False, False]),
        ([(9, 9), (10, 12)], True, [True, False]),
        ([(9, 9), (12, 14)], False, [True, False]),
        ([(9, 11), (11, 14), (15, 18)], False, [False, False, False]),  # one that touches as the standard says
        ([(9, 11), (11, 11), (15, 18)], False, [False, True, False]),
        ([(9, 11), (14, 16), (20, 22)], False, [False, False, False]),
        ([(1, 2), (5, 6), (9, 10), (13, 14), (17, 18), (19, 20)], False, [False] * 6),  # one free night among many
    ],
)
def test_rows_with_a_day_missing_between_them_offer_the_other_reading(
    house: House,
    clock: time_machine.Traveller,
    rows: list[tuple[int, int]],
    offered: bool,
    marked: list[bool],
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "04-30 09:00")
    fetched_and_checked(feed, calendar(*last_nights(*rows)))
    assert (state_of(feed).summary["last_nights"] > 0) is offered
    assert [one.needs_review for one in confirmed(flat)] == marked
    feed.end_dates = "check_out"
    feed.save()
    fetched_and_checked(feed, calendar(*last_nights(*rows)))
    assert state_of(feed).summary["last_nights"] == 0
    assert local_stays(flat)[0][1] == f"05-{max(rows[0][1], rows[0][0] + 1):02} 11:00"


def test_closed_days_that_touch_speak_for_the_standard(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "04-30 09:00")
    closed = event("b@pms", date(2027, 5, 14), date(2027, 5, 15), "Blocked")
    fetched_and_checked(feed, calendar(*last_nights((9, 11), (12, 14)), closed))
    assert state_of(feed).summary["last_nights"] == 0


def test_the_option_moves_dates_and_nothing_else(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat, end_dates="last_night")
    at(clock, "05-01 09:00")
    rows = [
        row("DTSTART;VALUE=DATE:20270509", "DTEND;VALUE=DATE:20270510", uid="1"),
        row("DTSTART;VALUE=DATE:20270512", "DTEND;VALUE=DATE:20270512", uid="2"),
        row("DTSTART;VALUE=DATE:20270514", uid="3"),
        row("DTSTART;VALUE=DATE:20270516", "DURATION:P2D", uid="4"),
        row("DTSTART:20270520T160000", "DTEND:20270522T100000", uid="5"),
        row("DTSTART:20270524T000000", "DTEND:20270525T235959", uid="6"),
    ]
    fetched_and_checked(feed, calendar(*rows))
    assert local_stays(flat) == [
        ("05-09 15:00", "05-11 11:00"),
        ("05-12 15:00", "05-13 11:00"),
        ("05-14 15:00", "05-15 11:00"),
        ("05-16 15:00", "05-18 11:00"),
        ("05-20 16:00", "05-22 10:00"),
        ("05-24 15:00", "05-26 11:00"),
    ]
    assert [one.needs_review for one in confirmed(flat)] == [False, False, False, False, False, True]
