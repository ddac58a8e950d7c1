"""When a lock's list is compared again, at what cost, and what becomes of codes on it that nothing explains. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pins.core.alias import same_but_reference
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


def purpose_of_first_look(now: datetime, due: datetime | None) -> Purpose:
    """After a backup was restored: the first look is part of the work that waits for it. `due`: its deadline (UTC)."""
    return Purpose.ARRIVAL if due is not None and due <= now + BEFORE_CHECK_IN else Purpose.AUDIT


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
    alias: str = ""
    is_free: bool = False  # nobody was shown the value, so that it may still become another one


@dataclass(frozen=True)
class Remove:
    """Its end has come: it only takes up room."""


@dataclass(frozen=True)
class Adopt:
    """It is what this PIN asks for."""

    pin_id: int


@dataclass(frozen=True)
class AdoptValue:
    """It was made for the stay of this PIN before the database lost its memory: the guest may know its value."""

    pin_id: int


@dataclass(frozen=True)
class Show:
    """A person decides: it may be somebody's only code."""


Verdict = Remove | Adopt | AdoptValue | Show


def judge_stray(content: Content, wanted: Sequence[Wanted], now: datetime, alias: str = "") -> Verdict:
    """What becomes of a code that carries our mark, and that no PIN of the lock explains. `alias`: its name.

    After a backup was restored, a calendar brings back the stay, and with it a new value and a new reference; the code
    that the guest was told is still on the lock. Period and first name tell whose it is, if they fit one stay alone.
    """
    if content.has_ended(now):
        return Remove()
    for one in wanted:
        same = (content.code, content.ends_at, content.recurrence)
        if same == (one.content.code, one.content.ends_at, one.content.recurrence):
            return Adopt(one.pin_id)
    period = (content.starts_at, content.ends_at, content.recurrence)
    free = [one for one in wanted if one.is_free and content.ends_at is not None]
    fits = [one for one in free if period == (one.content.starts_at, one.content.ends_at, one.content.recurrence)]
    named = [one for one in fits if same_but_reference(one.alias, alias)]
    # A name may have been spelled differently then, but another stay of the same days must not get this code.
    alone = named if len(named) == 1 else fits if len(fits) == 1 and not named else []
    return AdoptValue(alone[0].pin_id) if alone else Show()
