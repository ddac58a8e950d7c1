"""What the search for news costs, and that what it leaves out was noticed before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.models import AccessGrant, Delivery, Incident, Pin
from pins.notify import collecting
from rentals.models import Booking, Lock
from tests.support.house import House
from tests.support.notifications import EVERYTHING, letters, open_for

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

#: SQLite takes two messages for each of them in one statement.
MANY = 20


def statements() -> list[str]:
    """What one run asks, each statement by how it begins."""
    with CaptureQueriesContext(connection) as captured:
        collecting.collect(timezone.now())
    return [query["sql"].split('"s1')[0][:60] for query in captured.captured_queries]


def incidents(house: House, count: int) -> None:
    for number in range(count):
        open_for(house.lock(f"Door {count}-{number}"))


def ends(house: House, count: int) -> None:
    for one in Incident.objects.filter(resolved_at=None)[:count]:
        Incident.objects.filter(pk=one.pk).update(resolved_at=timezone.now())


def codes(house: House, count: int) -> None:
    door = house.lock(f"Entrance {count}")
    for number in range(count):
        house.stay(house.flat(door, name=f"Flat {count}-{number}"), DAY, DAY)
    Pin.objects.filter(lock=door).update(state="set")


def cancellations(house: House, count: int) -> None:
    codes(house, count)
    collecting.collect(timezone.now())
    for stay in Booking.objects.filter(status="confirmed")[:count]:
        stay.status = Booking.Status.CANCELLED
        stay.save()


@pytest.mark.parametrize("make", [incidents, ends, codes, cancellations])
def test_many_news_cost_as_many_statements_as_few(
    house: House, clock: time_machine.Traveller, make: Callable[[House, int], None]
) -> None:
    letters(events=EVERYTHING)
    letters(name="Marek", events=EVERYTHING)
    incidents(house, 60)
    collecting.collect(timezone.now())
    clock.shift(HOUR)
    collecting.collect(timezone.now())
    Delivery.objects.update(state=Delivery.State.SENT)  # what was not sent is taken back when it is over
    told = Delivery.objects.count()
    make(house, 3)
    few = statements()
    make(house, MANY)
    assert statements() == few
    assert Delivery.objects.count() >= told + 2 * (3 + MANY)


def test_nothing_new_costs_the_same_whatever_was_told(house: House, clock: time_machine.Traveller) -> None:
    letters(events=EVERYTHING)
    collecting.collect(timezone.now())
    nothing = statements()
    incidents(house, 30)
    codes(house, 30)
    collecting.collect(timezone.now())
    assert statements() == nothing
    assert not AccessGrant.objects.filter(unnoticed=True).exists()


@pytest.mark.parametrize("late", [timedelta(0), 50 * MINUTE])
def test_an_incident_that_a_slow_transaction_wrote_is_noticed(
    door: Lock, clock: time_machine.Traveller, late: timedelta
) -> None:
    """It is over before anybody could see it, and was resolved before the last run."""
    collecting.collect(timezone.now())
    begun = timezone.now()
    for _ in range(8):
        clock.shift(7 * MINUTE)
        collecting.collect(timezone.now())
    seen = _resolved(door, timezone.now() - late)
    collecting.collect(timezone.now())
    assert timezone.now() - begun == 56 * MINUTE
    assert Incident.objects.get(pk=seen).notice.resolved


def _resolved(door: Lock, at: datetime) -> int:
    row = Incident(kind="no_room", subject=f"lock:{door.pk}", lock=door, opened_at=at, resolved_at=at)
    row.save()
    return row.pk
