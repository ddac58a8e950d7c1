"""Whether a calendar says anything new: what the outcome depends on, and the stamps on which it does not."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from rentals.calendars.events import Calendar
from rentals.calendars.imports.fingerprints import Prints, prints_of, whole_print
from rentals.models import CalendarFeed, FeedState, Property

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
BODY = b"UID:one\r\nDTSTAMP:20270301T000000Z\r\nSUMMARY:Reserved\r\n"
STAMPED_ANEW = BODY.replace(b"20270301T", b"20270302T")
LONGER = BODY.replace(b"Reserved", b"Reserved - Anna")
PLAIN, VERSIONS, RECURRING = Calendar(()), Calendar((), has_versions=True), Calendar((), has_recurrences=True)


def prints(body: bytes = BODY, now: datetime = NOW, **facts: Any) -> Prints:
    prop = {"timezone": "Europe/Warsaw", "check_in_time": time(15), "check_out_time": time(11)}
    feed = {name: value for name, value in facts.items() if name not in prop}
    flat = Property(**prop | {name: value for name, value in facts.items() if name in prop})
    return prints_of(CalendarFeed(property=flat, **feed), body, now)


def after(calendar: Calendar, now: datetime = NOW, body: bytes = BODY) -> FeedState:
    """The state of a feed that brought this calendar."""
    return FeedState(**prints(body, now).columns(calendar))


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def test_what_is_stored_is_told_from_everything_else_and_stays_the_same_from_release_to_release() -> None:
    """After an update that changes no rule, calendars must not all be read anew. A changed rule has another number."""
    context = b"3|auto|False|30||Europe/Warsaw|15:00:00|11:00:00|"
    stampless = b"UID:one\r\nSUMMARY:Reserved\r\n"
    by_bytes, whole = digest(context + b"|" + BODY), digest(stampless)
    of_today = digest(context + b"2027-03-10|" + BODY)
    assert prints().columns(PLAIN) == {
        "body_hash": by_bytes,
        "content_hash": digest(context + stampless),
        "whole_hash": whole,
    }
    assert prints().columns(VERSIONS) == {"body_hash": by_bytes, "content_hash": "", "whole_hash": whole}
    assert prints().columns(RECURRING) == {"body_hash": of_today, "content_hash": "", "whole_hash": whole}


@pytest.mark.parametrize(
    ("calendar", "as_before", "stamped_anew"),
    [(PLAIN, True, True), (VERSIONS, True, False), (RECURRING, True, False)],
)
def test_new_stamps_say_nothing_unless_they_may_decide(calendar: Calendar, as_before: bool, stamped_anew: bool) -> None:
    state = after(calendar)
    assert prints().agree(state) is as_before
    assert prints(STAMPED_ANEW).agree(state) is stamped_anew
    assert not prints(LONGER).agree(state)


def test_nothing_agrees_with_a_feed_that_brought_nothing_yet() -> None:
    assert not prints().agree(FeedState())


@pytest.mark.parametrize(
    "changed",
    [
        {"channel": "booking"},
        {"blocked_items_are_stays": True},
        {"longest_stay_nights": 31},
        {"end_dates": "last_night"},
        {"timezone": "Europe/Lisbon"},
        {"check_in_time": time(16)},
        {"check_out_time": time(10)},
    ],
    ids=lambda changed: next(iter(changed)),
)
@pytest.mark.parametrize("calendar", [PLAIN, VERSIONS, RECURRING], ids=["plain", "versions", "recurring"])
def test_what_a_person_changed_is_counted_in_the_same_calendar(calendar: Calendar, changed: dict[str, Any]) -> None:
    """A longer longest stay, or another hour of check-in, would come to nothing until the channel changes a byte."""
    assert not prints(**changed).agree(after(calendar))


@pytest.mark.parametrize(("calendar", "tomorrow"), [(PLAIN, True), (VERSIONS, True), (RECURRING, False)])
def test_recurring_events_are_read_again_each_local_day(calendar: Calendar, tomorrow: bool) -> None:
    midnight = datetime(2027, 3, 10, 23, tzinfo=UTC)  # in Warsaw
    state = after(calendar, midnight - timedelta(hours=20))
    assert prints(now=midnight - timedelta(seconds=1)).agree(state)
    assert prints(now=midnight).agree(state) is tomorrow


def test_an_unchanged_calendar_keeps_the_kind_of_its_print() -> None:
    """One that recurs and was found the same today is still to be read tomorrow, and no other is."""
    today, tomorrow = prints(), prints(now=NOW + timedelta(days=1))
    for calendar in (PLAIN, VERSIONS, RECURRING):
        state = after(calendar)
        assert today.raw_like(state) == state.body_hash
    recurring = FeedState(body_hash=today.raw_like(after(RECURRING)))
    assert (today.agree(recurring), tomorrow.agree(recurring)) == (True, False)
    anew = prints(STAMPED_ANEW)
    assert anew.raw_like(after(PLAIN)) == anew.columns(PLAIN)["body_hash"]


@pytest.mark.parametrize(
    "stamp",
    [
        b"DTSTAMP:20270302T000000Z\r\n",
        b"CREATED:20270302T000000Z\r\n",
        b"LAST-MODIFIED:20270302T000000Z\r\n",
        b"DTSTAMP;TZID=Europe/Warsaw:20270302T000000\r\n",
        b"LAST-MODIFIED:2027\r\n 0302T00\r\n\t0000Z\r\n",  # folded
        b"CREATED:20270302T000000Z\n",
        b"DTSTAMP:20270302T\n 000000Z\n",
        b"DTSTAMP:\r\n",
        b"DTSTAMP:20270302T000000Z\r\nCREATED:20270302T000000Z\r\n",
    ],
)
def test_stamps_are_left_out(stamp: bytes) -> None:
    rest = b"UID:one\r\n", b"SUMMARY:Reserved\r\n"
    assert whole_print(stamp.join(rest)) == digest(b"".join(rest))
    assert whole_print(b"".join(rest) + stamp.rstrip()) == digest(b"".join(rest))


@pytest.mark.parametrize(
    "line", [b"SEQUENCE:2\r\n", b"X-DTSTAMP:2\r\n", b"dtstart:2\r\n", b"DTSTAMPS:2\r\n", b"SUMMARY:DTSTAMP:2\r\n"]
)
def test_other_lines_count(line: bytes) -> None:
    assert whole_print(b"UID:one\r\n" + line) == digest(b"UID:one\r\n" + line)
    assert prints(BODY + line).whole == whole_print(BODY + line)
