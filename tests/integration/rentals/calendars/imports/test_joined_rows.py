"""Rows of Booking.com that join a stay of its own and an imported one: cut at first sight, whatever came first."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import pytest
import time_machine

from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import AIRBNB, BOOKING, airbnb, calendar, closed, event
from tests.support.faults import at, code_of, confirmed, fetched, home
from tests.support.house import House
from tests.support.imports import feed_of

pytestmark = pytest.mark.django_db

Days = tuple[int, int]


def may(number: int) -> date:
    return date(2027, 5, 1) + timedelta(days=number - 1)


def joined(first: int, last: int, uid: str = "j1") -> bytes:
    return calendar(closed(uid, may(first), may(last)), closed("far", may(70), may(72)), prodid=BOOKING)


def imported(*stays: Days) -> bytes:
    rows = (airbnb(f"a{n}", may(first), may(last), f"HMABCDEF{n:02}") for n, (first, last) in enumerate(stays))
    return calendar(*rows, prodid=AIRBNB)


def near(flat: Property) -> list[tuple[int, int, bool]]:
    """The stays as days of May, and whether each is marked."""
    found = [one for one in confirmed(flat) if one.arrival_date < may(60)]
    return [((one.arrival_date - may(0)).days, (one.departure_date - may(0)).days, one.needs_review) for one in found]


def by_hand(flat: Property, first: int, last: int) -> Booking:
    return Booking.objects.create(
        property=flat,
        guest_name="Odalys Brink",
        check_in=flat.check_in_on(may(first)),
        check_out=flat.check_out_on(may(last)),
    )


def all_have_codes(flat: Property) -> bool:
    codes = [code_of(one) for one in confirmed(flat) if one.arrival_date < may(30)]
    return all(codes) and len(set(codes)) == len(codes)


SHAPES: list[tuple[Days, list[Days], list[tuple[int, int, bool]]]] = [
    ((8, 14), [(10, 14)], [(8, 10, True), (10, 14, False)]),
    ((8, 14), [(8, 10)], [(8, 10, False), (10, 14, True)]),
    ((8, 18), [(10, 14)], [(8, 10, True), (10, 14, False), (14, 18, True)]),
    ((8, 18), [(8, 10), (14, 18)], [(8, 10, False), (10, 14, True), (14, 18, False)]),
    ((8, 18), [(8, 10), (10, 18)], [(8, 10, False), (10, 18, False)]),
    ((8, 18), [(10, 12), (14, 16)], [(8, 10, True), (10, 12, False), (12, 14, True), (14, 16, False), (16, 18, True)]),
    ((8, 9), [(8, 9)], [(8, 9, False)]),
    ((8, 14), [(8, 14)], [(8, 14, False)]),
    ((8, 14), [(12, 16)], [(8, 14, False), (12, 16, False)]),
    ((8, 14), [(6, 10)], [(6, 10, False), (8, 14, False)]),
    ((8, 14), [(14, 16)], [(8, 14, False), (14, 16, False)]),
    ((28, 32), [(30, 32)], [(28, 30, True), (30, 32, False)]),
    ((8, 48), [(20, 48)], [(8, 20, True), (20, 48, False)]),
]


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/Los_Angeles", "Pacific/Auckland"])
@pytest.mark.parametrize("first", ["channel", "import"])
@pytest.mark.parametrize(("row", "others", "wished"), SHAPES)
def test_a_joined_row_is_cut_by_what_another_calendar_knows(
    house: House,
    clock: time_machine.Traveller,
    zone: str,
    first: str,
    row: Days,
    others: list[Days],
    wished: list[tuple[int, int, bool]],
) -> None:
    flat = home(house, zone, issue_ahead_days=90)
    bodies = {"channel": joined(*row), "import": imported(*others)}
    feeds = {"channel": feed_of(flat, "Booking.com"), "import": feed_of(flat)}
    order = [first, *({"channel", "import"} - {first})]
    at(clock, "05-01 09:00")
    for name in order:
        fetched(feeds[name], bodies[name])
    assert near(flat) == wished
    assert all_have_codes(flat)
    before = list(Booking.objects.order_by("pk").values())
    house.settle()
    asked = house.requests
    for day in ("02", "03"):
        at(clock, f"05-{day} 09:00")
        for name in order:
            fetched(feeds[name], bodies[name].replace(b"20270301T", f"202703{day}T".encode()))
    house.settle()
    assert list(Booking.objects.order_by("pk").values()) == before
    assert house.requests == asked


@pytest.mark.parametrize("hand_first", [True, False])
def test_a_stay_that_a_person_entered_cuts_it_too(
    house: House, clock: time_machine.Traveller, hand_first: bool
) -> None:
    flat = home(house)
    feed = feed_of(flat, "Booking.com")
    at(clock, "05-01 09:00")
    if hand_first:
        by_hand(flat, 10, 14)
        fetched(feed, joined(8, 14))
    else:
        fetched(feed, joined(8, 14))
        (whole,) = (one for one in confirmed(flat) if one.arrival_date == may(8))
        code = code_of(whole)
        by_hand(flat, 10, 14)
        fetched(feed, joined(8, 14))  # the same bytes
        assert code_of(whole) == code
    assert near(flat) == [(8, 10, True), (10, 14, False)]
    assert all_have_codes(flat)


@pytest.mark.parametrize("order", list(permutations(["channel", "airbnb", "vrbo"])))
def test_three_calendars_in_any_order(house: House, clock: time_machine.Traveller, order: tuple[str, ...]) -> None:
    flat = home(house)
    feeds = {name: feed_of(flat, name) for name in ("channel", "airbnb", "vrbo")}
    bodies = {
        "channel": joined(8, 18),
        "airbnb": imported((10, 12)),
        "vrbo": calendar(event("v", may(14), may(18), "Reserved - Tam Vries"), prodid="-//HomeAway.com, Inc.//EN"),
    }
    at(clock, "05-01 09:00")
    for name in order:
        fetched(feeds[name], bodies[name])
    assert near(flat) == [(8, 10, True), (10, 12, False), (12, 14, True), (14, 18, False)]
    assert all_have_codes(flat)


def test_the_first_part_of_a_known_row_keeps_its_code(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    channel, other = feed_of(flat, "Booking.com"), feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(channel, joined(8, 14))
    (whole, _) = confirmed(flat)
    code = code_of(whole)
    fetched(other, imported((10, 14)))
    whole.refresh_from_db()
    assert (whole.departure_date, code_of(whole), whole.needs_review) == (may(10), code, True)


def test_a_stay_in_the_house_is_never_cut(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    channel, other = feed_of(flat, "Booking.com"), feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(channel, joined(8, 14))
    whole = confirmed(flat)[0]
    at(clock, "05-09 09:00")
    fetched(other, imported((10, 14)))
    fetched(channel, joined(9, 14))
    whole.refresh_from_db()
    assert (whole.arrival_date, whole.departure_date) == (may(8), may(14))


@pytest.mark.parametrize("known", ["calendar", "person"])
def test_first_seen_while_the_imported_guest_is_in_the_house(
    house: House, clock: time_machine.Traveller, known: str
) -> None:
    """The channel lists today onwards. The next guest's code worked while the other one lived there."""
    flat = home(house)
    at(clock, "05-01 09:00")
    if known == "person":
        by_hand(flat, 2, 8)
    else:
        fetched(feed_of(flat), imported((2, 8)))
    (running,) = confirmed(flat)
    code = code_of(running)
    channel = feed_of(flat, "Booking.com")
    for number in (4, 5, 8, 9):
        at(clock, f"05-{number:02} 14:00")
        fetched(channel, joined(number, 11, uid=f"j{number}"))
        assert near(flat) == [(2, 8, False), (8, 11, True)]
    running.refresh_from_db()
    assert code_of(running) == code
    assert all_have_codes(flat)


