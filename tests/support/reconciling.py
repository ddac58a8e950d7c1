"""Requests that are interrupted, and what must be on the lock afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.db import connection
from django.utils import timezone

from pins.core import transitions
from pins.core.pin_state import State
from pins.models import AccessGrant, Pin, PinAttempt
from pins.reconcile.observations import save_observed
from pins.simulator.authority import TokenRequest
from pins.simulator.messages import Reply, Request
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of


def during(house: House, method: str, action: Callable[[], Any]) -> None:
    """Do something once, while the next request of a kind is being answered."""

    def hook(request: Request, reply: Reply) -> None:
        if request.method == method and house.transport.on_request is not None:
            house.transport.on_request = None
            action()

    house.transport.on_request = hook


def assert_one_right_pin(house: House, booking: Booking, lock: Lock) -> None:
    grant = AccessGrant.objects.get(booking=booking)
    (remote,) = [pin for pin in house.ours(lock) if pin.alias.endswith(grant.reference)]
    assert (remote.value, remote.body.start, remote.body.end) == (grant.code, grant.starts_at, grant.ends_at)
    assert pin_of(booking, lock).state == State.SET


def methods() -> list[str]:
    return [attempt.op for attempt in PinAttempt.objects.order_by("pk")]


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


def tell_the_guests() -> None:
    AccessGrant.objects.update(disclosed_at=timezone.now())


def ask_to_look(pin: Pin) -> None:
    """Make the lock's list due, as “compare with the lock” does."""
    pin.put_observed(transitions.asked_to_look(pin.observed))
    save_observed(pin, timezone.now())


def renewals(house: House) -> list[TokenRequest]:
    return [one for one in house.cloud.authority.asked if one.grant_type == "refresh_token"]


@contextmanager
def just_before(statement: str, act: Callable[[], object]) -> Iterator[None]:
    """Do something once, as another process would, just before the first statement that begins like this."""
    waits = [act]

    def carry_out(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if waits and sql.startswith(statement):
            waits.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(carry_out):
        yield
    assert not waits, f"no statement began with {statement}"
