"""What happened in the simulated cloud: every request and every change of a lock's pin set, in order.

Neither record holds a PIN value or a key. `value_tag` shows which values are equal: it is a short digest under a random
key, so the same value has the same tag while the process lives, and nobody can compute the value from it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self

from pins.simulator.messages import instant_text
from pins.simulator.rules import read_instant

Action = Literal["created", "updated", "deleted", "expired"]
KEPT = 100_000  # records of each kind; a long demonstration forgets the oldest


@dataclass(frozen=True)
class RequestRecord:
    """One request and its result. Times are UTC."""

    seq: int
    at: datetime  # arrival
    answered_at: datetime
    key: str | None  # the label of the key, None if unknown
    method: str
    path: str
    lock_id: int | None
    pin_id: int | None
    status: int  # what the cloud answered, or would have answered without the lost connection
    fault: str | None  # name of the injected fault, or `unplugged`, `collision`, `busy_after_timeout`
    applied: bool  # whether it changed the pin set by the time it was answered
    alias: str | None  # as sent
    value_tag: str | None
    delivery: str

    @property
    def collision(self) -> bool:
        """Whether the client itself sent two requests to one device at once."""
        return self.fault == "collision"


@dataclass(frozen=True)
class PinChange:
    """One change of a lock's pins. For expiry and late writes `at` is the moment at which the lock changed."""

    seq: int
    at: datetime
    lock_id: int
    serial_number: str
    pin_id: int
    action: Action
    alias: str  # as the cloud stored it
    foreign: bool
    value_tag: str
    start: datetime | None
    end: datetime | None
    request_seq: int | None  # the request that caused it; None for expiry and a person's hand
    late: bool
    alias_sent: str  # as the last request gave it; a renaming by hand does not change it
    uid: int  # one for each pin, even when two had the same id one after the other

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """A change as the control side's journal tells it."""
        moments = {name: read_instant(record[name]) for name in ("at", "start", "end")}
        return cls(**{**record, **moments})


class Journal:
    """The two lists, with one counter for both so that they can be merged. Callers hold the cloud's mutex."""

    def __init__(self) -> None:
        self.requests: deque[RequestRecord] = deque(maxlen=KEPT)
        self.changes: deque[PinChange] = deque(maxlen=KEPT)
        self._seq = 0
        self._salt = secrets.token_bytes(16)

    def next_seq(self) -> int:
        """A number greater than all before it."""
        self._seq += 1
        return self._seq

    def tag(self, value: str) -> str:
        """The tag under which equal values are recognised."""
        return hashlib.blake2s(value.encode(), key=self._salt, digest_size=6).hexdigest()

    def reset(self) -> None:
        """Forget all records; numbers go on rising."""
        self.requests.clear()
        self.changes.clear()

    def as_json(self, since: int = 0) -> dict[str, object]:
        """The records after number `since`, and counts over all that are kept."""
        requests = sorted((entry for entry in self.requests if entry.seq > since), key=lambda entry: entry.seq)
        return {
            "last_seq": self._seq,
            "requests": [_plain(entry) | {"collision": entry.collision} for entry in requests],
            "changes": [_plain(change) for change in self.changes if change.seq > since],
            "counts": {
                "requests": len(self.requests),
                "changes": len(self.changes),
                "collisions": sum(entry.collision for entry in self.requests),
                "injected_busy": sum(entry.fault == "busy" for entry in self.requests),
                "faults": sum(entry.fault is not None for entry in self.requests),
            },
        }


def _plain(record: RequestRecord | PinChange) -> dict[str, object]:
    return {
        name: instant_text(value) if isinstance(value, datetime) else value for name, value in asdict(record).items()
    }
