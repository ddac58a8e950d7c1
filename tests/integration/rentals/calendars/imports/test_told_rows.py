"""What a person reads of an import: a row for each thing that happened, once, and counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from rentals.calendars.imports.summary import Action, Summary
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import at, calendar, day, event
from tests.support.imports import HALF_HOUR, feed_of, take

pytestmark = pytest.mark.django_db

LATER = [event("l", day(5, 1), day(5, 3)), event("m", day(6, 1), day(6, 3)), event("n", day(7, 1), day(7, 3))]


def row(first: int = 10, last: int = 14, *, uid: str = "a", words: str = "Reserved - Anna", status: str = "") -> str:
    return event(uid, day(3, first), day(3, last), words, **({"status": status} if status else {}))


def broken(uid: str = "a", ends: str = "20270301") -> str:
    return row(uid=uid).replace("20270314", ends)


def told(summary: Summary) -> list[tuple[str, str, str]]:
    """What happened, when and to whom."""
    return [
        (one.action.name, "-".join(f"{day.day}" for day in (one.starts_on, one.ends_on) if day), one.guest_name)
        for one in summary.rows
    ]


def counted(summary: Summary) -> dict[str, int]:
    return {name: number for name, number in summary.as_json().items() if number and name != "events"}


ANNA = "Anna"
STORIES: dict[str, tuple[list[str], list[str], list[tuple[str, str, str]], dict[str, int]]] = {
    "a new stay": ([], [row()], [("NEW", "10-14", ANNA)], {"created": 1}),
    "not confirmed yet": ([], [row(status="TENTATIVE")], [("NEW_TENTATIVE", "10-14", ANNA)], {"created": 1}),
    "confirmed now": ([row(status="TENTATIVE")], [row()], [], {"changed": 1}),
    "closed days": ([], [row(words="Blocked")], [], {}),
    "one that is over": ([], [event("o", day(2, 20), day(2, 25))], [], {}),
    "other days": ([row()], [row(11, 15)], [("DATES_CHANGED", "11-15", ANNA)], {"changed": 1}),
    "the same again": ([row()], [row()], [], {}),
    "other words": ([row()], [row(words="Reserved - Anna Nowak")], [], {"changed": 1}),
    "a question": ([], [row(words="Cancelled - Anna")], [("WAITS", "10-14", ANNA)], {"review": 1}),
    "the same question": ([row(words="Cancelled - Anna")], [row(words="Cancelled - Anna")], [], {"review": 1}),
    "a question about other days": (
        [row(words="Cancelled - Anna")],
        [row(11, 15, words="Cancelled - Anna")],
        [("WAITS", "11-15", ANNA)],
        {"review": 1},
    ),
    "cancelled": ([row()], [row(status="CANCELLED")], [("LEFT", "10-14", ANNA)], {"cancelled": 1}),
    "closed in place of the guest": ([row()], [row(words="Blocked")], [("ABSENT", "10-14", ANNA)], {"absent": 1}),
    "vanished": ([row(), *LATER], LATER, [("ABSENT", "10-14", ANNA)], {"absent": 1}),
    "all vanished": ([row()], [], [("HELD", "10-14", ANNA)], {"held": 1}),
    "unreadable": ([], [broken()], [("QUARANTINED", "10", "")], {"quarantined": 1}),
    "unreadable as before": ([broken()], [broken()], [], {"quarantined": 1}),
    "another thing is unreadable": (
        [broken()],
        [broken(ends="20270532")],
        [("QUARANTINED", "10", "")],
        {"quarantined": 1},
    ),
    "unreadable from now on": ([row()], [broken()], [("QUARANTINED", "10", "")], {"quarantined": 1}),
    "a new uid": ([row()], [row(uid="b")], [], {}),
}


@pytest.mark.parametrize("story", STORIES)
def test_each_thing_that_happened_is_a_row_once(flat: Property, clock: time_machine.Traveller, story: str) -> None:
    before, now, rows, counts = STORIES[story]
    feed = feed_of(flat)
    if before:
        take(feed, before)
    clock.shift(timedelta(minutes=1))
    # Something that says nothing changes with it, so that the calendar is read.
    summary = take(feed, calendar(*now, prodid="-//Another release of some PMS//EN"))
    assert (told(summary), counted(summary)) == (rows, counts)


def test_the_row_of_a_stay_says_why_it_is_one_and_quotes_the_calendar(flat: Property) -> None:
    (new,) = take(feed_of(flat), [row()]).rows
    assert (new.verdict, new.reason, new.said) == ("stay", "Its text means: a stay.", "Reserved - Anna")


def test_an_absence_is_told_when_it_is_noticed_and_when_it_is_certain(
    flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [row(), *LATER])
    take(feed, LATER)
    clock.shift(timedelta(minutes=15))
    waiting = take(feed, LATER)
    assert (told(waiting), counted(waiting)) == ([], {"absent": 1})
    clock.shift(HALF_HOUR)
    certain = take(feed, LATER)
    assert (told(certain), counted(certain)) == ([("LEFT", "10-14", ANNA)], {"cancelled": 1})
    clock.shift(HALF_HOUR)
    assert take(feed, LATER).unchanged


def test_what_was_cancelled_is_told_once(flat: Property, clock: time_machine.Traveller) -> None:
    feed, cancelled = feed_of(flat), row(status="CANCELLED")
    for body in ([row()], [cancelled]):
        take(feed, body)
        clock.shift(HALF_HOUR)
    again = take(feed, [cancelled, *LATER[:1]])
    assert (told(again), counted(again)) == ([("NEW", "1-3", "")], {"created": 1})


def test_a_second_calendar_of_a_stay_tells_its_part(flat: Property) -> None:
    first, second = feed_of(flat), feed_of(flat, "Booking.com")
    take(first, [row()])
    also = take(second, [row(uid="b")])
    assert (told(also), counted(also)) == ([("ALSO_HERE", "10-14", ANNA)], {})
    moved = take(second, [row(10, 16, uid="b")])
    assert (told(moved), counted(moved)) == ([("DATES_CHANGED_HERE", "10-16", ANNA)], {})
    left = take(second, [row(10, 16, uid="b", status="CANCELLED")])
    assert (told(left), counted(left)) == ([("LEFT", "10-16", ANNA)], {})
    assert Booking.objects.get().status == "confirmed"


def test_a_stay_that_goes_on_under_another_row_did_not_leave(flat: Property) -> None:
    """Two rows listed one stay, and one of them is left."""
    first, second = feed_of(flat), feed_of(flat, "Booking.com")
    take(first, [row()])
    take(second, [row(uid="b"), row(uid="c")])
    stay = Booking.objects.first()
    FeedItem.objects.filter(feed=second).update(booking=stay)
    summary = take(second, [row(uid="b")])
    assert (told(summary), counted(summary)) == ([], {})


def test_a_cancelled_stay_in_progress_is_held_with_the_reason(flat: Property, clock: time_machine.Traveller) -> None:
    feed = feed_of(flat)
    take(feed, [row()])
    clock.move_to(at(3, 11))
    summary = take(feed, [row(status="CANCELLED")])
    assert (counted(summary), summary.held_reason) == ({"held": 1}, "The channel cancelled a stay in progress.")


def test_every_kind_of_row_is_told_by_a_story_here() -> None:
    kinds = {kind for _, _, rows, _ in STORIES.values() for kind, _, _ in rows}
    assert kinds | {"ALSO_HERE", "DATES_CHANGED_HERE"} == set(Action.__members__)
