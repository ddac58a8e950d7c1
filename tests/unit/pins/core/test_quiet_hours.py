"""Quiet hours, summaries and rests as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from pins.core import notification_events
from pins.core.notification_events import Severity
from pins.core.quiet_hours import SUMMARY_KEEPS, Arrival, Quiet, held_until, summary_day, wait
from pins.models import Incident
from rentals.local_time import local_moment

WARSAW = "Europe/Warsaw"
NIGHT = Quiet(time(22), time(7), WARSAW)
NOON = Quiet(time(12), time(14), WARSAW)


def utc(day: int, hour: int, minute: int = 0, *, month: int = 1) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (NIGHT, utc(5, 20, 59), None),  # 21:59 in Warsaw
        (NIGHT, utc(5, 21), utc(6, 6)),  # 22:00
        (NIGHT, utc(5, 23), utc(6, 6)),  # midnight
        (NIGHT, utc(6, 5, 59), utc(6, 6)),
        (NIGHT, utc(6, 6), None),  # half-open: at 07:00 it is over
        (NOON, utc(5, 10, 59), None),
        (NOON, utc(5, 11), utc(5, 13)),
        (NOON, utc(5, 13), None),
        (None, utc(5, 23), None),
        # The night of the spring change (28 March 2027, 02:00 to 03:00 is skipped): 07:00 is 05:00 UTC.
        (NIGHT, utc(28, 0, 30, month=3), utc(28, 5, month=3)),
        # The night of the autumn change (31 October 2027): 07:00 is 06:00 UTC again.
        (NIGHT, utc(31, 0, 30, month=10), utc(31, 6, month=10)),
        # Hours that end within the skipped hour, and within the repeated one.
        (Quiet(time(1), time(2, 30), WARSAW), utc(28, 0, 30, month=3), utc(28, 1, 30, month=3)),
        (Quiet(time(1), time(2, 30), WARSAW), utc(31, 0, month=10), utc(31, 0, 30, month=10)),
        (Quiet(time(22), time(7), "Pacific/Kiritimati"), utc(5, 9), utc(5, 17)),  # 23:00 there
    ],
)
def test_quiet_hours(quiet: Quiet | None, now: datetime, until: datetime | None) -> None:
    assert held_until(quiet, [], now) == until


def at_three(day: int, zone: str = WARSAW) -> Arrival:
    return Arrival(local_moment(date(2027, 1, day), time(15), zone), zone)


@pytest.mark.parametrize(
    ("arrivals", "now", "until"),
    [
        ([at_three(6)], utc(5, 23, 30), None),  # 00:30 of the day itself
        ([at_three(5)], utc(5, 21, 30), None),  # 22:30 of the day itself
        ([at_three(6)], utc(5, 21, 30), utc(5, 23)),  # the evening before: until that day begins
        ([at_three(7)], utc(5, 21, 30), utc(6, 6)),
        ([at_three(4)], utc(5, 21, 30), utc(6, 6)),  # came yesterday
        ([replace(at_three(4), shut_out=True)], utc(5, 21, 30), None),  # came yesterday and stands before the door
        # The evening before, and the guest comes before the quiet hours end: then there is no time left to wait.
        ([Arrival(utc(6, 5, 59), WARSAW)], utc(5, 21, 30), None),
        ([Arrival(utc(6, 6), WARSAW)], utc(5, 21, 30), utc(5, 23)),
        # Of many guests the nearest counts.
        ([at_three(4), at_three(7), at_three(6)], utc(5, 21, 30), utc(5, 23)),
        ([at_three(4), at_three(5)], utc(5, 21, 30), None),
        # The day of the property counts, not that of the reader: in Tokyo it is the 6th already.
        ([at_three(6, "Asia/Tokyo")], utc(5, 21, 30), None),
        ([at_three(5, "Asia/Tokyo")], utc(5, 21, 30), utc(6, 6)),
    ],
)
def test_a_guest_who_arrives_today_waits_for_nobodys_night(
    arrivals: list[Arrival], now: datetime, until: datetime | None
) -> None:
    assert held_until(NIGHT, arrivals, now) == until


LONG_AGO = utc(1, 0)


@pytest.mark.parametrize(
    ("now", "since", "day"),
    [
        (utc(5, 5, 59), LONG_AGO, None),
        (utc(5, 6), LONG_AGO, date(2027, 1, 5)),
        (utc(5, 6) + SUMMARY_KEEPS - timedelta(seconds=1), LONG_AGO, date(2027, 1, 5)),
        (utc(5, 6) + SUMMARY_KEEPS, LONG_AGO, None),  # a morning's news in the evening are none
        (utc(5, 6, 30), utc(5, 6, 1), None),  # a channel that was made after its time waits for tomorrow
    ],
)
def test_a_summary_is_due_at_its_time_and_for_a_while(now: datetime, since: datetime, day: date | None) -> None:
    assert summary_day(time(7), WARSAW, now, since) == day


def test_a_summary_shortly_before_midnight_is_still_of_its_day() -> None:
    assert summary_day(time(23, 30), WARSAW, utc(5, 23), LONG_AGO) == date(2027, 1, 5)


def test_rests_grow_to_two_hours() -> None:
    waits = [wait(failures, 1).total_seconds() for failures in (1, 2, 3, 4, 5, 6, 7, 1000)]
    assert waits == [30, 120, 600, 1800, 3600, 7200, 7200, 7200]
    assert wait(1, 0.5) == timedelta(seconds=15)


def test_a_channel_presses_as_the_board_does() -> None:
    assert {one.value: notification_events.severity(one.value) for one in Incident.Severity} == {
        "notice": Severity.ORDINARY,
        "warning": Severity.ORDINARY,
        "urgent": Severity.URGENT,
    }
