"""“Is it a stay?”: long closed days of a channel that writes stays in the same words, until a person decides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from pins.incidents import slow_checks
from pins.models import Incident, Pin
from rentals.models import Booking, CalendarFeed, FeedItem
from tests.support.board_pages import part, words
from tests.support.calendars import BOOKING, calendar, closed, day, event
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.incidents import review
from tests.support.pages import text
from tests.support.people import operator, staff

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


FIRST = day(3, 12)


@pytest.fixture
def host(client: Client, clock: object) -> Client:
    """May do what the day asks for, calendars included."""
    client.force_login(staff("host", "view_booking", "change_booking", "change_calendarfeed"))
    return client


def long_row(house: House, first: date = FIRST, nights: int = 10, **fields: object) -> FeedItem:
    """A row of a Booking.com calendar that is longer than its stays are."""
    feed = feed_of(house.flat(house.lock(), name="River room"), "Channel", **{"longest_stay_nights": 7, **fields})
    take(feed, calendar(closed("long", first, first + nights * DAY), prodid=BOOKING))
    return FeedItem.objects.get()


def test_the_board_asks_from_the_first_day_on(host: Client, house: House) -> None:
    long_row(house)
    said = part(host.get("/"), "questions")
    assert "Booking.com closed 12 to 22 Mar: a stay?" in said
    assert "River room" in said
    assert "would arrive Fri 12 Mar, 15:00 CET, 10 nights" in said
    assert "Yes, a stay" in said
    assert review() == {}  # eleven days ahead nobody is disturbed


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2027, 3, 28), date(2027, 4, 9), "28 Mar to 9 Apr"),
        (date(2027, 12, 28), date(2028, 1, 9), "28 Dec 2027 to 9 Jan 2028"),
        (date(2028, 3, 1), date(2028, 3, 12), "1 to 12 Mar 2028"),
    ],
)
def test_the_question_says_years_where_they_differ(
    host: Client, house: House, first: date, last: date, said: str
) -> None:
    long_row(house, first, (last - first).days)
    assert f"closed {said}: a stay?" in part(host.get("/"), "questions")


def test_it_becomes_urgent_and_the_board_is_not_green_over_it(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    item = long_row(house)
    begins = item.starts_at
    assert begins is not None
    assert "Nobody is expected: there is no booking yet." in words(host.get("/"))
    for before, severity in ((72 * HOUR, Severity.WARNING), (24 * HOUR, Severity.URGENT)):
        clock.move_to(begins - before - timedelta(minutes=1))
        assert review().get(Kind.STAY_UNCLEAR) != severity
        clock.move_to(begins - before)
        assert review() == {Kind.STAY_UNCLEAR: severity}
        page = words(host.get("/"))
        assert "Nobody is known to arrive in the next 24 hours" in page
        assert "Not certain: 1 calendar row may be a stay." in page
        assert "Channel, River room, 12 to 22 Mar, begins Fri 12 Mar, 15:00 CET" in part(host.get("/"), "issues")
        assert 'class="headline ready"' not in text(host.get("/"))
    clock.move_to(begins + DAY)
    assert review() == {Kind.STAY_UNCLEAR: Severity.URGENT}
    assert "began Fri 12 Mar" in part(host.get("/"), "questions")
    clock.move_to(begins + 30 * DAY)
    assert review() == {}
    host.force_login(User.objects.get())  # the session is over, too
    assert part(host.get("/"), "questions") == ""


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_person_decides_on_the_board(host: Client, house: House, clock: time_machine.Traveller, answer: str) -> None:
    item = long_row(house, day(3, 2))
    assert review() == {Kind.STAY_UNCLEAR: Severity.WARNING}
    page = host.post(f"/calendar-rows/{item.pk}/", {"answer": answer}, follow=True)
    assert part(page, "questions") == ""
    assert review() == {}
    house.settle()
    if answer == "yes":
        assert Booking.objects.get().status == Booking.Status.CONFIRMED
        assert Pin.objects.filter(state="set").count() == 1
        assert "is a stay and gets a code" in words(page)
    else:
        assert not Booking.objects.exists()
        assert "is not a stay and gets no code" in words(page)
    assert LogEntry.objects.filter(object_id=str(item.feed_id), change_message__startswith="Decided").count() == 1
    again = host.post(f"/calendar-rows/{item.pk}/", {"answer": "no" if answer == "yes" else "yes"}, follow=True)
    assert "was decided already" in words(again)
    assert Booking.objects.count() == (answer == "yes")


def test_each_row_is_an_incident_of_its_own(house: House, clock: time_machine.Traveller) -> None:
    """A second row must not hide behind the first one, which somebody may know of already."""
    feed = feed_of(house.flat(house.lock()), longest_stay_nights=7)
    rows = [closed(str(n), day(3, 2) + n * 9 * DAY, day(3, 2) + (n * 9 + 9) * DAY) for n in range(3)]
    take(feed, calendar(*rows, prodid=BOOKING))
    assert review() == {Kind.STAY_UNCLEAR: Severity.WARNING}
    clock.shift(8 * DAY)
    for_rows = Incident.objects.filter(kind=Kind.STAY_UNCLEAR)
    slow_checks.check(timezone.now())
    assert [(one.item_id, one.feed_id) for one in for_rows.order_by("pk")] == [
        (pk, feed.pk) for pk in FeedItem.objects.order_by("starts_at").values_list("pk", flat=True)[:2]
    ]


def test_blocks_that_count_as_stays_are_asked_about_when_they_are_long(host: Client, house: House) -> None:
    feed = feed_of(house.flat(house.lock()), "Own", blocked_items_are_stays=True, longest_stay_nights=7)
    take(feed, [event("a", day(3, 12), day(3, 15), "Blocked"), event("b", day(4, 1), day(4, 30), "Blocked")])
    assert Booking.objects.count() == 1
    assert "Own closed 1 to 30 Apr: a stay?" in part(host.get("/"), "questions")


def test_a_row_that_names_something_else_is_quoted(host: Client, house: House) -> None:
    feed = feed_of(house.flat(house.lock()), "Own")
    take(feed, [event("a", day(3, 12), day(3, 15), "Cancelled: Anna Nowak")])
    assert FeedItem.objects.get().verdict == "review"
    assert "Own, “Cancelled: Anna Nowak” 12 to 15 Mar: a stay?" in part(host.get("/"), "questions")


def test_rows_of_a_calendar_that_is_switched_off_are_not_asked_about(host: Client, house: House) -> None:
    long_row(house, day(3, 2))
    CalendarFeed.objects.update(is_active=False)
    assert part(host.get("/"), "questions") == ""
    assert review() == {}


def test_only_people_who_may_change_calendars_decide(client: Client, house: House) -> None:
    item = long_row(house)
    client.force_login(operator())
    assert "Yes, a stay" not in words(client.get("/"))
    assert client.post(f"/calendar-rows/{item.pk}/", {"answer": "yes"}).status_code == 403
    client.force_login(staff("chief", "view_booking", "change_calendarfeed"))
    assert "Yes, a stay" in words(client.get("/"))
    assert client.get(f"/calendar-rows/{item.pk}/").status_code == 405
    assert client.post(f"/calendar-rows/{item.pk}/", {"answer": "perhaps"}).status_code == 404
    assert client.post("/calendar-rows/999/", {"answer": "yes"}).status_code == 404
    assert FeedItem.objects.get().decision == ""
