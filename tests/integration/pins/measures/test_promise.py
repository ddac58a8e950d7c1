"""How the promise was kept: judged once for each mark, from what is stored, also after downtime."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.actions import stays
from pins.measures import promise
from pins.models import ArrivalRecord
from rentals.access import Scope
from rentals.models import Booking, Property
from tests.support.booking_actions import cancel, change
from tests.support.house import House
from tests.support.incidents import plug_in, unplug
from tests.support.measuring import A_LOOK, NOTHING, count, kept, live_and_count

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _counting_has_begun(house: House, clock: time_machine.Traveller) -> None:
    count()


def test_a_code_that_is_there_keeps_all_three_marks(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    house.stay(flat, 2 * DAY, DAY)
    live_and_count(house, clock, 2 * DAY, HOUR)
    assert kept() == NOTHING  # nobody has arrived yet
    live_and_count(house, clock, A_LOOK, A_LOOK)
    assert kept() == {"24h": (1, 1, 0), "4h": (1, 1, 0), "0h": (1, 1, 0)}
    live_and_count(house, clock, 31 * DAY, 6 * HOUR)
    assert kept() == NOTHING


def test_a_stay_counts_only_for_marks_that_came_after_it_was_entered(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    house.stay(flat, 10 * HOUR, DAY)
    live_and_count(house, clock, 11 * HOUR, 10 * MINUTE)
    house.stay(flat, -timedelta(seconds=1), DAY, name="Walk In")
    live_and_count(house, clock, HOUR, 10 * MINUTE)
    assert kept() == {"24h": (0, 0, 0), "4h": (1, 1, 0), "0h": (1, 1, 0)}


def test_a_lock_that_was_offline_at_a_mark_missed_it(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    door = flat.locks.get()
    unplug(house, door)
    house.stay(flat, 2 * DAY, DAY)
    live_and_count(house, clock, 2 * DAY - 5 * HOUR, HOUR)
    plug_in(house, door)
    live_and_count(house, clock, 5 * HOUR + 2 * MINUTE, MINUTE)
    assert kept() == {"24h": (1, 0, 0), "4h": (1, 1, 0), "0h": (1, 1, 0)}


@pytest.mark.parametrize("is_set", [True, False], ids=["set before", "not set before"])
def test_downtime_over_all_marks_hides_nothing(
    house: House, flat: Property, clock: time_machine.Traveller, is_set: bool
) -> None:
    """The machine is off from a day and a half before check-in until half a day after."""
    if not is_set:
        unplug(house, flat.locks.get())
    house.stay(flat, 2 * DAY, 5 * DAY)
    live_and_count(house, clock, 12 * HOUR, HOUR)
    clock.shift(2 * DAY)
    if not is_set:
        plug_in(house, flat.locks.get())
        house.live(clock, 10 * MINUTE)  # the code is set before anybody looks at the marks
    for _ in range(9):
        count()
        clock.shift(MINUTE)
    number = 1 if is_set else 0
    assert kept() == {"24h": (1, number, 0), "4h": (1, number, 0), "0h": (1, number, 0)}


def test_what_nothing_proves_is_said_to_be_unknown_and_not_kept(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    """The counting stood still over the marks, and a person moved check-out meanwhile."""
    stay = house.stay(flat, 2 * DAY, 5 * DAY)
    live_and_count(house, clock, DAY - HOUR, HOUR)
    house.live(clock, 2 * HOUR)
    change(stay, check_out=stay.check_out + DAY)
    house.live(clock, MINUTE)
    count()
    live_and_count(house, clock, 23 * HOUR, HOUR)
    assert kept() == {"24h": (1, 0, 1), "4h": (1, 1, 0), "0h": (1, 1, 0)}


def test_a_stay_that_moves_is_judged_by_its_last_check_in(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    stay = house.stay(flat, 2 * DAY, DAY)
    live_and_count(house, clock, DAY + HOUR, HOUR)
    assert ArrivalRecord.objects.get().day_before == "kept"
    change(stay, check_in=stay.check_in - 10 * HOUR)  # 13 hours from now: too late for that mark
    live_and_count(house, clock, 14 * HOUR, HOUR)
    assert kept() == {"24h": (0, 0, 0), "4h": (1, 1, 0), "0h": (1, 1, 0)}


def test_who_does_not_count(house: House, clock: time_machine.Traveller) -> None:
    gone = house.stay(house.flat(house.lock("A")), 2 * DAY, DAY, name="Cancelled")
    taken = house.stay(house.flat(house.lock("B")), 2 * DAY, DAY, name="Taken back")
    # The property lets codes work from check-in on only: they are set at that moment.
    house.stay(house.flat(house.lock("C"), issue_ahead_days=0), 2 * DAY, DAY, name="At the door")
    live_and_count(house, clock, DAY + HOUR, HOUR)
    cancel(gone)
    stays.ACTIONS["revoke"](taken, timezone.now())
    live_and_count(house, clock, DAY, HOUR)
    assert kept() == NOTHING


def test_observe_only_locks_promise_nothing(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    house.account.observe_only = True
    house.account.save()
    house.stay(flat, 2 * DAY, DAY)
    live_and_count(house, clock, 2 * DAY + HOUR, HOUR)
    assert kept() == NOTHING


def test_a_property_without_a_lock_in_use_missed_its_guests(house: House, clock: time_machine.Traveller) -> None:
    house.stay(house.flat(), 2 * DAY, DAY)
    live_and_count(house, clock, 2 * DAY + HOUR, HOUR)
    assert kept() == {"24h": (1, 0, 0), "4h": (1, 0, 0), "0h": (1, 0, 0)}


def test_deleting_a_stay_does_not_improve_the_record(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    unplug(house, flat.locks.get())
    stay = house.stay(flat, 2 * HOUR, DAY)
    live_and_count(house, clock, 3 * HOUR, HOUR)
    before = kept()
    assert before["0h"] == (1, 0, 0)
    stay.delete()
    assert kept() == before


def test_people_see_the_arrivals_of_their_properties(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    house.stay(flat, 2 * HOUR, DAY)
    live_and_count(house, clock, 3 * HOUR, HOUR)
    seen = [promise.lately(timezone.now(), Scope(frozenset(ids)))[-1].arrivals for ids in ({flat.pk}, {flat.pk + 1})]
    assert seen == [1, 0]


def test_old_records_go(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    house.stay(flat, 2 * HOUR, DAY)
    live_and_count(house, clock, 3 * HOUR, HOUR)
    assert promise.purge(timezone.now()) == 0
    clock.shift(promise.KEEP)
    assert promise.purge(timezone.now()) == 1


def test_two_counters_at_once_judge_each_mark_once(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    house.stay(flat, 2 * HOUR, DAY)
    house.live(clock, 3 * HOUR)
    count()
    clock.shift(timedelta(seconds=-30))  # the other machine's clock is behind
    count()
    clock.shift(HOUR)
    count()
    count()
    assert ArrivalRecord.objects.count() == 1
    assert kept()["0h"] == (1, 1, 0)


def _statements(rows: int, house: House, flat: Property, clock: time_machine.Traveller) -> int:
    """How many a look costs at which so many stays pass a mark."""
    for _ in range(rows):
        house.stay(flat, 2 * HOUR, DAY)
    house.settle()
    clock.shift(2 * HOUR + A_LOOK)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        promise.record(timezone.now())
    return len(captured)


def test_a_look_costs_as_many_statements_for_many_arrivals_as_for_two(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    _statements(1, house, flat, clock)
    assert _statements(2, house, flat, clock) == _statements(12, house, flat, clock)
    assert Booking.objects.count() == 15
