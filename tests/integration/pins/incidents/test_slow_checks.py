"""What will hurt later: locks without keypad, overlapping stays, clocks that differ."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins import tasks
from pins.incidents import slow_checks
from pins.models import Incident
from rentals.models import Lock, Property
from tests.support.booking_actions import cancel, change, open_incidents
from tests.support.house import House
from tests.support.incidents import met, review

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def test_a_lock_without_keypad_is_told_while_guests_are_expected(house: House, clock: time_machine.Traveller) -> None:
    door, spare = house.lock("Door"), house.lock("Spare")
    Lock.objects.update(has_keypad=False)
    flat = house.flat(door)
    house.flat(spare, name="Nobody comes here")
    assert review() == {}
    booking = house.stay(flat, 20 * DAY, DAY)
    house.settle()
    assert review() == {Kind.NO_KEYPAD: Severity.WARNING}
    clock.move_to(booking.check_in - 4 * HOUR)
    assert review() == {Kind.NO_KEYPAD: Severity.URGENT, Kind.NO_LOCK: Severity.URGENT}
    Lock.objects.filter(pk=door.pk).update(has_keypad=True)
    assert review() == {}
    assert met(Kind.NO_KEYPAD) == 1


def test_the_drift_check_tells_it(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    Lock.objects.update(has_keypad=False)
    house.stay(house.flat(door), 2 * DAY, DAY)
    tasks.check_drift.apply(throw=True)
    assert open_incidents() == [Kind.NO_KEYPAD]


@pytest.mark.parametrize("ends", ["moved", "cancelled", "deleted", "switched off"])
def test_overlapping_stays_are_told_until_they_no_longer_overlap(
    house: House, clock: time_machine.Traveller, ends: str
) -> None:
    flat = house.flat(house.lock())
    first = house.stay(flat, 5 * DAY, 3 * DAY)
    house.stay(flat, 8 * DAY, DAY)  # begins when the first ends
    house.stay(house.flat(house.lock("Other door"), name="Other flat"), 6 * DAY, DAY)
    house.settle()
    assert review() == {}
    second = house.stay(flat, 7 * DAY, DAY)
    house.settle()
    assert review() == {Kind.STAYS_OVERLAP: Severity.WARNING}
    assert Incident.objects.get().booking == second  # one for the pair, about the one that begins later

    if ends == "moved":
        change(second, check_in=first.check_out + 5 * DAY, check_out=first.check_out + 6 * DAY)
    elif ends == "cancelled":
        cancel(first)
    elif ends == "deleted":
        second.delete()
    else:
        flat.is_active = False
        flat.save()
    house.settle()
    assert review() == {}


def test_overlaps_are_told_within_two_weeks_and_until_they_are_over(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock(), issue_ahead_days=0)
    first, second = house.stay(flat, 20 * DAY, 4 * DAY), house.stay(flat, 20 * DAY, 2 * DAY)
    assert review() == {}
    clock.move_to(first.check_in - slow_checks.HORIZON)
    assert review() == {Kind.STAYS_OVERLAP: Severity.WARNING}
    assert Incident.objects.get().booking == second  # both begin together: the one that was entered later
    clock.move_to(first.check_in - HOUR)
    assert review()[Kind.STAYS_OVERLAP] == Severity.URGENT
    clock.move_to(second.check_out)
    assert Kind.STAYS_OVERLAP not in review()
    assert met(Kind.STAYS_OVERLAP) == 1


def test_a_lock_in_another_time_zone_than_its_property_is_a_notice(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)  # Warsaw
    for harmless in ("", "Europe/Warsaw", "Europe/Berlin", "Central European Standard Time", "../etc/passwd"):
        Lock.objects.update(time_zone=harmless)
        assert review() == {}
    Lock.objects.update(time_zone="Europe/London")
    assert review() == {Kind.ZONE_DIFFERS: Severity.NOTICE}
    Property.objects.filter(pk=flat.pk).update(timezone="Europe/London")
    assert review() == {}
    assert met(Kind.ZONE_DIFFERS) == 1


def test_locks_whose_other_zone_shows_the_same_time_are_not_read_one_by_one(house: House) -> None:
    house.flat(*(house.lock(f"Door {number}") for number in range(12)))
    Lock.objects.update(time_zone="Europe/Berlin")
    with CaptureQueriesContext(connection) as captured:
        assert slow_checks._in_another_zone(timezone.now()) == {}
    (asked,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(asked["sql"])
        assert cursor.fetchall() == [("Europe/Berlin", "Europe/Warsaw")]
    london = Lock.objects.order_by("pk")[3]
    Lock.objects.filter(pk=london.pk).update(time_zone="Europe/London")
    assert slow_checks._in_another_zone(timezone.now()) == {london.pk: Severity.NOTICE}
