"""What people do with the Tedee app to codes of ours, in the world of the state machine.

A hand changes what we know: a code under an id that we hold. What nobody could recognise is left out: a code that has
both another name and another value than ours. A lost creation that gets another name has tests of its own
(`test_renamed_before_seen.py`).
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pins.core.alias import reference_in
from pins.models import LockState, Pin
from pins.simulator.devices import SimPin

if TYPE_CHECKING:
    from tests.support.machine import World

NAMES = ("hand_delete", "hand_rename", "hand_value", "hand_narrow", "hand_days", "audit")


class Hands:
    def __init__(self, world: World) -> None:
        self._world = world

    def apply(self, name: str, which: int, amount: int) -> None:
        if name == "audit":
            LockState.objects.update(audit_at=self._world.now)
            return
        locks = self._world.locks()
        lock = locks[which % len(locks)]
        held = Pin.objects.filter(lock=lock, remote_id__isnull=False).select_related("grant")
        by_id = {pin.remote_id: pin for pin in held}
        found = [
            (pin, remote)
            for remote in self._world.cloud.pins(lock.device_id)
            if (pin := by_id.get(remote.id)) is not None
            and not remote.foreign
            and reference_in(remote.alias_sent) == pin.grant.reference
        ]
        if not found:
            return
        pin, remote = found[abs(amount) % len(found)]
        self._world.watch.disturbed()
        if name == "hand_delete":
            self._world.cloud.remove_pin(lock.device_id, remote.id)
            return
        with contextlib.suppress(ValueError):  # the app says that the lock refuses it
            self._world.cloud.change_pin(lock.device_id, remote.id, **self._change(name, pin, remote, which, amount))

    def _change(self, name: str, pin: Pin, remote: SimPin, which: int, amount: int) -> dict[str, Any]:
        if name == "hand_rename":
            ours = remote.value in (pin.applied_code, pin.op_code)
            return {"alias": f"Neighbour {which}"} if ours else {}
        if name == "hand_value":
            ours = reference_in(remote.alias) == pin.grant.reference
            return {"value": f"81{abs(amount) % 1000:03d}{which}2"} if ours else {}
        if name == "hand_days":
            return {"week_days": 1 + abs(amount) % 126}
        end = self._world.now + timedelta(seconds=abs(amount))
        return {"end": end} if remote.body.end is not None and end < remote.body.end else {"start": end}
