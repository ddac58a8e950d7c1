"""Whatever bytes come: a calendar or a feed error, never another exception, never an endless wait."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rentals.calendars.classify.verdicts import classify, recognise
from rentals.calendars.events import Channel, FeedError, Options, Verdict
from tests.support.calendar_texts import read
from tests.support.paths import SAMPLES

SAMPLE_BODIES = [path.read_bytes() for path in sorted(SAMPLES.glob("*.ics"))]
RULE = b"RRULE:FREQ=DAILY;COUNT=9\r\nEXDATE:20270310\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270311\r\nDURATION:P1D\r\n"
WORDS = [
    *(b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n", b"BEGIN:VALARM\r\n"),
    *(b"\r\n ", b"\x00", b"\xff", b":", b";", b'"', b"\\n", b"99999999", b"T", b"Z", b"-1", RULE),
    *(b"RRULE:FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2\r\n", b"TZID=", b"DTSTART;TZID=House:20270310T100000\r\n"),
    *(b"BEGIN:VTIMEZONE\r\nTZID:House\r\n", b"END:VTIMEZONE\r\n", b"X-WR-TIMEZONE:Mars\r\n", b"\xef\xbb\xbf"),
]
fuzz = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def survive(body: bytes) -> None:
    began = time.monotonic()
    try:
        calendar = read(body)
    except FeedError:
        return
    finally:
        assert time.monotonic() - began < 20
    for event in calendar.events:
        assert event.uid
        assert len(event.uid) <= 255
        assert len(event.recurrence_id) <= 64
        assert len(event.part) <= 64
        for moment in (event.starts, event.ends):
            assert isinstance(moment, date)
            assert not isinstance(moment, datetime) or moment.tzinfo is UTC
    keys = [(event.uid, event.recurrence_id, event.part) for event in calendar.events]
    assert len(keys) == len(set(keys))
    for channel in (recognise(calendar, Channel.AUTO), Channel.BOOKING):
        made = classify(calendar.events, channel, Options())
        assert [one.event for one in made] == list(calendar.events)
        assert all(one.reason and len(one.reason) <= 200 for one in made)


@fuzz
@given(st.binary(max_size=400))
def test_random_bytes(body: bytes) -> None:
    survive(body)


@fuzz
@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_random_words_of_calendars(words: list[bytes]) -> None:
    survive(b"BEGIN:VCALENDAR\r\n" + b"".join(words) + b"\r\nEND:VCALENDAR\r\n")


@fuzz
@given(st.sampled_from(SAMPLE_BODIES), st.data())
def test_cuts_of_the_samples(body: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    survive(body[:start] + body[end:])
    survive(body[:start])


@fuzz
@given(st.sampled_from(SAMPLE_BODIES), st.data())
def test_mutations_of_the_samples(body: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(body)))
        length = data.draw(st.integers(0, 12))
        body = body[:at] + data.draw(st.one_of(st.binary(max_size=8), st.sampled_from(WORDS))) + body[at + length :]
    survive(body)


@fuzz
@given(st.text(max_size=80), st.sampled_from(list(Channel)))
def test_any_summary_and_description(text: str, channel: Channel) -> None:
    value = text.replace("\r", "").replace("\n", "")
    body = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20270310\nSUMMARY:{value}\nDESCRIPTION:{value}\nEND:VEVENT\n"
    calendar = read((body + "END:VCALENDAR\n").encode("utf-8", "replace"))
    for one in classify(calendar.events, channel, Options()):
        assert one.verdict in Verdict
        assert len(one.guest.name) <= 120


def test_no_cut_of_a_sample_makes_an_event_vanish_unnoticed() -> None:
    """A piece cut out of the middle: each UID is read, quarantined, or the calendar is known to be incomplete."""
    for body in SAMPLE_BODIES[:3]:
        whole = {event.uid for event in read(body).events}
        for start in range(0, len(body), 41):
            for length in (1, 60, 300):
                try:
                    calendar = read(body[:start] + body[start + length :])
                except FeedError:
                    continue
                seen = {event.uid for event in calendar.events} | {one.uid for one in calendar.quarantined}
                cut_whole_events = length >= 200 or not calendar.complete
                renamed = len(seen - whole) >= len(whole - seen)
                assert whole <= seen or cut_whole_events or renamed
