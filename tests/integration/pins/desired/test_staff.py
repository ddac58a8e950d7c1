"""Codes of people who work in the flats, from the access to the simulated lock."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins import retention
from pins.core.staff import OPEN_GAP, OVER_MIDNIGHT
from pins.desired import code_overrides, disclosure, drift, staff_codes, staff_grants
from pins.models import AccessGrant, Incident, Pin, StaffAccess, ValueClaim
from pins.simulator.devices import SimPin
from rentals.models import Booking, Lock, Property
from tests.support.house import House
from tests.support.people import staff
from tests.support.staff import grants_of, pins_of, works
from tests.support.statements import statements
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def door(flat: Property) -> Lock:
    return flat.locks.get()


class Listening(httpx.BaseTransport):
    """Keeps what is sent to the simulated cloud."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if body := request.read():
            self.sent.append((request.method, json.loads(body)))
        return self.inner.handle_request(request)


@pytest.fixture
def sent(house: House, monkeypatch: pytest.MonkeyPatch) -> Listening:
    listening = Listening(house.transport)
    monkeypatch.setattr(house, "transport", listening)
    return listening


def bodies(sent: Listening, method: str) -> list[dict[str, Any]]:
    """What was sent to the locks by this method, in order."""
    return [body for used, body in sent.sent if used == method]


def said(body: dict[str, Any]) -> dict[str, Any]:
    """A body as the documents show it: without what is empty, and without the day of a time of day."""
    kept = {name: value for name, value in body.items() if value is not None and name not in ("alias", "pin")}
    return {name: value.partition("T")[2] if name.startswith("day") else value for name, value in kept.items()}


def only(house: House, lock: Lock) -> SimPin:
    (pin,) = house.ours(lock)
    return pin


# -- at fixed hours ----------------------------------------------------------------------------------------------------


