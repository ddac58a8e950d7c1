"""What was learned too late, or of a device that is gone, must change nothing."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import LockState, Pin
from tests.support.house import House, pin_of
from tests.support.reconciling import after_answer

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_list_of_a_run_that_was_overtaken_is_not_remembered(clock: time_machine.Traveller) -> None:
    house = House()
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    house.settle()
    Pin.objects.update(must_look=True, next_try_at=timezone.now())

    def another_run_took_over() -> None:
        Pin.objects.update(op_token=uuid.uuid4(), next_try_at=None)
        LockState.objects.update(list_version=50, confirmed_since=2, written_at=timezone.now() - HOUR)

    after_answer(house, "GET", another_run_took_over)
    house.run(door)
    memory = LockState.objects.get(lock=door)
    assert (memory.list_version, memory.confirmed_since) == (50, 2)
    assert pin_of(booking, door).must_look


@pytest.mark.parametrize("facts", ["extra_ids", "nominees"])
def test_ids_of_a_device_that_is_gone_are_not_asked_for_on_the_new_one(
    clock: time_machine.Traveller, facts: str
) -> None:
    """On the new device the id is the cleaner's: as a surplus id it would be deleted."""
    house = House()
    door = house.lock()
    booking = house.stay(house.flat(door), 5 * DAY, DAY)
    Pin.objects.update(admitted=False)
    house.settle()
    door.device_id = house.cloud.readd_lock(door.device_id)
    door.save()
    foreign = house.cloud.add_foreign_pin(door.device_id)
    calm = {"must_look": False, "op": "", "late_until": None, "blocked": "", "hold_until": None, "exists": False}
    ids = {facts: [foreign.id], "remote_id": None, "applied_known": False}
    Pin.objects.update(**calm, **ids, refused=False, next_try_at=timezone.now())
    house.run(door)
    assert pin_of(booking, door).attempts.filter(remote_id=foreign.id).count() == 0
    assert foreign in house.cloud.pins(door.device_id)
