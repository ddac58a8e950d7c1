"""Which PINs a keypad has room for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: Places kept free: for a nearer arrival while a farther PIN is being removed, and for people with the Tedee app.
SPARE = 5


@dataclass(frozen=True)
class Candidate:
    """A wanted PIN whose stay is not over."""

    pin_id: int
    starts_at: datetime
    disclosed: bool


def room(capacity: int, foreign: int) -> int:
    """How many PINs of ours fit, beside the foreign ones and the spare places."""
    return max(0, capacity - foreign - SPARE)


def admitted(candidates: Iterable[Candidate], places: int) -> frozenset[int]:
    """The PINs that may be on the lock: nearest starts first. A disclosed code never yields."""
    ranked = sorted(candidates, key=lambda one: (not one.disclosed, one.starts_at, one.pin_id))
    return frozenset(one.pin_id for one in ranked[:places])
