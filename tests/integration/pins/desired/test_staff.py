"""Codes of people who work in the flats, at fixed hours or always: from the access to the simulated lock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from pins.core.staff import OVER_MIDNIGHT
from pins.models import AccessGrant, ValueClaim
from pins.retention import records
from rentals.models import Lock, Property
from tests.support.house import House
from tests.support.staff import Listening, bodies, only, said, works

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def sent(house: House, monkeypatch: pytest.MonkeyPatch) -> Listening:
    listening = Listening(house.transport)
    monkeypatch.setattr(house, "transport", listening)
    return listening


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


def test_a_permanent_grant_is_deleted_when_it_is_long_over(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    access = works(flat)
    house.settle()
    access.delete()
    house.settle()
    records.purge_grants(timezone.now())
    assert AccessGrant.objects.count() == 1
    clock.shift(records.KEEP_RECORDS + DAY)
    records.purge_grants(timezone.now())
    assert not AccessGrant.objects.exists()
