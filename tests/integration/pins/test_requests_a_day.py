"""What locks cost in requests a day: the figures of docs/operations.md, “How large”."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.support.house import House

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LOCKS, STAYS, NIGHTS = 2, 3, 2


def test_a_stay_costs_two_requests_and_a_lock_little_more_than_one_a_day() -> None:
    """Flats that are let without a gap, two nights each, on a cloud without faults."""
    with time_machine.travel(START, tick=False) as clock:
        house = House(audits=True)
        flats = [house.flat(house.lock(f"Door {number}"), name=f"Flat {number}") for number in range(LOCKS)]
        for flat in flats:
            for number in range(STAYS):
                house.stay(flat, START + number * NIGHTS * DAY + timedelta(hours=6), NIGHTS * DAY - timedelta(hours=4))
        days = STAYS * NIGHTS + 2
        for _ in range(days):
            house.live(clock, DAY)
        requests = list(house.cloud.journal.requests)
    kinds = Counter(request.method for request in requests)
    assert (kinds["POST"], kinds["DELETE"]) == (LOCKS * STAYS, LOCKS * STAYS)
    looks = (len(requests) - 2 * LOCKS * STAYS) / LOCKS / days
    assert 1 <= looks < 2, "the table in docs/operations.md reckons with 1.6 looks a lock and day"
