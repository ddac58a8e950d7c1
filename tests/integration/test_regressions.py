"""Stories that the state machine told and the code once got wrong. Each names what must never come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from pins.facts import State
from pins.models import AccessGrant, PinAttempt
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def after_answer(house: House, method: str, action: Callable[[], Any]) -> None:
    """Do something once, when the next request of a kind is over on the lock and its answer not yet stored."""
    carry = house.transport.handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        response = carry(request)
        if request.method == method:
            house.transport.handle_request = carry  # type: ignore[method-assign]
            action()
        return response

    house.transport.handle_request = handle  # type: ignore[method-assign]


def change(booking: Booking, **fields: object) -> None:
    fresh = Booking.objects.get(pk=booking.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh.save()


def assert_one_right_pin(house: House, booking: Booking, lock: Lock) -> None:
    grant = AccessGrant.objects.get(booking=booking)
    (remote,) = [pin for pin in house.ours(lock) if pin.alias.endswith(grant.reference)]
    assert (remote.value, remote.body.start, remote.body.end) == (grant.code, grant.starts_at, grant.ends_at)
    assert pin_of(booking, lock).state == State.SET


def methods() -> list[str]:
    return [attempt.op for attempt in PinAttempt.objects.order_by("pk")]


def test_a_frozen_worker_brings_home_an_old_list_and_it_teaches_nothing(
    house: House, clock: time_machine.Traveller
) -> None:
    """The list was read before another run set the code; believed late, it would have said that the code is gone."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.cloud.script(door.device_id, ["timeout_lost"])
    house.settle()
    clock.shift(MINUTE)

    def freeze() -> None:
        clock.shift(2 * MINUTE)
        house.run(door)
        assert pin_of(booking, door).state == State.SET

    after_answer(house, "GET", freeze)
    house.run(door)
    assert pin_of(booking, door).state == State.SET
    house.live(clock, HOUR)

    assert_one_right_pin(house, booking, door)
    assert methods() == ["post", "list", "list", "post"]
