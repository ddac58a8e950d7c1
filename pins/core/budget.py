"""How many requests an account may still send: pure arithmetic on one small value, kept in the database.

The API allows a number of requests per fixed window and blocks until the next window begins, but does not say when
windows begin (Tedee API, rate limits). So two rules:

1. Until a 429 has shown when windows begin, no *rolling* window may hold more than the limit. Then no fixed window
   can, wherever it begins.
2. The Retry-After of a 429 tells when the next window begins. From then on each fixed window may hold the limit.

Time is counted in slots of a sixtieth of the window. A slot that is only partly inside a window counts in full, which
also leaves room for requests that were sent just before a boundary and arrive just after it.

All moments are aware datetimes, best read from one clock (the database's). A naive one raises `ValueError`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

SLOTS = 60
_COUNTERS = SLOTS + 1  # a whole window of slots, and an older one that the window covers only in part
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_BLOCK = 86_400.0
_BLIND_BLOCK = 60.0

#: So many requests may be booked in one go, and only while this share of the limit is left afterwards.
BLOCK = 5
SINGLE_BELOW = 0.20

DEADLINE_IS_NEAR = timedelta(hours=4)
KEPT_FOR_DEADLINES = 0.10
KEPT_FROM_CHECKS = 0.50
#: What a code is counted as under scarcity: its request, and one more in case that it fails or its answer is lost.
#: What turns out not to be needed is given to others by the next sweep.
REQUESTS_PER_CODE = 2


@dataclass(frozen=True)
class Rules:
    """At most `limit` requests in `window_seconds`."""

    limit: int
    window_seconds: int

    def __post_init__(self) -> None:
        if self.limit < 1 or self.window_seconds < 1:
            raise ValueError("A budget needs at least one request and one second.")


@dataclass(frozen=True)
class Usage:
    """What was spent recently. `Usage()` is an account that never sent anything."""

    newest: int = 0  # index of the newest slot since 1970
    counts: tuple[int, ...] = (0,) * _COUNTERS  # requests per slot, the last belongs to `newest`
    window_seconds: int = 0  # the window that the slots were cut from; 0: none spent yet
    boundary: float | None = None  # epoch seconds at which one of the API's windows begins, once learned
    blocked_until: float | None = None  # epoch seconds; before that the API refuses everything

    def to_json(self) -> dict[str, object]:
        return {
            "newest": self.newest,
            "counts": list(self.counts),
            "window_seconds": self.window_seconds,
            "boundary": self.boundary,
            "blocked_until": self.blocked_until,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        """The usage that `to_json` wrote. A missing field counts as unspent; an unreadable one raises `ValueError`."""
        raw = data.get("counts", [])
        if not isinstance(raw, list):
            raise ValueError("The counters of a budget are a list.")
        counts = [_whole(value) for value in raw][-_COUNTERS:]
        return cls(
            newest=_whole(data.get("newest", 0)),
            counts=(*[0] * (_COUNTERS - len(counts)), *counts),
            window_seconds=_whole(data.get("window_seconds", 0)),
            boundary=_moment(data.get("boundary")),
            blocked_until=_moment(data.get("blocked_until")),
        )


@dataclass(frozen=True)
class Block:
    """Requests that were booked in one go. They are sent within the slot in which they were booked, or given back."""

    slot: int
    left: int


class Purpose(StrEnum):
    """What a request is for."""

    ARRIVAL = "arrival"  # a code that someone will need, or that must go
    AUDIT = "audit"  # comparing a lock's list with ours
    CONNECTIVITY = "connectivity"  # asking whether offline locks are back
    ACTIVITY = "activity"  # reading who came: spent last


def reserve_for(purpose: Purpose, until_deadline: timedelta | None, rules: Rules) -> int:
    """How many requests must be left after one for this purpose.

    Audits, connectivity checks and activity stop at half the limit. A tenth is kept for deadlines that are past or less
    than four hours away. `until_deadline` is negative after the deadline, `None` without one.
    """
    if purpose in (Purpose.AUDIT, Purpose.CONNECTIVITY, Purpose.ACTIVITY):
        return math.ceil(rules.limit * KEPT_FROM_CHECKS)
    if until_deadline is not None and until_deadline < DEADLINE_IS_NEAR:
        return 0
    return math.ceil(rules.limit * KEPT_FOR_DEADLINES)


def codes_payable(left: int) -> int:
    """For how many codes that many requests suffice. Where nothing is left, the next one that becomes free is for the
    first."""
    return max(left // REQUESTS_PER_CODE, 1)


def cutoff(deadlines: Sequence[datetime], left: int) -> datetime | None:
    """Up to which deadline due work may spend, so that the earliest have what is `left`; `None`: it is enough for all.

    `deadlines`: of the codes that are due, earliest first; more than `codes_payable(left) + 1` of them change nothing.
    """
    return deadlines[codes_payable(left) - 1] if len(deadlines) > left // REQUESTS_PER_CODE else None


def admits(cutoff: datetime | None, deadline: datetime, now: datetime) -> bool:
    """May work with this deadline spend under this cutoff? What is overdue always may: the cutoff may be a deadline in
    the past, and one that means "at once" is always a moment later when it is asked for."""
    return cutoff is None or deadline <= max(cutoff, now)


def asks_others(until_deadline: timedelta) -> bool:
    """Must it be known, before this is paid, whether all that is due earlier can be paid too? What is near never waits
    for that; the cutoff of the last sweep keeps it in order."""
    return until_deadline >= DEADLINE_IS_NEAR


def beyond(left: int, earlier: int) -> int:
    """How many requests are left for a code when so many others that are due `earlier` have had theirs."""
    return max(0, left - earlier * REQUESTS_PER_CODE)


def spendable_until(left: int, cutoff: datetime | None, rules: Rules, now: datetime) -> datetime | None:
    """The latest deadline of which the work may spend now; `None`: of any. For an account that has requests left."""
    cutoff = max(cutoff, now) if cutoff is not None else None
    near = now + DEADLINE_IS_NEAR if left <= math.ceil(rules.limit * KEPT_FOR_DEADLINES) else None
    return min((moment for moment in (cutoff, near) if moment is not None), default=None)


def remaining(usage: Usage, rules: Rules, now: datetime) -> int:
    """How many requests may be sent at this moment."""
    instant = _micros(now)
    if usage.blocked_until is not None and instant < _from_epoch(usage.blocked_until):
        return 0
    current = _advanced(usage, rules, instant)
    first = current.newest - SLOTS
    if current.boundary is not None:
        # After a clock stepped back this is an earlier window, which counts at least as much.
        first = max(first, _slot(_window_start(current.boundary, rules, instant), rules))
    spent = sum(current.counts[first - current.newest - 1 :])
    return max(0, rules.limit - spent)


def spend(usage: Usage, rules: Rules, now: datetime, *, reserve: int = 0) -> Usage | None:
    """The usage after one more request; None when it would leave fewer than `reserve`.

    Store the result before sending: a request that was sent but not counted is the one that overspends.
    """
    booked = book(usage, rules, now, reserve=reserve, most=1)
    return booked[0] if booked is not None else None


def book(
    usage: Usage, rules: Rules, now: datetime, *, reserve: int = 0, most: int = BLOCK
) -> tuple[Usage, Block] | None:
    """The usage after a block of requests, at most `most`, and that block; None when not even one may be sent.

    One at a time where the budget runs short: a run must not keep what another one needs.
    """
    left = remaining(usage, rules, now)
    if left <= reserve:
        return None
    current = _advanced(usage, rules, _micros(now))
    count = max(1, min(most, BLOCK, left - max(reserve, math.ceil(rules.limit * SINGLE_BELOW))))
    spent = replace(current, counts=(*current.counts[:-1], current.counts[-1] + count))
    return spent, Block(current.newest, count)


def half_spent(usage: Usage, rules: Rules, now: datetime) -> Usage:
    """The usage with at least half of the limit counted as spent now: nobody knows what was sent since a backup."""
    spent = rules.limit - remaining(usage, rules, now)
    current = _advanced(usage, rules, _micros(now))
    unknown = max(0, math.ceil(rules.limit / 2) - spent)
    return replace(current, counts=(*current.counts[:-1], current.counts[-1] + unknown))


def stepped_ahead(usage: Usage, rules: Rules, now: datetime, by: timedelta) -> Usage:
    """The usage after the clock stepped forward by so much: the window before is not over. What still counted counts as
    spent now, and a refusal holds for as long as it would have. Safe to say twice: after a step of a window or more, a
    newest slot of now shows that it was said."""
    if by >= timedelta(seconds=rules.window_seconds) and usage.newest > _slot(_micros(now), rules) - SLOTS:
        return usage
    before = now - by
    counted = sum(_advanced(usage, rules, _micros(before)).counts)
    blocked = usage.blocked_until
    if blocked is not None and before.timestamp() < blocked <= now.timestamp():
        blocked += by.total_seconds()
    return Usage(_slot(_micros(now), rules), (*[0] * SLOTS, counted), rules.window_seconds, None, blocked)


def put_right(usage: Usage, rules: Rules, now: datetime) -> Usage:
    """The usage after a clock that had run far ahead came back: what was spent by it counts as spent now, and what it
    was refused is waited for no longer than a window. Store it, or that moment comes along with the clock, and nothing
    is ever free again."""
    instant = _micros(now)
    if usage.newest - _slot(instant, rules) <= SLOTS:
        return usage
    blocked, window_ends = usage.blocked_until, instant / _SECOND + rules.window_seconds
    blocked = min(blocked, window_ends) if blocked is not None else None
    return replace(_advanced(usage, rules, instant), blocked_until=blocked)


def is_open(block: Block, rules: Rules, now: datetime) -> bool:
    """May a request of the block be sent at this moment?"""
    return block.left > 0 and _slot(_micros(now), rules) <= block.slot


def give_back(usage: Usage, block: Block) -> Usage:
    """The usage without what is left of a block: it was not sent."""
    place = block.slot - usage.newest - 1
    if place >= 0 or place < -_COUNTERS:
        return usage  # no longer counted, or of another clock
    counts = list(usage.counts)
    counts[place] = max(0, counts[place] - block.left)
    return replace(usage, counts=tuple(counts))


def learn(usage: Usage, rules: Rules, now: datetime, retry_after: float | None) -> Usage:
    """The usage after a 429, whose Retry-After (seconds) tells when the API's next window begins.

    Without one the account rests for a minute and nothing is learned. Only for the account's general limit: the one
    on listing locks has another window.
    """
    instant = _micros(now)
    current = _advanced(usage, rules, instant)
    if retry_after is None or not math.isfinite(retry_after) or retry_after < 0:
        return _blocked(current, instant / _SECOND + _BLIND_BLOCK)
    begins = instant / _SECOND + min(retry_after, _LONGEST_BLOCK)
    return _blocked(replace(current, boundary=begins), begins)


def affordable_at(usage: Usage, rules: Rules, now: datetime, *, reserve: int = 0) -> datetime:
    """The earliest moment at which `spend` would succeed if nothing else were spent meanwhile.

    If the reserve leaves nothing to spend at all, it is one window from now: the time to ask again.
    """
    instant = _micros(now)
    current = _advanced(usage, rules, instant)
    moments = {instant}
    # A slot stops counting once the partial slot at the far end of the window is a younger one.
    moments.update(_slot_start(current.newest + ahead, rules) for ahead in range(1, _COUNTERS + 1))
    if current.blocked_until is not None:
        moments.add(_from_epoch(current.blocked_until))
    if current.boundary is not None:
        begins = _window_start(current.boundary, rules, max(moments))
        moments.update(begins - back * rules.window_seconds * _SECOND for back in range(3))
    for moment in sorted(moments):
        if moment >= instant and remaining(current, rules, _when(moment)) > reserve:
            return _when(moment)
    return _when(instant + rules.window_seconds * _SECOND)


def _advanced(usage: Usage, rules: Rules, instant: int) -> Usage:
    """The usage with its newest slot moved up to this moment.

    A clock that stepped back changes nothing: time stands still until it has caught up. When that would take more
    than a window (one wrong clock had run far ahead), everything spent counts as spent now. The same holds when the
    length of the window was changed.
    """
    slot = _slot(instant, rules)
    if usage.window_seconds != rules.window_seconds or usage.newest - slot > SLOTS:
        same = usage.window_seconds == rules.window_seconds
        return replace(
            usage,
            newest=slot,
            counts=(*[0] * SLOTS, sum(usage.counts)),
            window_seconds=rules.window_seconds,
            boundary=usage.boundary if same else None,
        )
    gone = min(max(slot - usage.newest, 0), _COUNTERS)
    return replace(usage, newest=max(slot, usage.newest), counts=(*usage.counts[gone:], *[0] * gone))


def _blocked(usage: Usage, until: float) -> Usage:
    # Several requests may be refused at once; the longest block holds.
    return replace(usage, blocked_until=max(until, usage.blocked_until or until))


# Whole microseconds since 1970: a slot's edge must not depend on rounding.


def _micros(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError("A budget needs aware datetimes.")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _when(instant: int) -> datetime:
    return _EPOCH + timedelta(microseconds=instant)


def _from_epoch(seconds: float) -> int:
    return round(seconds * _SECOND)


def _slot(instant: int, rules: Rules) -> int:
    return instant * SLOTS // (rules.window_seconds * _SECOND)


def _slot_start(slot: int, rules: Rules) -> int:
    """The first whole microsecond of a slot."""
    return -(-slot * rules.window_seconds * _SECOND // SLOTS)


def _window_start(boundary: float, rules: Rules, instant: int) -> int:
    """When the fixed window that holds this moment began."""
    start = _from_epoch(boundary)
    window = rules.window_seconds * _SECOND
    return start + (instant - start) // window * window


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("A counter of a budget is a whole number.")
    return value


def _moment(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)):
        raise ValueError("A moment of a budget is a number of seconds.")
    return float(value)
