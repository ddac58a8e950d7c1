"""What the activity of locks says about a stay: who came, who came too early, who entered a wrong code. Pure. All times
are UTC.

The cloud tells that a code opened a lock, and seldom which one (Tedee API, device activity). So each line has its
possible holders: the codes that open the lock at that moment. Where there is one, it was probably that one; where there
are several, nothing is said of any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pins.tedee.messages import Recurrence


class Sign(StrEnum):
    """What one line of the activity means."""

    OPENED = "opened"  # a code opened the lock, wholly or in part
    LOCKED = "locked"  # a code locked it: its holder was there, and need not have come in
    WRONG = "wrong"  # digits that are no code of the lock
    OUTSIDE = "outside"  # a code of the lock, at a time when it does not open


#: By Tedee's numbers (Tedee API, device activity). Other numbers are not about codes, or unknown: passed over.
_SIGNS: Final = {
    61: Sign.OPENED,  # UnlockByPin
    63: Sign.OPENED,  # PullSpringByPin
    64: Sign.OPENED,  # PartiallyOpenByPin
    76: Sign.OPENED,  # PulledAutoByPin
    65: Sign.LOCKED,  # LockedByKeypadWithPin
    68: Sign.LOCKED,  # LockForceUnlockedByPin: somebody was there
    62: Sign.WRONG,  # IncorrectPin
    75: Sign.OUTSIDE,  # UnauthorizedPin
}
#: Locks keep time by their own clock.
CLOCKS: Final = timedelta(minutes=2)
#: So long before its code works, a guest may stand before the door.
EARLY: Final = timedelta(hours=4)
#: A code may be on the lock so long after its end.
REMOVED_BY: Final = timedelta(minutes=15)
#: Wrong codes within so long of each other are one attempt to get in; from so many on they are told.
TOGETHER: Final = timedelta(minutes=15)
WRONG_FROM: Final = 3
#: Daily hours and weekdays are compared generously: the zone in which a lock reads them is not documented for certain.
_HOURS: Final = timedelta(hours=2)
#: How often a lock is read: before somebody comes, while somebody is awaited, and otherwise.
BEFORE, AWAITED, LATER = timedelta(minutes=30), timedelta(minutes=15), timedelta(hours=3)
#: After so long a guest who did not come is not awaited from quarter to quarter any more.
AWAITED_FOR: Final = timedelta(hours=12)
#: Lines come a while after what they tell of.
LAG: Final = timedelta(minutes=10)


def sign_of(event: int) -> Sign | None:
    """The meaning of Tedee's number; None for one that is not about a code, or that we do not know."""
    return _SIGNS.get(event)


@dataclass(frozen=True)
class Entry:
    """One line of a lock's activity."""

    lock_id: int
    sign: Sign
    at: datetime
    named: int | None = None  # the code (key of its grant) that the cloud named
    is_foreign: bool = False  # it named a code that is not ours


@dataclass(frozen=True)
class Code:
    """A code of ours that is meant to be on some locks."""

    id: int
    lock_ids: frozenset[int]
    starts_at: datetime
    ends_at: datetime
    is_guest: bool
    recurrence: Recurrence | None = None

    def opens(self, at: datetime) -> bool:
        """Whether it may open its locks at this moment."""
        return self.starts_at - CLOCKS <= at < self.ends_at + CLOCKS and _within(self.recurrence, at)

    def may_be_tried(self, at: datetime) -> bool:
        """Whether it may be on its locks at a moment at which it does not open them."""
        if self.starts_at <= at < self.ends_at:
            return self.recurrence is not None
        return self.starts_at - EARLY <= at < self.starts_at or self.ends_at <= at < self.ends_at + REMOVED_BY


@dataclass(frozen=True)
class Judgement:
    """What is known of one stay. `*_named`: the cloud named its code; else it is only probable."""

    first_opened_at: datetime | None = None
    is_named: bool = False
    early_at: datetime | None = None
    early_is_named: bool = False
    wrong_at: datetime | None = None
    wrong_tries: int = 0
    was_used: bool = False  # this code, or one that may have been this one, was used since it works


