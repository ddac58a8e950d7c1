"""“Check out now”: the code ends, calendars leave it so, cleaning may begin, and a mistake can be undone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.utils import timezone

from pins.models import AccessGrant, Delivery
from rentals.models import Booking, EarlyDeparture, Property
from tests.support.booking_actions import requests_sent
from tests.support.calendars import BOOKING, airbnb, calendar, closed, day, event
from tests.support.guests import guide_of, page_text, path_of
from tests.support.house import House
from tests.support.imports import HALF_HOUR, feed_of, stay_of, stays, take
from tests.support.notifications import letters, tell
from tests.support.pages import told
from tests.support.people import viewer
from tests.support.staff import grants_of, works

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
#: While the stay runs: 5 March 2027, 10:00 in Warsaw, and some milliseconds, as clocks have them.
NOW = datetime.fromisoformat("2027-03-05T09:00:00.250+00:00")


def in_the_house(flat: Property, house: House, clock: time_machine.Traveller, **fields: object) -> Booking:
    """A guest from 3 to 8 March, on the 5th."""
    booking = Booking.objects.create(
        **{
            "property": flat,
            "guest_name": "Anna Nowak",
            "check_in": flat.check_in_on(day(3, 3)),
            "check_out": flat.check_out_on(day(3, 8)),
            "follows_property_times": True,
            **fields,
        }
    )
    house.settle()
    clock.move_to(NOW)
    return booking


def press(host: Client, booking: Booking, action: str = "check_out_now") -> str:
    return told(host.post(f"/stays/{booking.pk}/{action}/", follow=True))


def fresh(booking: Booking) -> Booking:
    return Booking.objects.select_related("property").get(pk=booking.pk)


def test_the_host_ends_a_stay_and_its_code(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = in_the_house(flat, house, clock)
    assert "Yes, the guest has left" in host.get(f"/stays/{booking.pk}/").content.decode()
    assert press(host, booking) == (
        "success: The stay ended Fri 5 Mar 2027, 10:00 CET instead of Mon 8 Mar 2027, 11:00 CET. "
        "Its code is being taken off 1 lock."
    )
    house.settle()
    assert requests_sent()[:2] == ["post", "delete"]
    assert not house.ours(flat.locks.get())
    assert LogEntry.objects.get().change_message.startswith("Check out now: the stay ended Fri 5 Mar")
    page = host.get(f"/stays/{booking.pk}/").content.decode()
    assert "Somebody ended the stay here on Fri 5 Mar 2027, 10:00 CET, instead of Mon 8 Mar 2027, 11:00 CET." in page
    assert "Yes, the guest has left" not in page
    assert press(host, booking) == "warning: The stay is over already."


def test_undone_the_same_code_works_again(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = in_the_house(flat, house, clock)
    code = AccessGrant.objects.get().code
    press(host, booking)
    house.settle()
    clock.shift(HOUR)
    assert press(host, booking, "undo_check_out") == (
        "success: The stay goes on until Mon 8 Mar 2027, 11:00 CET. The same code goes back onto the locks."
    )
    house.live(clock, MINUTE)
    (pin,) = house.ours(flat.locks.get())
    assert (pin.value, pin.body.end) == (code, flat.check_out_on(day(3, 8)))
    assert fresh(booking).follows_property_times
    assert press(host, booking, "undo_check_out").startswith("warning: The stay was not ended early")
    assert "Checked out early" not in host.get(f"/stays/{booking.pk}/").content.decode()


def test_not_undone_once_the_next_stay_has_begun_or_the_time_is_over(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = in_the_house(flat, house, clock)
    press(host, booking)
    house.stay(flat, HOUR, DAY, "Jan Kowal")
    clock.shift(HOUR)
    assert "It cannot be undone: the next stay has begun." in host.get(f"/stays/{booking.pk}/").content.decode()
    assert press(host, booking, "undo_check_out") == "warning: The next stay has begun."
    Booking.objects.exclude(pk=booking.pk).delete()
    clock.move_to(flat.check_out_on(day(3, 8)))
    assert press(host, booking, "undo_check_out") == "warning: The stay would be over by now."


def test_undone_over_a_stay_that_was_booked_meanwhile_it_warns(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = in_the_house(flat, house, clock)
    press(host, booking)
    house.stay(flat, DAY, DAY, "Jan Kowal")
    said = press(host, booking, "undo_check_out")
    assert "success: The stay goes on until" in said
    assert "warning: " in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "cancelled"}, "The booking is cancelled."),
        ({"check_in": NOW + HOUR}, "The stay has not begun. Cancel it, or change its days."),
        ({"check_in": NOW}, "The stay has not begun. Cancel it, or change its days."),
    ],
)
def test_what_has_no_end_to_move(
    host: Client,
    house: House,
    flat: Property,
    clock: time_machine.Traveller,
    fields: dict[str, object],
    said: str,
) -> None:
    booking = in_the_house(flat, house, clock, **fields)
    assert press(host, booking) == f"warning: {said}"
    assert fresh(booking).check_out == flat.check_out_on(day(3, 8))
    assert not EarlyDeparture.objects.exists()
    assert "Yes, the guest has left" not in host.get(f"/stays/{booking.pk}/").content.decode()


def test_who_may_only_look_ends_nothing(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = in_the_house(flat, house, clock)
    client.force_login(viewer())
    assert client.post(f"/stays/{booking.pk}/check_out_now/").status_code == 403
    assert "Check out now" not in client.get(f"/stays/{booking.pk}/").content.decode()


def test_the_minutes_of_the_property_are_the_guests_and_are_said(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock(), late_minutes=30)
    booking = in_the_house(flat, house, clock)
    assert "Its code works until Fri 5 Mar 2027, 10:30 CET." in press(host, booking)


# -- calendars ---------------------------------------------------------------------------------------------------------

#: What a calendar may say of the stay after the guest has left: each is the same stay, and none brings it back.
AFTERWARDS: dict[str, list[str]] = {
    "the same": [airbnb("a", day(3, 3), day(3, 8), "HMABCDEF12")],
    "a new uid": [airbnb("z", day(3, 3), day(3, 8), "HMABCDEF12")],
    "cut to today": [airbnb("a", day(3, 3), day(3, 5), "HMABCDEF12")],
    "longer": [airbnb("a", day(3, 3), day(3, 9), "HMABCDEF12")],
    "from today on": [airbnb("z", day(3, 5), day(3, 8), "HMABCDEF12")],
    "gone": [],
}


@pytest.mark.parametrize("afterwards", AFTERWARDS)
@pytest.mark.parametrize("later", [MINUTE, DAY], ids=["at once", "a day later"])
def test_no_calendar_brings_the_later_end_back(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller, afterwards: str, later: timedelta
) -> None:
    feed = feed_of(flat)
    rest = [airbnb("o", day(5, 1), day(5, 3), "HMOTHER123")]
    take(feed, [*AFTERWARDS["the same"], *rest])
    booking = stay_of(flat, check_in__lt=NOW + DAY)
    house.settle()
    clock.move_to(NOW)
    press(host, booking)
    end = fresh(booking).check_out
    for _ in range(3):
        clock.shift(later)
        take(feed, [*AFTERWARDS[afterwards], *rest])
        clock.shift(HALF_HOUR)
    assert fresh(booking).check_out == end
    assert fresh(booking).status == "confirmed"
    assert stays(flat) == [("03-03", "03-05"), ("05-01", "05-03")]
    house.settle()
    assert not [pin for pin in house.ours(flat.locks.get()) if pin.body.start and pin.body.start < NOW]


@pytest.mark.parametrize("rows", ["nameless", "renumbered", "from today on", "an echo in another calendar"])
def test_nor_one_that_names_nobody(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller, rows: str
) -> None:
    feed = feed_of(flat, channel="booking") if rows in ("renumbered", "from today on") else feed_of(flat)
    take(feed, calendar(closed("a", day(3, 3), day(3, 8)), closed("o", day(5, 1), day(5, 3)), prodid=BOOKING))
    booking = stay_of(flat, check_in__lt=NOW + DAY)
    house.settle()
    clock.move_to(NOW)
    press(host, booking)
    end = fresh(booking).check_out
    other = feed_of(flat, name="Echo") if rows == "an echo in another calendar" else feed
    uid = "a" if rows == "nameless" else "z"
    begins = day(3, 5) if rows == "from today on" else day(3, 3)
    for _ in range(3):
        clock.shift(HALF_HOUR)
        take(other, calendar(closed(uid, begins, day(3, 8)), closed("o", day(5, 1), day(5, 3)), prodid=BOOKING))
    assert fresh(booking).check_out == end
    assert stays(flat) == [("03-03", "03-05"), ("05-01", "05-03")]


def test_undone_it_follows_the_calendar_again(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, [event("a", day(3, 3), day(3, 8), "Reserved - Anna")])
    booking = stay_of(flat)
    house.settle()
    clock.move_to(NOW)
    assert "Calendars do not bring the later end back." in press(host, booking)
    take(feed, [event("a", day(3, 3), day(3, 7), "Reserved - Anna")])
    assert "goes on until Sun 7 Mar 2027, 11:00" in press(host, booking, "undo_check_out")
    take(feed, [event("a", day(3, 3), day(3, 9), "Reserved - Anna")])
    assert stays(flat) == [("03-03", "03-09")]


# -- those who work there ----------------------------------------------------------------------------------------------


def test_the_gap_begins_when_the_guest_has_left(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    access = works(flat, mode="turnover")
    booking = in_the_house(flat, house, clock)
    house.stay(flat, flat.check_in_on(day(3, 9)), DAY, "Jan Kowal")
    assert (
        min(one.starts_at for one in grants_of(access) if one.wanted and one.ends_at > NOW) == fresh(booking).check_out
    )
    press(host, booking)
    assert fresh(booking).check_out < NOW
    assert (
        min(one.starts_at for one in grants_of(access) if one.wanted and one.ends_at > NOW) == fresh(booking).check_out
    )
    house.live(clock, MINUTE)
    values = {pin.value for pin in house.ours(flat.locks.get())}
    assert grants_of(access)[0].code in values


# -- the guest ---------------------------------------------------------------------------------------------------------


def leave(client: Client, booking: Booking, seen: str | None = None, language: str = "en") -> Any:
    ends = fresh(booking).check_out.isoformat() if seen is None else seen
    return client.post(f"{path_of(booking, 'guest-leave')}?lang={language}", {"seen": ends}, follow=True)


def test_the_guest_checks_out_on_their_page(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    guide_of(flat, host_phone="+48601234567", grace_hours=24)
    booking = in_the_house(flat, house, clock)
    assert "Check out now" in page_text(client, booking)
    text = leave(client, booking).content.decode()
    assert "You checked out on Friday, 5 Mar 2027, 10:00." in text
    assert "Your code does not work any more." in text
    assert "Only your host can take it back." in text
    assert "tel:+48601234567" in text
    assert "Check out now" not in text
    assert "Your stay ends in" not in text
    assert EarlyDeparture.objects.get().by_guest
    house.settle()
    assert not house.ours(flat.locks.get())
    clock.shift(25 * HOUR)
    assert client.get(path_of(booking)).status_code == 404


def test_an_old_page_a_scanner_and_a_second_press_end_nothing(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    guide_of(flat)
    booking = in_the_house(flat, house, clock)
    assert client.get(path_of(booking, "guest-leave")).status_code == 405
    for seen in ("", "2027-03-07T10:00:00+00:00", "\x00"):
        leave(client, booking, seen)
    assert not EarlyDeparture.objects.exists()
    former = fresh(booking).check_out.isoformat()
    leave(client, booking)
    clock.shift(HOUR)
    leave(client, booking, former)
    leave(client, booking)
    assert fresh(booking).check_out == NOW.replace(microsecond=0)


def test_not_offered_before_the_stay_nor_to_who_stays_on(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    guide_of(flat, code_hours=100)
    booking = in_the_house(flat, house, clock)
    clock.move_to(booking.check_in - HOUR)
    assert "Check out now" not in page_text(client, booking)
    leave(client, booking)
    clock.move_to(NOW)
    house.stay(flat, flat.check_in_on(day(3, 8)), DAY)
    assert "Check out now" not in page_text(client, booking)
    leave(client, booking)
    assert not EarlyDeparture.objects.exists()


@pytest.mark.parametrize(
    ("language", "said"),
    [("pl", "Wymelduj"), ("de", "auschecken"), ("es", "salida"), ("fr", "départ")],
)
def test_the_page_says_it_in_the_guests_language(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller, language: str, said: str
) -> None:
    guide_of(flat)
    booking = in_the_house(flat, house, clock)
    assert said in page_text(client, booking, language)
    text = leave(client, booking, language=language).content.decode()
    for english in ("You checked out", "Your code", "Was it a mistake"):
        assert english not in text


def test_whoever_wants_to_hear_of_it_is_told_once(
    client: Client, host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    guide_of(flat)
    letters(events=["stay.left_early"])
    booking = in_the_house(flat, house, clock)
    leave(client, booking)
    for _ in range(3):
        tell()
    (letter,) = mail.outbox
    assert letter.subject == "Checked out early: Anna Nowak at Flat"
    assert "The guest checked out on the guest's page, instead of Mon 8 Mar 2027, 11:00 CET." in letter.body
    press(host, booking, "undo_check_out")
    clock.shift(HOUR)
    press(host, booking)
    tell()
    assert "Somebody ended the stay" in mail.outbox[1].body
    assert Delivery.objects.filter(grant__booking=booking).count() == 2


def test_nobody_hears_of_it_unasked(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    guide_of(flat)
    letters()
    leave(client, in_the_house(flat, house, clock))
    tell()
    assert not mail.outbox
    assert EarlyDeparture.objects.get().announced
    assert timezone.now() >= EarlyDeparture.objects.get().left_at