@pytest.mark.parametrize("known", ["calendar", "person"])
def test_a_guest_in_the_house_whose_row_is_first_seen_without_its_beginning(
    house: House, clock: time_machine.Traveller, known: str
) -> None:
    """The same stay was made twice, with a code for nobody."""
    flat = home(house)
    at(clock, "05-01 09:00")
    if known == "person":
        by_hand(flat, 2, 8)
    else:
        fetched(feed_of(flat), imported((2, 8)))
    channel = feed_of(flat, "Booking.com")
    for number in (4, 5, 7):
        at(clock, f"05-{number:02} 14:00")
        fetched(channel, joined(number, 8, uid=f"j{number}"))
        assert near(flat) == [(2, 8, False)]


def test_a_later_row_that_ends_with_the_guest_in_the_house_is_another_stay(
    house: House, clock: time_machine.Traveller
) -> None:
    """Only today's beginning can be a cut: a row of later days is an overbooking."""
    flat = home(house)
    at(clock, "05-01 09:00")
    fetched(feed_of(flat), imported((2, 8)))
    at(clock, "05-03 14:00")
    fetched(feed_of(flat, "Booking.com"), joined(6, 8))
    assert near(flat) == [(2, 8, False), (6, 8, False)]


def test_a_row_that_names_its_guest_is_no_join(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    channel, other = feed_of(flat, "Booking.com"), feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(other, imported((10, 14)))
    fetched(channel, calendar(event("j1@booking.com", may(8), may(14), "CLOSED - Tam Vries"), prodid=BOOKING))
    assert near(flat) == [(8, 14, False), (10, 14, False)]


def test_a_closed_season_around_an_imported_stay_stays_one_question(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = home(house)
    channel, other = feed_of(flat, "Booking.com"), feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(other, imported((10, 14)))
    fetched(channel, joined(8, 58))
    assert near(flat) == [(10, 14, False)]
    assert FeedItem.objects.get(uid="j1@booking.com").verdict == "review"


@pytest.mark.parametrize("prodid", ["-//HomeAway.com, Inc.//EN", AIRBNB, "-//Some PMS//EN"])
def test_other_channels_overbook_rather_than_join(house: House, clock: time_machine.Traveller, prodid: str) -> None:
    flat = home(house)
    channel, other = feed_of(flat, "Another"), feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(other, imported((10, 14)))
    fetched(channel, calendar(event("r1@pms", may(8), may(14)), prodid=prodid))
    assert near(flat) == [(8, 14, False), (10, 14, False)]


def test_after_the_import_left_the_own_stay_remains(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    channel, other = feed_of(flat, "Booking.com"), feed_of(flat)
    at(clock, "05-01 09:00")
    fetched(other, calendar(airbnb("a0", may(10), may(14), "HMABCDEF00"), airbnb("a1", may(80), may(82), "HMABCDEF01")))
    fetched(channel, joined(8, 14))
    own = confirmed(flat)[0]
    code = code_of(own)
    for moment in ("05-02 09:00", "05-02 10:00", "05-02 11:00"):
        at(clock, moment)
        fetched(other, calendar(airbnb("a1", may(80), may(82), "HMABCDEF01")))
        fetched(channel, joined(8, 10))
    assert [(first, last) for first, last, _ in near(flat)] == [(8, 10)]
    assert code_of(own) == code
