"""When a stay that its feed no longer lists may be given up. Pure.

The dangerous part: a channel's outage looks like "everything was cancelled". So an absence counts only when the fetch
was complete, two good fetches in a row at least `confirm_after` apart agree, the feed was not empty, and not more than
half of its stays to come (three or more) vanished together. Otherwise the feed is held and a person decides.
Stays that have begun are never given up by absence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rentals.phrases import phrase, phrases

#: With at least so many stays to come, the share of those that vanished counts.
FEW = 3
TAKEN_AGAIN = phrase(
    "Days were free and are taken again, perhaps by another guest. The first guest's code was shown already."
)


@dataclass(frozen=True, slots=True)
class Expected:
    """A stay to come that the feed has listed."""

    id: int
    absent_since: datetime | None  # the first good fetch that did not list it
    kept: bool  # a person decided to keep it while it is absent
    asked: bool = False  # the feed is held because of it, and nobody answered yet
    taken_again: bool = False  # somebody knows its code, and another row has its days now


@dataclass(frozen=True, slots=True)
class Judgement:
    """`give_up`: confirmed. `waiting`: absent for the first time, to be confirmed. `held`: a person decides."""

    give_up: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()
    held_reason: str = ""


def judge(
    expected: Sequence[Expected],
    absent: Collection[int],
    *,
    empty: bool,
    now: datetime,
    confirm_after: timedelta,
) -> Judgement:
    """Judge the absences of one complete, good fetch.

    `expected`: every stay to come that the feed holds, the absent ones included. `empty`: it listed no event at all.
    """
    open_stays = [stay for stay in expected if not stay.kept]
    vanished = [stay for stay in open_stays if stay.id in absent]
    if not vanished:
        return Judgement()
    everything = frozenset(stay.id for stay in vanished)
    taken = frozenset(stay.id for stay in vanished if stay.taken_again)
    asked = frozenset(stay.id for stay in vanished if stay.asked) | taken
    if empty:
        reason = phrases(
            "The calendar is empty; it listed {number} stay.",
            "The calendar is empty; it listed {number} stays.",
            len(vanished),
        )
        return Judgement(held=everything, held_reason=reason)
    if len(open_stays) >= FEW and 2 * len(vanished) > len(open_stays):
        reason = phrases(
            "{vanished} of {number} stay to come vanished together.",
            "{vanished} of {number} stays to come vanished together.",
            len(open_stays),
            vanished=len(vanished),
        )
        return Judgement(held=everything, held_reason=reason)
    # Once a person was asked about a stay, only a person or its return settles it: neither time nor other stays do.
    confirmed = frozenset(
        stay.id
        for stay in vanished
        if stay.id not in asked and stay.absent_since is not None and stay.absent_since <= now - confirm_after
    )
    why = TAKEN_AGAIN if taken else ""
    return Judgement(give_up=confirmed, waiting=everything - confirmed - asked, held=asked, held_reason=why)
