"""What the board says: to a newcomer, about guests without a code, and about codes that stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pins.models import AccessGrant, Heartbeat, Incident, LockState
from rentals.models import Booking, Lock
from tests.support.board_pages import part, words
from tests.support.house import House, pin_of
from tests.support.pages import text

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_newcomer_is_told_the_next_steps(host: Client) -> None:
    page = words(host.get("/"))
    assert "Nobody is expected: there is no booking yet." in page
    assert "Connect your Tedee account" in page
    assert "There is no property yet." in words(host.get("/timeline/"))


def test_an_empty_installation_claims_nothing_about_locks_and_calendars(host: Client) -> None:
    page = words(host.get("/"))
    assert "No lock is known yet." in page
    assert "No calendar is read yet." in page


def test_trouble_that_waits_for_nobody_is_not_called_nothing(host: Client, house: House) -> None:
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    assert "Nothing to fix so far, Turnkey goes on trying." in words(host.get("/"))
    house.settle()
    assert "Nothing to fix. As of" in words(host.get("/"))


def test_a_board_without_a_running_worker_says_so(host: Client, house: House, clock: time_machine.Traveller) -> None:
    """The process that opens incidents is down, too, so nothing else would report it."""
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    clock.shift(timedelta(minutes=2))
    assert "stood still" not in words(host.get("/"))
    clock.shift(timedelta(minutes=2))
    page = words(host.get("/"))
    assert "✕ Turnkey has stood still since Mon 1 Mar, 10:00 CET." in page
    assert "can get in" in page  # as far as is known
    assert "Nothing to fix." not in page
    assert "manage.py doctor" in page
    Heartbeat.objects.update(at=timezone.now())
    assert "stood still" not in words(host.get("/"))


def test_guests_whom_the_sentence_counts_are_named_from_the_first_moment(host: Client, house: House) -> None:
    """Also a guest who came days ago and leaves in days, and before any incident opens."""
    flat = house.flat(door := house.lock(), name="River room")
    house.cloud.set_connected(door.device_id, False)
    house.stay(flat, -2 * DAY, 9 * DAY, "Ben Ode")
    house.settle()
    page = host.get("/")
    assert "A guest who is due may stand before a closed door." in words(page)
    assert "Nothing to fix." not in words(page)
    said = part(page, "outside")
    assert "Ben Ode River room" in said
    assert "expected since Sat 27 Feb, 10:00 CET" in said
    assert "Trying again: Door" in said
    assert part(host.get("/", {"q": "somebody else"}), "outside") == ""
    assert "Ben Ode" in part(host.get("/", {"show": "open"}), "outside")
    house.cloud.set_connected(door.device_id, True)
    LockState.objects.update(paused_until=None)
    house.settle()
    assert part(host.get("/"), "outside") == ""


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("off", "The property is switched off, and a guest is expected"),
        ("revoked", "The code is revoked, and its guest is expected"),
    ],
)
def test_an_arrival_without_a_code_is_something_to_fix_and_not_ready(
    host: Client, house: House, why: str, said: str
) -> None:
    flat = house.flat(house.lock(), is_active=why != "off")
    booking = house.stay(flat, 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    if why == "revoked":
        host.post(f"/stays/{booking.pk}/revoke/", {"sure": "yes"})
        house.settle()
    page = host.get("/", {"show": "open"})
    assert "The guest who arrives in the next 24 hours cannot get in yet" in words(page)
    assert "1 thing to fix" in words(page)
    assert said in part(page, "issues")
    assert "Ben Ode" in part(page, "arrivals-today")


def test_what_to_fix_names_a_lock_that_is_called_like_its_property_once(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="Attic")
    door.name = "Attic"
    door.save()
    booking = house.stay(flat, 3 * HOUR, DAY, "Anna")
    house.settle()
    Incident.open(Incident.Kind.CODE_LATE, timezone.now(), about=pin_of(booking, door))
    page = words(host.get("/"))
    assert "Anna at Attic" in page
    assert "Anna at Attic, Attic" not in page


def test_a_stay_that_was_cancelled_offers_nothing_to_try(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 40 * DAY, DAY)
    assert "Try again now" in text(host.get(f"/stays/{booking.pk}/"))
    booking.status = Booking.Status.CANCELLED
    booking.save()
    assert "Try again now" not in text(host.get(f"/stays/{booking.pk}/"))


def test_the_answer_follows_the_doors(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, DAY)
    assert "cannot get in yet" in words(host.get("/"))
    house.settle()
    assert "The guest who arrives in the next 24 hours can get in" in words(host.get("/"))
    Incident.open(Incident.Kind.CODE_LATE, timezone.now(), about=pin_of(booking, door))
    page = words(host.get("/"))
    assert "1 thing to fix" in page
    assert f'href="/stays/{booking.pk}/"' in text(host.get("/"))


@pytest.mark.parametrize("begins", [3 * HOUR, -5 * DAY])
def test_no_code_opens_a_lock_without_a_keypad(host: Client, house: House, begins: timedelta) -> None:
    """The code is on the lock, and there is nothing to enter it on: nobody is promised a way in."""
    door = house.lock()
    booking = house.stay(house.flat(door), begins, 9 * DAY)
    house.settle()
    Lock.objects.update(has_keypad=False)
    page = words(host.get("/"))
    assert ("cannot get in yet" if begins > DAY * 0 else "may stand before a closed door") in page
    stay = words(host.get(f"/stays/{booking.pk}/"))
    assert "No keypad: Door" in stay
    assert "Door ✕ No keypad The lock has no keypad" in stay  # and not that it is ready
    assert "✕ No keypad" in part(host.get("/"), "outside" if begins < DAY * 0 else "arrivals-today")
    assert "Ready" not in words(host.get(f"/locks/{door.pk}/"))
    listed = host.get("/admin/rentals/booking/?attention=yes").context["cl"].result_list
    assert [one.pk for one in listed] == [booking.pk]


def test_a_guest_who_is_due_and_has_no_code_at_all_is_not_passed_over(host: Client, house: House) -> None:
    """No code was chosen, for whatever reason, so nothing is on the lock."""
    house.stay(house.flat(house.lock()), -HOUR, DAY)
    AccessGrant.objects.all().delete()
    assert "A guest who is due may stand before a closed door." in words(host.get("/"))


def test_a_code_that_the_lock_still_lets_in_is_said_at_once(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    """A removal may take ten minutes before somebody is alarmed; until it is done nobody is called locked out."""
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    clock.shift(5 * HOUR)
    booking.status = Booking.Status.CANCELLED
    booking.save()
    assert "the code of a guest who left may still work" in words(host.get("/"))
    house.settle()
    assert "every guest who left is locked out" in words(host.get("/"))


def test_nobody_is_called_locked_out_while_another_code_has_their_digits(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, DAY)
    house.settle()
    Incident.open(Incident.Kind.SECOND_CODE, timezone.now(), about=pin_of(booking, door))
    clock.shift(4 * HOUR)
    assert "may still work" not in words(host.get("/"))  # the guest is in the house
    clock.shift(DAY)
    house.settle()
    assert "the code of a guest who left may still work" in words(host.get("/"))
    Incident.resolve(timezone.now(), about=pin_of(booking, door), kinds=(Incident.Kind.SECOND_CODE,))
    assert "every guest who left is locked out" in words(host.get("/"))


def test_a_code_that_ended_by_itself_is_not_said_to_work(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    clock.shift(DAY + 3 * HOUR + timedelta(minutes=1))
    assert "every guest who left is locked out" in words(host.get("/"))
