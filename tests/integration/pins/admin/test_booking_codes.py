"""Codes on the booking form: of the host's own, their state on each lock, new and revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from pins.core.pin_state import State
from pins.desired import code_overrides
from pins.models import AccessGrant, Pin
from rentals.models import Booking
from tests.support.booking_pages import ADD, CODE, LIST, NOW, as_shown, errors, page, stay_in, typed
from tests.support.house import House
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


def test_an_own_code_goes_onto_the_locks_and_is_never_shown_again(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    response = host.post(ADD, typed(flat, own_code=CODE))
    assert "Your own code is set" in told(response)
    house.settle()
    booking = Booking.objects.get()
    assert [pin.value for pin in house.ours(door)] == [CODE]
    grant = AccessGrant.objects.get()
    assert grant.disclosed_at == NOW
    for url in (page(booking), LIST, f"{page(booking)[:-7]}history/", f"/admin/pins/accessgrant/{grant.pk}/change/"):
        assert CODE not in text(host.get(url))
    assert CODE not in told(response) + " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_an_own_code_may_be_chosen_long_before_the_stay(host: Client, house: House) -> None:
    door = house.lock()
    later = typed(house.flat(door), arrival_date="2027-06-10", departure_date="2027-06-12", own_code=CODE)
    host.post(ADD, later)
    house.settle()
    grant = AccessGrant.objects.get()
    assert (grant.code, grant.issue_at) == (CODE, datetime(2027, 5, 11, 13, tzinfo=UTC))
    assert Pin.objects.get().state == State.SCHEDULED
    assert house.ours(door) == []
    with time_machine.travel(grant.issue_at, tick=False):
        house.settle()
        assert [pin.value for pin in house.ours(door)] == [CODE]


def test_an_own_code_may_be_chosen_before_the_property_has_locks(host: Client, house: House) -> None:
    flat = house.flat()
    host.post(ADD, typed(flat, own_code=CODE))
    door = house.lock()
    flat.locks.add(door)
    house.settle()
    assert [pin.value for pin in house.ours(door)] == [CODE]


def test_an_own_code_that_another_guest_has_on_a_lock_is_refused(host: Client, house: House) -> None:
    entrance = house.lock("Entrance")
    host.post(ADD, typed(house.flat(entrance, name="A"), own_code=CODE))
    neighbour = house.flat(entrance, house.lock("B"), name="B")
    response = host.post(ADD, typed(neighbour, own_code=CODE))
    assert "A code on one of the locks has these digits already" in " ".join(errors(response)["own_code"])
    assert CODE not in text(response)
    elsewhere = house.flat(house.lock("C"), name="C")
    assert host.post(ADD, typed(elsewhere, own_code=CODE)).status_code == 302


def test_an_own_code_is_replaced_only_after_it_was_revoked(host: Client, house: House) -> None:
    door = house.lock()
    host.post(ADD, typed(house.flat(door), own_code=CODE))
    house.settle()
    booking = Booking.objects.get()
    for guess in (CODE, "736154"):  # also for the same: the answer must not confirm a code
        refused = host.post(page(booking), {**as_shown(host, booking), "own_code": guess})
        assert "Press “Revoke” above first" in " ".join(errors(refused)["own_code"])

    host.post(f"/admin/rentals/booking/{booking.pk}/revoke/")
    house.settle()
    assert house.ours(door) == []
    host.post(page(booking), {**as_shown(host, booking), "own_code": "736154"})
    house.settle()
    assert [pin.value for pin in house.ours(door)] == ["736154"]


def test_a_code_taken_between_the_form_and_the_save_leaves_the_booking_saved_and_says_so(
    host: Client, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrance = house.lock()
    flat = house.flat(entrance)
    stay_in(flat)
    first = AccessGrant.objects.get()
    code_overrides.set_code(first.pk, CODE, NOW)
    # The form looked a moment before the other guest's claim.
    monkeypatch.setattr("pins.desired.claims.held_by_another", lambda *_: False)
    response = host.post(ADD, typed(flat, own_code=CODE))
    assert "The booking was saved, but your own code was not used." in told(response)
    assert "A code on one of the locks has these digits already" in told(response)  # the form's own words
    assert Booking.objects.count() == 2
    assert AccessGrant.objects.exclude(pk=first.pk).get().code not in ("", CODE)


def test_the_page_tells_per_lock_the_state_the_reason_and_the_next_try(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    booking = stay_in(house.flat(entrance, door))
    house.cloud.set_connected(door.device_id, False)
    house.settle()

    shown = text(host.get(page(booking)))
    assert re.search(r"Entrance</strong>.*?Ready.*?comes off the lock Mon 8 Mar 2027, 11:00 CET", shown, re.S)
    assert re.search(
        r"Door</strong>.*?Trying again.*?The lock is offline \(since 10:00 CET\)\..*?next try 10:00", shown, re.S
    )
    assert AccessGrant.objects.get().code not in shown
    assert "••••••" in shown
    assert "Trying again: Door" in text(host.get(LIST))


def test_the_page_says_why_there_is_no_code(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    cases = {
        "cancelled": "The booking is cancelled",
        "tentative": "gets a code as soon as it is confirmed",
    }
    for status, words in cases.items():
        booking = Booking.objects.create(property=flat, check_in=NOW + DAY, check_out=NOW + 2 * DAY, status=status)
        assert words in text(host.get(page(booking)))
    over = house.stay(flat, -5 * DAY, DAY)
    assert "The stay is over." in text(host.get(page(over)))
    for address in (page(over), f"/stays/{over.pk}/"):
        assert "Try again now" not in text(host.get(address))
    far = text(host.get(page(house.stay(flat, 90 * DAY, DAY))))
    assert "The code goes onto the locks on Fri 30 Apr 2027, 11:00 CEST." in far
    bare = text(host.get(page(house.stay(house.flat(name="Bare"), DAY, DAY))))
    assert "The property has no active lock" in bare


def test_try_again_now_ends_the_wait(host: Client, house: House) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door))
    house.cloud.set_connected(door.device_id, False)
    house.settle()
    house.cloud.set_connected(door.device_id, True)
    assert house.ours(door) == []
    response = host.post(f"/admin/rentals/booking/{booking.pk}/try-again/")
    assert "trying 1 lock again now" in told(response)
    house.settle()
    assert len(house.ours(door)) == 1
    assert "every lock is as it should be" in told(host.post(f"/admin/rentals/booking/{booking.pk}/try-again/"))


def test_new_code_and_revoke_on_the_page(host: Client, house: House) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door))
    house.settle()
    before = AccessGrant.objects.get().code
    assert "a new code was chosen" in told(host.post(f"/admin/rentals/booking/{booking.pk}/new-code/"))
    house.settle()
    (remote,) = house.ours(door)
    assert remote.value != before

    AccessGrant.objects.update(disclosed_at=NOW)
    assert "Revoke it first" in told(host.post(f"/admin/rentals/booking/{booking.pk}/new-code/"))
    assert "comes off 1 lock" in told(host.post(f"/admin/rentals/booking/{booking.pk}/revoke/"))
    house.settle()
    assert house.ours(door) == []
    assert "Revoked on" in text(host.get(page(booking)))
    host.post(f"/admin/rentals/booking/{booking.pk}/new-code/")
    house.settle()
    assert len(house.ours(door)) == 1
    assert "Revoke" in " ".join(LogEntry.objects.values_list("change_message", flat=True))
