"""One lock with its keypad: the pins it holds and what each operation does to them.

Nothing here knows about requests, threads or faults. Every change is reported to `on_change`, so that the journal
cannot miss one. Sources: Tedee API, "lock", "list pins", "get pin", "create PIN", "update PIN", "delete PIN".
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pins.simulator.history import ListHistory
from pins.simulator.journal import Action
from pins.simulator.messages import OperationResult
from pins.simulator.rules import PinBody
from pins.simulator.settings import CloudSettings
from pins.simulator.shown_pins import list_json, next_version, pin_json, stored_alias, stored_body

GONE = OperationResult(404, errors=("Pin not found.",))
EXISTS = OperationResult(406, errors=("Pin already exists.",))


@dataclass(frozen=True)
class SimPin:
    """A pin on a lock. `uid` tells apart two pins that had the same id one after the other."""

    id: int
    uid: int
    body: PinBody
    foreign: bool = False  # put there by a person's hand, not through the API
    alias_sent: str = ""  # as the last request gave it, whatever became of it

    @property
    def alias(self) -> str:
        return self.body.alias

    @property
    def value(self) -> str:
        return self.body.value

    def expires_at(self, lag: float) -> datetime | None:
        """When the lock removes it by itself: its end plus the lock's lag (seconds)."""
        return None if self.body.end is None else self.body.end + timedelta(seconds=lag)


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
    claims_full: bool = False  # takes no pin although there is room
    always: int | None = None  # the status, without a body, of every request to its keypad
    revision: int = 1
    list_version: int = 1
    next_pin_id: int = 1
    pins: dict[int, SimPin] = field(default_factory=dict)
    late: list[LateWrite] = field(default_factory=list)
    occupied_by: int | None = None  # number of the request the device is working on
    busy_until: datetime | None = None
    history: ListHistory = field(default_factory=ListHistory, repr=False, compare=False)
    settings_now: Callable[[], CloudSettings] = field(default=CloudSettings, repr=False, compare=False)
    on_change: Callable[[SimLock, ChangeNote], None] | None = field(default=None, repr=False)

    @property
    def reachable(self) -> bool:
        """Whether an operation can reach the keypad: a bridge, connected, and a keypad paired."""
        return self.connected and self.bridge_id is not None and self.keypad is not None

    @property
    def is_connected(self) -> bool | None:
        """What the cloud tells of the connection; None without a bridge."""
        return None if self.bridge_id is None else self.connected

    def listing(self, known_version: int | None, now: datetime, rng: random.Random) -> OperationResult:
        """ "list pins": 304 when the caller's version is current."""
        settings = self.settings_now()
        past = self.history.at(now - timedelta(seconds=settings.list_lag)) if settings.list_lag > 0 else None
        version, pins = (past.version, past.pins) if past else (self.list_version, self.lines())
        if known_version is not None and known_version >= version and settings.list_shows != "nothing":
            return OperationResult(304)
        return OperationResult(200, list_json(version, pins, settings, rng))

    def lines(self) -> tuple[tuple[int, str], ...]:
        """Id and alias of every pin."""
        return tuple((pin.id, pin.alias) for pin in self.pins.values())

    def read(self, pin_id: int) -> OperationResult:
        """ "get pin"."""
        pin = self.pins.get(pin_id)
        return OperationResult(200, pin_json(pin.id, pin.body, self.settings_now())) if pin else GONE

    def refusal(self, body: PinBody, *, of: int | None, unique_alias: bool = False) -> OperationResult | None:
        """406 when a pin other than `of` has this value (or this alias, with `unique_alias`), else None."""
        alias = stored_alias(body.alias, self.settings_now())
        for pin in self.pins.values():
            if pin.id != of and (pin.value == body.value or (unique_alias and pin.alias == alias)):
                return EXISTS
        return None

    def create(self, body: PinBody, uid: int, note: ChangeNoteMaker, *, foreign: bool = False) -> int:
        """Put a pin on the lock and return its id; the caller has asked `refusal` and the capacity before."""
        settings = self.settings_now()
        pin_id = self.next_pin_id
        if settings.id_reuse:
            pin_id = next(n for n in range(1, self.next_pin_id + 1) if n not in self.pins)
        self.next_pin_id = max(self.next_pin_id, pin_id + 1)
        self.pins[pin_id] = SimPin(pin_id, uid, stored_body(body, None, settings), foreign, body.alias)
        self._changed(note("created", self.pins[pin_id]))
        return pin_id

    def update(self, pin_id: int, body: PinBody, note: ChangeNoteMaker) -> None:
        """Change a pin to what a request sent; it keeps its id."""
        pin = self.pins[pin_id]
        stored = stored_body(body, pin.body, self.settings_now())
        self.pins[pin_id] = replace(pin, body=stored, alias_sent=body.alias)
        self._changed(note("updated", self.pins[pin_id]))

    def update_by_hand(self, pin_id: int, body: PinBody, note: ChangeNoteMaker) -> None:
        """Change a pin as the app does. `alias_sent` stays, so that a renamed pin can still be told from others."""
        stored = stored_body(body, None, self.settings_now())
        self.pins[pin_id] = replace(self.pins[pin_id], body=stored)
        self._changed(note("updated", self.pins[pin_id]))

    def remove(self, pin_id: int, note: ChangeNoteMaker, action: Action = "deleted") -> None:
        """Take a pin off the lock."""
        self._changed(note(action, self.pins.pop(pin_id)))

    def by_uid(self, uid: int | None) -> SimPin | None:
        """The pin with this identity, if it is still there."""
        return next((pin for pin in self.pins.values() if pin.uid == uid), None)

    @property
    def full(self) -> bool:
        return self.claims_full or len(self.pins) >= self.capacity

    def _changed(self, note: ChangeNote) -> None:
        self.list_version = next_version(self.list_version, self.settings_now())
        self.history.note(note.at, self.list_version, self.lines())
        if self.on_change is not None:
            self.on_change(self, note)


ChangeNoteMaker = Callable[[Action, SimPin], ChangeNote]


def note_maker(at: datetime, request_seq: int | None = None, *, late: bool = False) -> ChangeNoteMaker:
    """A maker of notes that share a moment and a cause."""
    return lambda action, pin: ChangeNote(action, pin, at, request_seq, late)


def settle(lock: SimLock, now: datetime, new_uid: Callable[[], int]) -> int:
    """Bring a lock up to `now`: ended pins go, late writes land, in the order of their moments.

    Returns how many late writes had no effect (value taken, no room, pin gone, lock out of reach).
    """
    dropped, lag = 0, lock.settings_now().expiry_lag
    while True:
        ends = [(at, pin.id) for pin in lock.pins.values() if (at := pin.expires_at(lag)) and at <= now]
        landings = [write for write in lock.late if write.due_at <= now]
        first_end = min(ends, default=None)
        first_landing = min(landings, key=lambda write: write.due_at, default=None)
        if first_end and (first_landing is None or first_end[0] <= first_landing.due_at):
            lock.remove(first_end[1], note_maker(first_end[0]), "expired")
        elif first_landing:
            lock.late.remove(first_landing)
            dropped += not _land(lock, first_landing, new_uid)
        else:
            return dropped


def _land(lock: SimLock, write: LateWrite, new_uid: Callable[[], int]) -> bool:
    note = note_maker(write.due_at, write.request_seq, late=True)
    if not lock.reachable:
        return False
    if write.method == "POST" and write.body is not None:
        if lock.full or lock.refusal(write.body, of=None):
            return False
        lock.create(write.body, new_uid(), note)
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
