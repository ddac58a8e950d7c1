"""A held feed: a person approves what vanished, or keeps it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from pins.models import Incident
from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.feed_pages import NOW, action, calendar, event, feed_of, held, page, take
from tests.support.feeds import sample
from tests.support.house import House
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR = timedelta(hours=1)


def test_a_hold_names_the_threatened_stays(host: Client, flat: Property) -> None:
    feed, _ = held(flat)
    shown = text(host.get(page(feed)))
    assert "Your decision is needed" in shown
    assert "The calendar is empty; it listed 2 stays." in shown
    for words in ("3 Mar to 8 Mar 2027", "10 Apr to 14 Apr 2027", "Keep the chosen stays", "Cancel the chosen stays"):
        assert words in shown
    incidents = text(host.get("/admin/pins/incident/"))
    if Incident.objects.exists():
        assert f'<a href="{page(feed)}">Airbnb</a>' in incidents
        assert "Open the calendar, and keep or cancel" in incidents


def test_approving_asks_first_names_the_stays_and_cancels_only_them(
    host: Client, flat: Property, house: House, clock: time_machine.Traveller
) -> None:
    feed, (one, two) = held(flat)
    clock.move_to(NOW + 2 * HOUR)
    asked = host.post(action(feed, "approve"), {"item": [str(one.pk)]})
    assert asked.status_code == 200
    assert "their codes are taken off every lock" in text(asked)
    assert "3 Mar to 8 Mar 2027" in text(asked)
    assert "10 Apr" not in text(asked)
    assert Booking.objects.filter(status="cancelled").count() == 0

    done = host.post(action(feed, "approve"), {"item": [str(one.pk)], "confirmed": "yes"})
    assert "1 stay cancelled. Its code is being removed." in told(done)
    assert Booking.objects.get(status="cancelled").feed_items.get() == one
    assert FeedItem.objects.get(pk=two.pk).awaits_approval
    assert CalendarFeed.objects.get().state.held_since is not None
    host.post(action(feed, "dismiss"), {"item": [str(two.pk)]})
    assert CalendarFeed.objects.get().state.held_since is None
    assert "Your decision is needed" not in text(host.get(page(feed)))
    assert LogEntry.objects.filter(change_message__contains="Approved").exists()


def test_a_hold_of_very_many_stays_is_decided_in_parts(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, calendar(*(event(f"{n}@x", f"2027{4 + n % 8:02}10", f"2027{4 + n % 8:02}12") for n in range(430))))
    take(feed, calendar(), NOW + HOUR)
    clock.move_to(NOW + 2 * HOUR)
    shown = text(host.get(page(feed)))
    assert "and 30 more, shown when you have decided about these." in shown
    items = re.findall(r'name="item" value="(\d+)" id="held', shown)
    assert len(items) == 400
    assert "400 stays kept." in told(host.post(action(feed, "dismiss"), {"item": items}))
    assert len(re.findall(r'name="item" value="\d+" id="held', text(host.get(page(feed))))) == 30


def test_keeping_ends_the_hold_and_cancels_nothing(host: Client, flat: Property, clock: time_machine.Traveller) -> None:
    feed, waiting = held(flat)
    clock.move_to(NOW + 2 * HOUR)
    done = host.post(action(feed, "dismiss"), {"item": [str(item.pk) for item in waiting]})
    assert "2 stays kept." in told(done)
    assert Booking.objects.filter(status="confirmed").count() == 3
    assert CalendarFeed.objects.get().state.held_since is None
    assert "You decided to keep the stay." in text(host.get(page(feed)))
    assert "nothing was" in told(host.post(action(feed, "approve"), {"item": [str(waiting[0].pk)], "confirmed": "yes"}))


def test_decisions_about_nothing_or_about_other_feeds_change_nothing(host: Client, flat: Property) -> None:
    feed, waiting = held(flat)
    other = feed_of(flat, "Other")
    item = {"item": [str(waiting[0].pk)]}
    assert "choose the stays" in told(host.post(action(feed, "approve"), {"confirmed": "yes"}))
    assert "choose the stays" in told(host.post(action(feed, "dismiss"), {"item": ["x", "-1", "9" * 40]}))
    assert "nothing is left" in told(host.post(action(other, "approve"), item))
    host.post(action(other, "approve"), {**item, "confirmed": "yes"})
    host.post(action(other, "decide"), {**item, "decision": "not_stay"})
    host.post(action(feed, "decide"), {**item, "decision": "nonsense"})
    host.post(action(feed, "decide"), item)
    assert Booking.objects.filter(status="confirmed").count() == 3
    assert FeedItem.objects.filter(awaits_approval=True, decision="").count() == 2


def test_a_stay_that_another_calendar_lists_is_not_announced_as_cancelled(host: Client, flat: Property) -> None:
    feed, items = held(flat)
    waiting = [one.pk for one in items]
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
    feed, items = held(flat)
    waiting = [one.pk for one in items]
    assert "Yes, cancel 2 stays and remove the codes" in text(host.post(action(feed, "approve"), {"item": waiting}))
    assert "Yes, cancel 1 stay and remove the code<" in text(host.post(action(feed, "approve"), {"item": waiting[:1]}))
