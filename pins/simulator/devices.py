"""One lock with its keypad: the pins it holds and what each operation does to them.

Nothing here knows about requests, threads or faults. Every change is reported to `on_change`, so that the journal
cannot miss one. Sources: Tedee API, "lock", "list pins", "get pin", "create PIN", "update PIN", "delete PIN".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pins.simulator.journal import Action
from pins.simulator.messages import OperationResult, instant_text
from pins.simulator.rules import PinBody

GONE = OperationResult(404, errors=("Pin not found.",))
EXISTS = OperationResult(406, errors=("Pin already exists.",))


@dataclass(frozen=True)
class SimPin:
    """A pin on a lock. `uid` tells apart two pins that had the same id one after the other."""

    id: int
    uid: int
    body: PinBody
    foreign: bool = False  # put there by a person's hand, not through the API

    @property
    def alias(self) -> str:
        return self.body.alias

    @property
    def value(self) -> str:
        return self.body.value

    def expires_at(self, lag: float) -> datetime | None:
        """When the lock removes it by itself: its end plus the lock's lag (seconds)."""
        return None if self.body.end is None else self.body.end + timedelta(seconds=lag)

    def as_json(self) -> dict[str, object]:
        """The answer to "get pin", value in clear, as the API gives it."""
        return {
            "id": self.id,
            "alias": self.body.alias,
            "pin": self.body.value,
            "startDate": instant_text(self.body.start),
            "endDate": instant_text(self.body.end),
            "dayStartTime": instant_text(self.body.day_start),
            "dayEndTime": instant_text(self.body.day_end),
            "weekDays": self.body.week_days,
        }


@dataclass(frozen=True)
class LateWrite:
    """A write that was answered with a timeout and still reaches the lock at `due_at`, unless the lock refuses it."""

    due_at: datetime
    method: str
    target_uid: int | None  # the pin that PUT or DELETE meant; another one may have its id by then
    body: PinBody | None
    request_seq: int


@dataclass(frozen=True)
class ChangeNote:
    """One change, for `on_change`."""

    action: Action
    pin: SimPin
    at: datetime
    request_seq: int | None = None
    late: bool = False


