"""The past of a PIN, made by the steps of `pins.core.transitions`, so that its columns fit together. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pins.core import looks, transitions
from pins.core.pin_state import Blocked, Content, Observed, Op, PendingWrite
from pins.core.witness import Credit, Sighting
from pins.tedee.errors import Cause

#: A PIN that waits for a request rests so long: at first nothing in the portfolio is due.
REST = timedelta(days=5)
#: How late a request may still reach the lock after its answer was lost.
_LATE = timedelta(minutes=10)
_NOTHING_SEEN = Sighting((), False, (), frozenset(), Credit.PROVEN)
_STATUS = {Cause.OFFLINE: 428, Cause.BUSY: 409, Cause.TIMEOUT: 408, Cause.PIN_EXISTS: 406}


class Stage(StrEnum):
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
class SentRequest:
    """One request."""

    op: Op
    rev: int
    outcome: str  # as in PinAttempt
    status: int | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class PinHistory:
    """The observed side of a PIN, the revision of its desired side, and the requests that led there, oldest first."""

    stage: Stage
    observed: Observed
    rev: int
    requests: tuple[SentRequest, ...]
    cause: str = ""


def trouble_of(rng: random.Random, *, disclosed: bool, offline: bool) -> Stage:
    """What keeps a code from being on its lock."""
    if offline:
        return Stage.TRYING
    kinds = [Stage.TRYING, Stage.TRYING, Stage.UNDER_WAY, Stage.DOUBT, Stage.CHANGING]
    return rng.choice([*kinds, Stage.BLOCKED, Stage.BLOCKED] if disclosed else kinds)


def history_of(
    rng: random.Random, stage: Stage, wish: Content, remote_id: int, now: datetime, *, offline: bool
) -> PinHistory:
    """A PIN's past up to `now`. `wish` is its code and period; `remote_id` is the lock's id for it, if it gets one."""
    sent = transitions.prepared(Observed(), PendingWrite(Op.POST, 1, wish, None), now)
    until = now + REST if wish.ends_at is None or wish.ends_at <= now else min(now + REST, wish.ends_at)
    if stage is Stage.UNDER_WAY:
        # A worker that starts calls it lost and will look for it, but sends nothing until the rest ends.
        return PinHistory(stage, transitions.rested(sent, until, 1), 1, (SentRequest(Op.POST, 1, "", None),))
    if stage is Stage.DOUBT:
        lost = transitions.rested(transitions.lost(sent, now + _LATE), until, 1)
        return PinHistory(stage, lost, 1, (_refusal(Op.POST, 1, Cause.TIMEOUT),), Cause.TIMEOUT.value)
    if stage is Stage.TRYING:
        cause = Cause.OFFLINE if offline else rng.choice((Cause.BUSY, Cause.OFFLINE))
        tries = rng.randint(1, 6)
        waits = replace(transitions.rested(transitions.not_applied(sent), until, 1), troubles=tries)
        return PinHistory(stage, waits, 1, (_refusal(Op.POST, 1, cause),) * tries, cause.value)
    if stage is Stage.BLOCKED:
        taken = looks.looked(transitions.refused_existing(sent), _NOTHING_SEEN, now)
        blocked = transitions.stopped(taken, Blocked.VALUE_TAKEN, 1)
        return PinHistory(stage, blocked, 1, (_refusal(Op.POST, 1, Cause.PIN_EXISTS),), Cause.PIN_EXISTS.value)
    there = transitions.created(sent, remote_id)
    requests = (*(_refusals_before(rng) if stage is Stage.SET else ()), SentRequest(Op.POST, 1, "done", 201))
    if stage is Stage.SET:
        return PinHistory(stage, there, 1, requests)
    if stage is Stage.CHANGING:
        return _changing(rng, there, requests, wish, until, now)
    leaving = transitions.prepared(there, PendingWrite(Op.DELETE, 1, None, remote_id), now)
    if stage is Stage.REMOVING:
        kept = transitions.rested(transitions.not_applied(leaving), now + REST, 1)
        return PinHistory(stage, kept, 1, (*requests, _refusal(Op.DELETE, 1, Cause.OFFLINE)), Cause.OFFLINE.value)
    return PinHistory(
        stage, transitions.deleted(leaving, remote_id), 1, (*requests, SentRequest(Op.DELETE, 1, "done", 204))
    )


def _changing(
    rng: random.Random,
    there: Observed,
    requests: tuple[SentRequest, ...],
    wish: Content,
    until: datetime,
    now: datetime,
) -> PinHistory:
    """The lock still has the dates from before the last change."""
    before = replace(wish, ends_at=wish.ends_at - timedelta(hours=1) if wish.ends_at is not None else None)
    sent = transitions.prepared(replace(there, applied=before), PendingWrite(Op.PUT, 2, wish, there.remote_id), now)
    cause = rng.choice((Cause.BUSY, Cause.OFFLINE))
    waits = transitions.rested(transitions.not_applied(sent), until, 2)
    return PinHistory(Stage.CHANGING, waits, 2, (*requests, _refusal(Op.PUT, 2, cause)), cause.value)


def _refusals_before(rng: random.Random) -> tuple[SentRequest, ...]:
    """Most codes are set at the first try."""
    if rng.random() >= 0.12:
        return ()
    return (_refusal(Op.POST, 1, rng.choice((Cause.BUSY, Cause.OFFLINE))),) * rng.randint(1, 3)


def _refusal(op: Op, rev: int, cause: Cause) -> SentRequest:
    return SentRequest(op, rev, "lost" if cause is Cause.TIMEOUT else "refused", _STATUS[cause], cause.value)
