"""Spare codes, for tests."""

from __future__ import annotations

from django.utils import timezone

from pins.desired import drift
from pins.models import AccessGrant, LockState, Pin, SparePool
from pins.simulator.devices import SimPin
from rentals.models import Lock
from tests.support.house import House


def pool_on(house: House, lock: Lock, size: int = 1, *, foreign: int = 0) -> SparePool:
    """A person asks for spare codes on a lock whose list was read; they are put there."""
    seen = {"looked_at": timezone.now(), "foreign_pins": foreign, "device_id": lock.device_id}
    LockState.objects.filter(lock=lock).update(**seen)
    pool = SparePool.objects.create(lock=lock, size=size, check_at=timezone.now())
    minute(house)
    return pool


def minute(house: House) -> None:
    """What beat and the workers do once."""
    drift.look(timezone.now())
    house.settle()


def spares_on(lock: Lock) -> list[Pin]:
    """Ours that are wanted, those that nobody has first."""
    rows = Pin.objects.filter(lock=lock, grant__kind=AccessGrant.Kind.BACKUP, wanted=True)
    return list(rows.select_related("grant").order_by("grant__disclosed_at", "pk"))


def entered(house: House, lock: Lock, digits: str) -> SimPin | None:
    """What the keypad finds when somebody enters these digits now; `None`: the door stays shut. Also while the lock is
    offline: a keypad needs no network."""
    now = timezone.now()
    for pin in house.cloud.lock(lock.device_id).pins.values():
        body = pin.body
        begun = body.start is None or body.start <= now
        if pin.value == digits and begun and (body.end is None or now < body.end):
            return pin
    return None
