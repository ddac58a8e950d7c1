"""Days written as midnights, in many ways and zones, become the property's own times; true times stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests.support.calendars import calendar, event
from tests.support.faults import at, code_of, confirmed, fetched, home, local_stays
from tests.support.house import House
from tests.support.imports import feed_of

pytestmark = pytest.mark.django_db

NAMED = "Reserved - Odalys Brink"
#: Arrival, departure: an ordinary stay, one through each change of the clocks, the same in the south, one at New Year.
NIGHTS = [
    (date(2027, 5, 9), date(2027, 5, 11)),
    (date(2027, 3, 27), date(2027, 3, 29)),
    (date(2027, 10, 30), date(2027, 11, 1)),
    (date(2027, 4, 3), date(2027, 4, 5)),
    (date(2027, 12, 31), date(2028, 1, 2)),
    (date(2027, 6, 1), date(2027, 7, 20)),
]
ZONES = [
    "Europe/Amsterdam",
    "Europe/London",
    "Europe/Lisbon",
    "America/New_York",
    "America/Los_Angeles",
    "America/Santiago",  # its clocks change at midnight
    "America/Havana",
    "Africa/Cairo",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Atlantic/Azores",
]


def row(starts: str, ends: str, summary: str = NAMED, uid: str = "m@pms") -> str:
    """A row whose DTSTART and DTEND are given with their parameters: ":20270509T000000"."""
    lines = ["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART{starts}", f"DTEND{ends}", f"SUMMARY:{summary}", "END:VEVENT"]
    return "\r\n".join(lines)


def in_utc(day: date, zone: str) -> str:
    """The beginning of a local day, written in UTC."""
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return f":{begins:%Y%m%dT%H%M%SZ}"


WAYS: dict[str, Callable[[date, str], str]] = {
    "floating": lambda day, zone: f":{day:%Y%m%d}T000000",
    "floating with dashes": lambda day, zone: f":{day:%Y-%m-%d}T00:00:00",
    "named zone": lambda day, zone: f";TZID={zone}:{day:%Y%m%d}T000000",
    "property's midnight in utc": in_utc,
    "utc midnight": lambda day, zone: f":{day:%Y%m%d}T000000Z",
    "named utc": lambda day, zone: f";TZID=UTC:{day:%Y%m%d}T000000",
    "another zone": lambda day, zone: f";TZID=Europe/Warsaw:{day:%Y%m%d}T000000",
    "another zone's midnight with its offset": lambda day, zone: f":{day:%Y%m%d}T000000+0530",
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("way", WAYS)
def test_midnights_of_any_kind_are_days(house: House, clock: time_machine.Traveller, zone: str, way: str) -> None:
    flat = home(house, zone, issue_ahead_days=365)
    feed = feed_of(flat)
    write = WAYS[way]
    at(clock, "03-01 09:00")
    rows = [row(write(a, zone), write(b, zone), uid=f"m{n}@pms") for n, (a, b) in enumerate(NIGHTS)]
    fetched(feed, calendar(*rows))
    wished = sorted((f"{first:%m-%d} 15:00", f"{last:%m-%d} 11:00") for first, last in NIGHTS)
    assert sorted(local_stays(flat)) == wished
    assert [code_of(one) for one in confirmed(flat) if not code_of(one)] == []
    assert not any(one.needs_review for one in confirmed(flat))


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Europe/London", "America/New_York"])
@pytest.mark.parametrize("kept", ["start", "end", "winter"])
def test_hours_counted_through_a_change_of_the_clocks_are_days_with_a_mark(
    house: House, clock: time_machine.Traveller, zone: str, kept: str
) -> None:
    """The exporter adds 24 hours for each night, or has the offset of winter all the year round."""
    flat = home(house, zone)
    at(clock, "03-01 09:00")
    autumn = date(2027, 11, 6) if zone.startswith("America") else date(2027, 10, 30)
    first, last = (autumn, autumn + timedelta(days=3)) if kept != "winter" else (date(2027, 7, 1), date(2027, 7, 4))
    start, end = (
        datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in (first, last)
    )
    if kept == "start":
        end = start + timedelta(days=3)
    elif kept == "end":
        start = end - timedelta(days=3)
    else:
        start, end = start + timedelta(hours=1), end + timedelta(hours=1)
    fetched(feed_of(flat), calendar(event("h@pms", start, end, NAMED)))
    assert local_stays(flat) == [(f"{first:%m-%d} 15:00", f"{last:%m-%d} 11:00")]
    in_utc_for_certain = zone == "Europe/London" and kept != "start"
    assert [one.needs_review for one in confirmed(flat)] == [not in_utc_for_certain]


@pytest.mark.parametrize("last_minute", ["235900", "235959"])
def test_the_last_minute_of_a_day_is_its_end(house: House, clock: time_machine.Traveller, last_minute: str) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    fetched(feed_of(flat), calendar(row(":20270509T000000", f":20270510T{last_minute}")))
    assert local_stays(flat) == [("05-09 15:00", "05-11 11:00")]
    assert [one.needs_review for one in confirmed(flat)] == [True]


@pytest.mark.parametrize(
    ("starts", "ends"), [(";VALUE=DATE:20270509", ":20270511T000000"), (":20270509T000000", ";VALUE=DATE:20270511")]
)
def test_a_day_and_a_midnight_are_days(house: House, clock: time_machine.Traveller, starts: str, ends: str) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    fetched(feed_of(flat), calendar(row(starts, ends)))
    assert local_stays(flat) == [("05-09 15:00", "05-11 11:00")]


def test_a_length_after_a_midnight_is_days(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    body = calendar(row(":20270509T000000", ":20270511T000000").replace("DTEND:20270511T000000", "DURATION:PT48H"))
    fetched(feed_of(flat), body)
    assert local_stays(flat) == [("05-09 15:00", "05-11 11:00")]


def test_recurring_midnights_are_days(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    weekly = row(":20270508T220000Z", ":20270510T220000Z").replace("SUMMARY", "RRULE:FREQ=WEEKLY;COUNT=2\r\nSUMMARY")
    fetched(feed_of(flat), calendar(weekly))
    assert local_stays(flat) == [("05-09 15:00", "05-11 11:00"), ("05-16 15:00", "05-18 11:00")]


TRUE_TIMES = [
    (":20270509T150000", ":20270511T110000"),
    (":20270509T130000Z", ":20270511T090000Z"),
    (":20270509T160000", ":20270511T100000"),
    (":20270509T140000", ":20270511T140000"),
    (":20270509T000000", ":20270511T110000"),
    (":20270509T233000", ":20270511T113000"),
    (";TZID=America/New_York:20270509T100000", ";TZID=America/New_York:20270511T060000"),
]


@pytest.mark.parametrize(("starts", "ends"), TRUE_TIMES)
def test_true_times_are_kept_to_the_minute(house: House, clock: time_machine.Traveller, starts: str, ends: str) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    fetched(feed_of(flat), calendar(row(starts, ends)))
    (stay,) = confirmed(flat)
    wished = [_moment(text) for text in (starts, ends)]
    assert [stay.check_in, stay.check_out] == wished
    assert stay.follows_property_times is False
    assert stay.needs_review is (stay.check_out.astimezone(flat.zone).hour < 10)


def _moment(text: str) -> datetime:
    zone, _, value = text.rpartition(":")
    name = zone.partition("TZID=")[2] or "Europe/Amsterdam"
    here = UTC if value.endswith("Z") else ZoneInfo(name)
    return datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=here).astimezone(UTC)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Asia/Kolkata"])
def test_midnights_of_a_zone_that_nobody_names_are_marked(
    house: House, clock: time_machine.Traveller, zone: str
) -> None:
    """An exporter in Paris wrote days, and the code ended on the evening before check-out."""
    flat = home(house, zone)
    at(clock, "05-01 09:00")
    fetched(feed_of(flat), calendar(row(":20270509T220000Z", ":20270511T220000Z")))
    assert [one.needs_review for one in confirmed(flat)] == [True]


def test_beside_true_times_each_row_is_decided_by_itself_and_marked(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    true = row(":20270520T160000", ":20270522T100000", "Reserved - Tam Vries", uid="t@pms")
    fetched(feed_of(flat), calendar(row(":20270509T000000", ":20270511T000000"), true))
    assert local_stays(flat) == [("05-09 15:00", "05-11 11:00"), ("05-20 16:00", "05-22 10:00")]
    assert [one.needs_review for one in confirmed(flat)] == [True, False]


def test_closed_days_with_times_make_no_stay_doubtful(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    closed = row(":20270520T160000", ":20270522T100000", "Blocked", uid="b@pms")
    fetched(feed_of(flat), calendar(row(":20270509T000000", ":20270511T000000"), closed))
    assert [one.needs_review for one in confirmed(flat)] == [False]


@pytest.mark.parametrize(
    ("zone", "starts", "ends"),
    [
        ("Europe/Amsterdam", ":20270509T150000", ":20270511T000000"),
        ("Europe/Amsterdam", ":20270509T130000Z", ":20270511T000000Z"),
        ("Asia/Tokyo", ":20270509T063000Z", ":20270511T000000Z"),
        ("America/New_York", ":20270509T070000Z", ":20270511T070000Z"),
    ],
)
def test_no_code_ends_before_check_out_unmarked(
    house: House, clock: time_machine.Traveller, zone: str, starts: str, ends: str
) -> None:
    flat = home(house, zone)
    at(clock, "05-01 09:00")
    fetched(feed_of(flat), calendar(row(starts, ends)))
    assert [one.needs_review for one in confirmed(flat)] == [True]


def test_stays_that_were_read_as_instants_become_days_and_keep_their_codes(
    house: House, clock: time_machine.Traveller
) -> None:
    """A calendar that was wrong before: the guest keeps the code, with the right period."""
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(feed, calendar(row(":20270509T020000", ":20270511T020000")))
    (before,) = confirmed(flat)
    code = code_of(before)
    fetched(feed, calendar(row(":20270509T000000", ":20270511T000000")))
    (after,) = confirmed(flat)
    assert (after.pk, code_of(after), after.follows_property_times) == (before.pk, code, True)
    assert local_stays(flat) == [("05-09 15:00", "05-11 11:00")]
