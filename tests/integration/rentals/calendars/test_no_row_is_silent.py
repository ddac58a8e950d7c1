"""Whatever a calendar lists, each row ends as exactly one of three: a stay with a code by its arrival; closed days or
the like that the rules name; something that a person is told of before its first day. Hypothesis writes the calendars.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pins.desired import grants
from pins.incidents import unreadable
from pins.models import Incident
from rentals.admin.feed_queries import waits_for_review
from rentals.calendars.events import Verdict
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import AIRBNB, BOOKING, PLAIN, calendar
from tests.support.faults import code_of, fetched_and_checked
from tests.support.imports import feed_of

NOW = datetime(2027, 3, 20, 9, tzinfo=UTC)  # a week before the clocks change
ZONES = ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland", "America/Santiago", "Asia/Kolkata", "UTC"]
WORDS = [
    "Reserved",
    "Reserved - Guest{n}",
    "Guest{n} Brink (homeaway) - by Hostaway",
    "CLOSED - Not available",
    "CLOSED - Guest{n}",
    "Blocked",
    "Airbnb (Not available)",
    "Unavailable (manual block)",
    "Tentative - Guest{n}",
    "Cancelled - Guest{n}",
    "Check-in Guest{n}",
    "Something else {n}",
    "Boeking heidehuis ({n})",
    "",
]
#: What the rules name: nobody comes, or not for certain.
NAMED = {Verdict.BLOCK, Verdict.MARKER, Verdict.CANCELLED, Verdict.TENTATIVE}


@dataclass(frozen=True)
class Row:
    """A row as it stands in the calendar; `last`: it is over then, in whatever way it is read."""

    uid: str
    lines: tuple[str, ...]
    last: date | None

    @property
    def text(self) -> str:
        return "\r\n".join(["BEGIN:VEVENT", *self.lines, "END:VEVENT"])


def _written(day: date, at: time | None, way: str) -> str:
    if way == "date":
        return f";VALUE=DATE:{day:%Y%m%d}"
    moment = f"{day:%Y%m%d}T{at or time():%H%M%S}"
    return {"floating": f":{moment}", "utc": f":{moment}Z", "zone": f";TZID=America/Chicago:{moment}"}[way]


@st.composite
def _rows(draw: st.DrawFn, number: int) -> Row:
    first = NOW.date() + timedelta(days=draw(st.sampled_from([-9, -2, -1, 0, 1, 2, 6, 7, 8, 20, 60, 300, 700, 4000])))
    nights = draw(st.sampled_from([-700, -2, -1, 0, 0, 1, 1, 2, 3, 7, 29, 31, 180, 365, 366, 416, 800, 801, 30_000]))
    last = first + timedelta(days=nights)
    at = draw(st.sampled_from([None, None, time(15), time(11), time(23, 59, 59), time(0, 30)]))
    ends_at = draw(st.sampled_from([at, at, None, time(10)]))
    way = draw(st.sampled_from(["date", "date", "date", "floating", "utc", "zone"]))
    other = draw(st.sampled_from([way, way, way, "date", "utc"]))
    lines = [f"DTSTART{_written(first, at, way)}"]
    ending = draw(st.sampled_from(["end", "end", "end", "none", "length", "no length", "nonsense"]))
    if ending == "end":
        lines.append(f"DTEND{_written(last, ends_at, other)}")
    elif ending == "length":
        lines.append(f"DURATION:{'-' if nights < 0 else ''}P{abs(nights)}D")
    elif ending != "none":
        lines.append("DURATION:P0D" if ending == "no length" else "DTEND:whenever")
    damage = draw(st.sampled_from(["", "", "", "", "", "", "no start", "bad start", "twice", "hourly"]))
    if damage == "no start":
        del lines[0]
    elif damage == "bad start":
        lines[0] = "DTSTART;VALUE=DATE:20270231"
    elif damage == "twice":
        lines.append("DTSTART;VALUE=DATE:20270607")
    elif damage == "hourly":
        lines.append("RRULE:FREQ=HOURLY;COUNT=3")
    elif draw(st.booleans()) and draw(st.booleans()):
        lines.append("RRULE:FREQ=WEEKLY;COUNT=2")
        last += timedelta(days=7)  # from here on only for the question whether it is over
        first += timedelta(days=7)
    lines.append(f"UID:row{number}@channel")
    lines.append(f"SUMMARY:{draw(st.sampled_from(WORDS)).format(n=number)}")
    if status := draw(st.sampled_from(["", "", "", "CONFIRMED", "TENTATIVE", "CANCELLED"])):
        lines.append(f"STATUS:{status}")
    return Row(f"row{number}@channel", tuple(lines), _last_day(first, last, ending, damage))


def _last_day(first: date, last: date, ending: str, damage: str) -> date | None:
    """The day after which a row is surely over, a weekly second time included; None where nobody can know it."""
    if damage in ("no start", "bad start"):
        return last if ending == "end" else None
    if damage:
        return None
    ends = last if ending in ("end", "length") else first
    return max(first, ends) + timedelta(days=1 if ends > first else 2)


@st.composite
def _calendars(draw: st.DrawFn) -> list[Row]:
    return [draw(_rows(number)) for number in range(draw(st.integers(1, 7)))]


def _fates(row: Row, items: list[FeedItem], asked: set[int], told: set[int]) -> Iterator[str]:
    """What became of a row, once for each of its items."""
    for item in items:
        booking = item.booking
        if booking is not None and booking.status == Booking.Status.CONFIRMED:
            assert _code_by_arrival(booking), f"no code: {row.text}"
            yield "a stay with a code"
        elif item.pk in told:
            yield "told"
        elif item.pk in asked:
            yield "asked"
        elif item.verdict in NAMED and not item.needs_review:
            yield "named by the rules"
        elif not _is_over(row):
            raise AssertionError(f"silent, {item.verdict}, {item.reason}: {row.text}")


def _code_by_arrival(booking: Booking) -> bool:
    """Whether the stay has a code when its guest arrives, without any further fetch."""
    if not code_of(booking):
        with time_machine.travel(booking.check_in - timedelta(hours=12), tick=False):
            grants.sync_bookings([booking.pk])
    return bool(code_of(booking))


def _is_over(row: Row) -> bool:
    """Whether nobody comes any more: that may be left out in silence."""
    return row.last is not None and row.last <= NOW.date() + timedelta(days=1)


def check(rows: list[Row], prodid: str, zone: str, options: dict[str, Any]) -> None:
    flat = Property.objects.create(
        name="Flat",
        timezone=zone,
        check_in_time=time(15),
        check_out_time=time(11),
        issue_ahead_days=365,
    )
    feed = feed_of(flat, **options)
    fetched_and_checked(feed, calendar(*(row.text for row in rows), prodid=prodid))
    asked = set(FeedItem.objects.filter(waits_for_review(NOW), feed=feed).values_list("pk", flat=True))
    told = set(unreadable.rows(NOW).filter(feed=feed).values_list("pk", flat=True))
    incidents = Incident.objects.filter(feed=feed, kind="feed_unreadable", resolved_at=None)
    assert incidents.exists() is bool(told)
    listed = list(FeedItem.objects.filter(feed=feed).select_related("booking__property"))
    for row in rows:
        fates = list(_fates(row, [item for item in listed if item.uid == row.uid], asked, told))
        assert fates or _is_over(row), f"left out in silence: {row.text}"


@pytest.mark.slow
@pytest.mark.django_db
def test_no_row_is_silent() -> None:
    thorough = os.environ.get("TURNKEY_HYPOTHESIS_PROFILE") == "thorough"

    @settings(
        max_examples=3000 if thorough else 100,
        deadline=None,
        derandomize=not thorough,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        rows=_calendars(),
        prodid=st.sampled_from([PLAIN, AIRBNB, BOOKING, "-//HomeAway.com, Inc.//EN"]),
        zone=st.sampled_from(ZONES),
        options=st.fixed_dictionaries(
            {
                "blocked_items_are_stays": st.booleans(),
                "end_dates": st.sampled_from(["", "check_out", "last_night"]),
            }
        ),
    )
    def each_row_has_one_fate(rows: list[Row], prodid: str, zone: str, options: dict[str, object]) -> None:
        with time_machine.travel(NOW, tick=False), transaction.atomic():
            check(rows, prodid, zone, options)
            transaction.set_rollback(True)  # each example begins with an empty database

    each_row_has_one_fate()
