"""Rule 6: versions, twins and pieces of one event."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.support.calendar_texts import read, vcalendar, vevent


def test_rule_06_the_highest_sequence_wins_whatever_the_order() -> None:
    old = vevent("SEQUENCE:1", "LAST-MODIFIED:20270225T000000Z", dates="20270310/20270312")
    new = vevent("SEQUENCE:2", "LAST-MODIFIED:20270101T000000Z", dates="20270320/20270322")
    for body in (vcalendar(old, new), vcalendar(new, old)):
        calendar = read(body)
        assert [event.starts for event in calendar.events] == [date(2027, 3, 20)]
        assert calendar.has_versions


@pytest.mark.parametrize("stamp", ["LAST-MODIFIED", "DTSTAMP"])
def test_rule_06_then_the_latest_stamp_wins_whatever_the_order(stamp: str) -> None:
    old = vevent(f"{stamp}:20270101T000000Z", dates="20270310/20270312")
    new = vevent(f"{stamp}:20270225T000000Z", dates="20270320/20270322")
    for body in (vcalendar(old, new), vcalendar(new, old)):
        assert [event.starts for event in read(body).events] == [date(2027, 3, 20)]


def test_rule_06_exact_twins_are_one() -> None:
    twin = vevent("SUMMARY:Reserved")
    calendar = read(vcalendar(twin, vevent("SUMMARY:Reserved", "DTSTAMP:20270225T000000Z"), twin))
    assert len(calendar.events) == 1
    assert not calendar.has_versions


def test_rule_06_uids_differ_by_case() -> None:
    assert len(read(vcalendar(vevent(uid="ABC"), vevent(uid="abc"))).events) == 2


def test_rule_06_pieces_that_touch_are_one_stay() -> None:
    pieces = [vevent(dates=dates) for dates in ("20270312/20270315", "20270310/20270312", "20270315/20270316")]
    (event,) = read(vcalendar(*pieces)).events
    assert (event.starts, event.ends) == (date(2027, 3, 10), date(2027, 3, 16))


def test_rule_06_a_new_version_beside_the_old_dates_is_no_piece() -> None:
    old, new = vevent("SEQUENCE:1"), vevent("SEQUENCE:2", dates="20270312/20270315")
    (event,) = read(vcalendar(old, new)).events
    assert event.starts == date(2027, 3, 12)


def test_rule_06_what_no_stamp_tells_apart_is_all_kept() -> None:
    events = read(vcalendar(vevent(dates="20270501/20270503"), vevent(dates="20270310/20270312"))).events
    assert sorted((event.starts, event.part) for event in events) == [
        (date(2027, 3, 10), ""),
        (date(2027, 5, 1), "2027-05-01"),
    ]


def test_rule_06_without_uid_the_dates_are_the_key() -> None:
    one, other = vevent("SUMMARY:Anna", uid=None), vevent("SUMMARY:Berta", uid=None)
    events = read(vcalendar(one, other, one, vevent(uid=None, dates="20270501/20270503"))).events
    assert [(event.uid, event.part) for event in events] == [
        ("no-uid:2027-03-10/2027-03-12", ""),
        ("no-uid:2027-03-10/2027-03-12", "2"),
        ("no-uid:2027-05-01/2027-05-03", ""),
    ]


def test_rule_06_touching_pieces_with_times_are_one_stay() -> None:
    first = vevent("SUMMARY:Reserved", "DTSTART:20270310T140000Z", "DTEND:20270312T100000Z", dates=None)
    second = vevent("SUMMARY:Reserved", "DTSTART:20270312T100000Z", "DTEND:20270314T100000Z", dates=None)
    (one,) = read(vcalendar(first, second)).events
    assert one.ends == datetime(2027, 3, 14, 10, tzinfo=UTC)


def test_an_empty_recurrence_id_costs_no_guest() -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved", "RECURRENCE-ID:")))
    assert (len(calendar.events), calendar.quarantined) == (1, ())


def test_one_uid_for_several_guests_leaves_out_none_in_silence() -> None:
    """Some exporters give every row the same UID."""
    rows = [
        vevent(f"SUMMARY:Reserved - {name}", f"DTSTAMP:2027022{number}T000000Z", dates=f"202703{day}/202703{day + 2}")
        for number, (name, day) in enumerate({"Anna": 10, "Odalys": 20, "Tam": 14}.items())
    ]
    for body in (vcalendar(*rows), vcalendar(*reversed(rows))):
        calendar = read(body)
        assert [event.starts for event in calendar.events] == [date(2027, 3, 14)]
        assert sorted(str(one.starts) for one in calendar.quarantined) == ["2027-03-10", "2027-03-20"]
        assert calendar.complete


@pytest.mark.parametrize(
    ("lines", "dates"),
    [
        (("SUMMARY:Reserved - Anna",), "20270320/20270322"),  # moved
        (("SUMMARY:Reserved - Tam",), "20270311/20270315"),  # corrected: the days are partly the same
        (("SUMMARY:Reserved - Tam", "SEQUENCE:1"), "20270320/20270322"),  # it says that it is a newer version
    ],
)
def test_an_older_version_of_the_same_stay_is_left_out(lines: tuple[str, ...], dates: str) -> None:
    old = vevent("SUMMARY:Reserved - Anna", "DTSTAMP:20270201T000000Z", dates="20270310/20270312")
    calendar = read(vcalendar(old, vevent(*lines, "DTSTAMP:20270202T000000Z", dates=dates)))
    assert len(calendar.events) == 1
    assert not calendar.quarantined