def test_a_cleaner_from_8_to_16_on_workdays_comes_changes_and_goes(
    house: House, sent: Listening, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    access = works(flat, weekdays=31, day_start=time(8), day_end=time(16))
    house.settle()
    (created,) = bodies(sent, "POST")
    assert said(created) == {"dayStartTime": "08:00:00.000Z", "dayEndTime": "16:00:00.000Z", "weekDays": 31}
    assert created["alias"].startswith("Maria Kowalska #")
    assert created["pin"] == access.code

    access.weekdays, access.day_start, access.day_end = 48, time(10), time(18)
    access.valid_from, access.valid_until = datetime(2027, 10, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
    access.save()
    house.settle()
    (changed,) = bodies(sent, "PUT")
    assert said(changed) == {
        "startDate": "2027-10-01T00:00:00.000Z",
        "endDate": "2027-12-31T00:00:00.000Z",
        "dayStartTime": "10:00:00.000Z",
        "dayEndTime": "18:00:00.000Z",
        "weekDays": 48,
    }
    assert changed["pin"] == access.code

    access.is_active = False
    access.save()
    house.settle()
    assert house.ours(door) == []
    assert not ValueClaim.objects.filter(released_at=None).exists()
    assert house.statuses() == {201: 1, 204: 2}


def test_permanent_access_is_a_name_and_a_code_and_keeps_its_value(
    house: House, sent: Listening, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    access = works(flat, kind="owner", name="Jan")
    house.settle()
    (created,) = bodies(sent, "POST")
    assert set(created) == {"alias", "pin"}
    clock.shift(400 * DAY)
    house.settle()
    assert only(house, door).body.value == access.code
    assert ValueClaim.objects.filter(released_at=None).count() == 1
    assert house.statuses() == {201: 1}


def test_an_end_is_told_and_the_code_goes_then(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    works(flat, valid_until=START + 2 * DAY)
    house.settle()
    assert only(house, door).body.end == START + 2 * DAY
    house.live(clock, 2 * DAY + 5 * MINUTE)
    assert house.ours(door) == []


def test_a_window_over_midnight_is_refused_or_becomes_two_codes(
    house: House, sent: Listening, flat: Property, door: Lock
) -> None:
    with pytest.raises(ValidationError, match="goes over midnight") as refused:
        works(flat, day_start=time(22), day_end=time(6))
    assert refused.value.message_dict == {"day_end": [OVER_MIDNIGHT]}
    works(flat, day_start=time(22), day_end=time(6), two_codes=True)
    house.settle()
    first, second = sorted(bodies(sent, "POST"), key=lambda one: one["dayStartTime"], reverse=True)
    assert said(first) == {"dayStartTime": "22:00:00.000Z", "dayEndTime": "23:59:00.000Z"}
    assert said(second) == {"dayStartTime": "00:00:00.000Z", "dayEndTime": "06:00:00.000Z"}
    assert first["pin"] != second["pin"]
    assert len(house.ours(door)) == 2


def test_locks_that_come_and_go_with_their_property_and_alone(house: House, flat: Property, door: Lock) -> None:
    cellar, back = house.lock("Cellar"), house.lock("Back")
    access = works(flat, cellar)
    house.settle()
    flat.locks.add(back)
    house.settle()
    assert {only(house, one).body.value for one in (door, cellar, back)} == {access.code}
    back.is_active = False
    back.save()
    access.locks.clear()
    house.settle()
    assert (house.ours(back), house.ours(cellar)) == ([], [])
    flat.is_active = False
    flat.save()
    house.settle()
    assert house.ours(door) == []


def test_a_deleted_access_takes_its_codes_along(house: House, flat: Property, door: Lock) -> None:
    access = works(flat)
    house.settle()
    access.delete()
    house.settle()
    assert house.ours(door) == []


def test_what_comes_back_has_the_same_code(house: House, flat: Property, door: Lock) -> None:
    access = works(flat)
    house.settle()
    for active in (False, True):
        access.is_active = active
        access.save()
        house.settle()
    assert only(house, door).body.value == access.code
    assert AccessGrant.objects.count() == 1


def test_a_chosen_code_is_used_and_replaced(house: House, flat: Property, door: Lock) -> None:
    access = works(flat, code="482915")
    house.settle()
    assert only(house, door).body.value == "482915"
    access.code = "739164"
    access.save()
    house.settle()
    assert only(house, door).body.value == "739164"
    assert house.statuses() == {201: 1, 204: 1}
    with pytest.raises(ValidationError):
        StaffAccess.objects.create(name="Jan", code="12345")


def test_digits_of_a_guest_cannot_be_chosen(house: House, flat: Property, door: Lock) -> None:
    guest = AccessGrant.objects.get(booking=house.stay(flat, HOUR, DAY))
    access = works(flat)
    before = access.code
    with pytest.raises(code_overrides.CodeTakenError):
        staff_codes.set_code(access.pk, guest.code, timezone.now())
    access.code = guest.code
    with pytest.raises(code_overrides.CodeTakenError):
        access.save()
    access.refresh_from_db()
    assert access.code == before
    assert grants_of(access)[0].code == before


def test_a_new_code_replaces_one_that_somebody_knows(house: House, flat: Property, door: Lock) -> None:
    access = works(flat)
    house.settle()
    disclosure.reveal(grants_of(access)[0].pk, timezone.now(), user=staff("anna"), address="127.0.0.1")
    staff_codes.renew_code(access.pk, timezone.now())
    house.settle()
    former, grant = access.code, grants_of(access)[0]
    assert only(house, door).body.value == grant.code != former
    assert grant.disclosed_at is None


def test_an_old_copy_of_an_access_does_not_undo_its_code(house: House, flat: Property) -> None:
    old = StaffAccess.objects.create(name="Maria")
    old.properties.add(flat)
    old.name = "Maria K."
    old.save()
    old.refresh_from_db()
    assert old.code == grants_of(old)[0].code


def test_a_permanent_grant_is_deleted_when_it_is_long_over(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    access = works(flat)
    house.settle()
    access.delete()
    house.settle()
    retention.purge_grants(timezone.now())
    assert AccessGrant.objects.count() == 1
    clock.shift(retention.KEEP_RECORDS + DAY)
    retention.purge_grants(timezone.now())
    assert not AccessGrant.objects.exists()


# -- between stays -----------------------------------------------------------------------------------------------------


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


def test_a_stay_the_access_and_its_lock_changed_at_once(house: House, flat: Property, door: Lock) -> None:
    """Nobody waits for another for ever; what somebody left out is put right by the next look."""
    stays = [house.stay(flat, begins, 5 * HOUR, "") for begins in (-HOUR, 8 * HOUR)]
    access = works(flat, mode="turnover")

    def extend(stay: Booking) -> None:
        Booking.objects.get(pk=stay.pk).delete() if stay is stays[1] else _longer(stay)

    def rename() -> None:
        one = StaffAccess.objects.get(pk=access.pk)
        one.name = "Ewa"
        one.save()

    at_once([lambda: extend(stays[0]), lambda: extend(stays[1]), rename, lambda: flat.locks.add(house.lock("Back"))])
    StaffAccess.objects.update(check_at=timezone.now())
    drift.look(timezone.now())
    assert staff_grants.repair(timezone.now()) == set()
    (grant,) = [one for one in grants_of(access) if one.wanted]
    assert grant.holder_name == "Ewa"
    assert grant.starts_at == Booking.objects.get(pk=stays[0].pk).check_out
    assert Pin.objects.filter(grant=grant, wanted=True).count() == 2


def _longer(stay: Booking) -> None:
    one = Booking.objects.get(pk=stay.pk)
    one.check_out += HOUR
    one.save()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_stays_and_locks_the_codes_follow_at_once(house: House, flat: Property, seed: int) -> None:
    """After each change the drift check finds nothing left to do, and no code between stays works during one."""
    chance = random.Random(seed)
    other = house.flat(house.lock("Other door"), house.lock("Entrance"), name="Other")
    homes, spare = [flat, other], house.lock("Spare")
    access = works(*homes, mode="turnover", weekdays=31, day_start=time(9), day_end=time(18), after_check_out=30)
    stays = [house.stay(home, chance.randint(-40, 60) * HOUR, chance.randint(6, 50) * HOUR, "") for home in homes * 3]
    for _ in range(8):
        stay = chance.choice(stays)
        change = chance.choice(["longer", "shorter", "cancel", "confirm", "delete", "new", "lock", "off"])
        if change in ("longer", "shorter"):
            stay.check_out = max(stay.check_out + (6 if change == "longer" else -6) * HOUR, stay.check_in + HOUR)
            stay.save()
        elif change in ("cancel", "confirm"):
            stay.status = "cancelled" if change == "cancel" else "confirmed"
            stay.save()
        elif change == "delete" and len(stays) > 3:
            stays.remove(stay)
            stay.delete()
        elif change == "new":
            stays.append(house.stay(chance.choice(homes), chance.randint(-10, 90) * HOUR, DAY, ""))
        elif change == "lock":
            home = chance.choice(homes)
            (home.locks.remove if spare in home.locks.all() else home.locks.add)(spare)
        elif change == "off":
            other.is_active = not other.is_active
            other.save()
        assert staff_grants.repair(timezone.now()) == set(), change
        for grant in AccessGrant.objects.filter(staff=access, wanted=True, part="gap"):
            during = Booking.objects.filter(property=grant.place, status="confirmed")
            assert not during.filter(check_in__lt=grant.ends_at, check_out__gt=grant.starts_at).exists(), change
