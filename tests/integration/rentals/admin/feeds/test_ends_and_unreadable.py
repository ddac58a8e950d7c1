"""The page of a feed asks what its end dates mean, and lists what could not be read, with its day and a button."""

from __future__ import annotations

import pytest
from django.test import Client

from pins.models import Incident
from rentals.models import Booking, FeedItem, FeedState, Property
from tests.support.faults import look
from tests.support.feed_pages import action, calendar, event, feed_of, page, take, typed
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ASKS = "Is the end date the last night?"
INCLUSIVE = calendar(
    event("i1", "20270309", "20270309", "Reserved - Odalys Brink"),
    event("i2", "20270310", "20270312", "Reserved - Tam Vries"),
    event("i3", "20270313", "20270313", "Reserved - Jo Fern"),
    prodid="-//Some PMS//EN",
)


@pytest.mark.parametrize(
    ("answer", "marked", "last"), [("last_night", [False] * 3, "03-13"), ("check_out", [True, False, True], "03-12")]
)
def test_a_person_says_what_the_end_dates_mean(
    host: Client, flat: Property, answer: str, marked: list[bool], last: str
) -> None:
    feed = feed_of(flat)
    take(feed, INCLUSIVE)
    assert ASKS in text(host.get(page(feed)))
    host.post(action(feed, "end-dates"), {"end_dates": "nonsense"})
    assert ASKS in text(host.get(page(feed)))
    host.post(action(feed, "end-dates"), {"end_dates": answer})
    feed.refresh_from_db()
    assert feed.end_dates == answer
    assert ASKS not in text(host.get(page(feed)))
    assert FeedState.objects.get(feed=feed).next_fetch_at is not None
    take(feed, INCLUSIVE)
    stays = list(Booking.objects.order_by("check_in"))
    assert [one.needs_review for one in stays] == marked
    assert f"{stays[1].departure_date:%m-%d}" == last


def test_the_same_is_said_in_the_form(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, INCLUSIVE)
    host.post(page(feed), typed(flat, end_dates="last_night"))
    feed.refresh_from_db()
    assert feed.end_dates == "last_night"
    assert not Booking.objects.filter(needs_review=True).exists()


def test_what_could_not_be_read_has_its_day_and_is_settled_by_a_person(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    body = calendar(event("b", "20270309", "20270307", "Reserved - Odalys Brink"), event("g", "20270310", "20270312"))
    take(feed, body)
    shown = text(host.get(page(feed)))
    assert "It is read, but for 1 row" in shown
    assert "Not read in full" in shown
    assert "9 Mar 2027" in shown
    board = text(host.get("/"))
    assert "A row of a calendar cannot be read: “Reserved - Odalys Brink”, arrives 9 Mar 2027" in board
    assert "A row of a calendar cannot be read: “Reserved" in text(host.get("/admin/pins/incident/"))
    host.post(action(feed, "decide"), {"item": FeedItem.objects.get(uid="b").pk, "decision": "not_stay"})
    assert not Incident.objects.filter(resolved_at=None).exists()
    take(feed, body)
    look()
    assert not Incident.objects.filter(kind="feed_unreadable", resolved_at=None).exists()
    assert "could not be read" not in text(host.get(page(feed)))
