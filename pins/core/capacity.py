"""Which PINs a keypad has room for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Places kept free: for a nearer arrival while a farther PIN is being removed, and for people with the Tedee app.
SPARE = 5
#: So many places must be left, beside all other codes, where there are spare codes.
LEFT_BESIDE_SPARES = 20
#: What a lock said about its room is believed for so long; then it is asked again.
BELIEVED = timedelta(days=1)
#: For an arrival within this time, the furthest code that nobody was shown gives its place away.
ARRIVES_SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Candidate:
    """A wanted PIN whose stay is not over."""

    pin_id: int
    starts_at: datetime
    disclosed: bool
    on_lock: bool = False  # as far as we know
    yielding: bool = False  # it gives its place to a nearer arrival, and is not gone yet
    reserve: bool = False  # a spare code that nobody has: it comes last, and goes first


def room(capacity: int, foreign: int) -> int:
    """How many PINs of ours fit, beside the foreign ones and the spare places."""
    return max(0, capacity - foreign - SPARE)


def believed(learned: int | None, learned_at: datetime | None, now: datetime) -> int | None:
    """How many codes were on the lock when it last said that it was full; `None` if it never did, or a day ago."""
    return learned if learned_at is not None and learned_at > now - BELIEVED else None


def admitted(candidates: Iterable[Candidate], places: int) -> frozenset[int]:
    """The PINs that may be on the lock: nearest starts first. A disclosed code never yields."""
    return frozenset(one.pin_id for one in _ranked(candidates)[:places])


def admitted_spares(candidates: Iterable[Candidate], left: int) -> frozenset[int]:
    """The spare codes that may be on the lock: as many as leave `LEFT_BESIDE_SPARES` of the places that all other codes
    `left`; those that are there first."""
    ranked = sorted(candidates, key=lambda one: (not one.on_lock, one.pin_id))
    return frozenset(one.pin_id for one in ranked[: max(0, left - LEFT_BESIDE_SPARES)])


def admitted_to_full(
    candidates: Iterable[Candidate], chosen: frozenset[int], learned: int, foreign: int
) -> frozenset[int]:
    """Of the `chosen`, those that may be on a lock that said it was full, at `learned` codes (`foreign`: not ours).

    1. A PIN that is on the lock stays. One that yields goes on yielding.
    2. The nearest of the others get the places that are free, if any are.
    3. One more of them asks the lock now and then, for all that wait: places may become free that we do not see.
    """
    ranked = [one for one in _ranked(candidates) if one.pin_id in chosen and not one.yielding]
    there = [one for one in ranked if one.on_lock]
    waiting = [one for one in ranked if not one.on_lock]
    free = max(0, learned - foreign - len(there))
    return frozenset(one.pin_id for one in [*there, *waiting[: free + 1]])


def evicted(candidates: Iterable[Candidate], arrives_at: datetime, now: datetime) -> int | None:
    """Which PIN gives its place to an arrival that the lock refused for lack of room: a spare code, else the furthest
    that nobody was shown. `None`: the arrival is more than a day away, or no code is further away than it."""
    if arrives_at > now + ARRIVES_SOON:
        return None
    further = [
        one
        for one in candidates
        if one.on_lock and not one.disclosed and (one.reserve or one.starts_at > max(arrives_at, now))
    ]
    return max(further, key=lambda one: (one.reserve, one.starts_at, one.pin_id)).pin_id if further else None


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: (not one.disclosed, one.starts_at, one.pin_id))
