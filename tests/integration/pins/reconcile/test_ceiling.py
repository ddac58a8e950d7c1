"""However a cloud lies about what it stores, a guest gets few codes on a lock, and a person is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone

from pins.core.pin_state import State
from pins.core.posts import Post
from pins.models import Incident, Pin
from pins.reconcile import by_hand
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def lost_for_ever(clock: time_machine.Traveller) -> tuple[House, Lock, Booking]:
    """Each code is stored, no answer comes, no list shows it, and the cloud takes the same value twice."""
    house = House(audits=True, list_shows="nothing")
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, 3 * DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied"] * 50)
    return house, door, booking


def test_lost_codes_that_no_list_shows_are_few_and_somebody_is_told(clock: time_machine.Traveller) -> None:
    house, door, booking = lost_for_ever(clock)
    house.live(clock, 2 * HOUR)
    assert len(house.cloud.pins(door.device_id)) <= 2
    house.live(clock, DAY)
    assert len(house.cloud.pins(door.device_id)) <= 4
    assert pin_of(booking, door).state in (State.BLOCKED, State.IN_DOUBT, State.SETTING)
    assert Incident.objects.filter(pin=pin_of(booking, door), resolved_at=None).exists()


def test_at_the_ceiling_only_reads_go_on_and_the_first_honest_list_ends_it(clock: time_machine.Traveller) -> None:
    house = House(audits=True, list_shows="nothing")
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 9 * DAY, DAY)
    house.live(clock, MINUTE)  # a code that we know to be there, and that no list shows
    booking = house.stay(flat, 3 * HOUR, 3 * DAY)
    now = timezone.now()
    pin = pin_of(booking, door)
    pin.posts = [Post(now - minutes * MINUTE, None, booking.check_out).to_json() for minutes in (2, 0)]
    pin.save(update_fields=["posts"])
    sent = len(house.cloud.journal.requests)
    house.live(clock, 20 * MINUTE)
    assert {record.method for record in list(house.cloud.journal.requests)[sent:]} == {"GET"}
    assert pin_of(booking, door).blocked == "created_often"
    assert Incident.objects.filter(kind=Incident.Kind.CREATED_OFTEN, resolved_at=None).exists()

    house.cloud.settings = replace(house.cloud.settings, list_shows="all")
    house.live(clock, 20 * MINUTE)
    assert_one_right_pin(house, booking, door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_person_allows_one_more(clock: time_machine.Traveller) -> None:
    house = House()
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, 3 * DAY)
    now = timezone.now()
    pin = pin_of(booking, door)
    pin.posts = [Post(now, None, booking.check_out).to_json()] * 4
    pin.blocked, pin.blocked_rev, pin.listed_at = "created_often", pin.desired_rev, now
    pin.save()
    by_hand.try_now([pin.pk], now)
    house.live(clock, MINUTE)
    assert_one_right_pin(house, booking, door)
    assert pin_of(booking, door).more_posts == 0


def test_a_lock_on_which_codes_pile_up_gets_no_new_one(clock: time_machine.Traveller) -> None:
    house = House(audits=True)
    door = house.lock()
    flat = house.flat(door)
    stays = [house.stay(flat, n * DAY, 12 * HOUR, name=f"Guest{n}") for n in range(1, 4)]
    house.live(clock, MINUTE)
    now = timezone.now()
    strange = [Post(now, 900 + n, now + 9 * DAY).to_json() for n in range(5)]
    Pin.objects.filter(grant__booking=stays[0]).update(posts=strange)
    late = house.stay(flat, 5 * DAY, DAY)
    house.live(clock, MINUTE)
    assert len(house.ours(door)) == 3
    assert pin_of(late, door).remote_id is None
    incident = Incident.objects.get(kind=Incident.Kind.CODES_PILE_UP)
    assert (incident.lock_id, incident.severity, incident.resolved_at) == (door.pk, "urgent", None)

    Pin.objects.filter(grant__booking=stays[0]).update(posts=[])
    house.live(clock, 2 * DAY)
    assert pin_of(late, door).state == State.SET
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def changes_at_once(clock: time_machine.Traveller, kind: str) -> tuple[House, Lock, Booking]:
    """A lock with more codes than its stays need from this moment on, and a guest who needs one now."""
    house = House()
    door = house.lock()
    flats = [house.flat(door, name=f"Flat {n}") for n in range(6)]
    stays = [house.stay(flat, HOUR, DAY) for flat in flats]
    house.settle()
    assert len(house.ours(door)) == 6
    if kind == "many leave":
        clock.move_to(stays[0].check_out)
    else:
        for flat in flats:
            flat.locks.set([])
    return house, door, house.stay(house.flat(door, name="New"), timedelta(0), DAY)


@pytest.mark.parametrize("kind", ["many leave", "the lock moves to another flat"])
def test_codes_that_are_about_to_go_do_not_keep_a_guest_waiting(clock: time_machine.Traveller, kind: str) -> None:
    house, door, arriving = changes_at_once(clock, kind)
    house.run(door)
    assert pin_of(arriving, door).state == State.SET
    assert not Incident.objects.filter(kind=Incident.Kind.CODES_PILE_UP).exists()


def test_codes_that_a_removal_did_not_end_pile_up(clock: time_machine.Traveller) -> None:
    house, door, arriving = changes_at_once(clock, "the lock moves to another flat")
    Pin.objects.filter(wanted=False).update(tried_rev=F("desired_rev"))
    house.run(door)
    assert pin_of(arriving, door).remote_id is None
    assert Incident.objects.filter(kind=Incident.Kind.CODES_PILE_UP).exists()
