"""Calendars that people reported, each as the small input that it came down to. Times are Amsterdam's."""

from __future__ import annotations

import pytest
import time_machine

from pins.models import Incident
from rentals.models import Booking, FeedItem
from tests.support.faults import at, code_of, confirmed, fault, fetched_and_checked, home, local, local_stays
from tests.support.house import House
from tests.support.imports import feed_of, state_of

pytestmark = pytest.mark.django_db

ONE_STAY = [("05-09 15:00", "05-11 11:00")]


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("midnight-utc", "Europe/Amsterdam"),
        ("midnight-floating", "Europe/Amsterdam"),
        ("midnight-local-in-utc", "Europe/Amsterdam"),
        ("midnight-utc-west", "America/New_York"),
    ],
)
def test_midnights_mean_the_days_that_the_channel_means(
    house: House, clock: time_machine.Traveller, name: str, zone: str
) -> None:
    """The code ended at 02:00, or began on the evening before the arrival day."""
    flat = home(house, zone)
    at(clock, "05-01 09:00")
    fetched_and_checked(feed_of(flat), fault("midnight-is-a-day", name))
    assert ONE_STAY[0] in local_stays(flat)
    assert all(code_of(one) for one in confirmed(flat))


def test_an_end_on_the_arrival_day_is_one_night_with_a_code_and_a_mark(
    house: House, clock: time_machine.Traveller
) -> None:
    """The row was left out, and nobody was told."""
    flat = home(house)
    at(clock, "05-08 09:00")
    fetched_and_checked(feed_of(flat), fault("end-not-after-start", "equal-dates"))
    one, other = confirmed(flat)
    assert (local(one), one.needs_review) == (("05-09 15:00", "05-10 11:00"), True)
    assert (local(other), other.needs_review) == (("05-12 15:00", "05-14 11:00"), False)
    assert code_of(one)


def test_a_calendar_of_last_nights_is_marked_and_the_other_reading_offered(
    house: House, clock: time_machine.Traveller
) -> None:
    """Guests were shut out on their last night."""
    flat = home(house)
    at(clock, "05-08 09:00")
    feed, body = feed_of(flat), fault("end-not-after-start", "inclusive")
    fetched_and_checked(feed, body)
    assert [one.needs_review for one in confirmed(flat)] == [True, True, True]
    assert all(code_of(one) for one in confirmed(flat))
    assert state_of(feed).summary["last_nights"] > 0
    codes = {one.pk: code_of(one) for one in confirmed(flat)}
    feed.end_dates = "last_night"
    feed.save()
    fetched_and_checked(feed, body)
    assert local_stays(flat) == [
        ("05-09 15:00", "05-10 11:00"),
        ("05-10 15:00", "05-13 11:00"),
        ("05-13 15:00", "05-14 11:00"),
    ]
    assert {one.pk: code_of(one) for one in confirmed(flat)} == codes


def test_nameless_days_that_were_free_and_are_taken_again_are_another_guests(
    house: House, clock: time_machine.Traveller
) -> None:
    """The next guest was given the code of the one who had cancelled."""
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched_and_checked(feed, fault("nameless-rebooked", "vr1"))
    before = confirmed(flat)[0]
    code = code_of(before)
    at(clock, "05-09 09:00")
    fetched_and_checked(feed, fault("nameless-rebooked", "vrfree"))
    at(clock, "05-09 09:15")
    fetched_and_checked(feed, fault("nameless-rebooked", "vr2"))
    (item,) = FeedItem.objects.filter(uid="z9@homeaway")
    assert item.booking is not None
    assert item.booking != before
    assert code_of(item.booking) not in ("", code)
    at(clock, "05-09 09:45")
    fetched_and_checked(feed, fault("nameless-rebooked", "vr2"))
    before.refresh_from_db()
    assert before.status == "cancelled"
    assert len(confirmed(flat)) == 3


def test_a_guest_in_the_house_is_one_stay_whatever_becomes_of_name_and_length(
    house: House, clock: time_machine.Traveller
) -> None:
    """The guest's code ended while the family slept: the longer stay was taken for somebody else's."""
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched_and_checked(feed, fault("respelled-and-extended", "nz1"))
    stay = confirmed(flat)[0]
    code = code_of(stay)
    at(clock, "05-12 09:00")
    fetched_and_checked(feed, fault("respelled-and-extended", "ny2"))
    running = [one for one in confirmed(flat) if local(one)[0] < "06"]
    assert [(one.pk, local(one)) for one in running] == [(stay.pk, ("05-10 15:00", "05-15 11:00"))]
    assert code_of(running[0]) == code


@pytest.mark.parametrize("first", ["abnb-one", "bdc-joined"])
def test_a_row_that_joins_an_imported_stay_is_cut_at_first_sight_in_either_order(
    house: House, clock: time_machine.Traveller, first: str
) -> None:
    """The guest of 8 to 10 May kept a code while the next guest lived there."""
    flat = home(house)
    feeds = {"abnb-one": feed_of(flat), "bdc-joined": feed_of(flat, "Booking.com")}
    at(clock, "05-01 09:00")
    fetched_and_checked(feeds[first], fault("joined-at-first-sight", first))
    at(clock, "05-01 09:05")
    (second,) = set(feeds) - {first}
    fetched_and_checked(feeds[second], fault("joined-at-first-sight", second))
    assert local_stays(flat) == [("05-08 15:00", "05-10 11:00"), ("05-10 15:00", "05-14 11:00")]
    own, imported = confirmed(flat)
    assert own.needs_review
    assert imported.feed_items.count() == 2
    assert code_of(own) != code_of(imported)
    at(clock, "05-01 09:20")
    for name, feed in feeds.items():
        fetched_and_checked(feed, fault("joined-at-first-sight", name).replace(b"20270401T", b"20270402T"))
    assert [one.pk for one in confirmed(flat)] == [own.pk, imported.pk]


def test_a_tenant_over_a_year_has_a_code_and_a_mark(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    fetched_and_checked(feed_of(flat), fault("tenant-over-a-year", "long-tenant"))
    (stay,) = confirmed(flat)
    assert local(stay) == ("05-10 15:00", "06-30 11:00")
    assert stay.check_out.year == 2028
    assert stay.needs_review
    assert code_of(stay)


def test_a_guest_who_stays_over_the_days_of_the_next_one(house: House, clock: time_machine.Traveller) -> None:
    flat = home(house)
    feed = feed_of(flat)
    at(clock, "05-08 09:00")
    fetched_and_checked(feed, fault("extended-in-house", "ext1"))
    stay = confirmed(flat)[0]
    code = code_of(stay)
    for moment in ("05-11 09:00", "05-11 09:45"):
        at(clock, moment)
        fetched_and_checked(feed, fault("extended-in-house", "ext2"))
    assert [(one.pk, local(one), code_of(one)) for one in confirmed(flat)] == [
        (stay.pk, ("05-09 15:00", "05-15 11:00"), code)
    ]


@pytest.mark.parametrize("name", ["recur", "nosum"])
def test_rows_without_words_are_stays(house: House, clock: time_machine.Traveller, name: str) -> None:
    flat = home(house)
    at(clock, "05-01 09:00")
    fetched_and_checked(feed_of(flat), fault("override-without-summary", name))
    assert ("05-09 15:00", "05-11 11:00") in local_stays(flat)
    assert Booking.objects.get(check_in__date="2027-05-09").needs_review
    assert not Incident.objects.filter(kind="feed_unreadable").exists()
