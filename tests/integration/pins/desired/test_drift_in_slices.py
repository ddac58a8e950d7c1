"""How soon the drift check finds what no signal announced: at once what is near or new, the rest slice by slice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.utils import timezone

from pins.desired import differences, drift, drift_rounds, grants
from pins.models import AccessGrant, ScanPosition
from rentals.models import Booking, Lock, Property
from tests.support.house import House

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLICE = 3


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_rounds, "LEAST", SLICE)


@pytest.fixture
def door(house: House) -> Lock:
    return house.lock()


@pytest.fixture
def flat(house: House, door: Lock) -> Property:
    return house.flat(door)


@pytest.fixture
def far(house: House, flat: Property) -> list[Booking]:
    """Twenty stays in ten days and later, one after the other. The first looks have been made."""
    made = [house.stay(flat, (10 + number) * DAY, HOUR, f"Guest {number}") for number in range(20)]
    ends = Booking.objects.order_by("-check_out")[0].check_out
    for _ in range(20):
        assert drift.look(timezone.now()) == set()
    assert ends == made[-1].check_out
    return made


def wrong(now: datetime) -> set[int]:
    """The bookings of which a comparison of everything would find that they differ."""
    every = list(AccessGrant.objects.order_by("ends_at").values_list("pk", flat=True))
    return set(differences.of_grants(every, now))


def minutes(clock: time_machine.Traveller, count: int) -> Iterator[int]:
    for number in range(count):
        clock.shift(MINUTE)
        drift.look(timezone.now())
        yield number


@pytest.mark.parametrize("change", ["comes near", "cancelled", "leaves", "ends", "grant"])
def test_what_is_near_on_either_side_is_found_at_once(
    house: House, flat: Property, far: list[Booking], change: str
) -> None:
    now = timezone.now()
    near = house.stay(flat, DAY, HOUR, "Near")
    rows = Booking.objects.filter(pk=near.pk)
    if change == "comes near":
        rows = Booking.objects.filter(pk=far[-1].pk)
        rows.update(check_in=now + DAY + 3 * HOUR, check_out=now + DAY + 4 * HOUR)
    elif change == "cancelled":
        rows.update(status="cancelled")
    elif change == "leaves":
        rows.update(check_in=now + 60 * DAY, check_out=now + 61 * DAY)
    elif change == "ends":
        rows.update(check_in=now - 20 * DAY, check_out=now - 19 * DAY)
    else:
        AccessGrant.objects.filter(booking=near).update(starts_at=now + 60 * DAY, ends_at=now + 61 * DAY)
    assert wrong(now) == set(rows.values_list("pk", flat=True))
    drift.look(now)
    assert wrong(now) == set()


def test_the_rest_is_found_within_a_round(clock: time_machine.Traveller, far: list[Booking]) -> None:
    Booking.objects.update(status="tentative")
    left = [len(wrong(timezone.now())) for _ in minutes(clock, 10)]
    assert left[0] >= len(far) - 2 * SLICE
    assert all(before - after <= SLICE for before, after in pairwise(left))
    assert left[-1] == 0


def test_a_crash_repeats_the_slice(
    clock: time_machine.Traveller, far: list[Booking], monkeypatch: pytest.MonkeyPatch
) -> None:
    Booking.objects.update(status="tentative")
    before = list(ScanPosition.objects.filter(name="codes").values())

    def killed(*_: object, **__: object) -> set[int]:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(grants, "sync_and_follow", killed)
        with pytest.raises(SystemExit):
            drift.look(timezone.now())
    assert list(ScanPosition.objects.filter(name="codes").values()) == before
    list(minutes(clock, 10))
    assert wrong(timezone.now()) == set()


def test_new_stays_are_found_at_once_and_those_that_a_slow_transaction_wrote(
    clock: time_machine.Traveller, flat: Property, far: list[Booking], door: Lock
) -> None:
    now = timezone.now()
    begins = now + 29 * DAY + 5 * HOUR
    Booking.objects.bulk_create([Booking(property=flat, check_in=begins, check_out=begins + HOUR)])
    assert drift.look(now) == {door.pk}
    list(minutes(clock, 2))
    # As if this row had been committed only now, although its key is older than a later one that was seen.
    AccessGrant.objects.filter(booking__check_in=begins).delete()
    assert drift.due(timezone.now()) == [Booking.objects.get(check_in=begins).pk]


def test_a_stay_whose_window_opens_gets_its_code_that_minute(
    house: House, clock: time_machine.Traveller, flat: Property, far: list[Booking], door: Lock
) -> None:
    later = house.stay(flat, 30 * DAY + 30 * MINUTE, HOUR, "Later")
    for number in minutes(clock, 40):
        assert AccessGrant.objects.filter(booking=later).exists() == (number >= 29)


def test_a_small_installation_is_compared_as_a_whole_each_minute(
    far: list[Booking], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift_rounds, "LEAST", 1000)
    ScanPosition.objects.all().delete()
    Booking.objects.update(status="tentative")
    drift.look(timezone.now())
    assert wrong(timezone.now()) == set()
