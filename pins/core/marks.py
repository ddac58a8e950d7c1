"""Whether the codes of a stay were confirmed at a mark, a moment before check-in: the promise, judged afterwards.

A mark is judged once it has passed, usually a minute later, after downtime perhaps hours later. So nothing here asks
how a code is now, but what its stored history proves about the mark. Where it proves nothing, the answer is `UNKNOWN`,
and `UNKNOWN` is never counted as kept. All moments are UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pins.core.pin_state import State


class Mark(StrEnum):
    """How long before check-in the codes should have been confirmed. The values are labels of `/metrics`."""

    DAY = "24h"
    HOURS = "4h"
    CHECK_IN = "0h"


BEFORE: Final = {Mark.DAY: timedelta(hours=24), Mark.HOURS: timedelta(hours=4), Mark.CHECK_IN: timedelta(0)}


class Verdict(StrEnum):
    """What is known about one mark of one stay. A mark that does not count has none."""

    KEPT = "kept"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CodeFacts:
    """What is stored about one code of the stay on one lock."""

    state: State
    changed_at: datetime  # when `state` last changed
    wished_at: datetime  # when the wish last changed
    has_keypad: bool  # False only where it is known that there is none
    was_sent: bool  # a request for the present wish was begun before the mark and may have set the code


@dataclass(frozen=True)
class StayFacts:
    """What is stored about one stay. `codes`: those that its locks should hold, without those of observe-only
    accounts."""

    entered_at: datetime | None  # when its code was planned; `None`: it never was
    issue_at: datetime  # the codes begin to be set at this moment, as the property says
    codes: Collection[CodeFacts]
    observed: bool  # its only locks are of observe-only accounts
    withdrawn: bool  # a person took the code back


def passed(check_in: datetime, since: datetime, until: datetime) -> list[Mark]:
    """The marks of an arrival that passed after `since`, until `until` inclusive."""
    return [mark for mark, before in BEFORE.items() if since < check_in - before <= until]


def judge(stay: StayFacts, at: datetime) -> Verdict | None:
    """Whether every code of the stay was confirmed at the mark. `None`: the mark does not count, because nothing was
    promised for it: the stay was entered later, its codes are issued no sooner, or its locks are only observed."""
    if stay.observed or stay.withdrawn or stay.issue_at >= at:
        return None
    if stay.entered_at is not None and stay.entered_at > at:
        return None
    if not stay.codes:
        return Verdict.MISSED  # nobody planned a code, or no lock is in use: the guest had none
    verdicts = {_judge_code(code, at) for code in stay.codes}
    return next(one for one in (Verdict.MISSED, Verdict.UNKNOWN, Verdict.KEPT) if one in verdicts)


def _judge_code(code: CodeFacts, at: datetime) -> Verdict:
    if not code.has_keypad:
        return Verdict.MISSED
    if code.changed_at <= at:  # it has been in this state ever since
        return Verdict.KEPT if code.state is State.SET else Verdict.MISSED
    if code.wished_at > at or code.was_sent:
        return Verdict.UNKNOWN  # it may have been confirmed at the mark, and was changed or doubted since
    return Verdict.MISSED
