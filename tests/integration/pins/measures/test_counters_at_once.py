"""Several counters at the same moment, on a real database: each answer and each mark counts once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from pins.measures import counting, promise
from pins.models import ArrivalRecord, Heartbeat, PinAttempt, Tally
from rentals.models import Booking
from tests.support.house import House
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_eight_counters_count_once() -> None:
    house = House()
    flat = house.flat(house.lock())
    for n in range(5):
        house.stay(flat, (n + 1) * DAY, DAY)
    house.settle()
    now = timezone.now()
    for name in ("counted", "marks"):
        Heartbeat.objects.create(name=name, at=now - HOUR)
    Booking.objects.order_by("pk").update(check_in=now + DAY)
    sent = PinAttempt.objects.count()
    assert sent == 5

    later = now + timedelta(minutes=5)
    at_once([lambda: counting.count(later)] * 8 + [lambda: promise.record(later)] * 8)

    assert dict(Tally.objects.filter(name=counting.ANSWERS).values_list("label", "value")) == {"post,done,": 5}
    assert list(ArrivalRecord.objects.values_list("day_before", flat=True)) == ["kept"] * 5
