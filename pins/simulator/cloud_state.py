"""The state of the simulated cloud and its bookkeeping; `cloud.Cloud` adds what people can do to it.

Time comes from `clock` (aware, UTC) and waiting from `sleep`, so that a test controls both. One mutex guards all state
and is never held while a device works, a hook runs or bytes travel.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pins.simulator.authority import Authority
from pins.simulator.devices import ChangeNote, SimLock, SimPin, settle
from pins.simulator.faults import FaultDesk, FaultPlan
from pins.simulator.gate import Gate, Key, Window
from pins.simulator.journal import Journal, PinChange, RequestRecord
from pins.simulator.settings import CloudSettings

FIRST_LOCK_ID = 10001
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class UnknownLockError(LookupError):
    """There is no lock with this id (any more)."""


class CloudState:
    """Locks, keys, faults and journal. All methods may be called from any thread."""

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
        self._settings = settings or CloudSettings()
        self.clock = clock
        self.sleep = sleep
        self.mutex = threading.RLock()
        self.rng = random.Random(seed)
        self.journal = Journal()
        self.gate = Gate()
        self.gate.add(Key(key, "demo"))
        self.authority = Authority()
        self.desk = FaultDesk(seed, FaultPlan.parse(faults) if isinstance(faults, str) else faults)
        self.rate = self._window(self.settings.rate_limit, self.settings.rate_window)
        self.listing_rate = self._window(self.settings.listing_limit, self.settings.listing_window)
        self.locks_by_id: dict[int, SimLock] = {}
        self.next_lock_id = FIRST_LOCK_ID
        self.activity: list[dict[str, object]] = []
        self.lost_landings = 0  # late writes that had no effect
        self.on_saved_change: Callable[[CloudState], None] | None = None  # called under the mutex
        self._uids = itertools.count(1)

    def _window(self, limit: int, length: float) -> Window:
        return Window(limit, length, self.rng.uniform(0, length))

    @property
    def settings(self) -> CloudSettings:
        """How the cloud behaves. New settings hold from the next request on."""
        return self._settings

    @settings.setter
    def settings(self, settings: CloudSettings) -> None:
        with self.mutex:
            self._settings = settings
            self.rate.limit, self.rate.length = settings.rate_limit, settings.rate_window
            self.listing_rate.limit, self.listing_rate.length = settings.listing_limit, settings.listing_window

    # -- looking ------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Bring all locks up to the clock: ended pins go, late writes land."""
        with self.mutex:
            for lock in self.locks_by_id.values():
                self.settle(lock)

    def settle(self, lock: SimLock) -> None:
        """Bring one lock up to the clock; the caller holds the mutex."""
        before = len(lock.late)
        self.lost_landings += settle(lock, self.clock(), self.new_uid)
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

    # -- bookkeeping --------------------------------------------------------------------------------------------

    def adopt(self, lock: SimLock) -> None:
        """Take a ready-made lock (from a saved state) into the account."""
        with self.mutex:
            lock.on_change = self._record_change
            lock.settings_now = lambda: self.settings
            lock.history.note(_BEGINNING, lock.list_version, lock.lines())
            self.locks_by_id[lock.id] = lock
            self.next_lock_id = max(self.next_lock_id, lock.id + 1)
            self.saved_change()

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
                alias_sent=pin.alias_sent,
                uid=pin.uid,
                foreign=pin.foreign,
                value_tag=self.journal.tag(pin.value),
                start=pin.body.start,
                end=pin.body.end,
                request_seq=note.request_seq,
                late=note.late,
            )
        )
        self.saved_change()
