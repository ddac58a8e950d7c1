"""Rules 1 to 7: from bytes to events."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from rentals.calendars.events import FeedError, FeedFault
from rentals.calendars.ical.blocks import MAX_EVENTS
from rentals.calendars.ical.unfold import MAX_BYTES
from tests.support.calendar_texts import NOW, read, vcalendar, vevent

FIRST, LAST = date(2027, 3, 10), date(2027, 3, 12)


def reasons(body: bytes) -> list[str]:
    calendar = read(body)
    assert calendar.events == ()
    return [one.reason for one in calendar.quarantined]


# -- rule 1


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("fold", [" ", "\t"])
def test_rule_01_folds_and_line_ends_of_every_kind(end: str, fold: str) -> None:
    body = vcalendar(vevent(f"SUMMARY:Reserved - Jo{end}{fold}lanta"), end=end)
    assert [event.summary for event in read(body).events] == ["Reserved - Jolanta"]


def test_rule_01_a_fold_inside_a_character_is_mended_in_the_bytes() -> None:
    body = vcalendar(vevent("SUMMARY:Réservée")).replace("é".encode(), b"\xc3\r\n \xa9", 1)
    assert read(body).events[0].summary == "Réservée"


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\x00", b"\r\n\r\n ", b"\xef\xbb\xbf\x00\n"])
def test_rule_01_byte_order_mark_nul_and_leading_space_do_not_matter(before: bytes) -> None:
    body = before + vcalendar(vevent("SUMMARY:Re\x00served"))
    assert read(body).events[0].summary == "Reserved"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-8-sig"])
def test_rule_01_encodings(encoding: str) -> None:
    body = vcalendar(vevent("SUMMARY:Réservée - Müller")).decode().encode(encoding)
    assert read(body).events[0].summary == "Réservée - Müller"


def test_rule_01_a_fold_that_lost_its_space_is_mended_in_texts() -> None:
    url = "DESCRIPTION:Reservation URL: https://www.airbnb.com/hosting/reservations/de"
    (event,) = read(vcalendar(vevent(url, "tails/HMTEST0001\\nPhone Number (Last 4 Digits): 4821"))).events
    assert event.description.startswith(
        "Reservation URL: https://www.airbnb.com/hosting/reservations/details/HMTEST0001"
    )
    (event,) = read(vcalendar(vevent("SUMMARY:Reserved", "X-APPLE-RADIUS=49.91"))).events
    assert event.summary == "Reserved"


def test_rule_01_raw_line_breaks_in_a_description_do_no_harm() -> None:
    lines = ["DESCRIPTION:Reservation", "https://www.airbnb.com/hosting/reservations/details/HMTEST0001", "4 guests"]
    (event,) = read(vcalendar(vevent(*lines))).events
    assert event.description.endswith("/details/HMTEST0001\n4 guests")


@pytest.mark.parametrize("body", [b"\r" * 4_000_000, b" \r" * 2_000_000, b"A:" * 2_000_000, b'A"' * 1_000_000])
def test_rule_01_megabytes_of_nonsense_are_read_in_seconds(body: bytes) -> None:
    began = time.monotonic()
    events = [["BEGIN:VEVENT", "DTSTART;TZID=x:y" + body.decode(), "END:VEVENT"]]
    assert read(vcalendar(*events)).events == ()
    assert read(vcalendar(vevent("SUMMARY:" + body.decode(), "DESCRIPTION:" + body.decode()[:900_000]))).events
    assert time.monotonic() - began < 30


def test_rule_01_one_latin_1_name_spoils_no_other_name() -> None:
    body = vcalendar(vevent("SUMMARY:Żółć"), vevent("SUMMARY:M\u00fcller", uid="two"))
    events = read(body.replace("Müller".encode(), b"M\xfcller")).events
    assert [event.summary for event in events] == ["Żółć", "Müller"]


@pytest.mark.parametrize(
    "line", ["REFRESH-INTERVAL:VALUE=DURATION:PT1H", "no property at all", "X-WR-TIMEZONE;:", "CALSCALE", "=:;,"]
)
def test_rule_01_a_broken_line_of_the_calendar_costs_no_event(line: str) -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved"), head=[line]))
    assert len(calendar.events) == 1
    assert calendar.complete


def test_rule_01_an_event_that_cannot_be_read_is_kept_with_its_reason_and_costs_no_other() -> None:
    broken = vevent("SUMMARY:Reserved - Anna", "DTSTART;VALUE=DATE:20270230", uid="bad", dates=None)
    calendar = read(vcalendar(vevent(uid="a"), broken, vevent(uid="b")))
    assert [event.uid for event in calendar.events] == ["a", "b"]
    (one,) = calendar.quarantined
    assert (one.uid, one.reason, one.summary) == ("bad", "A date in it does not exist.", "Reserved - Anna")
    assert "20270230" in one.excerpt
    assert calendar.complete
    assert "Anna" not in repr(one)


def test_rule_01_an_unreadable_event_without_uid_makes_the_calendar_incomplete() -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved", uid=None, dates=None)))
    assert len(calendar.quarantined) == 1
    assert not calendar.complete


def test_rule_01_two_events_that_a_cut_made_one_are_quarantined_and_the_calendar_incomplete() -> None:
    merged = vevent("SUMMARY:Reserved", "UID:two@test.invalid", "DTSTART;VALUE=DATE:20270501")
    calendar = read(vcalendar(merged))
    assert calendar.events == ()
    assert len(calendar.quarantined) == 1
    assert not calendar.complete


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"END:VEVENT\r\nBEGIN:VEVENT", b"BEGIN:VEVENT"),
        (b"BEGIN:VEVENT\r\nUID:two", b"BEGIN:VEVXNT\r\nUID:two"),
        (b"BEGIN:VEVENT\r\nUID:two", b"BEGINVEVENT\r\nUID:two"),
        (b"BEGIN:VEVENT\r\nUID:two", b"UID:two"),
        (b"END:VEVENT\r\nEND:VCALENDAR", b"END:VCALENDAR"),
        (b"END:VEVENT\r\nEND:VCALENDAR", b"END:VEV\r\nEND:VCALENDAR"),
    ],
)
def test_rule_01_damage_that_hides_an_event_is_told(old: bytes, new: bytes) -> None:
    body = vcalendar(vevent("SUMMARY:Reserved", uid="one"), vevent("SUMMARY:Reserved", uid="two"))
    assert old in body
    calendar = read(body.replace(old, new))
    assert not calendar.complete
    assert len(calendar.events) == 1
    assert len(calendar.quarantined) == 1


def test_rule_01_components_that_are_no_events_hide_nothing() -> None:
    others = [
        ["BEGIN:VTODO", "UID:t", "DTSTART:20270310T100000Z", "END:VTODO"],
        ["BEGIN:VFREEBUSY", "DTSTART:20270310T100000Z", "END:VFREEBUSY"],
        ["BEGIN:X-VENDOR", "BEGIN:X-INNER", "END:X-INNER", "END:X-VENDOR"],
    ]
    alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Reserved - Wrong", "TRIGGER:-PT15M", "END:VALARM"]
    calendar = read(vcalendar(*others, vevent("SUMMARY:Reserved", *alarm)))
    assert len(calendar.events) == 1
    assert calendar.complete
    assert calendar.quarantined == ()
    assert calendar.events[0].description == ""


def test_rule_01_several_calendars_in_one_file_are_one() -> None:
    body = vcalendar(vevent(uid="a")) + vcalendar(vevent(uid="b"))
    assert [event.uid for event in read(body).events] == ["a", "b"]


def test_rule_01_lower_case_and_junk_around_names() -> None:
    body = vcalendar(vevent("SUMMARY:Reserved")).replace(b"BEGIN:VEVENT", b"begin:vevent ").replace(b"UID:", b"Uid:")
    assert [event.uid for event in read(body).events] == ["one@test.invalid"]


# -- rule 2


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", FeedFault.NOT_A_CALENDAR),
        (b"\x00\x00", FeedFault.NOT_A_CALENDAR),
        (b'{"error": "BEGIN:VCALENDAR"}', FeedFault.NOT_A_CALENDAR),
        (b"<html><pre>\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n</pre></html>", FeedFault.NOT_A_CALENDAR),
        (b"  <!DOCTYPE html><p>no</p>", FeedFault.NOT_A_CALENDAR),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", FeedFault.NOT_A_CALENDAR),
        (b"BEGIN:VCALENDAR\r\n", FeedFault.TRUNCATED),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:END:VCALENDAR\r\n", FeedFault.TRUNCATED),
        (vcalendar(vevent())[:-3], FeedFault.TRUNCATED),
        (vcalendar() + b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", FeedFault.TRUNCATED),
        (b"BEGIN:VCALENDAR\r\n" + vcalendar(vevent()), FeedFault.TRUNCATED),
        (b"BEGIN:VCALENDAR\r\n" + b"X" * MAX_BYTES, FeedFault.TOO_LARGE),
        (vcalendar(*[["BEGIN:VEVENT", "END:VEVENT"]] * (MAX_EVENTS + 1)), FeedFault.TOO_MANY_EVENTS),
    ],
)
def test_rule_02_what_cannot_be_believed_as_a_whole(body: bytes, fault: FeedFault) -> None:
    with pytest.raises(FeedError) as caught:
        read(body)
    assert caught.value.fault is fault
    assert str(caught.value).endswith(".")


def test_rule_02_as_many_events_as_allowed_are_read() -> None:
    events = [["BEGIN:VEVENT", f"UID:{n}", "DTSTART:20270310", "END:VEVENT"] for n in range(MAX_EVENTS)]
    assert len(read(vcalendar(*events)).events) == MAX_EVENTS


# -- rule 3


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
        (["DTSTART;VALUE=DATE:20270310", "DTEND;VALUE=DATE:20270310"], "It has no length: it ends when it starts."),
        (["DTSTART;VALUE=DATE:20270310", "DTEND;VALUE=DATE:20270309"], "It ends before it starts."),
        (["DTSTART:20270310T140000Z", "DTEND:20270310T140000Z"], "It has no length: it ends when it starts."),
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
        (["DTSTART:99991231T235959Z", "DTEND:99991231T235960Z"], "It has no length: it ends when it starts."),
        (["DTSTART:20270310", "DTEND:20280311"], "It lasts more than 365 nights."),
        (["DTSTART:20370401", "DTEND:20370403"], "It is more than 10 years ahead."),
        (["DTSTART:20270310", "DTEND:what"], "A date in it cannot be read."),
    ],
)
def test_rule_03_what_makes_no_sense_as_a_stay_is_quarantined(lines: list[str], reason: str) -> None:
    assert reasons(vcalendar(vevent(*lines, dates=None))) == [reason]


def test_rule_03_365_nights_and_ten_years_are_believed() -> None:
    body = vcalendar(vevent(dates="20270310/20280309", uid="a"), vevent(dates="20370226/20370301", uid="b"))
    assert len(read(body).events) == 2


def test_rule_03_junk_lines_are_dropped_and_broken_text_is_no_reason_to_lose_a_stay() -> None:
    lines = ["X-APPLE-RADIUS=49.91", 'SUMMARY;LANGUAGE="x:Reserved', "STATUS", ";;;:", "PRIORITY:high", "SEQUENCE:x"]
    assert len(read(vcalendar(vevent(*lines))).events) == 1


# -- rule 4


def starts_of(*lines: str, head: list[str] | None = None, zone: str = "Europe/Warsaw") -> date:
    (event,) = read(vcalendar(vevent(*lines, "DURATION:P2D", dates=None), head=head or []), zone=zone).events
    return event.starts


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


CUSTOM = [
    *("BEGIN:VTIMEZONE", "TZID:House time"),
    *("BEGIN:STANDARD", "DTSTART:19701025T030000", "TZOFFSETFROM:+0400", "TZOFFSETTO:+0300"),
    *("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD"),
    *("BEGIN:DAYLIGHT", "DTSTART:19700329T020000", "TZOFFSETFROM:+0300", "TZOFFSETTO:+0400"),
    *("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT", "END:VTIMEZONE"),
]


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


# -- rule 6 (rule 5 has a file of its own)


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


# -- rule 7


def test_rule_07_control_and_bidi_characters_are_removed() -> None:
    lines = [
        "SUMMARY:Re\u202eser\x07ved\u2066 - \u200fAn\\nna\u2028x",
        "DESCRIPTION:a\x1b\\nb\u202a\\, c",
        "URL:ht\u202etps://x",
    ]
    (event,) = read(vcalendar(vevent(*lines))).events
    assert (event.summary, event.description, event.url) == ("Reserved - An na x", "a\nb, c", "https://x")


def test_rule_07_lengths_are_capped_and_a_long_uid_is_keyed_by_its_hash() -> None:
    long = "x" * 300
    lines = [f"SUMMARY:{long}", "DESCRIPTION:" + "y" * 5000, "URL:https://x/" + "z" * 600]
    first, second = read(vcalendar(vevent(*lines, uid=f"{long}1"), vevent(uid=f"{long}2"))).events
    assert (len(first.summary), len(first.description), len(first.url)) == (255, 4000, 500)
    assert first.uid.startswith("sha256:")
    assert len(first.uid) == 71
    assert first.uid != second.uid


def test_rule_07_markup_stays_text() -> None:
    (event,) = read(vcalendar(vevent("SUMMARY:<script>alert(1)</script>"))).events
    assert event.summary == "<script>alert(1)</script>"


def test_personal_data_is_not_in_the_repr_of_events() -> None:
    (event,) = read(
        vcalendar(vevent("SUMMARY:Reserved", "DESCRIPTION:Phone: 123456789", "URL:https://secret.test"))
    ).events
    assert "123456789" not in repr(event)
    assert "secret" not in repr(event)


def test_times_are_always_utc() -> None:
    body = vcalendar(vevent("DTSTART;TZID=Asia/Tokyo:20270310T150000", dates=None))
    (event,) = read(body, now=NOW + timedelta(days=1)).events
    assert isinstance(event.starts, datetime)
    assert event.starts.tzinfo is UTC
