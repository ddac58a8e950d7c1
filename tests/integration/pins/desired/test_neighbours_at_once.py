"""Stays that end where others begin, changed by many at once: nobody waits for the other, and nothing is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from pins.desired import drift
from pins.models import AccessGrant
from rentals.models import Booking
from tests.support.house import House
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)
ZONE = ZoneInfo("Europe/Warsaw")


def test_neighbours_that_are_saved_together_do_not_wait_for_each_other() -> None:
    """Each save touches the stay before it. Who saves several in one transaction, as an import does, may hold that one
    and wait for this one: a deadlock, if both waited."""
    house = House()
    flat = house.flat(house.lock())
    monday = datetime.combine((timezone.now() + timedelta(days=3)).date(), datetime.min.time(), ZONE)
    stays = [house.stay(flat, monday + 15 * HOUR + weeks * WEEK, WEEK - 4 * HOUR, "Odalys Brink") for weeks in range(3)]

    def save(place: int) -> None:
        for minutes in range(15):
            stay = Booking.objects.get(pk=stays[place].pk)
            stay.check_in = stays[place].check_in + minutes * MINUTE
            stay.check_out = stays[place].check_out - minutes * MINUTE
            stay.save()

    def save_all() -> None:
        for minutes in range(15):
            with transaction.atomic():
                for place in range(3):
                    stay = Booking.objects.get(pk=stays[place].pk)
                    stay.check_in = stays[place].check_in + minutes * MINUTE
                    stay.save()

    at_once([save_all, lambda: save(1), lambda: save(2), lambda: save(2)])
    drift.repair(timezone.now())
    grants = [AccessGrant.objects.select_related("booking").get(booking=stay) for stay in stays]
    begins = [grant.starts_at for grant in grants]
    assert [grant.ends_at for grant in grants[:2]] == begins[1:]
    assert drift.repair(timezone.now()) == set()
