"""The state of the simulated cloud: its locks, keys, faults and journal, and what a person can do to them by hand.

`answering.answer` is its HTTP side. No sockets, no Django.
Time comes from `clock` (aware, UTC) and waiting from `sleep`, so that a test controls both. One mutex guards all state
and is never held while a device works, a hook runs or bytes travel.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from pins.simulator.devices import ChangeNote, SimLock, SimPin, note_maker, settle
from pins.simulator.faults import FaultDesk, FaultPlan
from pins.simulator.gate import Gate, Key, Window
from pins.simulator.journal import Journal, PinChange, RequestRecord
from pins.simulator.rules import PinBody, value_problems
from pins.simulator.settings import CloudSettings

__all__ = ["FIRST_LOCK_ID", "Cloud", "CloudSettings", "UnknownLockError", "utc_now"]

FIRST_LOCK_ID = 10001


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class UnknownLockError(LookupError):
    """There is no lock with this id (any more)."""


class Cloud:
    """A Tedee cloud. All methods may be called from any thread."""

    def __init__(
        self,
        settings: CloudSettings | None = None,
        *,
        key: str = "demo-key",
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        seed: int = 0,
        faults: FaultPlan | str = "",
    ) -> None:
        self.settings = settings or CloudSettings()
        self.clock = clock
        self.sleep = sleep
        self.mutex = threading.RLock()
        self.rng = random.Random(seed)
        self.journal = Journal()
        self.gate = Gate()
        self.gate.add(Key(key, "demo"))
        self.desk = FaultDesk(seed, FaultPlan.parse(faults) if isinstance(faults, str) else faults)
        self.rate = self._window(self.settings.rate_limit, self.settings.rate_window)
        self.listing_rate = self._window(self.settings.listing_limit, self.settings.listing_window)
        self.locks_by_id: dict[int, SimLock] = {}
        self.next_lock_id = FIRST_LOCK_ID
        self.activity: list[dict[str, object]] = []
        self.lost_landings = 0  # late writes that had no effect
        self.on_saved_change: Callable[[Cloud], None] | None = None  # called under the mutex
        self._uids = itertools.count(1)

    def _window(self, limit: int, length: float) -> Window:
        return Window(limit, length, self.rng.uniform(0, length))

    # -- looking ------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Bring all locks up to the clock: ended pins go, late writes land."""
        with self.mutex:
            for lock in self.locks_by_id.values():
                self.settle(lock)

    def settle(self, lock: SimLock) -> None:
        """Bring one lock up to the clock; the caller holds the mutex."""
        before = len(lock.late)
        self.lost_landings += settle(
            lock, self.clock(), self.new_uid, expiry_lag=self.settings.expiry_lag, id_reuse=self.settings.id_reuse
        )
        if len(lock.late) != before:
            self.saved_change()

    def locks(self) -> list[SimLock]:
        """All locks, brought up to the clock. Read them; change them through the methods below."""
        with self.mutex:
            self.advance()
            return list(self.locks_by_id.values())

    def lock(self, lock_id: int) -> SimLock:
        """One lock; UnknownLockError if there is none."""
        with self.mutex:
            try:
                return self.locks_by_id[lock_id]
            except KeyError:
                raise UnknownLockError(f"no lock with id {lock_id}") from None

    def pins(self, lock_id: int) -> list[SimPin]:
        """The pins of one lock at this moment."""
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            return list(lock.pins.values())

    @property
    def collisions(self) -> list[RequestRecord]:
        """Requests of ours that came while the device was busy with another one; injected 409s do not count."""
        with self.mutex:
            return [entry for entry in self.journal.requests if entry.collision]

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

    def adopt(self, lock: SimLock) -> None:
        """Take a ready-made lock (from a saved state) into the account."""
        with self.mutex:
            lock.on_change = self._record_change
            self.locks_by_id[lock.id] = lock
            self.next_lock_id = max(self.next_lock_id, lock.id + 1)
            self.saved_change()

    def readd_lock(self, lock_id: int) -> int:
        """Remove a lock and add it again: same serial number and name, a new id, no pins. Returns the new id."""
        with self.mutex:
            old = self.lock(lock_id)
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

    def add_foreign_pin(
        self,
        lock_id: int,
        alias: str = "Cleaner",
        value: str | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> SimPin:
        """Put a pin on the lock as a person with the phone app would; without a value it chooses a free one.

        ValueError when the value breaks the rules or is on the lock, or when the lock is full.
        """
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            body = PinBody(alias, self._free_value(lock) if value is None else value, start, end)
            if value_problems(body.value) or lock.refusal(body, of=None) or lock.full:
                raise ValueError("the lock refuses this pin: its value is not allowed or in use, or the lock is full")
            note = note_maker(self.clock())
            pin_id = lock.create(body, self.new_uid(), note, id_reuse=self.settings.id_reuse, foreign=True)
            return lock.pins[pin_id]

    def remove_pin(self, lock_id: int, pin_id: int) -> bool:
        """Take a pin off the lock as a person with the phone app would; False if it is not there."""
        with self.mutex:
            lock = self.lock(lock_id)
            self.settle(lock)
            if pin_id not in lock.pins:
                return False
            lock.remove(pin_id, note_maker(self.clock()))
            return True

    def _free_value(self, lock: SimLock) -> str:
        while True:
            value = f"{self.rng.randrange(1_000_000):06d}"
            if not value_problems(value) and not lock.refusal(PinBody("", value), of=None):
                return value

    # -- keys, faults, activity ---------------------------------------------------------------------------------

    def add_key(self, value: str, label: str, *, scheme: str = "PersonalKey", user: str = "owner") -> None:
        """Accept another credential; it replaces one with the same label."""
        with self.mutex:
            self.gate.add(Key(value, label, scheme, user))

    def set_key_revoked(self, label: str, revoked: bool) -> bool:
        """Revoke a key (401 from now on) or restore it; False if there is no key with this label."""
        with self.mutex:
            return self.gate.set_revoked(label, revoked)

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

    # -- bookkeeping --------------------------------------------------------------------------------------------

    def new_uid(self) -> int:
        """An identity for a new pin."""
        return next(self._uids)

    def start_uids_at(self, first: int) -> None:
        """Continue the identities of a saved state."""
        self._uids = itertools.count(first)

    def saved_change(self) -> None:
        """Something worth saving has changed; the caller holds the mutex."""
        if self.on_saved_change is not None:
            self.on_saved_change(self)

    def _record_change(self, lock: SimLock, note: ChangeNote) -> None:
        pin = note.pin
        self.journal.changes.append(
            PinChange(
                seq=self.journal.next_seq(),
                at=note.at,
                lock_id=lock.id,
                serial_number=lock.serial_number,
                pin_id=pin.id,
                action=note.action,
                alias=pin.alias,
                foreign=pin.foreign,
                value_tag=self.journal.tag(pin.value),
                start=pin.body.start,
                end=pin.body.end,
                request_seq=note.request_seq,
                late=note.late,
            )
        )
        self.saved_change()
