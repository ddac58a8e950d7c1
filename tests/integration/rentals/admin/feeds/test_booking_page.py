"""The page of a booking: what its calendars say, and what a person set."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from rentals.models import Booking, FeedItem, Property
from tests.support.feed_pages import NOW, action, booking_page, calendar, event, feed_of, held, page, take
from tests.support.feeds import sample
from tests.support.house import House
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_booking_shows_what_its_calendars_say(host: Client, flat: Property) -> None:
    airbnb, booking_com = feed_of(flat), feed_of(flat, "Booking")
    take(airbnb, sample(1))
    take(booking_com, sample(4))
    booking = Booking.objects.get(feed_items__reservation_code="HMTEST0003")
    shown = text(host.get(booking_page(booking)))
    assert "HMTEST0003" in shown
    assert "9034" in shown
    assert "CLOSED - Not available" in shown
    assert re.search(
        r'href="https://www.airbnb.com/hosting/[^"]*HMTEST0003" target="_blank" rel="noopener noreferrer"', shown
    )
    assert "You set" not in shown
    assert "also in Booking" in text(host.get(page(airbnb)))


@pytest.mark.parametrize(
    ("url", "shown_as_link"),
    [
        ("https://www.airbnb.com/hosting/reservations/details/HMX", True),
        ("https://www.airbnb.co.uk/hosting/reservations/details/HMX", True),
        ("https://admin.booking.com/x", True),
        ("https://airbnb.com.evil.example/x", False),
        ("https://evilairbnb.com/x", False),
        ("https://airbnb.com@evil.example/x", False),
        ("http://www.airbnb.com/x", False),
        ("javascript:alert(1)//www.airbnb.com", False),
        ("https://www.airbnb.com:8443/x", False),
        ('https://evil.example/"><script>alert(1)</script>', False),
    ],
)
def test_only_links_to_a_channels_own_site_are_links(
    host: Client, flat: Property, url: str, shown_as_link: bool
) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    item = FeedItem.objects.get(reservation_code="HMTEST0002")
    FeedItem.objects.filter(pk=item.pk).update(reservation_url=url)
    assert item.booking is not None
    shown = text(host.get(booking_page(item.booking)))
    assert ("Open the reservation at the channel" in shown) is shown_as_link
    assert "<script>alert" not in shown
    assert f'href="{url}"' not in shown or shown_as_link


def test_what_a_person_set_stays_and_is_shown_beside_what_the_calendar_says(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    booking = Booking.objects.get(feed_items__reservation_code="HMTEST0002")
    edited = {
        "property": str(flat.pk),
        "guest_name": "Anna",
        "status": "confirmed",
        "arrival_date": "2027-03-03",
        "arrival_time": "15:00",
        "departure_date": "2027-03-08",
        "departure_time": "13:00",
        "own_code": "",
    }
    assert host.post(booking_page(booking), edited).status_code == 302
    shown = text(host.get(booking_page(booking)))
    assert "You set the departure to Mon 8 Mar 2027, 13:00 CET; “Airbnb” says Mon 8 Mar 2027, 11:00 CET." in shown
    assert "You set the arrival" not in shown
    clock.shift(HOUR)
    take(feed, sample(2), NOW + HOUR)
    booking.refresh_from_db()
    assert booking.check_out == datetime(2027, 3, 8, 12, tzinfo=UTC)
    assert booking.guest_name == "Anna"

    done = host.post(f"/admin/rentals/booking/{booking.pk}/follow-calendar/")
    assert "follows it again" in told(done)
    booking.refresh_from_db()
    assert booking.check_out == datetime(2027, 3, 9, 10, tzinfo=UTC)
    assert booking.follows_property_times
    assert "You set the" not in text(host.get(booking_page(booking)))


def test_the_calendar_that_named_the_guest_is_the_one_that_is_quoted(host: Client, flat: Property) -> None:
    details = "DESCRIPTION:Reservation URL: https://www.airbnb.com/hosting/reservations/details/HMTEST0009"
    take(feed_of(flat), calendar(event("a@airbnb.com", "20270310", "20270312", "Reserved", details)))
    body = calendar(event("b@x", "20270310", "20270312", "Reserved - Berta Twin"), prodid="-//Nobody//EN")
    take(feed_of(flat, "Second"), body)
    Booking.objects.update(guest_name="Anna")
    shown = text(host.get(booking_page(Booking.objects.get())))
    assert "name to “Anna”; “Second” says “Berta Twin”." in shown


def test_saving_an_untouched_booking_is_no_edit_of_a_person(host: Client, flat: Property) -> None:
    take(feed_of(flat), sample(1))
    take(feed_of(flat, "Hostaway"), sample(9))
    for booking in Booking.objects.all():
        form = host.get(booking_page(booking)).context["adminform"].form
        data = {}
        for name in form.fields:
            value = form[name].value()
            data[name] = "" if value is None else f"{value:%H:%M}" if hasattr(value, "hour") else str(value)
        assert host.post(booking_page(booking), data).status_code == 302
        fresh = Booking.objects.get(pk=booking.pk)
        assert (fresh.check_in, fresh.check_out) == (fresh.feed_check_in, fresh.feed_check_out)
        assert (fresh.guest_name, fresh.status) == (fresh.feed_guest_name, fresh.feed_status)
        assert fresh.follows_property_times == booking.follows_property_times
        assert "You set" not in text(host.get(booking_page(fresh)))


def test_changed_property_times_are_no_edit_of_a_person(host: Client, flat: Property) -> None:
    take(feed_of(flat), sample(1))
    flat.check_out_time = flat.check_out_time.replace(hour=10)
    flat.save()
    booking = Booking.objects.get(feed_items__reservation_code="HMTEST0003")
    assert "You set" not in text(host.get(booking_page(booking)))


def test_a_stay_in_unknown_words_is_marked_until_a_person_agrees(
    host: Client, viewer: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, channel="other")
    body = calendar(event("a@x", "20270310", "20270312", "Zxqv Wplm"), prodid="-//Nobody//EN")
    take(feed, body)
    booking = Booking.objects.get()
    assert booking.needs_review
    bookings = "/admin/rentals/booking/"
    assert "needs review" in text(host.get(bookings))
    assert len(host.get(f"{bookings}?review=yes").context["cl"].result_list) == 1
    assert len(host.get(f"{bookings}?came=calendar").context["cl"].result_list) == 1
    assert len(host.get(f"{bookings}?came=hand").context["cl"].result_list) == 0
    url = f"{bookings}{booking.pk}/looks-right/"
    assert viewer.post(url).status_code == 403
    assert "Looks right" not in text(viewer.get(booking_page(booking)))
    assert "Looks right" in text(host.get(booking_page(booking)))
    assert "no longer marked" in told(host.post(url))
    assert not Booking.objects.get().needs_review
    assert len(host.get(f"{bookings}?review=yes").context["cl"].result_list) == 0
    assert "was not marked" in told(host.post(url))
    clock.shift(HOUR)
    take(feed, body.replace(b"VERSION:2.0", b"VERSION:2.0\r\nX-PING:1"), NOW + HOUR)
    assert not Booking.objects.get().needs_review


def test_a_stay_that_was_given_up_says_so(host: Client, flat: Property, clock: time_machine.Traveller) -> None:
    feed, waiting = held(flat)
    clock.move_to(NOW + 2 * HOUR)
    host.post(action(feed, "approve"), {"item": [str(waiting[0].pk)], "confirmed": "yes"})
    booking = Booking.objects.get(status="cancelled")
    shown = text(host.get(booking_page(booking)))
    assert "Cancelled because no calendar lists it any more." in shown
    assert "It left the calendar" in shown


def test_bookings_by_hand_have_no_calendar_section(host: Client, house: House, flat: Property) -> None:
    booking = house.stay(flat, DAY, DAY)
    assert 'id="calendar"' not in text(host.get(booking_page(booking)))
    assert "by hand" in text(host.get("/admin/rentals/booking/"))