def judge(code: Code, others: Iterable[Code], entries: Iterable[Entry]) -> Judgement:
    """What the activity says about the holder of a code. `others`: all other codes of ours that may have been used on
    its locks."""
    rivals = [one for one in others if one.id != code.id and one.lock_ids & code.lock_ids]
    mine = sorted({one for one in entries if one.lock_id in code.lock_ids}, key=lambda one: (one.at, one.sign))

    def alone(entry: Entry, possible: Callable[[Code, datetime], bool]) -> bool:
        return not any(entry.lock_id in one.lock_ids and possible(one, entry.at) for one in rivals)

    def certainty(entry: Entry, possible: Callable[[Code, datetime], bool]) -> bool | None:
        """Whether it was this code: for certain, probably (False), or None where it cannot be said."""
        if entry.named is not None or entry.is_foreign:
            return True if entry.named == code.id else None
        return False if possible(code, entry.at) and alone(entry, possible) else None

    opened = [
        (one, said) for one in mine if one.sign is Sign.OPENED if (said := certainty(one, Code.opens)) is not None
    ]
    early = [
        (one, said)
        for one in mine
        if one.sign is Sign.OUTSIDE and one.at < code.starts_at
        if (said := certainty(one, Code.may_be_tried)) is not None
    ]
    used = [
        one
        for one in mine
        if one.sign in (Sign.OPENED, Sign.LOCKED) and code.opens(one.at) and not one.is_foreign
        if one.named in (None, code.id)
    ]
    wrong_at, tries = _wrong(
        [one.at for one in mine if one.sign is Sign.WRONG and _awaits(code, one.at) and alone(one, _awaits)]
    )
    first = opened[0] if opened else None
    return Judgement(
        first_opened_at=first[0].at if first else None,
        is_named=bool(first and first[1]),
        early_at=early[-1][0].at if early else None,
        early_is_named=bool(early and early[-1][1]),
        wrong_at=wrong_at,
        wrong_tries=tries,
        was_used=bool(used),
    )


def _wrong(moments: Sequence[datetime]) -> tuple[datetime | None, int]:
    """The last group of wrong tries with so many of them. `moments`: in order."""
    groups: list[list[datetime]] = []
    for at in moments:
        if groups and at - groups[-1][-1] <= TOGETHER:
            groups[-1].append(at)
        else:
            groups.append([at])
    told = [group for group in groups if len(group) >= WRONG_FROM]
    return (told[-1][-1], len(told[-1])) if told else (None, 0)


def _awaits(code: Code, at: datetime) -> bool:
    """Whether the holder may stand before the door."""
    return code.starts_at - EARLY <= at < code.ends_at and _within(code.recurrence, at)


def _within(recurrence: Recurrence | None, at: datetime) -> bool:
    if recurrence is None:
        return True
    days = {(at + shift).weekday() for shift in (-_HOURS, timedelta(), _HOURS)}
    if not any(recurrence.weekdays >> day & 1 for day in days):
        return False
    if recurrence.day_start is None or recurrence.day_end is None:
        return True
    start = _since_midnight(datetime.combine(at, recurrence.day_start)) - _HOURS
    length = (_since_midnight(datetime.combine(at, recurrence.day_end)) - start) % timedelta(days=1) + _HOURS
    return (_since_midnight(at) - start) % timedelta(days=1) <= length


def _since_midnight(moment: datetime) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


@dataclass(frozen=True)
class Awaited:
    """A guest as the rhythm of reading knows them."""

    starts_at: datetime
    has_come: bool


def read_again(guests: Collection[Awaited], now: datetime) -> datetime:
    """When a lock is to be read again, for the guests who have its code now or soon."""
    return now + min((_pause(one, now) for one in guests), default=LATER)


def _pause(guest: Awaited, now: datetime) -> timedelta:
    if guest.has_come:
        return LATER
    if now < guest.starts_at:
        return min(BEFORE, max(guest.starts_at - now, AWAITED))
    return AWAITED if now < guest.starts_at + AWAITED_FOR else LATER


def is_absent(code: Code, found: Judgement, *, midnight: datetime, whole_since: datetime, read_at: datetime) -> bool:
    """Whether nobody came by the end of the day of arrival. `midnight`: that end, at the property; the activity of all
    locks is known from `whole_since` until `read_at`."""
    if found.was_used or found.first_opened_at is not None or midnight >= code.ends_at:
        return False
    return whole_since <= code.starts_at and read_at >= midnight + LAG
