"""What a newcomer stumbled over when trying the calendars: pages that promised too much, and a story that did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from pins.stack.calendar_news import FeedSeen, StaySeen, differences
from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property
from tests.support.feeds import sample
from tests.support.house import House

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
EMPTY = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Airbnb Inc//Hosting Calendar 1.0//EN\r\nEND:VCALENDAR\r\n"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW + HOUR, tick=False):
        yield


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


@pytest.fixture
def flat() -> Property:
    house = House()
    return house.flat(house.lock())


def feed_of(flat: Property, name: str = "Airbnb") -> CalendarFeed:
    return CalendarFeed.objects.create(property=flat, name=name, url="https://www.airbnb.com/calendar/ical/1.ics")


def action(feed: CalendarFeed, name: str) -> str:
    return f"/admin/rentals/calendarfeed/{feed.pk}/{name}/"


def told(response: Any) -> str:
    return " ".join(str(one.message) for one in get_messages(response.wsgi_request))


def text(response: Any) -> str:
    return str(response.content.decode())


def held(flat: Property) -> tuple[CalendarFeed, list[int]]:
    feed = feed_of(flat)
    run.import_calendar(feed.pk, sample(1), NOW)
    run.import_calendar(feed.pk, EMPTY, NOW + HOUR)
    return feed, list(FeedItem.objects.filter(feed=feed, awaits_approval=True).values_list("pk", flat=True))


# -- cancelling what another calendar lists too ------------------------------------------------------------------------


def test_a_stay_that_another_calendar_lists_is_not_announced_as_cancelled(host: Client, flat: Property) -> None:
    feed, waiting = held(flat)
    other = feed_of(flat, "Vrbo <second>")
    run.import_calendar(other.pk, sample(1), NOW + HOUR)

    on_page = text(host.get(f"/admin/rentals/calendarfeed/{feed.pk}/change/"))
    assert "Also in Vrbo &lt;second&gt;" in on_page

    asked = text(host.post(action(feed, "approve"), {"item": waiting}))
    assert "stays, because Vrbo &lt;second&gt; lists it too" in asked
    assert "Yes, cancel" not in asked

    answer = host.post(action(feed, "approve"), {"item": waiting, "confirmed": "yes"})
    assert "nothing was cancelled. 2 stays left as they are" in told(answer)
    assert "another calendar lists" in told(answer)
    assert not Booking.objects.filter(status=Booking.Status.CANCELLED).exists()


def test_the_button_counts_what_it_cancels(host: Client, flat: Property) -> None:
    feed, waiting = held(flat)
    assert "Yes, cancel 2 stays and remove the codes" in text(host.post(action(feed, "approve"), {"item": waiting}))
    assert "Yes, cancel 1 stay and remove the code<" in text(host.post(action(feed, "approve"), {"item": waiting[:1]}))


# -- a page that is loaded again ---------------------------------------------------------------------------------------


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that leads there."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form is not None
    return dict(re.findall(r'<input type="hidden" name="(replaces)" value="([^"]*)"', form.group()))


@pytest.mark.parametrize(("name", "column"), [("new-address", "token"), ("new-secret", "signing_secret")])
def test_a_page_with_a_new_secret_makes_no_other_one_when_it_is_loaded_again(
    host: Client, flat: Property, name: str, column: str
) -> None:
    feed = feed_of(flat)
    sent = form_of(text(host.post(action(feed, "push"))), action(feed, name))
    assert sent
    host.post(action(feed, name), sent)
    made = getattr(CalendarFeed.objects.get(), column)
    assert made != getattr(feed, column)

    again = host.post(action(feed, name), sent)
    assert getattr(CalendarFeed.objects.get(), column) == made
    assert "already" in told(again)

    host.post(action(feed, name), form_of(text(again), action(feed, name)))
    assert getattr(CalendarFeed.objects.get(), column) != made


# -- deciding ----------------------------------------------------------------------------------------------------------


def test_a_decision_that_is_taken_back_is_followed_by_a_fetch(host: Client, flat: Property) -> None:
    """What the rules say of an item is known only when its calendar is read again."""
    feed = feed_of(flat)
    run.import_calendar(feed.pk, sample(1), NOW, updates={"next_fetch_at": NOW + 3 * HOUR})
    item = FeedItem.objects.filter(feed=feed, verdict="stay").latest("starts_at")
    host.post(action(feed, "decide"), {"item": item.pk, "decision": "not_stay"})
    assert FeedState.objects.get(feed=feed).next_fetch_at == NOW + 3 * HOUR  # in force at once: nothing to ask for
    host.post(action(feed, "decide"), {"item": item.pk, "decision": ""})
    due = FeedState.objects.get(feed=feed).next_fetch_at
    assert due is None or due <= NOW + HOUR


# -- the story ---------------------------------------------------------------------------------------------------------


def test_stays_that_left_a_calendar_are_no_new_identities() -> None:
    stays = {1: StaySeen("3-8 Mar", "confirmed")}
    listed = FeedSeen("Airbnb", stays, frozenset({"a"}))
    left = FeedSeen("Airbnb", stays, frozenset())
    assert list(differences(listed, left)) == []
    assert list(differences(left, listed)) == []
    assert any("new UIDs" in said for said in differences(listed, FeedSeen("Airbnb", stays, frozenset({"b"}))))


def test_a_great_number_of_stays_is_told_in_one_short_line() -> None:
    stays = {number: StaySeen(f"{number} Mar", "confirmed") for number in range(5000)}
    (said,) = differences(FeedSeen("", {}), FeedSeen("Big", stays))
    assert said.startswith("5000 stays arrived: 0 Mar, 1 Mar")
    assert said.endswith("and 4990 more")
    assert len(said) < 200
