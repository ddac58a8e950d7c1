"""Items of a feed: decided by a person, quarantined, looked up, and gone with the feed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property
from tests.support.feed_pages import LIST, NOW, action, booking_page, calendar, event, feed_of, page, take, typed
from tests.support.feeds import sample
from tests.support.house import House
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR = timedelta(hours=1)


def test_an_item_to_review_becomes_a_stay_or_not_and_may_be_undone(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, "Booking")
    take(feed, sample(4))
    item = FeedItem.objects.get(verdict="review")
    shown = text(host.get(page(feed)))
    assert "Is it a stay?" in shown
    assert "It is a stay</button>" in shown
    clock.shift(timedelta(minutes=5))
    host.post(action(feed, "decide"), {"item": item.pk, "decision": "stay"})
    item.refresh_from_db()
    assert item.decision == "stay"
    assert item.booking is not None
    assert item.booking.status == "confirmed"
    shown = text(host.get(page(feed)))
    assert "You: a stay" in shown
    assert "You said that it is a stay." in shown
    assert "Is it a stay?" not in shown
    assert not item.booking.needs_review
    host.post(action(feed, "decide"), {"item": item.pk, "decision": ""})
    assert FeedItem.objects.get(pk=item.pk).decision == ""

    host.post(action(feed, "decide"), {"item": item.pk, "decision": "not_stay"})
    assert FeedItem.objects.get(pk=item.pk).decision == "not_stay"


def test_what_a_person_said_about_an_item_is_not_asked_again_on_its_booking(host: Client, flat: Property) -> None:
    feed = feed_of(flat, channel="other")
    take(feed, calendar(event("a@x", "20270310", "20270312", "Zxqv Wplm"), prodid="-//Nobody//EN"))
    item = FeedItem.objects.get()

    def decide(decision: str) -> tuple[str, bool]:
        host.post(action(feed, "decide"), {"item": item.pk, "decision": decision})
        booking = Booking.objects.get()
        return booking.status, booking.needs_review

    assert Booking.objects.get().needs_review
    assert decide("stay") == ("confirmed", False)
    assert decide("")[1]
    assert "Is it a stay?" in text(host.get(page(feed)))
    assert decide("not_stay") == ("cancelled", False)


def test_a_stay_that_goes_on_although_it_is_none_stays_marked(host: Client, flat: Property) -> None:
    feed = feed_of(flat, channel="other")
    take(feed, calendar(event("a@x", "20270228", "20270312", "Zxqv Wplm"), prodid="-//Nobody//EN"))
    answer = {"item": FeedItem.objects.get().pk, "decision": "not_stay", "confirmed": "yes"}
    host.post(action(feed, "decide"), answer)
    booking = Booking.objects.get()
    assert booking.needs_review == (booking.status == "confirmed")


def test_a_row_whose_guest_is_in_the_house_is_no_stay_only_after_a_question(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(event("a@x", "20270228", "20270312", "Reserved"), event("b@x", "20270320", "20270322")))
    here, later = FeedItem.objects.order_by("starts_on")
    asked = text(host.post(action(feed, "decide"), {"item": here.pk, "decision": "not_stay"}))
    assert "is in the house: the stay at" in asked
    assert "No, let it end at check-out" in asked
    here.refresh_from_db()
    assert (here.decision, here.booking and here.booking.status) == ("", "confirmed")
    host.post(action(feed, "decide"), {"item": here.pk, "decision": "not_stay", "confirmed": "yes"})
    here.refresh_from_db()
    assert (here.decision, here.booking and here.booking.status) == ("not_stay", "cancelled")
    answer = host.post(action(feed, "decide"), {"item": later.pk, "decision": "not_stay"})
    assert answer.status_code == 302


def test_quarantined_items_show_their_reason_and_lines_as_text(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    bad = event("bad@x", "20270403", "20270401", "<script>alert(1)</script>")
    take(feed, calendar(event("good@x", "20270310", "20270312", "Reserved <b>bold</b>"), bad))
    shown = text(host.get(page(feed)))
    assert "What could not be read" in shown
    assert "DTEND;VALUE=DATE:20270401" in shown
    assert "<script>alert" not in shown
    assert "<b>bold" not in shown
    assert "<script>alert" not in text(host.get("/admin/rentals/feeditem/"))
    shown = text(host.get(f"/admin/rentals/feeditem/{FeedItem.objects.get(verdict='quarantined').pk}/change/"))
    assert "Calendar item, 2027-04-03 to an unknown day" in shown
    assert "DTEND;VALUE=DATE:20270401" in shown
    assert "<script>alert" not in shown


def test_deleting_a_feed_keeps_its_stays_and_says_so(host: Client, flat: Property) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Other")
    take(feed, sample(1))
    asked = text(host.get(f"{LIST}{feed.pk}/delete/"))
    assert "are kept, with their codes" in asked
    assert "cannot" not in asked.lower().replace("cannot be undone", "")
    host.post(f"{LIST}{feed.pk}/delete/", {"post": "yes"})
    assert Booking.objects.filter(status="confirmed").count() == 3
    chosen = {"action": "delete_selected", "_selected_action": [str(other.pk)]}
    assert "are kept, with their codes" in text(host.post(LIST, chosen))
    host.post(LIST, {**chosen, "post": "yes"})
    assert not CalendarFeed.objects.exists()
    booking = Booking.objects.first()
    assert booking is not None
    assert "No calendar lists it here any more" in text(host.get(booking_page(booking)))


def test_the_property_of_a_feed_stays(host: Client, house: House, flat: Property) -> None:
    feed = feed_of(flat)
    hut = house.flat(name="Hut")
    host.post(page(feed), typed(hut))
    assert CalendarFeed.objects.get().property == flat


def test_items_can_be_looked_up_and_not_changed(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    items = "/admin/rentals/feeditem/"

    def count(query: str) -> int:
        return len(host.get(f"{items}?{query}").context["cl"].result_list)

    assert (count(""), count("verdict=stay"), count("verdict=block")) == (5, 3, 2)
    assert (count(f"feed={feed.pk}"), count("feed=999"), count("q=HMTEST0002"), count("review=waiting")) == (5, 5, 1, 0)
    item = FeedItem.objects.filter(verdict="stay").latest("starts_at")
    shown = text(host.get(f"{items}{item.pk}/change/"))
    assert "HMTEST0003" in shown
    assert 'name="_save"' not in shown
    assert host.post(f"{items}{item.pk}/change/", {"verdict": "block"}).status_code == 403
    assert host.post(f"{items}{item.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_decision_that_is_taken_back_is_followed_by_a_fetch(host: Client, flat: Property) -> None:
    """What the rules say of an item is known only when its calendar is read again."""
    feed = feed_of(flat)
    run.import_calendar(feed.pk, sample(1), NOW, updates={"next_fetch_at": NOW + 3 * HOUR})
    item = FeedItem.objects.filter(feed=feed, verdict="stay").latest("starts_at")
    host.post(action(feed, "decide"), {"item": item.pk, "decision": "not_stay"})
    assert FeedState.objects.get(feed=feed).next_fetch_at == NOW + 3 * HOUR  # in force at once: nothing to ask for
    host.post(action(feed, "decide"), {"item": item.pk, "decision": ""})
    due = FeedState.objects.get(feed=feed).next_fetch_at
    assert due is None or due <= NOW
