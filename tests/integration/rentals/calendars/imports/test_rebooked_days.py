"""Another guest behind a nameless row: days that were free and are taken again. And what proves nothing of the kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccessGrant
from rentals.calendars.imports import approval
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.calendars import BOOKING, PLAIN, calendar
from tests.support.calendars import event as any_event
from tests.support.faults import at, code_of, confirmed, fetched, home
from tests.support.house import House
from tests.support.imports import feed_of, incidents_of

pytestmark = pytest.mark.django_db

VRBO = "-//HomeAway.com, Inc.//EN"
DAYS = date(2027, 5, 10), date(2027, 5, 13)
OTHERS = {"z2": (date(2027, 5, 20), date(2027, 5, 23)), "z3": (date(2027, 6, 1), date(2027, 6, 5))}


def event(uid: str, starts: date, ends: date, summary: str = "Reserved", **more: str) -> str:
    return any_event(f"{uid}@channel" if uid else "", starts, ends, summary, **more)


def rows(*first: str, others: Sequence[str] = ("z2", "z3"), summary: str = "Reserved", renamed: str = "") -> list[str]:
    """A nameless calendar: rows of the UIDs `first` on the days in question, and others."""
    mine = [event(uid, *DAYS, summary) for uid in first]
    return mine + [event(f"{uid}{renamed}", *OTHERS[uid], summary) for uid in others]


def play(feed: CalendarFeed, clock: time_machine.Traveller, *bodies: Sequence[str], prodid: str = VRBO) -> None:
    """Fetch one calendar after the other, a quarter of an hour apart."""
    for number, body in enumerate(bodies):
        at(clock, f"05-08 {9 + number // 4:02}:{number % 4 * 15:02}")
        fetched(feed, calendar(*body, prodid=prodid))


def on_days(flat: Property) -> list[Booking]:
    return [one for one in confirmed(flat) if (one.arrival_date, one.departure_date) == DAYS]


def codes(flat: Property) -> dict[int, str]:
    return {one.pk: code_of(one) for one in confirmed(flat)}


@pytest.mark.parametrize("prodid", [VRBO, BOOKING, PLAIN])
@pytest.mark.parametrize("free", [1, 2, 4])
def test_free_days_taken_again_are_another_guests(
    house: House, clock: time_machine.Traveller, prodid: str, free: int
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    summary = "CLOSED - Not available" if prodid == BOOKING else "Reserved"
    play(feed, clock, rows("z1", summary=summary), prodid=prodid)
    (before,) = on_days(flat)
    code, others = code_of(before), codes(flat)
    gone = [rows(summary=summary)] * free
    play(feed, clock, rows("z1", summary=summary), *gone, rows("z9", summary=summary), prodid=prodid)
    after = FeedItem.objects.get(uid="z9@channel").booking
    assert after is not None
    assert after.pk != before.pk
    assert code_of(after) not in ("", code)
    again = [rows("z9", summary=summary).copy() for _ in range(3)]
    for number, body in enumerate(again):
        at(clock, f"05-08 1{number + 1}:00")
        fetched(feed, calendar(*body, prodid=prodid))
    assert [one.pk for one in on_days(flat)] == [after.pk]
    assert {pk: found for pk, found in codes(flat).items() if pk in others} == {
        pk: found for pk, found in others.items() if pk != before.pk
    }


def test_two_stays_freed_and_taken_again_beside_one_that_stayed(house: House, clock: time_machine.Traveller) -> None:
    """More than half vanished together, so a person is asked about the former guests; the next ones have codes."""
    flat = home(house)
    feed = feed_of(flat)
    play(feed, clock, rows("z1"))
    before = codes(flat)
    retaken = [event("z9", *DAYS), event("z8", *OTHERS["z2"]), event("z3", *OTHERS["z3"])]
    play(feed, clock, rows("z1"), rows(others=["z3"]), retaken)
    fresh = [FeedItem.objects.get(uid=f"{uid}@channel").booking for uid in ("z9", "z8")]
    assert all(one is not None and one.pk not in before and code_of(one) for one in fresh)
    assert incidents_of(feed)[0] == ("feed_held", True)


def test_a_block_row_that_stays_is_a_witness_too(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    block = event("b", *OTHERS["z2"], "Blocked")
    play(feed, clock, [event("z1", *DAYS), block], [block], [event("z9", *DAYS), block])
    assert len(on_days(flat)) == 2


# -- what proves nothing: the same guest, the same code, and nothing asked of the lock


SAME = {
    "all uids renewed at once": [rows("z1"), rows("y1", renamed="-new")],
    "all renewed after a hiccup of one row": [rows("z1"), rows(), rows("y1", renamed="-new")],
    "another row renewed as well": [rows("z1"), rows(), [event("y1", *DAYS), event("y2", *OTHERS["z2"]), *rows()[1:]]],
    "the same uid again": [rows("z1"), rows(), rows("z1")],
    "an empty calendar in between": [rows("z1"), [], rows("y1")],
    "a single row": [rows("z1", others=[]), [], rows("y1", others=[])],
    "never seen free": [rows("z1"), rows("y1")],
    "the same name": [
        [event("z1", *DAYS, "Reserved - Odalys Brink"), *rows()],
        rows(),
        [event("y1", *DAYS, "Reserved - Ms Brink, Odalys"), *rows()],
    ],
    "the same code": [
        [event("z1", *DAYS, description="Reservation code: RC-10001"), *rows()],
        rows(),
        [event("y1", *DAYS, description="Reservation code: RC-10001"), *rows()],
    ],
    "rows without uids": [
        [event("", *DAYS), *rows()],
        rows(),
        [event("", *DAYS), *rows()],
    ],
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_guest_keeps_the_code_and_costs_no_request(
    house: House, clock: time_machine.Traveller, kind: str
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    play(feed, clock, SAME[kind][0])
    house.settle()
    before, asked = codes(flat), house.requests
    play(feed, clock, *SAME[kind])
    house.settle()
    assert codes(flat) == before
    assert house.requests == asked


def test_a_stay_that_has_begun_is_never_another_guests(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    play(feed, clock, rows("z1"))
    before = codes(flat)
    at(clock, "05-10 09:00")
    fetched(feed, calendar(*rows("z1"), prodid=VRBO))
    for moment, body in (("05-10 14:00", rows()), ("05-10 14:15", rows("z9")), ("05-11 09:00", rows("z9"))):
        at(clock, moment)
        fetched(feed, calendar(*body, prodid=VRBO))
    assert codes(flat) == before


def test_a_code_that_somebody_knows_stands_until_a_person_decides(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    play(feed, clock, rows("z1"))
    (before,) = on_days(flat)
    code = code_of(before)
    AccessGrant.objects.filter(booking=before).update(disclosed_at=timezone.now())
    play(feed, clock, rows("z1"), rows(), *[rows("z9")] * 8)
    assert code_of(before) == code
    assert ("feed_held", True) in incidents_of(feed)
    feed.state.refresh_from_db()
    assert "shown already" in feed.state.held_reason
    after = FeedItem.objects.get(uid="z9@channel").booking
    assert after is not None
    assert code_of(after) not in ("", code)
    approval.approve(feed.pk, timezone.now())
    assert [one.pk for one in on_days(flat)] == [after.pk]
    assert incidents_of(feed) == [("feed_held", False)]


def test_the_next_guest_beside_an_echo_of_another_calendar(house: House, clock: time_machine.Traveller) -> None:
    """The other calendar may lag: both guests have codes, and the overlap is told."""
    flat = home(house)
    feed, echo = feed_of(flat), feed_of(flat, "Echo")
    play(feed, clock, rows("z1"))
    fetched(echo, calendar(any_event("e1@echo", *DAYS)))
    (before,) = on_days(flat)
    play(feed, clock, rows("z1"), rows(), rows("z9"))
    after = FeedItem.objects.get(uid="z9@channel").booking
    assert after is not None
    assert after.pk != before.pk
    assert code_of(after) not in ("", code_of(before))
