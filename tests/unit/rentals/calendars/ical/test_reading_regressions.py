"""What other calendars taught about reading: each of these was once read wrongly."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from rentals.calendars.classify.verdicts import classify
from rentals.calendars.decide.placing import Hours, place
from rentals.calendars.events import Channel, FeedError, Options, Verdict
from tests.support.calendar_texts import read, reading, readings, vcalendar, vevent


@pytest.mark.parametrize(
    "name",
    [
        "Ada Proba",
        "Wanda Nowak",
        "Jan van Dyke",
        "Maria de Souza",
        "Da Silva",
        "Par Olsson",
        "Von Weber",
        "Bypas Nowak",
    ],
)
def test_a_name_is_left_whole(name: str) -> None:
    assert reading(f"Reserved - {name}").guest.name == name


def test_words_before_and_behind_a_name_are_none() -> None:
    assert reading("Reserved for Anna").guest.name == "Anna"
    assert reading("Anna Nowak (homeaway) - by Hostaway").guest.name == "Anna Nowak"
    assert reading("Anna Nowak - von Hostaway").guest.name == "Anna Nowak"


@pytest.mark.parametrize("line", ["UID:one@test.invalid", "SUMMARY:Reserved - Anna", "DTSTAMP:20270302T000000Z"])
def test_a_line_written_twice_costs_no_guest(line: str) -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved - Anna", "DTSTAMP:20270301T000000Z", line)))
    assert (len(calendar.events), calendar.quarantined, calendar.complete) == (1, (), True)


def test_two_uids_in_one_event_are_two_events_that_ran_into_one() -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved", "UID:another@test.invalid")))
    assert (calendar.events, len(calendar.quarantined), calendar.complete) == ((), 1, False)


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


@pytest.mark.parametrize("summary", ["CLOSED- Not available", "CLOSED -Not available", "Closed  -  not available"])
def test_rule_10_the_dash_of_booking_com_may_lose_its_spaces(summary: str) -> None:
    assert reading(summary, channel=Channel.BOOKING).verdict is Verdict.STAY


def test_rule_06_touching_pieces_with_times_are_one_stay() -> None:
    first = vevent("SUMMARY:Reserved", "DTSTART:20270310T140000Z", "DTEND:20270312T100000Z", dates=None)
    second = vevent("SUMMARY:Reserved", "DTSTART:20270312T100000Z", "DTEND:20270314T100000Z", dates=None)
    (one,) = read(vcalendar(first, second)).events
    assert one.ends == datetime(2027, 3, 14, 10, tzinfo=UTC)


@pytest.mark.parametrize("code", ["GY-AbCdEfGh", "TESTCODE", "ABC-12", "HMABCDEFGH"])
def test_a_code_of_guesty_is_no_name(code: str) -> None:
    guest = reading(f"Reservation {code}", channel=Channel.GUESTY).guest
    assert (guest.reservation_code, guest.name) == (code, "")


def test_a_first_name_at_guesty_is_no_code_that_two_guests_would_share() -> None:
    guest = reading("Reservation Anna", channel=Channel.GUESTY).guest
    assert (guest.reservation_code, guest.name) == ("", "Anna")


def test_rule_09_a_block_with_a_remark_is_a_block_whoever_signed_it() -> None:
    assert reading("Unavailable (manual block) - by Hostaway").verdict is Verdict.BLOCK
    assert reading("Anna Closed (airbnb) - by Hostaway").verdict is Verdict.STAY


@pytest.mark.parametrize("summary", ["Pré-réservée - Sylvie", "Préréservé", "Payment pending"])
def test_rule_08_further_tentative_words(summary: str) -> None:
    assert reading(summary).verdict is Verdict.TENTATIVE


def test_details_in_html_are_read() -> None:
    html = "DESCRIPTION:<p>Name: <b>Anna Nowak</b></p><div>Guests: 3</div>Phone: +48 600 123 456<br/>x"
    guest = reading("Reserved", html).guest
    assert (guest.name, guest.guest_count, guest.phone_last4) == ("Anna Nowak", 3, "3456")


def test_rule_02_a_page_is_no_calendar_also_behind_a_declaration() -> None:
    page = b"<?xml version='1.0'?>\n<!-- x -->\n<html><body>\nBEGIN:VCALENDAR\nEND:VCALENDAR\n</body></html>"
    with pytest.raises(FeedError):
        read(page)


@pytest.mark.parametrize(
    "body",
    [
        vcalendar(*(["BEGIN:X-A"] for _ in range(100_000)), *(["END:X-B"] for _ in range(100_000))),
        vcalendar(
            *(
                vevent("SUMMARY:Reserved", dates=f"2027{1 + n % 12:02}{1 + n % 27:02}/2027{1 + n % 12:02}28")
                for n in range(19_000)
            )
        ),
        vcalendar(vevent("SUMMARY:x", "RRULE:FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 400_000))),
    ],
    ids=["unbalanced", "one uid", "long rule"],
)
@pytest.mark.timeout(30)
def test_nothing_makes_a_worker_hang(body: bytes) -> None:
    assert isinstance(readings(body, Options()), tuple)


def test_the_other_spelling_of_cancelled_means_the_same() -> None:
    assert reading("Reserved", "STATUS:CANCELED").verdict is Verdict.CANCELLED


def test_an_empty_recurrence_id_costs_no_guest() -> None:
    calendar = read(vcalendar(vevent("SUMMARY:Reserved", "RECURRENCE-ID:")))
    assert (len(calendar.events), calendar.quarantined) == (1, ())


def test_a_day_and_a_time_on_it_have_a_length_when_the_check_in_comes_before() -> None:
    body = vcalendar(vevent("SUMMARY:Reserved", "DTSTART;VALUE=DATE:20270310", "DTEND:20270310T190000Z", dates=None))
    (event,) = read(body).events
    hours = Hours("Europe/Warsaw", time(15), time(11))
    assert place(classify([event], Channel.OTHER, Options())[0], hours).verdict is Verdict.STAY
    late = Hours("Europe/Warsaw", time(21), time(11))
    assert place(classify([event], Channel.OTHER, Options())[0], late).verdict is Verdict.QUARANTINED


@pytest.mark.parametrize("word", ["Busy", "Occupied", "Belegt", "Occupé", "Zajęte", "Ocupado", "занято"])
def test_words_for_taken_are_a_stay_to_look_at_and_nobodys_name(word: str) -> None:
    made = reading(word)
    assert (made.verdict, made.needs_review, made.guest.name) == (Verdict.STAY, True, "")


@pytest.mark.parametrize(
    "summary",
    [
        "🔒 Blocked",
        "\u26d4\ufe0f Not available",
        "❌ Gesperrt",
        "Bloqueado pelo proprietário",
        "Bloqueo manual",
        "Blocage manuel",
        "Manuelle Sperre",
        "Date bloquée",
        "Nicht verfuegbar",
        "無法使用",
    ],
)
def test_further_ways_to_say_that_nobody_comes(summary: str) -> None:
    assert reading(summary).verdict is Verdict.BLOCK


def test_a_picture_alone_is_a_stay_and_one_before_a_name_is_no_part_of_a_word() -> None:
    assert reading("🎉").verdict is Verdict.STAY
    made = reading("🏠 Reserved - Anna Nowak")
    assert (made.verdict, made.needs_review, made.guest.name) == (Verdict.STAY, False, "Anna Nowak")
