"""People who work in the flats, for tests."""

from __future__ import annotations

import json
from typing import Any

import httpx

from pins.models import AccessGrant, Pin, StaffAccess
from pins.simulator.devices import SimPin
from rentals.models import Lock, Property
from tests.support.house import House


def works(*places: Property | Lock, **fields: object) -> StaffAccess:
    """An access to these properties and locks."""
    access = StaffAccess.objects.create(**{"name": "Maria Kowalska", **fields})
    access.properties.set([one for one in places if isinstance(one, Property)])
    access.locks.set([one for one in places if isinstance(one, Lock)])
    access.refresh_from_db()
    return access


def grants_of(access: StaffAccess) -> list[AccessGrant]:
    return list(AccessGrant.objects.filter(staff=access).order_by("pk"))


def pins_of(access: StaffAccess) -> list[Pin]:
    return list(Pin.objects.filter(grant__staff=access).select_related("grant").order_by("pk"))


class Listening(httpx.BaseTransport):
    """Keeps what is sent to the simulated cloud."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if body := request.read():
            self.sent.append((request.method, json.loads(body)))
        return self.inner.handle_request(request)


def bodies(sent: Listening, method: str) -> list[dict[str, Any]]:
    """What was sent to the locks by this method, in order."""
    return [body for used, body in sent.sent if used == method]


def said(body: dict[str, Any]) -> dict[str, Any]:
    """A body as the documents show it: without what is empty, and without the day of a time of day."""
    kept = {name: value for name, value in body.items() if value is not None and name not in ("alias", "pin")}
    return {name: value.partition("T")[2] if name.startswith("day") else value for name, value in kept.items()}


def only(house: House, lock: Lock) -> SimPin:
    (pin,) = house.ours(lock)
    return pin
