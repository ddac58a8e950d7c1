"""Nobody came by midnight, the guest who cannot get in, and what pages and tables keep of the activity."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from pins.core.arrival import AWAITED, BEFORE
from pins.core.pin_state import State
from pins.guests import help as asking
from pins.guests import links, reading
from pins.models import (
    DoorEntry,
    NotificationChannel,
    Pin,
    StayArrival,
)
from rentals.models import Booking, Lock, Property
from tests.support.activity import code, enter, said, set_cloud, tick
from tests.support.guests import guide_of
from tests.support.house import House
from tests.support.notifications import letters, tell

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


# -- nobody came -------------------------------------------------------------------------------------------------------


def until_midnight(house: House, stay: Booking, clock: time_machine.Traveller, *, to: timedelta = 10 * HOUR) -> None:
    """From check-in on, with a tick every half hour: past midnight in Warsaw."""
    ends = stay.check_in + to
    while timezone.now() < ends:
        clock.shift(BEFORE)
        tick(house)


def test_nobody_came_by_midnight_is_told_to_whoever_asked_for_it(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller
) -> None:
    letters(events=["stay.nobody_came"])
    letters(name="Others", target="b@example.com")
    clock.move_to(stay.check_in)
    until_midnight(house, stay, clock, to=9 * HOUR)
    tell()
    assert not mail.outbox
    until_midnight(house, stay, clock)
    for _ in range(3):
        tell()
    (letter,) = mail.outbox
    assert letter.subject == "Nobody came: Anna Nowak at Flat"
    assert "No code was used on Door by midnight." in letter.body
    assert said(stay)[0].startswith("no code used by midnight")
    assert NotificationChannel.objects.count() == 2
    enter(house, door, code(stay))
    clock.shift(AWAITED)
    tick(house)
    assert said(stay) == ["first unlock probably Tue 2 Mar, 00:00 CET"] or said(stay)[0].startswith("first unlock")


@pytest.mark.parametrize("why", ["came", "perhaps", "locked", "offline", "not on the lock", "gap", "read too late"])
def test_it_is_not_said_where_somebody_may_have_come(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller, why: str
) -> None:
    clock.move_to(stay.check_in + HOUR)
    if why == "came":
        enter(house, door, code(stay))
    if why == "perhaps":
        other = house.stay(house.flat(door, name="Upstairs"), timedelta(), DAY, "Jan Kowal")
        house.settle()
        clock.shift(MINUTE)
        enter(house, door, code(other))
    if why == "locked":
        house.cloud.add_activity(door.device_id, 65)
    if why == "offline":
        Lock.objects.update(is_connected=False)
    if why == "not on the lock":
        Pin.objects.update(state="in_doubt")
    if why == "gap":
        set_cloud(house, activity_keeps=200)
        for _ in range(200):
            house.cloud.add_activity(door.device_id, 32)
    if why == "read too late":
        clock.move_to(stay.check_in + 2 * DAY)
    until_midnight(house, stay, clock)
    tick(house)
    assert StayArrival.objects.get(booking=stay).absent_at is None


def test_a_lock_that_the_property_has_no_more_says_nothing_against_it(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller
) -> None:
    flat.locks.set([door, gate := house.lock("Gate")])
    house.settle()
    flat.locks.remove(gate)
    house.settle()
    assert Pin.objects.get(lock=gate).state == State.REMOVED
    clock.move_to(stay.check_in + HOUR)
    until_midnight(house, stay, clock)
    assert StayArrival.objects.get(booking=stay).absent_at is not None


# -- the guest who cannot get in ---------------------------------------------------------------------------------------


def test_a_wrong_code_a_moment_ago_is_what_the_guest_and_the_host_are_told(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller, host: Client
) -> None:
    guide_of(flat)
    clock.move_to(stay.check_in + MINUTE)
    tick(house)
    clock.shift(MINUTE)
    enter(house, door, "739164")
    page = reading.read(links.page_of(stay.pk), timezone.now())
    assert page is not None
    assert [one.finding for one in asking.ask(page, timezone.now()).found] == ["nothing_wrong"], "not read yet"
    clock.shift(MINUTE)
    assert tick(house) == 1, "a guest at the door is read at once"
    assert (
        "Turnkey found: a wrong code was entered; every lock has the code"
        in host.get(f"/stays/{stay.pk}/").content.decode()
    )
    assert [one.finding for one in asking.ask(page, timezone.now()).found] == ["wrong_code", "nothing_wrong"]
    text = host.post(f"/g/{links.page_of(stay.pk).token}/help/").content.decode()
    assert "A wrong code was entered at this door a moment ago: Door. Compare each digit." in text
    clock.shift(HOUR)
    assert [one.finding for one in asking.ask(page, timezone.now()).found] == ["nothing_wrong"]


# -- pages -------------------------------------------------------------------------------------------------------------


def test_board_page_and_timeline_say_it(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller, host: Client
) -> None:
    clock.move_to(stay.check_in + HOUR)
    tick(house)
    assert "expected since Mon 1 Mar" in host.get("/").content.decode()
    enter(house, door, code(stay))
    clock.shift(AWAITED)
    tick(house)
    assert "here since Mon 1 Mar" in host.get("/").content.decode()
    for path in ("/", "/timeline/"):
        assert "first unlock probably 16:00 CET" in host.get(path).content.decode()
    text = host.get(f"/stays/{stay.pk}/").content.decode()
    assert "First unlock probably 16:00 CET." in text
    assert "The activity of the locks is known until 16:15 CET." in text


def test_lines_are_kept_for_two_weeks(house: House, door: Lock, stay: Booking, clock: time_machine.Traveller) -> None:
    from pins.retention import records

    clock.move_to(stay.check_in + HOUR)
    enter(house, door, code(stay))
    tick(house)
    assert records.purge_activity(timezone.now() + 13 * DAY) == 0
    assert records.purge_activity(timezone.now() + 15 * DAY) == 1
    assert StayArrival.objects.exists()
    assert records.purge_activity(stay.check_out + 91 * DAY) == 1
    assert not StayArrival.objects.exists()


def test_it_is_forgotten_with_the_guest(house: House, door: Lock, stay: Booking, clock: time_machine.Traveller) -> None:
    from pins.retention import forgetting

    clock.move_to(stay.check_in + HOUR)
    enter(house, door, code(stay))
    tick(house)
    assert DoorEntry.objects.count() == 1
    clock.move_to(stay.check_out + DAY)
    house.settle()
    forgetting.forget(stay.pk, timezone.now())
    assert not DoorEntry.objects.exists()
    assert not StayArrival.objects.exists()


def test_no_name_of_the_cloud_is_stored(house: House, door: Lock, stay: Booking, clock: time_machine.Traveller) -> None:
    set_cloud(house, activity_names="owner")
    clock.move_to(stay.check_in + HOUR)
    enter(house, door, code(stay))
    tick(house)
    (line,) = DoorEntry.objects.values()
    assert "Owner" not in str(line)
    assert isinstance(line["at"], datetime)
