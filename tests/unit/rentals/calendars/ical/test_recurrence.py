"""Rule 5: recurring events, expanded within bounds."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from rentals.calendars.events import Calendar
from tests.support.calendar_texts import NOW, read, vcalendar, vevent


def weekly(*lines: str, rule: str = "FREQ=WEEKLY", dates: str = "20270305/20270307") -> Calendar:
    return read(vcalendar(vevent(f"RRULE:{rule}", *lines, dates=dates)))


def test_rule_05_a_weekly_stay_is_followed_for_two_years() -> None:
    calendar = weekly("SUMMARY:Reserved")
    starts = [event.starts for event in calendar.events]
    assert starts[:2] == [date(2027, 3, 5), date(2027, 3, 12)]
    assert starts[-1] == date(2029, 2, 23)
    assert all(event.ends - event.starts == timedelta(days=2) for event in calendar.events)
    assert [event.recurrence_id for event in calendar.events[:2]] == ["2027-03-05", "2027-03-12"]
    assert {event.uid for event in calendar.events} == {"one@test.invalid"}
    assert calendar.has_recurrences


def test_rule_05_a_calendar_without_recurrences_says_so() -> None:
    assert not read(vcalendar(vevent())).has_recurrences


def test_rule_05_at_most_500_instances_of_one_event_the_nearest_first() -> None:
    calendar = weekly(rule="FREQ=DAILY", dates="20200101/20200102")
    assert len(calendar.events) == 500
    assert calendar.events[0].ends >= (NOW - timedelta(days=2)).date()
    assert calendar.events[0].starts <= NOW.date()


@pytest.mark.parametrize(
    ("rule", "starts"),
    [
        ("FREQ=WEEKLY;COUNT=3", ["2027-03-05", "2027-03-12", "2027-03-19"]),
        ("FREQ=WEEKLY;UNTIL=20270319", ["2027-03-05", "2027-03-12", "2027-03-19"]),
        ("FREQ=WEEKLY;UNTIL=20270318T235959Z", ["2027-03-05", "2027-03-12"]),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=2", ["2027-03-05", "2027-03-19"]),
        ("FREQ=MONTHLY;BYDAY=1FR;COUNT=3", ["2027-03-05", "2027-04-02", "2027-05-07"]),
        ("FREQ=YEARLY", ["2027-03-05", "2028-03-05"]),
        ("FREQ=WEEKLY;UNTIL=20260101", ["2027-03-05"]),
    ],
)
def test_rule_05_rules(rule: str, starts: list[str]) -> None:
    assert [event.starts.isoformat() for event in weekly(rule=rule).events] == starts


def test_rule_05_exdate_rdate_and_overrides_count() -> None:
    master = vevent(
        *("SUMMARY:Reserved", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;VALUE=DATE:20270312", "RDATE;VALUE=DATE:20270401"),
        dates="20270305/20270307",
    )
    moved = vevent("RECURRENCE-ID;VALUE=DATE:20270319", "SUMMARY:Moved", dates="20270320/20270323")
    gone = vevent("RECURRENCE-ID;VALUE=DATE:20270326", "STATUS:CANCELLED", dates="20270326/20270328")
    for body in (vcalendar(master, moved, gone), vcalendar(gone, moved, master)):
        events = {event.recurrence_id: event for event in read(body).events}
        assert sorted(events) == ["2027-03-05", "2027-03-19", "2027-03-26", "2027-04-01"]
        assert (events["2027-03-19"].starts, events["2027-03-19"].ends) == (date(2027, 3, 20), date(2027, 3, 23))
        assert events["2027-03-19"].summary == "Moved"
        assert events["2027-03-26"].status == "CANCELLED"


def test_rule_05_this_and_future_moves_the_rest() -> None:
    master = vevent("RRULE:FREQ=WEEKLY;COUNT=4", dates="20270305/20270307")
    later = vevent("RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270319", dates="20270320/20270323")
    events = read(vcalendar(master, later)).events
    assert [(event.starts.day, event.ends.day) for event in events] == [(5, 7), (12, 14), (20, 23), (27, 30)]
    assert len({event.recurrence_id for event in events}) == 4


def test_rule_05_an_override_without_its_series_is_an_event() -> None:
    (event,) = read(vcalendar(vevent("RECURRENCE-ID;VALUE=DATE:20270310"))).events
    assert event.recurrence_id == "2027-03-10"


def test_rule_05_the_wall_time_stays_when_the_clock_changes() -> None:
    lines = ["DTSTART;TZID=Europe/Warsaw:20270325T150000", "DTEND;TZID=Europe/Warsaw:20270326T110000"]
    events = read(vcalendar(vevent(*lines, "RRULE:FREQ=WEEKLY;COUNT=2", dates=None))).events
    assert [(event.starts, event.ends) for event in events] == [
        (datetime(2027, 3, 25, 14, tzinfo=UTC), datetime(2027, 3, 26, 10, tzinfo=UTC)),
        (datetime(2027, 4, 1, 13, tzinfo=UTC), datetime(2027, 4, 2, 9, tzinfo=UTC)),
    ]
    assert events[1].recurrence_id == "2027-04-01T13:00:00+00:00"


def test_rule_05_overrides_of_instants_match_in_any_zone() -> None:
    lines = ["DTSTART;TZID=Europe/Warsaw:20270325T150000", "DURATION:PT20H", "RRULE:FREQ=WEEKLY;COUNT=2"]
    moved = ["RECURRENCE-ID:20270401T130000Z", "DTSTART:20270402T130000Z", "DTEND:20270403T090000Z"]
    events = read(vcalendar(vevent(*lines, dates=None), vevent(*moved, dates=None))).events
    assert [event.starts.day for event in events] == [25, 2]


@pytest.mark.parametrize(
    "rule",
    [
        *("FREQ=SECONDLY;COUNT=172800", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=8,9"),
        *("FREQ=DAILY;BYMINUTE=0,1", "FREQ=DAILY;BYSECOND=0,1", "FREQ=DAILY;INTERVAL=0", "FREQ=OFTEN", "nonsense"),
        *("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=13", "FREQ=DAILY;INTERVAL=99999999999999999999"),
        *("RSCALE=CHINESE;FREQ=YEARLY", "FREQ=DAILY;UNTIL=120000"),
    ],
)
def test_rule_05_what_cannot_be_followed_costs_only_itself(rule: str) -> None:
    calendar = read(vcalendar(vevent(f"RRULE:{rule}", uid="bad"), vevent(uid="good")))
    assert [event.uid for event in calendar.events] == ["good"]
    assert [one.uid for one in calendar.quarantined] == ["bad"]
    assert calendar.complete


@pytest.mark.parametrize(
    "rule",
    [
        *("FREQ=DAILY;COUNT=999999999", "FREQ=DAILY;UNTIL=99991231T235959Z", "FREQ=YEARLY;INTERVAL=9999"),
        *("FREQ=DAILY;INTERVAL=1000000", "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=5"),
    ],
)
def test_rule_05_no_rule_runs_away(rule: str) -> None:
    began = time.process_time()
    calendar = weekly(rule=rule, dates="19700105/19700107")
    assert len(calendar.events) <= 500
    assert time.process_time() - began < 10


@pytest.mark.parametrize("step", ["DAILY", "WEEKLY"])
def test_rule_05_steps_beyond_the_horizon_are_not_walked_through(step: str) -> None:
    """Eight such rules in each of 200 events kept a worker busy for a minute, and a calendar may hold 20,000."""
    began = time.process_time()
    rules = [f"RRULE:FREQ={step};INTERVAL={999_990 + number}" for number in range(8)]
    calendar = read(vcalendar(*(vevent(*rules, uid=str(number), dates="20290220/20290222") for number in range(50))))
    assert len(calendar.events) == 50
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("rule", "starts"),
    [
        ("FREQ=WEEKLY;INTERVAL=104;COUNT=3", ["2027-03-03", "2029-02-28"]),
        ("FREQ=DAILY;INTERVAL=728", ["2027-03-03", "2029-02-28"]),
        ("FREQ=WEEKLY;INTERVAL=999999;BYDAY=MO,WE,FR", ["2027-03-03", "2027-03-05"]),
    ],
)
def test_rule_05_the_longest_steps_within_the_horizon_are_taken(rule: str, starts: list[str]) -> None:
    assert [event.starts.isoformat() for event in weekly(rule=rule, dates="20270303/20270304").events] == starts


def test_rule_05_many_recurring_events_end_in_quarantine_not_in_hours() -> None:
    began = time.process_time()
    events = [vevent("RRULE:FREQ=DAILY", uid=str(number), dates="19710101/19710102") for number in range(2000)]
    calendar = read(vcalendar(*events))
    assert len(calendar.events) <= 20_000
    assert calendar.quarantined[-1].reason == "The calendar holds too many recurring events to follow."
    assert time.process_time() - began < 60
