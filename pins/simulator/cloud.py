"""The simulated cloud, with everything that a person can do to it by hand.

`answering.answer` is its HTTP side. No sockets, no Django.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pins.simulator.cloud_state import FIRST_LOCK_ID, CloudState, UnknownLockError, utc_now
from pins.simulator.devices import SimLock, SimPin, note_maker
from pins.simulator.faults import FaultPlan
from pins.simulator.gate import Key
from pins.simulator.rules import PinBody, body_problems, value_problems
from pins.simulator.settings import CloudSettings

__all__ = ["FIRST_LOCK_ID", "Cloud", "CloudSettings", "UnknownLockError", "utc_now"]


class Cloud(CloudState):
    """A Tedee cloud. All methods may be called from any thread."""

    # -- by a person's hand -------------------------------------------------------------------------------------

    def add_lock(self, name: str, serial_number: str | None = None, **fields: object) -> SimLock:
        """Put a new lock into the account; `fields` are those of SimLock (keypad, bridge_id, connected...)."""
        with self.mutex:
            lock_id = self.next_lock_id
            self.next_lock_id += 1
            number = lock_id - FIRST_LOCK_ID + 1
            lock = SimLock(lock_id, serial_number or f"21120102-{number:06d}", name, capacity=self.settings.capacity)
            for field_name, value in fields.items():
                if not hasattr(lock, field_name):
                    raise TypeError(f"a simulated lock has no field {field_name!r}")
                setattr(lock, field_name, value)
            self.adopt(lock)
            return lock

    def readd_lock(self, lock_id: int) -> int:
        """Remove a lock and add it again: same serial number and name, a new id, no pins. Returns the new id."""
        with self.mutex:
            old = self.lock(lock_id)
            self.settle(old)
            for pin_id in list(old.pins):
                old.remove(pin_id, note_maker(self.clock()))
            del self.locks_by_id[lock_id]
            kept = ("type", "time_zone", "keypad", "bridge_id", "connected", "battery_level", "capacity")
            fields: dict[str, object] = {name: getattr(old, name) for name in kept}
            return self.add_lock(old.name, old.serial_number, **fields).id

    def set_connected(self, lock_id: int, connected: bool) -> None:
        """Pull a lock's plug or put it back: while it is out, every PIN request gets 428."""
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            if lock.connected != connected:
                lock.connected = connected
                lock.revision += 1
                self.saved_change()

    def set_forbidden(self, lock_id: int, forbidden: bool) -> None:
        """Take the permission for a lock away (403) or give it back."""
        with self.mutex:
            self.lock(lock_id).forbidden = forbidden
            self.saved_change()

    def set_always(self, lock_id: int, status: int | None) -> None:
        """Answer every request to a lock's keypad with this status and no body; None ends that.

        ValueError unless it is an error of HTTP.
        """
        if status is not None and HTTPStatus(status) < 400:
            raise ValueError(f"{status} is not the status of an error")
        with self.mutex:
            self.lock(lock_id).always = status
            self.saved_change()

    def set_claims_full(self, lock_id: int, claims_full: bool) -> None:
        """Let a lock refuse new pins (412) although it has room, or accept them again."""
        with self.mutex:
            self.lock(lock_id).claims_full = claims_full
            self.saved_change()

    def set_capacity(self, lock_id: int, capacity: int) -> None:
        """Change how many pins a lock takes; those that are there stay."""
        with self.mutex:
            self.lock(lock_id).capacity = capacity
            self.saved_change()

    # -- pins, by a person with the phone app ---------------------------------------------------------------------

    def add_foreign_pin(self, lock_id: int, alias: str = "Cleaner", value: str | None = None, **fields: Any) -> SimPin:
        """Put a pin on the lock; without a value it chooses a free one. `fields` are those of PinBody (start, end...).

        ValueError when the pin breaks the rules or its value is on the lock, or when the lock is full.
        """
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            body = PinBody(alias, self._free_value(lock) if value is None else value, **fields)
            self._accept(lock, body, of=None)
            pin_id = lock.create(body, self.new_uid(), note_maker(self.clock()), foreign=True)
            return lock.pins[pin_id]

    def change_pin(self, lock_id: int, pin_id: int, **fields: Any) -> SimPin | None:
        """Change a pin: rename it, give it another value, period, days or hours; None if it is not there.

        `fields` are those of PinBody: alias, value, start, end, day_start, day_end, week_days. What is not named stays.
        ValueError when the lock would refuse it, TypeError for an unknown field.
        """
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            if pin_id not in lock.pins:
                return None
            body = replace(lock.pins[pin_id].body, **fields)
            self._accept(lock, body, of=pin_id)
            lock.update_by_hand(pin_id, body, note_maker(self.clock()))
            return lock.pins[pin_id]

    def remove_pin(self, lock_id: int, pin_id: int) -> bool:
        """Take a pin off the lock; False if it is not there."""
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            if pin_id not in lock.pins:
                return False
            lock.remove(pin_id, note_maker(self.clock()))
            return True

    def _accept(self, lock: SimLock, body: PinBody, *, of: int | None) -> None:
        if body_problems(body) or lock.refusal(body, of=of) or (of is None and lock.full):
            raise ValueError("the lock refuses this pin: it breaks a rule, its value is in use, or the lock is full")

    def _free_value(self, lock: SimLock) -> str:
        while True:
            value = f"{self.rng.randrange(1_000_000):06d}"
            if not value_problems(value) and not lock.refusal(PinBody("", value), of=None):
                return value

    # -- keys, faults, activity ---------------------------------------------------------------------------------

    def add_key(
        self,
        value: str,
        label: str,
        *,
        scheme: str = "PersonalKey",
        user: str = "owner",
        can_write: bool = True,
        expires_at: datetime | None = None,
    ) -> None:
        """Accept another credential; it replaces one with the same label. ValueError for an unknown scheme."""
        if scheme not in ("PersonalKey", "Bearer"):
            raise ValueError("the scheme of a key is PersonalKey or Bearer")
        with self.mutex:
            self.gate.add(Key(value, label, scheme, user, can_write=can_write, expires_at=expires_at))

    def set_key_revoked(self, label: str, revoked: bool) -> bool:
        """Revoke a key (401 from now on) or restore it; False if there is no key with this label."""
        return self._set_key(label, "revoked", revoked)

    def set_key_writes(self, label: str, can_write: bool) -> bool:
        """Take the permission to write from a key, or give it back; False if there is no key with this label."""
        return self._set_key(label, "can_write", can_write)

    def set_key_expiry(self, label: str, expires_at: datetime | None) -> bool:
        """Let a key end (401 from then on; aware), or never; False if there is no key with this label."""
        return self._set_key(label, "expires_at", expires_at)

    def _set_key(self, label: str, name: str, value: object) -> bool:
        with self.mutex:
            key = self.gate.labelled(label)
            if key is not None:
                setattr(key, name, value)
            return key is not None

    def set_faults(self, plan: FaultPlan | str) -> None:
        """Change the chances; FaultTextError if a text is wrong."""
        parsed = FaultPlan.parse(plan) if isinstance(plan, str) else plan
        with self.mutex:
            self.desk.plan = parsed

    def script(self, lock_id: int, steps: Iterable[str]) -> None:
        """Append scripted steps for the next PIN requests of one lock (see `faults`)."""
        with self.mutex:
            self.desk.add_script(lock_id, steps)

    def add_activity(self, lock_id: int, event: int, user_name: str = "") -> None:
        """Add an event to the activity of a lock, such as 61 (unlocked by PIN)."""
        with self.mutex:
            item: dict[str, object] = {
                "id": len(self.activity) + 1,
                "deviceId": lock_id,
                "userId": None,
                "username": user_name,
                "event": event,
                "source": 0,
                "date": self.clock(),
            }
            self.activity.append(item)

    def enter(self, lock_id: int, digits: str) -> int:
        """Somebody enters digits at the keypad. Returns the event: 61 opened, 75 outside the pin's time, 62 wrong."""
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            pin = next((one for one in lock.pins.values() if one.value == digits), None)
            event = 62 if pin is None else 61 if pin.body.opens(self.clock()) else 75
            name = {"none": "", "owner": "Owner", "alias": pin.alias if pin else ""}[self.settings.activity_names]
        self.add_activity(lock_id, event, name)
        return event
