"""Rules 1 and 2: from bytes to events, and what cannot be believed as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rentals.calendars.events import FeedError, FeedFault, Options
from rentals.calendars.ical.blocks import MAX_EVENTS
from rentals.calendars.ical.unfold import MAX_BYTES
from tests.support.calendar_texts import read, readings, vcalendar, vevent


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
    began = time.process_time()
    events = [["BEGIN:VEVENT", "DTSTART;TZID=x:y" + body.decode(), "END:VEVENT"]]
    assert read(vcalendar(*events)).events == ()
    assert read(vcalendar(vevent("SUMMARY:" + body.decode(), "DESCRIPTION:" + body.decode()[:900_000]))).events
    assert time.process_time() - began < 30


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


@pytest.mark.parametrize("line", ["UID:one@test.invalid", "SUMMARY:Reserved - Anna", "DTSTAMP:20270302T000000Z"])
def test_a_line_written_twice_costs_no_guest(line: str) -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved - Anna", "DTSTAMP:20270301T000000Z", line)))
    assert (len(calendar.events), calendar.quarantined, calendar.complete) == (1, (), True)


def test_two_uids_in_one_event_are_two_events_that_ran_into_one() -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved", "UID:another@test.invalid")))
    assert (calendar.events, len(calendar.quarantined), calendar.complete) == ((), 1, False)


def test_rule_02_a_page_is_no_calendar_also_behind_a_declaration() -> None:
    page = b"<?xml version='1.0'?>\n<!-- x -->\n<html><body>\nBEGIN:VCALENDAR\nEND:VCALENDAR\n</body></html>"
    with pytest.raises(FeedError):
        read(page)


# Functions, because each worker collects all tests and runs few.
ENDLESS = {
    "unbalanced": lambda: vcalendar(*(["BEGIN:X-A"] for _ in range(100_000)), *(["END:X-B"] for _ in range(100_000))),
    "one uid": lambda: vcalendar(
        *(
            vevent("SUMMARY:Reserved", dates=f"2027{1 + n % 12:02}{1 + n % 27:02}/2027{1 + n % 12:02}28")
            for n in range(19_000)
        )
    ),
    "long rule": lambda: vcalendar(vevent("SUMMARY:x", "RRULE:FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 400_000))),
}


@pytest.mark.parametrize("make", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.timeout(30)
def test_nothing_makes_a_worker_hang(make: Callable[[], bytes]) -> None:
    assert isinstance(readings(make(), Options()), tuple)
