"""The drift check finds what no signal announced."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import drift, grants
from rentals.models import Booking, Property
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("fault", ["unknown zone", "less than a second"])
@pytest.mark.parametrize("had_a_code", [False, True])
def test_a_booking_that_cannot_be_read_stops_no_other(
    house: House, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture, fault: str, had_a_code: bool
) -> None:
    """Bulk writes check nothing. The unreadable booking comes first in the order of work."""
    door = house.lock()
    bad = house.flat(door, name="Bad")
    begins = timezone.now() + DAY
    (unreadable,) = Booking.objects.bulk_create([Booking(property=bad, check_in=begins, check_out=begins + DAY)])
    if had_a_code:
        grants.sync_bookings([unreadable.pk])
    if fault == "unknown zone":
        Property.objects.filter(pk=bad.pk).update(timezone="Nowhere/None")
    else:
        Booking.objects.update(check_out=begins + timedelta(milliseconds=500))
    good = Booking(property=house.flat(door, name="Good"), check_in=begins, check_out=begins + DAY)
    Booking.objects.bulk_create([good])

    with caplog.at_level(logging.ERROR, logger="pins.desired.drift"):
        drift.repair(timezone.now())
    house.settle()
    assert pin_of(good, door).state == State.SET
    assert [getattr(record, "booking_id", None) for record in caplog.records] == [unreadable.pk]
