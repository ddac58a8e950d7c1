"""Spare codes: how many a lock needs, and when a guest gets one. Pure. All times are UTC.

A spare code waits on one lock, and nobody knows it. A guest whose own code is proven not to open that lock gets it.
That needs no request, so it works while the lock is offline.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pins.core.pin_state import Content, Op, PinView

#: A spare code ends so long after it was made.
LIFE: Final = timedelta(days=35)
#: So long before its end another one is made; it stays until that one is ready.
REPLACED_BEFORE_END: Final = timedelta(days=7)


def opens(view: PinView, now: datetime) -> bool:
    """Whether the lock is known to take the digits that the grant has now, at this moment. What may be under way must
    leave that as it is. Its period may be about to change: then both periods must hold this moment."""
    observed, code = view.observed, view.desired.content.code
    if observed.remote_id is None or observed.applied is None or observed.must_look or observed.must_read:
        return False
    if observed.omitted or observed.not_found:
        return False
    late = observed.late
    if late is not None and now < late.until and late.kinds - {Op.POST}:
        return False
    said = [observed.applied]
    if observed.pending is not None:
        if observed.pending.content is None:  # a removal
            return False
        said.append(observed.pending.content)
    return all(one.code == code and _holds(one, now) for one in said)


def _holds(content: Content, now: datetime) -> bool:
    begun = content.starts_at is None or content.starts_at <= now
    return begun and not content.has_ended(now) and content.recurrence is None


# -- the pool ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spare:
    """A spare code on one lock that nobody has."""

    grant_id: int
    ends_at: datetime
    opens: bool = False  # the lock is known to take it


@dataclass(frozen=True)
class Refill:
    """What makes a pool as it should be."""

    make: int  # so many new ones
    drop: frozenset[int]  # grants that are not needed any more
    ready: int  # so many could be handed out now


def refill(spares: Iterable[Spare], size: int, now: datetime) -> Refill:
    """What a pool of `size` needs. One that ends soon stays until another one is ready in its place."""
    living = sorted(spares, key=lambda one: (one.ends_at, one.grant_id), reverse=True)
    ready = [one for one in living if one.opens and one.ends_at > now][:size]
    lasting = sum(_lasts(one, now) for one in ready)
    coming = [one for one in living if not one.opens and _lasts(one, now)][: size - lasting]
    kept = {one.grant_id for one in (*ready, *coming)}
    return Refill(
        make=size - lasting - len(coming),
        drop=frozenset(one.grant_id for one in living if one.grant_id not in kept),
        ready=len(ready),
    )


def _lasts(spare: Spare, now: datetime) -> bool:
    return spare.ends_at > now + REPLACED_BEFORE_END


# -- handing out -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnCode:
    """The guest's own code, of a stay that is confirmed and whose code nobody revoked."""

    starts_at: datetime
    ends_at: datetime
    doors: Mapping[int, bool]  # by lock: whether it is known to open that lock now


def failed(own: OwnCode, now: datetime) -> frozenset[int]:
    """The locks that the guest's own code should open at this moment, and is not known to: it was not set by then, is
    blocked, was changed while the lock was offline, or nobody knows whether it is there."""
    if not own.starts_at <= now < own.ends_at:
        return frozenset()
    return frozenset(lock_id for lock_id, is_open in own.doors.items() if not is_open)


def choose(
    locks: Collection[int], held: Mapping[int, Collection[Spare]], waiting: Mapping[int, Collection[Spare]]
) -> dict[int, Spare]:
    """The spare code for each of these locks, where there is one. `held`: those that the stay has already, by lock: it
    gets the same again. `waiting`: those that nobody has; the one that ends last."""
    found: dict[int, Spare] = {}
    for lock_id in locks:
        for spares in (held, waiting):
            if usable := [one for one in spares.get(lock_id, ()) if one.opens]:
                found[lock_id] = max(usable, key=lambda one: (one.ends_at, one.grant_id))
                break
    return found
