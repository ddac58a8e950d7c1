"""What is counted each minute: answers of the cloud, and how long codes take. Counted once, by whoever comes first."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import grants
from pins.measures import counting, cursor
from pins.measures.cursor import next_span
from pins.models import Heartbeat, LockState, PinAttempt, Tally
from rentals.models import Property
from tests.support.booking_actions import change
from tests.support.house import House, pin_of
from tests.support.incidents import plug_in, unplug
from tests.support.measuring import A_LOOK, count, live_and_count

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _counting_has_begun(house: House, clock: time_machine.Traveller) -> None:
    count()


def answers() -> dict[str, float]:
    return dict(Tally.objects.filter(name=counting.ANSWERS).values_list("label", "value"))


def waits() -> dict[str, float]:
    return dict(Tally.objects.filter(name=counting.SET_BUCKET).values_list("label", "value"))


def test_answers_by_kind_outcome_and_cause(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    door = flat.locks.get()
    house.cloud.script(door.device_id, ["POST:busy"] * 2)
    stay = house.stay(flat, 2 * HOUR, DAY)
    live_and_count(house, clock, HOUR, MINUTE)
    assert answers() == {"post,refused,busy": 2, "post,done,": 1}
    change(stay, check_out=stay.check_out + DAY)
    live_and_count(house, clock, 2 * MINUTE, MINUTE)
    assert answers() == {"post,refused,busy": 2, "post,done,": 1, "put,done,": 1}
    assert sum(answers().values()) == PinAttempt.objects.count()


def test_the_wait_begins_when_the_code_is_due(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    """At once for a stay of tomorrow; when its window opens for one whose code was asked for a month before."""
    house.stay(flat, DAY, 40 * DAY)
    later = house.stay(flat, 60 * DAY, DAY)
    with transaction.atomic():
        grants.sync_booking(later, timezone.now(), ahead=True)
    live_and_count(house, clock, 30 * DAY, 6 * HOUR)  # its window opens now, to the second
    assert waits() == {"1": 1}
    assert pin_of(later, flat.locks.get()).state == State.SET
    live_and_count(house, clock, 2 * A_LOOK, A_LOOK)
    assert waits() == {"1": 2}


def test_an_offline_lock_makes_the_wait_long(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    unplug(house, flat.locks.get())
    house.stay(flat, DAY, DAY)
    live_and_count(house, clock, 2 * HOUR, HOUR)
    assert waits() == {}
    plug_in(house, flat.locks.get())
    live_and_count(house, clock, HOUR, HOUR)
    live_and_count(house, clock, A_LOOK, A_LOOK)
    assert waits() == {"14400": 1}
    assert 7200 < Tally.objects.get(name=counting.SET_SUM).value <= 14_400


def test_a_code_found_by_a_look_is_counted_once(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    house.cloud.script(flat.locks.get().device_id, ["POST:timeout_applied"])
    house.stay(flat, DAY, DAY)
    live_and_count(house, clock, 2 * HOUR, 10 * MINUTE)
    assert [label for label in answers() if label.startswith("post,done")] == []
    assert sum(waits().values()) == 1


def test_a_code_that_is_set_again_is_no_new_wait(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    """Somebody deletes it in the Tedee app a week later: nobody knows since when it was missing."""
    stay = house.stay(flat, 20 * DAY, DAY)
    live_and_count(house, clock, 7 * DAY, 6 * HOUR)
    pin = pin_of(stay, flat.locks.get())
    first_set = pin.state_changed_at
    assert pin.remote_id is not None
    house.cloud.remove_pin(pin.lock.device_id, pin.remote_id)
    LockState.objects.update(audit_at=timezone.now())
    live_and_count(house, clock, 5 * MINUTE, MINUTE)
    pin.refresh_from_db()
    assert (pin.state, pin.state_changed_at > first_set) == (State.SET, True)
    assert answers()["post,done,"] == 2
    assert waits() == {"1": 1}


def test_what_was_before_the_first_count_is_not_counted(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    """An installation that is upgraded does not begin with all its history at once."""
    Heartbeat.objects.all().delete()
    house.stay(flat, DAY, DAY)
    house.settle()
    clock.shift(2 * A_LOOK)
    count()
    clock.shift(A_LOOK)
    count()
    assert answers() == {}


def test_downtime_is_caught_up_in_steps(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    house.stay(flat, 5 * DAY, DAY)
    house.live(clock, MINUTE)
    clock.shift(DAY)
    counted = []
    for _ in range(6):
        count()
        counted.append(answers())
    assert counted[-1] == {"post,done,": 1}
    assert Heartbeat.objects.get(name="counted").at == timezone.now() - cursor.SETTLED


def test_a_counter_that_fails_counts_nothing_and_forgets_nothing(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    house.stay(flat, DAY, DAY)
    house.live(clock, 2 * MINUTE)
    with pytest.raises(ZeroDivisionError):
        _fail_in_the_middle()
    count()
    assert answers() == {"post,done,": 1}


def _fail_in_the_middle() -> None:
    with next_span("counted", timezone.now()) as span:
        assert span is not None
        cursor.add(counting.ANSWERS, {"post,done,": 7})
        raise ZeroDivisionError
