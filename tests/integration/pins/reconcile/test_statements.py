"""What a run asks of the database: so much for itself and so much for each code, however many codes there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.house import House

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
#: Without BEGIN, COMMIT and savepoints.
MOST_FOR_A_CODE = 8
MOST_FOR_A_RUN = 12


def statements_of_a_run(house: House, codes: int) -> int:
    """A run that sets so many codes on a lock that works without trouble, and not for the first time."""
    door = house.lock(f"Door {codes}")
    house.stay(house.flat(door, name=f"Earlier {codes}"), HOUR, 20 * HOUR)
    house.run(door)
    for number in range(codes):
        house.stay(house.flat(door, name=f"Flat {codes}-{number}"), 2 * HOUR, 20 * HOUR)
    with CaptureQueriesContext(connection) as captured:
        assert house.run(door).requests == codes
    words = (query["sql"].split()[0] for query in captured.captured_queries)
    return sum(word not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE") for word in words)


def test_a_code_costs_the_same_however_many_there_are(house: House, clock: time_machine.Traveller) -> None:
    few, many = statements_of_a_run(house, 5), statements_of_a_run(house, 25)
    each = (many - few) / 20
    assert each <= MOST_FOR_A_CODE
    assert few - 5 * each <= MOST_FOR_A_RUN
