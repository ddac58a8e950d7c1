"""How long a lock stands idle while it has work, and that one which says the same again and again is left in peace."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.pin_state import State
from pins.models import LockState, Pin, PinAttempt
from pins.simulator.faults import FaultDesk, FaultPlan
from pins.tasks import SHORTEST_COUNTDOWN
from rentals.models import Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
#: Ten in a hundred each: 408 and applied, 408 and lost, 409; five in a hundred 428.
STANDARD_FAULTS = "timeout_applied=0.1,timeout_lost=0.1,busy=0.1,offline=0.05"
CODES = 40


class Device:
    """Lets the simulated time pass while the lock works, and adds it up."""

    def __init__(self, house: House, clock: time_machine.Traveller, seconds: float) -> None:
        self.worked = timedelta()
        self._clock = clock
        house.cloud.sleep = self._work
        house.cloud.settings = type(house.cloud.settings)(latency=(seconds, seconds), late_seconds=120.0)

    def _work(self, seconds: float) -> None:
        self.worked += timedelta(seconds=seconds)
        self._clock.shift(timedelta(seconds=seconds))


def until_all_set(house: House, clock: time_machine.Traveller, door: Lock) -> None:
    """Run the lock whenever its message comes, like a worker with nothing else to do."""
    missing = Pin.objects.filter(lock=door).exclude(state=State.SET)
    while True:
        report = house.run(door)
        if not missing.exists():
            return
        assert report.next_at is not None
        clock.move_to(max(report.next_at, timezone.now() + SHORTEST_COUNTDOWN))


@pytest.mark.parametrize("device", [0.1, 0.3])
def test_a_lock_with_the_usual_faults_is_idle_less_than_half_of_the_time(
    house: House, clock: time_machine.Traveller, device: float
) -> None:
    random.seed(3)
    worked = whole = timedelta()
    for seed in range(3):
        door = house.lock(f"Door {seed}")
        for number in range(CODES):
            house.stay(house.flat(door, name=f"Flat {seed}-{number}"), 3 * HOUR, DAY)
        house.cloud.desk = FaultDesk(seed, FaultPlan.parse(STANDARD_FAULTS))
        work, begun = Device(house, clock, device), timezone.now()
        until_all_set(house, clock, door)
        worked, whole = worked + work.worked, whole + (timezone.now() - begun)
    idle = 1 - worked / whole
    print(f"device time {device} s: idle {idle:.0%} of {whole.total_seconds():.0f} s")
    assert idle < 0.5


@pytest.mark.parametrize("fault", ["timeout_applied", "drop_applied", "timeout_lost", "drop_lost"])
def test_after_a_lost_answer_the_lock_is_looked_at_in_the_same_run(
    house: House, clock: time_machine.Traveller, fault: str
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, DAY)
    house.cloud.script(door.device_id, [f"POST:{fault}"])
    house.run(door)
    assert list(PinAttempt.objects.order_by("pk").values_list("op", flat=True))[:2] == ["post", "list"]
    clock.shift(SECOND)
    house.settle()
    assert pin_of(booking, door).state == State.SET


@pytest.mark.parametrize("fault", ["408", "drop_lost", "409", "428", "500"])
def test_a_lock_that_always_says_the_same_is_asked_ever_more_rarely(
    house: House, clock: time_machine.Traveller, fault: str
) -> None:
    door = house.lock()
    for number in range(10):
        house.stay(house.flat(door, name=f"Flat {number}"), 5 * DAY, DAY)
    house.cloud.script(door.device_id, [fault] * 400)
    begun, asked = timezone.now(), []
    while timezone.now() - begun < 2 * HOUR:
        report = house.run(door)
        asked.append(report.requests)
        assert report.next_at is not None
        clock.move_to(max(report.next_at, timezone.now() + SHORTEST_COUNTDOWN))
    assert max(asked) <= 2, "a run goes on although the lock says the same"
    assert sum(asked) <= 10 + 2 * 20, "ten soon, then at most twenty an hour"
    assert LockState.objects.get(lock=door).failures >= 10
