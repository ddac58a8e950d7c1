"""The past of a PIN, made by the steps of `pins.core.transitions`, so that its columns fit together. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pins.core import transitions
from pins.core.pin_state import Attempt, Blocked, Content, Observed, Op
from pins.tedee.errors import Cause

#: A PIN that waits for a request rests so long: at first nothing in the portfolio is due.
REST = timedelta(days=5)
#: How late a request may still reach the lock after its answer was lost.
_LATE = timedelta(minutes=10)
_STATUS = {Cause.OFFLINE: 428, Cause.BUSY: 409, Cause.TIMEOUT: 408, Cause.PIN_EXISTS: 406}


class Life(StrEnum):
    """How far a PIN has come."""

    SET = "set"
    TRYING = "trying"  # refused so far, and tried again
    UNDER_WAY = "under_way"  # being sent at this moment
    DOUBT = "doubt"
    CHANGING = "changing"
    BLOCKED = "blocked"
    REMOVING = "removing"  # its removal was refused so far
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Tried:
    """One request."""

    op: Op
    rev: int
    outcome: str  # as in PinAttempt
    status: int | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Lived:
    """The observed side of a PIN, the revision of its desired side, and the requests that led there, oldest first."""

    life: Life
    observed: Observed
    rev: int
    tried: tuple[Tried, ...]
    cause: str = ""


def troubled(rng: random.Random, *, disclosed: bool, offline: bool) -> Life:
    """What keeps a code from being on its lock."""
    if offline:
        return Life.TRYING
    kinds = [Life.TRYING, Life.TRYING, Life.UNDER_WAY, Life.DOUBT, Life.CHANGING]
    return rng.choice([*kinds, Life.BLOCKED, Life.BLOCKED] if disclosed else kinds)


def live(rng: random.Random, life: Life, wish: Content, remote_id: int, now: datetime, *, offline: bool) -> Lived:
    """A PIN's past up to `now`. `wish` is its code and period; `remote_id` is the lock's id for it, if it gets one."""
    sent = transitions.prepared(Observed(), Attempt(Op.POST, 1, wish, None))
    until = now + REST if wish.ends_at is None or wish.ends_at <= now else min(now + REST, wish.ends_at)
    if life is Life.UNDER_WAY:
        # A worker that starts calls it lost and will look for it, but sends nothing until the rest ends.
        return Lived(life, transitions.rested(sent, until, 1), 1, (Tried(Op.POST, 1, "", None),))
    if life is Life.DOUBT:
        lost = transitions.rested(transitions.lost(sent, now + _LATE), until, 1)
        return Lived(life, lost, 1, (_refusal(Op.POST, 1, Cause.TIMEOUT),), Cause.TIMEOUT.value)
    if life is Life.TRYING:
        cause = Cause.OFFLINE if offline else rng.choice((Cause.BUSY, Cause.OFFLINE))
        tries = rng.randint(1, 6)
        waits = replace(transitions.rested(transitions.not_applied(sent), until, 1), troubles=tries)
        return Lived(life, waits, 1, (_refusal(Op.POST, 1, cause),) * tries, cause.value)
    if life is Life.BLOCKED:
        taken = transitions.looked(transitions.refused_existing(sent), (), now)
        blocked = transitions.stopped(taken, Blocked.VALUE_TAKEN, 1)
        return Lived(life, blocked, 1, (_refusal(Op.POST, 1, Cause.PIN_EXISTS),), Cause.PIN_EXISTS.value)
    there = transitions.created(sent, remote_id)
    tried = (*(_refusals_before(rng) if life is Life.SET else ()), Tried(Op.POST, 1, "done", 201))
    if life is Life.SET:
        return Lived(life, there, 1, tried)
    if life is Life.CHANGING:
        return _changing(rng, there, tried, wish, until)
    leaving = transitions.prepared(there, Attempt(Op.DELETE, 1, None, remote_id))
    if life is Life.REMOVING:
        kept = transitions.rested(transitions.not_applied(leaving), now + REST, 1)
        return Lived(life, kept, 1, (*tried, _refusal(Op.DELETE, 1, Cause.OFFLINE)), Cause.OFFLINE.value)
    return Lived(life, transitions.deleted(leaving, remote_id), 1, (*tried, Tried(Op.DELETE, 1, "done", 204)))


def _changing(rng: random.Random, there: Observed, tried: tuple[Tried, ...], wish: Content, until: datetime) -> Lived:
    """The lock still has the dates from before the last change."""
    before = replace(wish, ends_at=wish.ends_at - timedelta(hours=1) if wish.ends_at is not None else None)
    sent = transitions.prepared(replace(there, applied=before), Attempt(Op.PUT, 2, wish, there.remote_id))
    cause = rng.choice((Cause.BUSY, Cause.OFFLINE))
    waits = transitions.rested(transitions.not_applied(sent), until, 2)
    return Lived(Life.CHANGING, waits, 2, (*tried, _refusal(Op.PUT, 2, cause)), cause.value)


def _refusals_before(rng: random.Random) -> tuple[Tried, ...]:
    """Most codes are set at the first try."""
    if rng.random() >= 0.12:
        return ()
    return (_refusal(Op.POST, 1, rng.choice((Cause.BUSY, Cause.OFFLINE))),) * rng.randint(1, 3)


def _refusal(op: Op, rev: int, cause: Cause) -> Tried:
    return Tried(op, rev, "lost" if cause is Cause.TIMEOUT else "refused", _STATUS[cause], cause.value)
