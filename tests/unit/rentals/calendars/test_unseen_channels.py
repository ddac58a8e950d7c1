"""Calendars in the shapes of further channels and programs, read and decided as a careful host would.

A row is: first day or instant, end, verdict, marked for review, guest, reservation code.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from rentals.calendars.events import FeedError, FeedFault, Options, Reading
from tests.support.calendar_texts import read, readings, vcalendar, vevent
from tests.support.paths import SAMPLES

Row = tuple[str, str, str, bool, str, str]

STAYS: dict[str, list[Row]] = {
    "airbnb-code-in-query-split-by-folds": [
        ("20270505", "20270509", "stay", False, "", "HMQUERY001"),
        ("20270509", "20270512", "stay", False, "", "HMPATH0002"),
        ("20270601", "20270602", "block", False, "", ""),
        ("20271101", "20280401", "block", False, "", ""),
    ],
    "booking-with-guest-names": [
        ("20270505", "20270508", "stay", False, "Maja Testowska-Probna", ""),
        ("20270508", "20270510", "stay", False, "", ""),
        ("20270601", "20270701", "stay", False, "", ""),
        ("20270801", "20270901", "review", True, "", ""),
        ("20271001", "20271005", "block", False, "", ""),
    ],
    "vrbo-family-in-six-languages-lf": [
        ("20270501", "20270503", "stay", False, "Klaus Beispiel", ""),
        ("20270503", "20270505", "block", False, "", ""),
        ("20270505", "20270507", "tentative", False, "Hannah", ""),
        ("20270507", "20270509", "stay", False, "José Inventado", ""),
        ("20270509", "20270511", "block", False, "", ""),
        ("20270511", "20270513", "stay", False, "Lucia", ""),
        ("20270513", "20270515", "tentative", False, "", ""),
        ("20270515", "20270517", "stay", False, "Jip", ""),
        ("20270517", "20270519", "block", False, "", ""),
        ("20270519", "20270521", "tentative", False, "Zoé", ""),
        ("20270521", "20270523", "stay", False, "Ana", ""),
        ("20270523", "20270525", "tentative", False, "", ""),
        ("20270525", "20270527", "stay", False, "Ola", ""),
    ],
    "guesty-tagged-uids": [
        ("20270505", "20270509", "stay", False, "", "GY-Tst4Code"),
        ("20270302", "20270303", "block", False, "", ""),
        ("20271001", "20280201", "block", False, "", ""),
        ("20270601", "20270603", "block", False, "", ""),
        ("20270701", "20270702", "block", False, "", ""),
    ],
    "hostaway-utc-owner-and-blocks": [
        ("20270505T1400Z", "20270508T0900Z", "stay", False, "Nikola Probna", "12345678"),
        ("20270601T1400Z", "20270603T0900Z", "block", False, "", ""),
        ("20270701T1400Z", "20270703T0900Z", "stay", False, "Jo Closed", ""),
    ],
    "ownerrez-own-words": [
        ("20270505", "20270508", "stay", True, "Testerman, John", ""),
        ("20270510", "20270511", "block", False, "", ""),
        ("20270515", "20270516", "block", False, "", ""),
        ("20270520", "20270522", "stay", False, "Zoe Proba", ""),
        ("20270525", "20270527", "stay", True, "Zmiana dekoracji", ""),
    ],
    "google-recurring-and-floating": [
        ("20270405", "20270406", "block", False, "", ""),
        ("20270419", "20270420", "block", False, "", ""),
        ("20270426", "20270427", "block", False, "", ""),
        ("20270510T2000Z", "20270512T1400Z", "stay", True, "Ada i Jan", ""),
        ("20270322T1500Z", "20270324T0900Z", "stay", False, "Stały Gość", ""),
        ("20270330T1400Z", "20270401T0800Z", "stay", False, "Stały Gość", ""),
    ],
    "outlook-windows-zones": [
        ("20270505T1200Z", "20270508T0900Z", "stay", False, "Ada", ""),
        ("20270328T0130Z", "20271031T0030Z", "stay", False, "", ""),
        ("20270601T1300Z", "20270602T1500Z", "stay", False, "", ""),
        ("20270701", "20270708", "tentative", False, "", ""),
    ],
    "bom-nul-cp1252-and-utf8-mixed": [
        ("20270505", "20270507", "stay", False, "Mme Müller-Façade", ""),
        ("20270510", "20270512", "stay", False, "Łukasz", ""),
        ("20270515", "20270517", "stay", False, "Bob", ""),
    ],
    "versions-twins-and-pieces": [
        ("20270511", "20270513", "stay", False, "A", ""),
        ("20270521", "20270523", "stay", False, "B", ""),
        ("20270601", "20270603", "stay", False, "C", ""),
        ("20270610", "20270615", "stay", False, "D", ""),
        ("20270701", "20270703", "stay", False, "E", ""),
        ("20270801", "20270803", "stay", False, "F", ""),
        ("20270805", "20270807", "stay", False, "G", ""),
        ("20270901", "20270903", "cancelled", False, "", ""),
    ],
    "two-calendars-lower-case-and-junk": [
        ("20270510T0600Z", "20270512T0200Z", "stay", False, "A", ""),
        ("20270510T1300Z", "20270512T0900Z", "stay", False, "B \U0001f389", ""),
    ],
    "dates-beyond-belief": [
        ("20270501", "20280502", "stay", False, "", ""),
        ("20280229", "20280302", "stay", False, "", ""),
        ("20270601", "20270603", "stay", False, "", ""),
    ],
}

QUARANTINED = {
    "google-recurring-and-floating": ["g4@google.com"],
    "dates-beyond-belief": ["d0", "d1", "d3", "d5", "d6"],
}


def unseen(name: str) -> bytes:
    return (SAMPLES / "unseen" / f"{name}.ics").read_bytes()


def moment(value: object) -> str:
    return f"{value:%Y%m%dT%H%MZ}" if isinstance(value, datetime) else f"{value:%Y%m%d}"


def row(made: Reading) -> Row:
    event, guest = made.event, made.guest
    ends = (moment(event.starts), moment(event.ends))
    return (*ends, made.verdict.value, made.needs_review, guest.name, guest.reservation_code)


@pytest.mark.parametrize("name", STAYS)
def test_a_calendar_gives_what_a_careful_host_expects(name: str) -> None:
    assert [row(one) for one in readings(unseen(name))] == STAYS[name]


@pytest.mark.parametrize("name", STAYS)
def test_only_what_cannot_be_read_is_quarantined(name: str) -> None:
    calendar = read(unseen(name))
    assert [one.uid for one in calendar.quarantined] == QUARANTINED.get(name, [])
    assert calendar.complete


def test_guesty_lite_says_blocked_for_stays_but_its_tags_stay_blocks() -> None:
    verdicts = [one.verdict.value for one in readings(unseen("guesty-lite"), Options(blocked_items_are_stays=True))]
    assert verdicts == ["stay", "block"]


def test_details_that_are_split_by_folds_come_whole() -> None:
    first, second, *_ = readings(unseen("airbnb-code-in-query-split-by-folds"))
    assert (first.guest.phone_last4, second.guest.phone_last4) == ("0042", "5501")
    assert first.guest.reservation_url == "https://www.airbnb.com/hosting/reservations/details?code=HMQUERY001&s=ical"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("DTSTART;TZID=America/New_York:20270508T150000", "20270508T1900Z"),
        ("DTSTART;TZID=Europe/Warsaw:20270508T150000Z", "20270508T1500Z"),
        ("DTSTART;TZID=US/Eastern:20270508T150000", "20270508T1900Z"),
        ("DTSTART;TZID=/mozilla.org/20050126_1/Asia/Tokyo:20270508T150000", "20270508T0600Z"),
        ("DTSTART;TZID='Asia/Tokyo':20270508T150000", "20270508T0600Z"),
        ("DTSTART:2027-05-08T15:00:00+02:00", "20270508T1300Z"),
        ("DTSTART;TZID=:20270508T150000", "20270508T1300Z"),
    ],
)
def test_ends_may_be_written_in_different_zones(line: str, expected: str) -> None:
    body = vcalendar(vevent(line, "DTEND:20270510T090000Z", "SUMMARY:Reserved", dates=None))
    assert moment(read(body).events[0].starts) == expected


@pytest.mark.parametrize("extra", [b"", b"\n", b"\r\nEND:VCALENDAR\r\n", b"<script>x</script>", b"GARBAGE\x00\xff"])
def test_what_follows_the_end_of_a_calendar_costs_nothing(extra: bytes) -> None:
    assert len(read(vcalendar(vevent("SUMMARY:Reserved")) + extra).events) == 1


@pytest.mark.parametrize(
    ("spare", "fault"),
    [(0, None), (1, FeedFault.TOO_LARGE)],
)
def test_five_megabytes_and_not_one_byte_more(spare: int, fault: FeedFault | None) -> None:
    body = vcalendar(vevent("SUMMARY:Reserved"))
    body += b"\n" * (5 * 1024 * 1024 - len(body) + spare)
    if fault is None:
        assert len(read(body).events) == 1
        return
    with pytest.raises(FeedError) as raised:
        read(body)
    assert raised.value.fault is fault
