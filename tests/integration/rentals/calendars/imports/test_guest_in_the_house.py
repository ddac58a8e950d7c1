"""A guest in the house: one stay and one code, whatever becomes of the row's spelling and length."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from rentals.models import Booking, Property
from tests.support.calendars import airbnb, calendar
from tests.support.calendars import event as row
from tests.support.faults import at, code_of, confirmed, fetched, home, local_stays
from tests.support.house import House
from tests.support.imports import feed_of

pytestmark = pytest.mark.django_db

MAY_10, MAY_13, MAY_15 = date(2027, 5, 10), date(2027, 5, 13), date(2027, 5, 15)
LATER = row("m9@pms", date(2027, 6, 20), date(2027, 6, 22), "Reserved - Tam Vries")
SPELLINGS = [
    ("O. Brink", "Odalys Brink"),
    ("Odalys Brink", "Brink, O."),
    ("Odalys Brink", "Ms. Odalys Brínk"),
    ("Brink Odalys", "Odalys Brink"),
    ("Odalys Brink", "Odalys Maria van den Brink-Roe"),
    ("Odalys", "Famille Brink"),
    ("Brink", "Company Travel 4411"),
    ("", "Odalys Brink"),
    ("Odalys Brink", ""),
]


def named(name: str, ends: date, uid: str = "m1@pms") -> str:
    return row(uid, MAY_10, ends, f"Reserved - {name}" if name else "Reserved")


def here(flat: Property) -> list[Booking]:
    return [one for one in confirmed(flat) if one.arrival_date.month == 5]


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize(("before", "after"), SPELLINGS)
def test_a_respelled_and_longer_stay_is_the_same(
    house: House, clock: time_machine.Traveller, zone: str, before: str, after: str
) -> None:
    flat = home(house, zone)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched(feed, calendar(named(before, MAY_13), LATER))
    (stay,) = here(flat)
    code = code_of(stay)
    at(clock, "05-12 09:00")
    fetched(feed, calendar(named(after, MAY_15), LATER))
    assert [(one.pk, code_of(one)) for one in here(flat)] == [(stay.pk, code)]
    assert local_stays(flat)[0] == ("05-10 15:00", "05-15 11:00")


@pytest.mark.parametrize(("before", "after"), SPELLINGS)
def test_a_respelled_and_shorter_stay_is_the_same(
    house: House, clock: time_machine.Traveller, before: str, after: str
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched(feed, calendar(named(before, MAY_15), LATER))
    (stay,) = here(flat)
    at(clock, "05-11 09:00")
    fetched(feed, calendar(named(after, MAY_13), LATER))
    assert [one.pk for one in here(flat)] == [stay.pk]
    assert local_stays(flat)[0] == ("05-10 15:00", "05-13 11:00")


@pytest.mark.parametrize(("before", "after"), SPELLINGS[:4])
def test_a_stay_to_come_that_is_respelled_and_longer_is_the_same(
    house: House, clock: time_machine.Traveller, before: str, after: str
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched(feed, calendar(named(before, MAY_13), LATER))
    (stay,) = here(flat)
    fetched(feed, calendar(named(after, MAY_15), LATER))
    assert [one.pk for one in here(flat)] == [stay.pk]
    assert local_stays(flat)[0] == ("05-10 15:00", "05-15 11:00")


def test_it_grows_over_the_days_of_the_next_guest(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    following = row("m2@pms", MAY_13, MAY_15, "Reserved - Tam Vries")
    fetched(feed, calendar(named("O. Brink", MAY_13), following, LATER))
    stay = here(flat)[0]
    for moment in ("05-12 09:00", "05-12 09:45"):
        at(clock, moment)
        fetched(feed, calendar(named("Odalys Brink", MAY_15), LATER))
    assert [one.pk for one in here(flat)] == [stay.pk]


def test_seen_only_after_the_former_end(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched(feed, calendar(named("O. Brink", MAY_13), LATER))
    (stay,) = here(flat)
    at(clock, "05-13 10:00")
    fetched(feed, calendar(named("Odalys Brink", MAY_15), LATER))
    assert [one.pk for one in here(flat)] == [stay.pk]
    assert local_stays(flat)[0][1] == "05-15 11:00"


def test_with_a_new_uid_the_name_tells_the_guest_in_the_house(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched(feed, calendar(named("Odalys Brink", MAY_13), LATER))
    (stay,) = here(flat)
    code = code_of(stay)
    at(clock, "05-12 09:00")
    fetched(feed, calendar(named("Ms Brink, Odalys", MAY_15, uid="renewed@pms"), LATER))
    assert [(one.pk, code_of(one)) for one in here(flat)] == [(stay.pk, code)]
    assert local_stays(flat)[0][1] == "05-15 11:00"


def test_another_reservation_code_is_another_guest_even_on_the_arrival_day(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched(feed, calendar(airbnb("1", MAY_10, MAY_13, "HMAAAA1111")))
    (stay,) = here(flat)
    at(clock, "05-11 09:00")
    fetched(feed, calendar(airbnb("1", MAY_10, MAY_15, "HMBBBB2222")))
    assert len(here(flat)) == 2
    assert code_of(here(flat)[1]) != code_of(stay)


def test_the_next_row_of_a_numbered_export_is_the_next_guest(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    second = date(2027, 5, 13), date(2027, 5, 16)
    fetched(feed, calendar(named("O. Brink", MAY_13, uid="row1"), row("row2", *second, "Reserved - Tam Vries")))
    stay, following = here(flat)
    at(clock, "05-13 12:00")
    fetched(feed, calendar(row("row1", *second, "Reserved - Tam Vries")))
    stay.refresh_from_db()
    assert stay.departure_date == MAY_13
    assert [one.pk for one in here(flat)] == [stay.pk, following.pk]
    assert code_of(following) != code_of(stay)
