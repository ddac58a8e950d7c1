"""Codes of people who work in the flats, while stays, locks and accesses change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from pins.desired import drift, staff_grants
from pins.models import AccessGrant, Pin, StaffAccess
from rentals.models import Booking, Lock, Property
from tests.support.house import House
from tests.support.staff import grants_of, works
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


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
