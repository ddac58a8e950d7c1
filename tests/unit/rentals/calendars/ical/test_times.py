"""Rules 3 and 4: days, instants and their zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from rentals.calendars.classify.verdicts import classify
from rentals.calendars.decide.placing import Hours, place
from rentals.calendars.events import Channel, Options, Verdict
from tests.support.calendar_texts import NOW, read, vcalendar, vevent

FIRST, LAST = date(2027, 3, 10), date(2027, 3, 12)
CUSTOM = [
    *("BEGIN:VTIMEZONE", "TZID:House time"),
    *("BEGIN:STANDARD", "DTSTART:19701025T030000", "TZOFFSETFROM:+0400", "TZOFFSETTO:+0300"),
    *("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD"),
    *("BEGIN:DAYLIGHT", "DTSTART:19700329T020000", "TZOFFSETFROM:+0300", "TZOFFSETTO:+0400"),
    *("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT", "END:VTIMEZONE"),
]


def reasons(body: bytes) -> list[str]:
    calendar = read(body)
    assert calendar.events == ()
    return [one.reason for one in calendar.quarantined]


def starts_of(*lines: str, head: list[str] | None = None, zone: str = "Europe/Warsaw") -> date:
    (event,) = read(vcalendar(vevent(*lines, "DURATION:P2D", dates=None), head=head or []), zone=zone).events
    return event.starts


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("lines", "starts", "ends"),
    [
        (["DTSTART;VALUE=DATE:20270310", "DTEND;VALUE=DATE:20270312"], FIRST, LAST),
        (["DTSTART;VALUE=DATE:20270310"], FIRST, date(2027, 3, 11)),
        (["DTSTART;VALUE=DATE:20270310", "DURATION:P2D"], FIRST, LAST),
        (["DTSTART;VALUE=DATE:20270310", "DURATION:PT36H"], FIRST, LAST),
        (["DTSTART;VALUE=DATE:20270310", "DURATION:P1W"], FIRST, date(2027, 3, 17)),
        (["DTSTART:20270310", "DTEND:20270312"], FIRST, LAST),
        (["DTSTART:2027-03-10", "DTEND: 20270312 "], FIRST, LAST),
        (["DTSTART;VALUE=DATE-TIME:20270310", "DTEND;VALUE=DATE-TIME:20270312"], FIRST, LAST),
        (["DTSTART;VALUE=DATE:20270310T000000", "DTEND;VALUE=DATE:20270312T000000"], FIRST, LAST),
        (["DTSTART;VALUE=DATE;:20270310", "DTEND;VALUE=DATE:20270312"], FIRST, LAST),
    ],
)
def test_rule_03_whole_days(lines: list[str], starts: date, ends: date) -> None:
    (event,) = read(vcalendar(vevent(*lines, dates=None))).events
    assert (event.starts, event.ends) == (starts, ends)
    assert not isinstance(event.starts, datetime)


@pytest.mark.parametrize(
    ("lines", "starts", "ends"),
    [
        (["DTSTART:20270310T140000Z"], "2027-03-10T14:00", "2027-03-11T14:00"),
        (["DTSTART:20270310T140000Z", "DURATION:P1DT2H"], "2027-03-10T14:00", "2027-03-11T16:00"),
        (["DTSTART;VALUE=DATE:20270310T150000", "DTEND:20270312T110000"], "2027-03-10T14:00", "2027-03-12T10:00"),
        (["DTSTART: 20270310t150000", "DTEND:2027-03-12T10:00:00Z"], "2027-03-10T14:00", "2027-03-12T10:00"),
        (["DTSTART:20270310T150000+0100", "DTEND:20270312T1100"], "2027-03-10T14:00", "2027-03-12T10:00"),
    ],
)
def test_rule_03_instants(lines: list[str], starts: str, ends: str) -> None:
    (event,) = read(vcalendar(vevent(*lines, dates=None))).events
    assert event.starts == datetime.fromisoformat(f"{starts}+00:00")
    assert event.ends == datetime.fromisoformat(f"{ends}+00:00")


def test_rule_03_a_day_and_an_instant_may_be_mixed() -> None:
    (event,) = read(vcalendar(vevent("DTSTART:20270310T140000Z", "DTEND;VALUE=DATE:20270312", dates=None))).events
    assert (event.starts, event.ends) == (datetime(2027, 3, 10, 14, tzinfo=UTC), LAST)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["DTEND;VALUE=DATE:20270312"], "It has no start (DTSTART)."),
        (["DTSTART;VALUE=DATE:20270310", "DTEND;VALUE=DATE:20270309"], "It ends before it starts."),
        (["DTSTART:20270310T140000Z", "DURATION:-PT1H"], "It ends before it starts."),
        (["DTSTART:20270310", "DURATION:-P2D"], "It ends before it starts."),
        (["DTSTART:20270310", "DURATION:P999999999W"], "Its length (DURATION) cannot be read."),
        (["DTSTART:20270230"], "A date in it does not exist."),
        (["DTSTART:20271301"], "A date in it does not exist."),
        (["DTSTART:20270310T250000Z"], "A date in it does not exist."),
        (["DTSTART:soon"], "A date in it cannot be read."),
        (["DTSTART:"], "A date in it cannot be read."),
        (["DTSTART:00010101T000000"], "A date in it is in the distant past."),
        (["DTSTART:99991231"], "Its end is out of range."),
        (["DTSTART:99991231T235959Z", "DTEND:99991231T235960Z"], "Its end is out of range."),
        (["DTSTART:20270310", "DTEND:20290519"], "It lasts more than 800 nights."),
        (["DTSTART:20370401", "DTEND:20370403"], "It is more than 10 years ahead."),
        (["DTSTART:20270310", "DTEND:what"], "A date in it cannot be read."),
    ],
)
def test_rule_03_what_makes_no_sense_as_a_stay_is_quarantined(lines: list[str], reason: str) -> None:
    assert reasons(vcalendar(vevent(*lines, dates=None))) == [reason]


def test_rule_03_a_year_and_ten_years_ahead_are_believed_and_800_nights_with_a_doubt() -> None:
    long, ahead, longest = (
        vevent(dates="20270310/20280309", uid="a"),
        vevent(dates="20370226/20370301", uid="b"),
        vevent(dates="20270310/20290518", uid="c"),
    )
    events = read(vcalendar(long, ahead, longest)).events
    assert [one.doubts for one in events] == [(), (), ("It lasts 800 nights, longer than a year.",)]


@pytest.mark.parametrize(
    "lines",
    [
        ["DTSTART;VALUE=DATE:20270310", "DTEND;VALUE=DATE:20270310"],
        ["DTSTART;VALUE=DATE:20270310", "DURATION:P0D"],
        ["DTSTART:20270310", "DURATION:PT0S"],
        ["DTSTART:20270310T000000", "DTEND:20270310T000000"],
        ["DTSTART:20270309T230000Z", "DTEND:20270309T230000Z"],
    ],
)
def test_rule_03_what_ends_when_it_starts_is_one_night_and_doubtful(lines: list[str]) -> None:
    (one,) = read(vcalendar(vevent(*lines, dates=None))).events
    assert (one.starts, one.ends, one.no_length) == (FIRST, date(2027, 3, 11), True)
    assert one.doubts


def test_rule_03_a_single_night_that_was_assumed_ends_at_check_out() -> None:
    (one,) = read(vcalendar(vevent("DTSTART:20270310T200000Z", "DTEND:20270310T200000Z", dates=None))).events
    placed = place(classify([one], Channel.OTHER, Options())[0], Hours("Europe/Warsaw", time(15), time(11)))
    assert (placed.starts_at, placed.ends_at) == (at("2027-03-10T20:00"), at("2027-03-11T10:00"))
    assert placed.needs_review


def test_rule_03_junk_lines_are_dropped_and_broken_text_is_no_reason_to_lose_a_stay() -> None:
    lines = ["X-APPLE-RADIUS=49.91", 'SUMMARY;LANGUAGE="x:Reserved', "STATUS", ";;;:", "PRIORITY:high", "SEQUENCE:x"]
    assert len(read(vcalendar(vevent(*lines))).events) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("DTSTART:20270310T150000Z", "2027-03-10T15:00"),
        ("DTSTART:20270310T150000", "2027-03-10T14:00"),
        ("DTSTART;TZID=America/New_York:20270310T150000", "2027-03-10T20:00"),
        ('DTSTART;TZID="America/New_York":20270310T150000', "2027-03-10T20:00"),
        ("DTSTART;TZID=america/new_york:20270310T150000", "2027-03-10T20:00"),
        ("DTSTART;TZID=Eastern Standard Time:20270310T150000", "2027-03-10T20:00"),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/America/New_York:20270310T150000", "2027-03-10T20:00"),
        ("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Athens:20270310T150000", "2027-03-10T13:00"),
        ("DTSTART;TZID=UTC:20270310T150000", "2027-03-10T15:00"),
        ("DTSTART;TZID=GMT+02:00:20270310T150000", "2027-03-10T13:00"),
        ('DTSTART;TZID="UTC-05:30":20270310T150000', "2027-03-10T20:30"),
        ("DTSTART;TZID=America/New_York:20270310T150000Z", "2027-03-10T15:00"),
        ("DTSTART;TZID=Nowhere/Land:20270310T150000", "2027-03-10T14:00"),
        ("DTSTART;TZID=:20270310T150000", "2027-03-10T14:00"),
        ("DTSTART;TZID=../../etc/passwd:20270310T150000", "2027-03-10T14:00"),
    ],
)
def test_rule_04_the_zone_of_a_time_is_never_dropped(line: str, expected: str) -> None:
    assert starts_of(line) == at(expected)


def test_rule_04_floating_times_take_the_calendars_zone_then_the_propertys() -> None:
    line = "DTSTART:20270310T150000"
    assert starts_of(line, head=["X-WR-TIMEZONE:America/New_York"]) == at("2027-03-10T20:00")
    assert starts_of(line, head=["X-WR-TIMEZONE:Atlantis"]) == at("2027-03-10T14:00")
    assert starts_of(line, zone="Asia/Tokyo") == at("2027-03-10T06:00")


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("20270310T150000", "2027-03-10T12:00"),
        ("20270710T150000", "2027-07-10T11:00"),
        ("20270328T023000", "2027-03-27T23:30"),  # in the gap: the offset before it
        ("20271031T023000", "2027-10-30T22:30"),  # comes twice: the first
    ],
)
def test_rule_04_a_zone_that_the_calendar_defines_itself(wall: str, expected: str) -> None:
    assert starts_of(f"DTSTART;TZID=House time:{wall}", head=CUSTOM) == at(expected)


@pytest.mark.parametrize(
    ("wall", "expected"), [("20270328T023000", "2027-03-28T01:30"), ("20271031T023000", "2027-10-31T00:30")]
)
def test_rule_04_the_clock_changes(wall: str, expected: str) -> None:
    assert starts_of(f"DTSTART;TZID=Europe/Warsaw:{wall}") == at(expected)


def test_rule_04_a_definition_of_one_calendar_never_reaches_another() -> None:
    assert starts_of("DTSTART;TZID=House time:20270310T150000", head=CUSTOM) == at("2027-03-10T12:00")
    assert starts_of("DTSTART;TZID=House time:20270310T150000") == at("2027-03-10T14:00")


def test_rule_04_a_definition_under_a_known_name_does_not_replace_the_zone() -> None:
    lying = [line.replace("House time", "Europe/Warsaw") for line in CUSTOM]
    assert starts_of("DTSTART;TZID=Europe/Warsaw:20270310T150000", head=lying) == at("2027-03-10T14:00")


def test_rule_04_a_definition_that_would_never_end_counts_as_unknown() -> None:
    endless = [line.replace("FREQ=YEARLY", "FREQ=SECONDLY") for line in CUSTOM]
    assert starts_of("DTSTART;TZID=House time:20270310T150000", head=endless) == at("2027-03-10T14:00")


def test_times_are_always_utc() -> None:
    body = vcalendar(vevent("DTSTART;TZID=Asia/Tokyo:20270310T150000", dates=None))
    (event,) = read(body, now=NOW + timedelta(days=1)).events
    assert isinstance(event.starts, datetime)
    assert event.starts.tzinfo is UTC


@pytest.mark.parametrize(
    ("tzid", "hour"),
    [
        ("tzone://Microsoft/Utc", 15),
        ("EDT", 19),
        ("PST", 23),
        ("CEST", 13),
        ("(UTC+01:00) Amsterdam\\, Berlin\\, Bern\\, Rome", 14),
        ("(GMT+01.00) Sarajevo/Warsaw/Zagreb", 14),
        ("(UTC-05:00) Eastern Time (US & Canada)", 20),
        ("Eastern Time (US & Canada)", 20),
        ("(UTC+05:45) Somewhere", 9),
        ("(UTC) Coordinated Universal Time", 15),
    ],
)
def test_rule_04_a_zone_as_exporters_write_it_is_not_dropped(tzid: str, hour: int) -> None:
    lines = [f'DTSTART;TZID="{tzid}":20270310T150000', f'DTEND;TZID="{tzid}":20270312T110000']
    (one,) = read(vcalendar(vevent("SUMMARY:Reserved", *lines, dates=None))).events
    assert isinstance(one.starts, datetime)
    assert one.starts.astimezone(UTC).hour == hour


def test_rule_04_a_zone_with_a_city_knows_summer() -> None:
    tzid = "(UTC+01:00) Amsterdam, Berlin"
    lines = [f'DTSTART;TZID="{tzid}":20270710T150000', f'DTEND;TZID="{tzid}":20270712T110000']
    (one,) = read(vcalendar(vevent("SUMMARY:Reserved", *lines, dates=None))).events
    assert one.starts == datetime(2027, 7, 10, 13, tzinfo=UTC)


def test_rule_03_midnight_under_value_date_is_the_day_whatever_the_zone() -> None:
    lines = ["DTSTART;VALUE=DATE:20270701T000000Z", "DTEND;VALUE=DATE:20270703T000000Z"]
    (one,) = read(vcalendar(vevent("SUMMARY:Reserved", *lines, dates=None))).events
    assert (one.starts, one.ends) == (date(2027, 7, 1), date(2027, 7, 3))


def test_rule_03_odd_clocks_and_empty_ends_are_read() -> None:
    late = ["DTSTART:20270701T240000Z", "DTEND:20270703T100060Z"]
    (one,) = read(vcalendar(vevent("SUMMARY:Reserved", *late, dates=None))).events
    assert (one.starts, one.ends) == (
        datetime(2027, 7, 2, tzinfo=UTC),
        datetime(2027, 7, 3, 10, 0, 59, tzinfo=UTC),
    )
    (one,) = read(
        vcalendar(vevent("SUMMARY:Reserved", "DTSTART;VALUE=DATE:20270701", "DTEND;VALUE=DATE:", dates=None))
    ).events
    assert (one.ends, one.end_assumed) == (date(2027, 7, 2), True)


def test_a_day_and_a_time_on_it_have_a_length_when_the_check_in_comes_before() -> None:
    body = vcalendar(vevent("SUMMARY:Reserved", "DTSTART;VALUE=DATE:20270310", "DTEND:20270310T190000Z", dates=None))
    (event,) = read(body).events
    hours = Hours("Europe/Warsaw", time(15), time(11))
    assert place(classify([event], Channel.OTHER, Options())[0], hours).verdict is Verdict.STAY
    late = Hours("Europe/Warsaw", time(21), time(11))
    assert place(classify([event], Channel.OTHER, Options())[0], late).verdict is Verdict.QUARANTINED
