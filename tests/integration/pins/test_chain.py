"""The whole chain without faults: a booking gets its code on every lock, follows its changes, and loses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.models import AccessGrant, Pin, PinAttempt, ValueClaim
from rentals.models import Booking, Property
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_booking_gets_one_code_on_all_locks_for_exactly_the_stay_and_loses_it() -> None:
    with time_machine.travel(START, tick=False) as clock:
        house = House()
        entrance, door = house.lock("Entrance"), house.lock("Door")
        booking = house.stay(house.flat(entrance, door), 2 * DAY, 5 * DAY)
        assert pin_of(booking, door).state == State.SCHEDULED

        house.settle()

        grant = AccessGrant.objects.get(booking=booking)
        for lock in (entrance, door):
            (remote,) = house.ours(lock)
            assert remote.value == grant.code
            assert (remote.body.start, remote.body.end) == (booking.check_in, booking.check_out)
            assert remote.alias == f"Anna 03-08 Mar #{grant.reference}"
            assert pin_of(booking, lock).state == State.SET
        assert len(grant.code) == 6

        clock.move_to(booking.check_out)
        house.settle()

        assert house.ours(entrance) == house.ours(door) == []
        assert {pin.state for pin in Pin.objects.all()} == {State.REMOVED}
        assert not ValueClaim.objects.filter(released_at=None).exists()
        assert house.requests == 4  # two per lock over the life of a booking
        assert PinAttempt.objects.filter(outcome="done").count() == 4


def test_changed_dates_keep_the_code() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
        house.settle()
        (before,) = house.ours(door)

        booking.check_out += DAY
        booking.save()
        assert pin_of(booking, door).state == State.CHANGING
        house.settle()

        (after,) = house.ours(door)
        assert (after.id, after.value, after.body.end) == (before.id, before.value, booking.check_out)
        assert after.alias.startswith("Anna 03-09 Mar")
        assert pin_of(booking, door).state == State.SET


@pytest.mark.parametrize("how", ["cancelled", "tentative", "deleted", "deleted by a queryset", "deactivated"])
def test_a_stay_that_is_off_loses_its_code_before_it_begins(how: str) -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
        house.settle()
        assert len(house.ours(door)) == 1

        if how == "deleted":
            booking.delete()
        elif how == "deleted by a queryset":
            Booking.objects.all().delete()
        elif how == "deactivated":
            booking.property.is_active = False
            booking.property.save()
        else:
            booking.status = how
            booking.save()
        house.settle()

        assert house.ours(door) == []
        assert Pin.objects.get().state == State.REMOVED


def test_a_guest_who_is_in_keeps_the_code_when_the_property_is_deactivated() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        booking = house.stay(house.flat(door), -DAY, 5 * DAY)
        house.settle()

        booking.property.is_active = False
        booking.property.save()
        house.settle()

        assert len(house.ours(door)) == 1
        assert pin_of(booking, door).state == State.SET


def test_a_booking_outside_the_issue_ahead_window_waits_for_it() -> None:
    from pins.desired import drift

    with time_machine.travel(START, tick=False) as clock:
        house = House()
        door = house.lock()
        booking = house.stay(house.flat(door, issue_ahead_days=10), 20 * DAY, 5 * DAY)
        house.settle()
        assert not AccessGrant.objects.exists()

        clock.move_to(booking.check_in - 10 * DAY)
        assert drift.repair(timezone.now()) == {door.pk}
        house.settle()
        assert len(house.ours(door)) == 1


def test_a_booking_in_the_past_asks_for_nothing_and_a_running_one_is_set_at_once() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        flat = house.flat(door)
        house.stay(flat, -5 * DAY, 4 * DAY)
        running = house.stay(flat, -DAY, 4 * DAY)
        house.settle()
        (remote,) = house.ours(door)
        assert remote.body.start == running.check_in  # the true start, although past


def test_a_booking_without_locks_has_its_code_ready_when_the_first_lock_comes() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        flat = house.flat()
        booking = house.stay(flat, 2 * DAY, 5 * DAY)
        code = AccessGrant.objects.get(booking=booking).code
        door = house.lock()

        flat.locks.add(door)
        house.settle()

        (remote,) = house.ours(door)
        assert remote.value == code
        assert ValueClaim.objects.filter(lock=door, released_at=None).count() == 1


def test_a_lock_taken_away_from_the_property_loses_the_codes() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door, cellar = house.lock("Door"), house.lock("Cellar")
        flat = house.flat(door, cellar)
        house.stay(flat, 2 * DAY, 5 * DAY)
        house.settle()

        flat.locks.remove(cellar)
        house.settle()

        assert len(house.ours(door)) == 1
        assert house.ours(cellar) == []


def test_a_booking_moved_to_another_property_takes_its_code_along() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        old, new = house.lock("Old"), house.lock("New")
        booking = house.stay(house.flat(old, name="A"), 2 * DAY, 5 * DAY)
        house.settle()
        (before,) = house.ours(old)

        booking.property = house.flat(new, name="B")
        booking.save()
        house.settle()

        assert house.ours(old) == []
        (after,) = house.ours(new)
        assert after.value == before.value


def test_an_inactive_lock_gets_no_codes_and_gives_back_the_old_ones() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        flat = house.flat(door)
        house.stay(flat, 2 * DAY, 5 * DAY)
        house.settle()

        from pins.desired import drift

        door.is_active = False
        door.save()
        drift.repair(timezone.now())
        house.settle()
        assert house.ours(door) == []


def test_the_drift_check_finds_what_no_signal_announced_and_costs_nothing_when_all_is_well() -> None:
    from pins.desired import drift

    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        flat = house.flat(door)
        Booking.objects.bulk_create(
            [Booking(property=flat, check_in=START + n * DAY, check_out=START + (n + 1) * DAY) for n in range(1, 4)]
        )
        assert drift.repair(timezone.now()) == {door.pk}
        house.settle()
        assert len(house.ours(door)) == 3

        assert drift.repair(timezone.now()) == set()
        Booking.objects.filter(check_in=START + DAY).update(status="cancelled")
        assert drift.repair(timezone.now()) == {door.pk}
        house.settle()
        assert len(house.ours(door)) == 2


def test_bookings_that_use_the_propertys_times_follow_them() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        flat = house.flat(door)
        follows = house.stay(flat, flat.check_in_on(datetime(2027, 3, 5).date()), 2 * DAY)
        Booking.objects.filter(pk=follows.pk).update(follows_property_times=True)
        own = house.stay(flat, flat.check_in_on(datetime(2027, 3, 10).date()), 2 * DAY)
        house.settle()

        flat = Property.objects.get()
        flat.check_in_time = flat.check_in_time.replace(hour=16)
        flat.save()
        house.settle()

        starts = {pin.value: pin.body.start for pin in house.ours(door)}
        codes = dict(AccessGrant.objects.values_list("booking_id", "pk"))
        grant = AccessGrant.objects.get(pk=codes[follows.pk])
        assert starts[grant.code] == datetime(2027, 3, 5, 15, tzinfo=UTC)
        assert starts[AccessGrant.objects.get(pk=codes[own.pk]).code] == own.check_in


def test_buffers_are_part_of_the_period() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        booking = house.stay(house.flat(door, early_minutes=30, late_minutes=15), 2 * DAY, 5 * DAY)
        house.settle()
        (remote,) = house.ours(door)
        assert remote.body.start == booking.check_in - timedelta(minutes=30)
        assert remote.body.end == booking.check_out + timedelta(minutes=15)