@dataclass
class SimLock:
    """A lock as the cloud keeps it. The cloud's mutex guards every field."""

    id: int
    serial_number: str
    name: str
    type: int = 2  # 2 Lock PRO, 4 Lock GO
    time_zone: str = "Europe/Warsaw"
    keypad: int | None = 3  # 3 Keypad, 10 Keypad PRO, None: none paired
    bridge_id: int | None = 501  # None: no bridge, isConnected is null
    connected: bool = True
    battery_level: int = 87
    capacity: int = 100
    forbidden: bool = False  # every request about it gets 403
    revision: int = 1
    list_version: int = 1
    next_pin_id: int = 1
    pins: dict[int, SimPin] = field(default_factory=dict)
    late: list[LateWrite] = field(default_factory=list)
    occupied_by: int | None = None  # number of the request the device is working on
    busy_until: datetime | None = None
    on_change: Callable[[SimLock, ChangeNote], None] | None = field(default=None, repr=False)

    @property
    def reachable(self) -> bool:
        """Whether an operation can reach the keypad: a bridge, connected, and a keypad paired."""
        return self.connected and self.bridge_id is not None and self.keypad is not None

    def as_json(self, *, accessories: bool) -> dict[str, object]:
        """The lock as "get lock" shows it."""
        keypads = [] if self.keypad is None else [self._keypad_json(self.keypad)]
        return {
            "id": self.id,
            "serialNumber": self.serial_number,
            "name": self.name,
            "type": self.type,
            "timeZone": self.time_zone,
            "connectedToId": self.bridge_id,
            "created": "2024-01-15T09:00:00",
            "revision": self.revision,
            "deviceRevision": self.revision,
            "targetDeviceRevision": self.revision,
            "isConnected": self._connection(),
            "accessLevel": 2,
            "shareDetails": None,
            "deviceSettings": {"autoLockEnabled": False, "pullSpringEnabled": True, "pullSpringDuration": 5},
            "softwareVersions": [{"softwareType": 0, "version": "2.4.1", "updateAvailable": False}],
            "deviceState": self._state(),
            "accessories": keypads if accessories else None,
        }

    def sync_json(self) -> dict[str, object]:
        """The lock as "sync" shows it."""
        return {
            "id": self.id,
            "isConnected": self._connection(),
            "deviceState": self._state(),
            "revision": self.revision,
        }

    def _connection(self) -> bool | None:
        return None if self.bridge_id is None else self.connected

    def _state(self) -> dict[str, object] | None:
        if not self._connection():
            return None
        return {
            "state": 6,
            "isCharging": False,
            "batteryLevel": self.battery_level,
            "stateChangeResult": 0,
            "lastStateChangedDate": "2026-01-01T06:02:04.197Z",
        }

    def _keypad_json(self, kind: int) -> dict[str, object]:
        return {
            "id": self.id + 500_000,
            "serialNumber": f"K{self.serial_number}",
            "name": f"Keypad {self.name}",
            "deviceType": kind,
            "type": kind,
            "batteryLevel": self.battery_level,
        }

    def listing(self, known_version: int | None) -> OperationResult:
        """ "list pins": 304 when the caller's version is current."""
        if known_version is not None and known_version >= self.list_version:
            return OperationResult(304)
        pins = [{"id": pin.id, "alias": pin.alias} for pin in self.pins.values()]
        return OperationResult(200, {"listVersion": self.list_version, "pins": pins})

    def read(self, pin_id: int) -> OperationResult:
        """ "get pin"."""
        pin = self.pins.get(pin_id)
        return OperationResult(200, pin.as_json()) if pin else GONE

    def refusal(self, body: PinBody, *, of: int | None, unique_alias: bool = False) -> OperationResult | None:
        """406 when a pin other than `of` has this value (or this alias, with `unique_alias`), else None."""
        for pin in self.pins.values():
            if pin.id != of and (pin.value == body.value or (unique_alias and pin.alias == body.alias)):
                return EXISTS
        return None

    def create(self, body: PinBody, uid: int, note: ChangeNoteMaker, *, id_reuse: bool, foreign: bool = False) -> int:
        """Put a pin on the lock and return its id; the caller has asked `refusal` and the capacity before."""
        pin_id = next(n for n in range(1, self.next_pin_id + 1) if n not in self.pins) if id_reuse else self.next_pin_id
        self.next_pin_id = max(self.next_pin_id, pin_id + 1)
        self.pins[pin_id] = SimPin(pin_id, uid, body, foreign)
        self._changed(note("created", self.pins[pin_id]))
        return pin_id

    def update(self, pin_id: int, body: PinBody, note: ChangeNoteMaker) -> None:
        """Replace the whole pin; it keeps its id."""
        self.pins[pin_id] = replace(self.pins[pin_id], body=body)
        self._changed(note("updated", self.pins[pin_id]))

    def remove(self, pin_id: int, note: ChangeNoteMaker, action: Action = "deleted") -> None:
        """Take a pin off the lock."""
        self._changed(note(action, self.pins.pop(pin_id)))

    def by_uid(self, uid: int | None) -> SimPin | None:
        """The pin with this identity, if it is still there."""
        return next((pin for pin in self.pins.values() if pin.uid == uid), None)

    @property
    def full(self) -> bool:
        return len(self.pins) >= self.capacity

    def _changed(self, note: ChangeNote) -> None:
        self.list_version += 1
        if self.on_change is not None:
            self.on_change(self, note)


ChangeNoteMaker = Callable[[Action, SimPin], ChangeNote]


def note_maker(at: datetime, request_seq: int | None = None, *, late: bool = False) -> ChangeNoteMaker:
    """A maker of notes that share a moment and a cause."""
    return lambda action, pin: ChangeNote(action, pin, at, request_seq, late)


def settle(lock: SimLock, now: datetime, new_uid: Callable[[], int], *, expiry_lag: float, id_reuse: bool) -> int:
    """Bring a lock up to `now`: ended pins go, late writes land, in the order of their moments.

    Returns how many late writes had no effect (value taken, no room, pin gone, lock out of reach).
    """
    dropped = 0
    while True:
        ends = [(at, pin.id) for pin in lock.pins.values() if (at := pin.expires_at(expiry_lag)) and at <= now]
        landings = [write for write in lock.late if write.due_at <= now]
        first_end = min(ends, default=None)
        first_landing = min(landings, key=lambda write: write.due_at, default=None)
        if first_end and (first_landing is None or first_end[0] <= first_landing.due_at):
            lock.remove(first_end[1], note_maker(first_end[0]), "expired")
        elif first_landing:
            lock.late.remove(first_landing)
            dropped += not _land(lock, first_landing, new_uid, id_reuse=id_reuse)
        else:
            return dropped


def _land(lock: SimLock, write: LateWrite, new_uid: Callable[[], int], *, id_reuse: bool) -> bool:
    note = note_maker(write.due_at, write.request_seq, late=True)
    if not lock.reachable:
        return False
    if write.method == "POST" and write.body is not None:
        if lock.full or lock.refusal(write.body, of=None):
            return False
        lock.create(write.body, new_uid(), note, id_reuse=id_reuse)
        return True
    target = lock.by_uid(write.target_uid)
    if target is None:
        return False
    if write.method == "DELETE":
        lock.remove(target.id, note)
    elif write.body is not None:
        if lock.refusal(write.body, of=target.id):
            return False
        lock.update(target.id, write.body, note)
    return True
