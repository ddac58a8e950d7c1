"""Codes that work between two stays, and move with them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.staff import OPEN_GAP
from pins.desired import drift, staff_grants
from pins.models import AccessGrant, Incident, Pin, StaffAccess, ValueClaim
from rentals.models import Booking, Lock, Property
from tests.support.house import House
from tests.support.staff import grants_of, pins_of, works
from tests.support.statements import statements

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


def spans(access: StaffAccess) -> list[tuple[timedelta, timedelta]]:
    """The periods of its wanted codes, from the start of the test."""
    return [(one.starts_at - START, one.ends_at - START) for one in grants_of(access) if one.wanted]


def test_a_turnover_code_moves_when_a_stay_is_extended(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    first = house.stay(flat, -DAY, DAY + 2 * HOUR, "Anna")
    house.stay(flat, 8 * HOUR, DAY, "Jan")
    access = works(flat, mode="turnover", after_check_out=30)
    house.settle()
    remote = next(pin for pin in house.ours(door) if pin.body.value == access.code)
    assert (remote.body.start, remote.body.end) == (START + 2.5 * HOUR, START + 8 * HOUR)
    assert remote.body.week_days is None

    first.check_out += 3 * HOUR
    first.save()
    house.settle()
    moved = next(pin for pin in house.ours(door) if pin.body.value == access.code)
    assert moved.id == remote.id
    assert (moved.body.start, moved.body.end) == (START + 5.5 * HOUR, START + 8 * HOUR)

    first.check_out = START + 8 * HOUR
    first.save()
    house.settle()
    assert spans(access) == [(DAY + 8.5 * HOUR, DAY + 8 * HOUR + OPEN_GAP)], "the next gap, with the same code"
    assert house.statuses()[201] == 3


def test_the_next_gap_gets_the_same_value_once_the_former_code_is_gone(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    for day in range(3):
        house.stay(flat, (day - 1) * DAY, 20 * HOUR, f"Guest {day}")
    access = works(flat, mode="turnover")
    house.settle()
    assert spans(access) == [(20 * HOUR, DAY)]
    seen = set()
    for _ in range(12):
        house.live(clock, 4 * HOUR)
        drift.look(timezone.now())
        house.settle()
        values = [pin.body.value for pin in house.ours(door) if pin.alias.startswith("Maria")]
        seen |= set(values)
        assert len(values) <= 1
    assert seen == {access.code}
    assert len(grants_of(access)) >= 2
    assert not Incident.objects.exists()


def test_a_booking_that_goes_makes_the_gap_longer_and_one_between_makes_it_shorter(
    house: House, flat: Property
) -> None:
    house.stay(flat, -DAY, DAY + HOUR, "Anna")
    second = house.stay(flat, 6 * HOUR, DAY, "Jan")
    house.stay(flat, 50 * HOUR, DAY, "Ewa")
    access = works(flat, mode="turnover")
    assert spans(access) == [(HOUR, 6 * HOUR)]
    second.delete()
    assert spans(access) == [(HOUR, 50 * HOUR)]
    house.stay(flat, 20 * HOUR, DAY, "Piotr")
    assert spans(access) == [(HOUR, 20 * HOUR)]


def test_a_guest_who_stays_on_leaves_no_gap(house: House, flat: Property) -> None:
    house.stay(flat, -DAY, DAY + HOUR, "Anna Nowak")
    house.stay(flat, 6 * HOUR, DAY, "Anna Nowak")
    access = works(flat, mode="turnover")
    assert spans(access) == [(30 * HOUR, 30 * HOUR + OPEN_GAP)]


def test_an_entrance_that_others_use_opens_at_hours_instead(house: House, flat: Property, door: Lock) -> None:
    entrance = house.lock("Entrance")
    other = house.flat(entrance, house.lock("Other door"), name="Other")
    flat.locks.add(entrance)
    house.stay(flat, -DAY, DAY + HOUR)
    house.stay(other, -DAY, 9 * DAY)
    access = works(flat, mode="turnover", weekdays=31, day_start=time(9), day_end=time(17))
    house.settle()
    shared = next(pin for pin in house.ours(entrance) if pin.body.value == access.code)
    assert (shared.body.start, shared.body.end, shared.body.week_days) == (None, None, 31)
    own = next(pin for pin in house.ours(door) if pin.body.value == access.code)
    assert own.body.start == START + HOUR


def test_bulk_changes_are_found_by_the_drift_check(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    stay = house.stay(flat, -DAY, DAY + HOUR)
    access = works(flat, mode="turnover")
    Booking.objects.filter(pk=stay.pk).update(check_out=START + 4 * HOUR)
    drift.look(timezone.now())
    assert spans(access)[0][0] == 4 * HOUR
    Pin.objects.all().delete()
    AccessGrant.objects.filter(staff=access).delete()
    clock.shift(staff_grants.SOON)
    drift.look(timezone.now())
    assert spans(access)[0][0] == 4 * HOUR
    made = StaffAccess.objects.bulk_create([StaffAccess(name="Bulk")])[0]
    StaffAccess.properties.through.objects.create(staffaccess=made, property=flat)
    drift.look(timezone.now())
    assert len(grants_of(made)) == 1


def test_a_look_that_finds_nothing_due_asks_one_statement(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    for number in range(5):
        works(flat, name=f"Person {number}")
    drift.look(timezone.now())
    clock.shift(staff_grants.AGAIN)
    with CaptureQueriesContext(connection) as captured:
        assert staff_grants.look(timezone.now()) == set()
    assert len(statements(captured)) == 1


def test_a_value_that_is_not_free_gives_the_gap_another_and_says_so(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    access = works(flat, code="482915", mode="turnover")
    guest = AccessGrant.objects.get(booking=house.stay(flat, -DAY, DAY + HOUR))
    AccessGrant.objects.filter(staff=access).delete()
    ValueClaim.objects.create(lock=door, grant=guest, digest=ValueClaim.digest_of("482915"))
    staff_grants.sync([access.pk], timezone.now())
    (pin,) = pins_of(access)
    assert pin.grant.code != "482915"
    told = Incident.objects.get(pin=pin)
    assert told.kind == Incident.Kind.CODE_CHANGED


def test_nobody_who_works_there_costs_nothing(house: House, flat: Property) -> None:
    with CaptureQueriesContext(connection) as captured:
        house.stay(flat, HOUR, DAY)
    assert not [sql for sql in statements(captured) if 'FROM "pins_staffaccess"' in sql.partition("WHERE")[0][-80:]]
