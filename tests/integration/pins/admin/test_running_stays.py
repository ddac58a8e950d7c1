"""A stay that runs ends only after a person was told who is in the house and what happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.utils import timezone

from pins.models import Pin
from rentals.models import Booking, FeedItem, Property
from tests.support.board_pages import words
from tests.support.calendars import airbnb, day
from tests.support.house import House, pin_of
from tests.support.imports import feed_of, take
from tests.support.pages import text

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIST = "/admin/rentals/booking/"
QUESTION = "Ben Ode is in the house: the stay at River room lasts until Wed 3 Mar 2027, 09:00 CET."


@pytest.fixture
def stay(house: House) -> Booking:
    """Ben Ode came an hour ago and leaves the day after tomorrow."""
    booking = house.stay(house.flat(house.lock(), name="River room"), -HOUR, 2 * DAY, "Ben Ode")
    house.settle()
    return booking


def typed(booking: Booking, **changed: object) -> dict[str, Any]:
    """What the form sends."""
    zone = booking.property.zone
    begins, ends = booking.check_in.astimezone(zone), booking.check_out.astimezone(zone)
    fields: dict[str, Any] = {
        "property": booking.property_id,
        "guest_name": booking.guest_name,
        "status": booking.status,
        "arrival_date": f"{begins:%Y-%m-%d}",
        "arrival_time": f"{begins:%H:%M}",
        "departure_date": f"{ends:%Y-%m-%d}",
        "departure_time": f"{ends:%H:%M}",
    }
    return fields | changed


ENDINGS: list[dict[str, object]] = [
    {"status": "cancelled"},
    {"status": "tentative"},
    {"arrival_date": "2027-02-01", "departure_date": "2027-02-05"},
    {"arrival_date": "2027-03-02"},
    {"departure_date": "2027-03-01", "departure_time": "09:30"},
]


@pytest.mark.parametrize("change", [*ENDINGS, {"property": "other"}])
@pytest.mark.parametrize("answer", ["", "keep", "end"])
def test_a_change_that_ends_it_asks_first(
    host: Client, house: House, stay: Booking, change: dict[str, object], answer: str
) -> None:
    if change == {"property": "other"}:
        change = {"property": house.flat(house.lock("Other"), name="Attic").pk}
    sent = typed(stay, **change) | ({"running_stay": answer} if answer else {})
    if change.get("departure_time") == "09:30":
        sent["arrival_time"] = "08:00"
    page = host.post(f"{LIST}{stay.pk}/change/", sent, follow=True)
    house.settle()
    door = stay.property.locks.get()
    if answer == "end":
        assert QUESTION not in words(page)
        pin = pin_of(stay, door)
        ends_at, starts_at = pin.grant.ends_at, pin.grant.starts_at
        assert not pin.wanted or ends_at <= timezone.now() or starts_at > timezone.now()
        return
    assert pin_of(stay, door).state == "set"
    fresh = Booking.objects.get(pk=stay.pk)
    assert (fresh.status, fresh.check_in, fresh.check_out, fresh.property_id) == (
        *("confirmed", stay.check_in, stay.check_out),
        stay.property_id,
    )
    if answer == "keep":
        assert "The stay of Ben Ode goes on. Its code comes off the locks at check-out" in words(page)
        history = words(host.get(f"{LIST}{stay.pk}/history/"))
        assert "Kept the stay until check-out." in history
    else:
        assert QUESTION in words(page)
        assert "the guest is locked out" in words(page)
        keep, end = text(page).index('value="keep"'), text(page).index('value="end"')
        assert keep < end  # Enter presses the first button


@pytest.mark.parametrize(
    "change",
    [{"guest_name": "Ben O."}, {"departure_date": "2027-03-05"}, {"departure_date": "2027-03-02"}],
)
def test_other_changes_ask_nothing(host: Client, house: House, stay: Booking, change: dict[str, object]) -> None:
    page = host.post(f"{LIST}{stay.pk}/change/", typed(stay, **change), follow=True)
    assert "is in the house" not in words(page)
    house.settle()
    assert pin_of(stay, stay.property.locks.get()).state == "set"


def test_a_stay_to_come_is_cancelled_without_a_question(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), DAY, DAY)
    host.post(f"{LIST}{booking.pk}/change/", typed(booking, status="cancelled"))
    assert Booking.objects.get().status == "cancelled"


def test_deleting_one_says_who_is_in_the_house(host: Client, house: House, stay: Booking) -> None:
    page = host.get(f"{LIST}{stay.pk}/delete/")
    assert QUESTION in words(page)
    assert "No, let it end at check-out, Wed 3 Mar 2027, 09:00 CET" in words(page)
    host.post(f"{LIST}{stay.pk}/delete/", {"post": "yes"})
    assert not Booking.objects.exists()
    later = house.stay(Property.objects.get(), 3 * DAY, DAY)
    assert "is in the house" not in words(host.get(f"{LIST}{later.pk}/delete/"))


@pytest.mark.parametrize("keeps", [True, False])
def test_deleting_several_can_leave_guests_in_the_house_alone(
    host: Client, house: House, stay: Booking, keeps: bool
) -> None:
    later = house.stay(stay.property, 3 * DAY, DAY, "Anna")
    chosen = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [stay.pk, later.pk]}
    page = host.post(LIST, chosen)
    assert QUESTION in words(page)
    assert "Leave this guest until check-out, delete the others" in words(page)
    if keeps:
        page = host.post(LIST, chosen | {"running_stay": "keep"})
        assert "is in the house" not in words(page)
        chosen[ACTION_CHECKBOX_NAME] = [later.pk]
    host.post(LIST, chosen | {"post": "yes"})
    assert list(Booking.objects.all()) == ([stay] if keeps else [])


def test_leaving_alone_the_only_one_deletes_nothing(host: Client, house: House, stay: Booking) -> None:
    chosen = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [stay.pk], "running_stay": "keep"}
    assert "Nothing was deleted" in words(host.post(LIST, chosen, follow=True))
    assert Booking.objects.get() == stay


def test_following_the_calendar_asks_when_it_would_end_the_stay(host: Client, house: House) -> None:
    flat = house.flat(house.lock(), name="River room")
    take(feed_of(flat), [airbnb("a", day(2, 28), day(3, 3), "HMA")])
    booking = Booking.objects.get()
    house.settle()
    Booking.objects.filter(pk=booking.pk).update(feed_status="cancelled")
    FeedItem.objects.update(gone_at=timezone.now())
    for address, quiet in (
        (f"/stays/{booking.pk}/", "/follow_calendar/"),
        (f"{LIST}{booking.pk}/change/", "w-calendar/"),
    ):
        page = host.get(address)
        assert "is in the house: the stay at River room lasts until" in words(page)
        assert quiet not in text(page)
    said = words(host.post(f"/stays/{booking.pk}/follow_calendar/", follow=True))
    assert "Nothing was changed" in said
    assert Pin.objects.get().wanted is True
    host.post(f"/stays/{booking.pk}/follow_calendar_now/")
    assert Pin.objects.get().wanted is False
