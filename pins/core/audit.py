"""When a lock's list is compared again, at what cost, and what becomes of codes on it that nothing explains. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pins.core.budget import Purpose
from pins.core.pin_state import Content

#: A check-in counts as looked after by a comparison within this time before it.
BEFORE_CHECK_IN = timedelta(hours=24)
#: Codes of stays that begin within this time are read one by one when somebody changed the lock.
MATTERS_WITHIN = timedelta(hours=48)
#: So often the whole list is asked for: “not changed” only means that its version is the one we named.
FULL_LIST = timedelta(days=7)
#: A creation without an answer that no list showed may be on the lock all the same, if its lists lag behind: they are
#: compared again so long after it was given up.
UNSEEN_AGAIN = (timedelta(minutes=5), timedelta(minutes=90))


def next_audit(
    now: datetime, every: timedelta, check_ins: Iterable[datetime], unseen_at: datetime | None = None
) -> datetime:
    """When a lock that was compared at `now` is to be compared again. `check_ins`: of its stays to come (UTC);
    `unseen_at`: when a lost creation was last given up."""
    regular = now + every
    again = [unseen_at + later for later in UNSEEN_AGAIN] if unseen_at is not None else []
    # Only with a period of more than a day can a check-in come before the next comparison without having had one.
    missed = [check_in - BEFORE_CHECK_IN / 2 for check_in in check_ins if now + BEFORE_CHECK_IN < check_in <= regular]
    return min([regular, *missed, *(moment for moment in again if moment > now)])


def unseen_is_over(unseen_at: datetime | None, now: datetime) -> bool:
    """Is a list of now late enough to show every creation that was given up?"""
    return unseen_at is None or now >= unseen_at + UNSEEN_AGAIN[-1]


def purpose(now: datetime, audited_at: datetime | None, next_check_in: datetime | None) -> Purpose:
    """What a comparison is spent as. The one in the 24 hours before a check-in is part of that arrival."""
    if next_check_in is None or next_check_in > now + BEFORE_CHECK_IN:
        return Purpose.AUDIT
    done = audited_at is not None and audited_at >= next_check_in - BEFORE_CHECK_IN
    return Purpose.AUDIT if done else Purpose.ARRIVAL


def version_to_name(
    version: int | None,
    writes_since: int,
    full_list_at: datetime | None,
    now: datetime,
    *,
    counts: bool | None,
    proved: bool,
) -> int | None:
    """The version to ask with; `None`: for the whole list. After a change of ours only that is a new measure.

    `counts`: has the version risen with changes of ours? Where it is not known to, “not changed” says nothing.
    `proved`: did the last list show a code that we knew to be there? One that showed none may have hidden others, and
    “not changed” would hide them for longer.
    """
    if version is None or not counts or not proved or writes_since:
        return None
    if full_list_at is None or full_list_at + FULL_LIST <= now:
        return None
    return version


def moved_beyond_ours(version: int | None, audited_version: int | None, confirmed: int, *, counts: bool | None) -> bool:
    """Did somebody else change the lock's PINs since it was last compared? Unknown counts as yes. `confirmed`: changes
    of ours since then; `counts`: as above, `False` is a version that does not."""
    if version is None or audited_version is None or counts is False:
        return True
    return version != audited_version + confirmed


@dataclass(frozen=True)
class Wanted:
    """A PIN of the lock that should be there and is not known to be."""

    pin_id: int
    content: Content


@dataclass(frozen=True)
class Remove:
    """Its end has come: it only takes up room."""


@dataclass(frozen=True)
class Adopt:
    """It is what this PIN asks for."""

    pin_id: int


@dataclass(frozen=True)
class Show:
    """A person decides: it may be somebody's only code."""


def judge_stray(content: Content, wanted: Iterable[Wanted], now: datetime) -> Remove | Adopt | Show:
    """What becomes of a code that carries our mark, and that no PIN of the lock explains."""
    if content.has_ended(now):
        return Remove()
    for one in wanted:
        same = (content.code, content.ends_at, content.recurrence)
        if same == (one.content.code, one.content.ends_at, one.content.recurrence):
            return Adopt(one.pin_id)
    return Show()
