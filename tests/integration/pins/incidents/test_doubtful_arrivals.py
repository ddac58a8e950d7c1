"""Guests whom no lock lets in, and stays that nobody confirmed: told before they come, and on the board."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from pins.core.pin_state import Blocked, State
from pins.incidents import slow_checks
from pins.models import Incident, Pin
from rentals.models import Booking, Lock, LockAccount, Property
from tests.support.board_pages import part, words
from tests.support.booking_actions import change
from tests.support.calendars import BOOKING, calendar, closed, day
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.incidents import review
from tests.support.notifications import letters, tell

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


@pytest.mark.parametrize("why", ["no lock", "switched off lock"])
def test_a_property_without_an_active_lock_is_told_a_week_ahead(
    host: Client, house: House, clock: time_machine.Traveller, why: str
) -> None:
    flat = house.flat(name="Old mill")
    if why == "switched off lock":
        flat.locks.add(door := house.lock())
        Lock.objects.filter(pk=door.pk).update(is_active=False)
    booking = house.stay(flat, 8 * DAY, DAY, "Cleo Roe")
    house.settle()
    assert review() == {}
    clock.move_to(booking.check_in - 7 * DAY)
    assert review() == {Kind.NO_LOCK: Severity.WARNING}
    clock.move_to(booking.check_in - 3 * HOUR)
    assert review() == {Kind.NO_LOCK: Severity.URGENT}
    page = host.get("/")
    assert "The guest who arrives in the next 24 hours cannot get in yet" in words(page)
    assert "1 thing to fix" in words(page)
    assert "The property has no active lock Cleo Roe at Old mill, arrives today" in part(page, "issues")
    clock.move_to(booking.check_in + HOUR)
    assert "A guest who is due may stand before a closed door." in words(host.get("/"))
    flat.locks.set([house.lock("New")])
    house.settle()
    assert review() == {}


@pytest.mark.parametrize("why", ["no keypad", "everything blocked", "property switched off"])
def test_useless_locks_are_told_a_day_ahead(
    host: Client, house: House, clock: time_machine.Traveller, why: str
) -> None:
    flat = house.flat(house.lock("A"), house.lock("B"), name="Old mill")
    booking = house.stay(flat, 30 * HOUR, DAY, "Cleo Roe")
    if why == "property switched off":
        flat.is_active = False
        flat.save()
    house.settle()
    if why == "no keypad":
        Lock.objects.update(has_keypad=False)
    elif why == "everything blocked":
        Pin.objects.update(state=State.BLOCKED, blocked=Blocked.VALUE_REFUSED.value)
    assert Kind.NO_LOCK not in _open()
    clock.move_to(booking.check_in - 24 * HOUR)
    assert _open()[Kind.NO_LOCK] == Severity.WARNING
    assert "cannot get in yet" in words(host.get("/"))
    if why == "everything blocked":  # one lock that takes the code is not everything, but the guest needs both
        pin = Pin.objects.order_by("pk")[0]
        Pin.objects.filter(pk=pin.pk).update(state=State.SET)
        assert Kind.NO_LOCK not in _open()
        assert "cannot get in yet" in words(host.get("/"))


def _open() -> dict[str, str]:
    """By kind; several locks may have an incident of their own."""
    slow_checks.check(timezone.now())
    return dict(Incident.objects.filter(resolved_at=None).values_list("kind", "severity"))


def test_a_revoked_code_and_an_observed_lock_are_no_missing_lock(house: House) -> None:
    flat, other = house.flat(house.lock("A")), house.flat(house.lock("B"), name="Other")
    revoked = house.stay(flat, 3 * HOUR, DAY)
    house.stay(other, 3 * HOUR, DAY)
    house.settle()
    revoked.grants.update(revoked_at=timezone.now(), wanted=False)
    Lock.objects.filter(name="B").update(has_keypad=False)
    LockAccount.objects.update(observe_only=True)
    assert Kind.NO_LOCK not in _open()


def test_messages_go_out_about_it(house: House, mailoutbox: list[Any]) -> None:
    letters()
    house.stay(flat := house.flat(name="Old mill"), 3 * HOUR, DAY, "Cleo Roe")
    feed = feed_of(flat, "Channel", longest_stay_nights=7)
    take(feed, calendar(closed("a", day(3, 3), day(3, 14)), prodid=BOOKING))
    review()
    tell()
    said = {one.subject: one.body for one in mailoutbox}
    assert set(said) == {
        "No lock of the property can let the guest in: Cleo Roe at Old mill",
        "A calendar row may be a stay, and nobody decided: Channel, Old mill, 3 Mar to 14 Mar 2027",
    }


def test_a_stay_that_is_not_confirmed_is_told_and_listed(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = house.stay(house.flat(house.lock(), name="River room"), 80 * HOUR, DAY, "Hugo Tent")
    change(booking, status=Booking.Status.TENTATIVE)
    assert review() == {}
    clock.move_to(booking.check_in - 72 * HOUR)
    assert review() == {Kind.NOT_CONFIRMED: Severity.WARNING}
    clock.move_to(booking.check_in - 5 * HOUR)
    page = host.get("/")
    assert "Nobody is known to arrive in the next 24 hours" in words(page)
    assert "Not certain: 1 stay without a code is not confirmed." in words(page)
    assert "Hugo Tent River room" in part(page, "arrivals-today")
    assert "not confirmed" in part(page, "arrivals-today")
    change(booking, status=Booking.Status.CONFIRMED)
    house.settle()
    assert review() == {}


@pytest.mark.parametrize(
    ("doors", "said"),
    [
        ([], "This property has no lock: its guests get no code that opens a door."),
        (["off"], "All locks of this property are switched off: its guests get no code"),
        (["no keypad"], "No lock of this property has a keypad: its guests cannot enter a code."),
        (["fine"], ""),
        (["fine", "off", "no keypad"], ""),
    ],
)
def test_saving_a_property_without_a_lock_warns(
    client: Client, clock: object, house: House, doors: list[str], said: str
) -> None:
    client.force_login(User.objects.create_superuser("chief"))
    made = {name: house.lock(name) for name in doors}
    Lock.objects.filter(name="off").update(is_active=False)
    Lock.objects.filter(name="no keypad").update(has_keypad=False)
    page = client.post("/admin/rentals/property/add/", _property([one.pk for one in made.values()]), follow=True)
    assert Property.objects.count() == 1
    assert said in words(page)
    if not said:
        assert "This property" not in words(page)


def test_the_time_zone_of_a_new_property_is_asked_and_not_copied(client: Client, house: House) -> None:
    house.flat()  # in Warsaw
    client.force_login(User.objects.create_superuser("chief"))
    page = client.get("/admin/rentals/property/add/").content.decode()
    assert 'value="Europe/Warsaw"' not in page.partition('name="timezone"')[2].partition(">")[0]
    client.post("/admin/rentals/property/add/", _property([]) | {"timezone": ""})
    assert Property.objects.count() == 1


def _property(locks: list[int]) -> dict[str, Any]:
    return {
        "name": "New",
        "is_active": "on",
        "timezone": "Europe/Lisbon",
        "check_in_time": "15:00",
        "check_out_time": "11:00",
        "locks": locks,
        "issue_ahead_days": 30,
        "code_length": 6,
        "early_minutes": 0,
        "late_minutes": 0,
    }
