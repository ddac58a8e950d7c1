"""When an event takes place at a property, and which dates a person should look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from rentals.calendars.decide.placing import Hours, Key, beside_true_times, key_of, place, place_unreadable
from rentals.calendars.events import Event, Guest, Quarantined, Reading, Verdict

WARSAW = Hours("Europe/Warsaw", time(15), time(11))  # an hour ahead of UTC until 28 March


def utc(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2027, 3, day, hour, minute, second, tzinfo=UTC)


def march(day: int) -> date:
    return date(2027, 3, day)


def reading(starts: date, ends: date, verdict: Verdict = Verdict.STAY, **facts: object) -> Reading:
    return Reading(Event("uid", starts, ends, summary="Anna", **facts), verdict, "A stay.")  # type: ignore[arg-type]


def test_whole_days_have_the_times_of_the_property() -> None:
    guest = Guest(name="Anna", reservation_code="HM1")
    placed = place(replace(reading(march(10), march(12)), guest=guest), WARSAW)
    assert placed.guest == guest
    assert (placed.starts_at, placed.ends_at) == (utc(10, 14), utc(12, 10))
    assert (placed.starts_on, placed.ends_on, placed.days) == (march(10), march(12), (march(10), march(12)))
    assert (placed.whole_days, placed.needs_review, placed.reason) == (True, False, "A stay.")
    assert (placed.key, placed.summary, placed.verdict) == (Key("uid", "", ""), "Anna", Verdict.STAY)


def test_instants_have_their_local_days_and_whole_seconds() -> None:
    placed = place(reading(utc(10, 23, 30, 1).replace(microsecond=7), utc(12, 10, 30)), WARSAW)
    assert (placed.starts_at, placed.starts_on) == (utc(10, 23, 30, 1), march(11))
    assert (placed.ends_on, placed.whole_days) == (march(12), False)
    assert not place(reading(march(10), utc(12, 10)), WARSAW).whole_days
    assert not place(reading(utc(10, 14), march(12)), WARSAW).whole_days


@pytest.mark.parametrize(
    ("starts", "ends", "facts", "ends_on", "doubt"),
    [
        (utc(10, 14), utc(12, 10), {}, march(12), ""),
        (utc(10, 14), utc(12, 9, 59), {}, march(12), ""),  # early, at no round hour
        (utc(10, 14), utc(11, 14), {}, march(11), ""),
        (utc(10, 8), utc(12, 8), {}, march(12), "Its code ends at 09:00, before the check-out time."),
        (utc(10, 14), utc(11, 23), {}, march(12), "Its code ends at 00:00, before the check-out time."),
        (utc(10, 14), utc(12, 0), {}, march(12), "Its code ends at 01:00, before the check-out time."),
        (utc(10, 14), utc(11, 22, 59), {}, march(11), "Its code ends at 23:59, perhaps on its last night."),
        (utc(10, 14), utc(11, 22, 58), {}, march(11), ""),
        (march(10), utc(12, 0), {}, march(12), "Its code ends at 01:00, before the check-out time."),
        (march(10), utc(12, 8), {}, march(12), ""),
        (utc(10, 14), march(11), {}, march(11), ""),
        (utc(10, 14), utc(10, 14, 59, 59), {}, march(11), "It lasts less than an hour: read as one night."),
        (utc(10, 14), utc(10, 15), {}, march(10), ""),
        (utc(10, 14), utc(11, 14), {"no_length": True}, march(11), ""),
        (march(10), march(12), {"doubts": ("Odd.",)}, march(12), "Odd."),
    ],
)
def test_ends_that_a_person_should_look_at(
    starts: date, ends: date, facts: dict[str, Any], ends_on: date, doubt: str
) -> None:
    placed = place(reading(starts, ends, **facts), WARSAW)
    assert (placed.ends_on, placed.needs_review) == (ends_on, bool(doubt))
    assert placed.reason == (f"{doubt} Please check." if doubt else "A stay.")
    both = place(replace(reading(starts, ends, **facts), needs_review=True, reason="Unknown text."), WARSAW)
    assert both.needs_review
    assert both.reason == (f"{doubt} Unknown text." if doubt else "Unknown text.")
    closed = place(reading(starts, ends, Verdict.BLOCK, **facts), WARSAW)
    assert (closed.needs_review, closed.reason) == (False, "A stay.")


def test_a_night_that_was_assumed_ends_with_the_next_check_out() -> None:
    placed = place(reading(utc(10, 23, 30), utc(10, 23, 45), end_assumed=True), WARSAW)
    assert (placed.starts_on, placed.ends_on, placed.ends_at) == (march(11), march(12), utc(12, 10))
    assert placed.end_assumed


def test_a_late_check_out_makes_midnight_an_ordinary_end() -> None:
    late = Hours("Europe/Warsaw", time(15), time(23, 59))
    assert not place(reading(utc(10, 14), utc(11, 22, 59)), late).needs_review


@pytest.mark.parametrize(
    ("starts", "ends", "why", "starts_on"),
    [
        (march(10), march(10), "end before it starts", march(10)),
        (utc(12, 14), march(12), "end before it starts", march(12)),
        (march(10), utc(10, 14), "end before it starts", march(10)),  # both at the same moment
        (date.min, march(10), "out of range", None),
        (march(10), date.max, "out of range", None),
    ],
)
def test_what_has_no_length_or_no_place_is_quarantined(
    starts: date, ends: date, why: str, starts_on: date | None
) -> None:
    early, late = replace(WARSAW, check_in=time(1)), Hours("America/New_York", time(15), time(23))
    hours = WARSAW if why.startswith("end") else early if starts == date.min else late
    placed = place(reading(starts, ends), hours)
    assert placed.verdict is Verdict.QUARANTINED
    assert why in placed.reason
    assert not placed.needs_review  # it is told as what it is
    assert (placed.starts_on, placed.ends_on, placed.ends_at) == (starts_on, None, None)


def test_what_cannot_be_read_keeps_the_days_that_can() -> None:
    event = Quarantined("uid", "Odd.", "r", "Anna", "lines", march(10), march(12))
    placed = place_unreadable(event, WARSAW)
    assert (placed.key, placed.verdict, placed.reason) == (Key("uid", "r", ""), Verdict.QUARANTINED, "Odd.")
    assert (placed.summary, placed.excerpt) == ("Anna", "lines")
    assert (placed.starts_at, placed.starts_on) == (utc(10, 14), march(10))
    assert (placed.ends_at, placed.ends_on) == (utc(12, 10), march(12))
    only_end = place_unreadable(replace(event, starts=None), WARSAW)
    assert (only_end.starts_on, only_end.ends_on) == (None, march(12))
    late = Hours("America/New_York", time(15), time(23))
    for last, hours in ((march(10), WARSAW), (march(9), WARSAW), (date.max, late), (None, WARSAW)):
        cut = place_unreadable(replace(event, ends=last), hours)
        assert (cut.starts_on, cut.ends_on, cut.ends_at) == (march(10), None, None), last
    assert place_unreadable(Quarantined("uid", "Odd."), WARSAW).days == (None, None)


def test_an_event_is_named_by_its_uid_its_recurrence_and_its_part() -> None:
    assert key_of(Event("a", march(1), march(2), recurrence_id="r", part="p")) == Key("a", "r", "p")


def test_midnights_beside_true_times_are_doubted_one_by_one() -> None:
    midnight = reading(march(10), march(12), from_midnights=True)
    odd = reading(march(10), march(12), from_midnights=True, doubts=("Odd.",))
    timed, days = reading(utc(20, 14), utc(22, 10)), reading(march(25), march(26))
    doubts = ["".join(one.event.doubts) for one in beside_true_times([midnight, odd, timed, days])]
    assert [bool(doubt) for doubt in doubts] == [True, True, False, False]
    assert (doubts[0].startswith("From midnight"), doubts[1]) == (True, "Odd.")
    for half in (reading(march(20), utc(22, 10)), reading(utc(20, 14), march(22))):
        assert beside_true_times([midnight, half])[0].event.doubts
    for calm in (
        [midnight, days],  # a calendar of days
        [midnight, replace(timed, verdict=Verdict.BLOCK)],
        [odd, timed],
        [replace(midnight, verdict=Verdict.BLOCK), timed],
        [timed, days],
        [],
    ):
        assert beside_true_times(calm) == tuple(calm)


def test_summer_time_begins_between_arrival_and_departure() -> None:
    placed = place(reading(march(27), march(29)), WARSAW)
    assert placed.ends_at is not None
    assert placed.starts_at is not None
    assert placed.ends_at - placed.starts_at == timedelta(hours=43)
