"""What a guest's page says: of each door, and whether the code may be shown. Pure. All times are UTC.

The promise of the page: “ready” stands there only for what the lock confirmed, and a code only when every lock of the
stay confirmed it, or else a spare code that this guest was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class DoorStatus(StrEnum):
    """How one door is, in the words of the page."""

    PLANNED = "planned"  # its time has not come
    BEING_SET = "being_set"
    READY = "ready"
    ACTIVE = "active"  # the code opens it now
    SPARE = "spare"  # a spare code that the guest was given opens it now
    REPAIRED = "repaired"  # something is in the way, or is being changed
    ENDED = "ended"


class CodeStatus(StrEnum):
    """Whether the code can be shown, and if not, why."""

    NO_STAY = "no_stay"  # cancelled, not confirmed, or the code was revoked
    NO_DOOR = "no_door"
    TOO_EARLY = "too_early"
    NOT_RELEASED = "not_released"
    NOT_READY = "not_ready"
    AVAILABLE = "available"
    ENDED = "ended"


@dataclass(frozen=True)
class DoorFacts:
    """One lock that the stay needs."""

    lock_id: int
    name: str
    confirmed: bool  # the lock is known to hold the code for all of the present period
    waits: bool  # nothing is due before the code's time to go onto the lock
    troubled: bool  # it was there before and is not as it should be, or the last try failed
    offline: bool = False
    battery_low: bool = False
    no_keypad: bool = False
    spare: bool = False  # the lock is known to take a spare code that this guest was given


@dataclass(frozen=True)
class StayFacts:
    """A stay as its page needs it."""

    check_in: datetime
    check_out: datetime
    works_from: datetime  # of the code, with the minutes that the property adds
    works_until: datetime
    is_expected: bool  # the stay is confirmed, and its code was not revoked
    covered: bool  # there is a code, wanted for all of the stay
    released: bool  # a person released the stay, or nobody has to
    code_lead: timedelta  # how long before check-in the code may be shown
    doors: tuple[DoorFacts, ...]

    @property
    def code_from(self) -> datetime:
        """The code is shown no earlier."""
        return self.check_in - self.code_lead

    @property
    def confirmed(self) -> bool:
        """Whether every door is known to take the code for all of the stay."""
        return self.is_expected and self.covered and bool(self.doors) and all(door.confirmed for door in self.doors)

    @property
    def may_enter(self) -> bool:
        """Whether the guest has a code for every door: the own one, or a spare one."""
        opened = [(door.confirmed and self.covered) or door.spare for door in self.doors]
        return self.is_expected and bool(opened) and all(opened)

    def is_over(self, now: datetime) -> bool:
        return now >= max(self.check_out, self.works_until)


def door_status(stay: StayFacts, door: DoorFacts, now: datetime) -> DoorStatus:
    """What the page says of one door."""
    if not stay.is_expected or stay.is_over(now):
        return DoorStatus.ENDED
    if door.confirmed and stay.covered:
        return DoorStatus.ACTIVE if stay.works_from <= now else DoorStatus.READY
    if door.spare:
        return DoorStatus.SPARE
    if door.troubled or door.no_keypad:
        return DoorStatus.REPAIRED
    return DoorStatus.PLANNED if door.waits else DoorStatus.BEING_SET


def code_status(stay: StayFacts, now: datetime) -> CodeStatus:
    """Whether the code may be shown at this moment."""
    if stay.is_over(now):
        return CodeStatus.ENDED
    if not stay.is_expected:
        return CodeStatus.NO_STAY
    if not stay.doors:
        return CodeStatus.NO_DOOR
    if now < stay.code_from:
        return CodeStatus.TOO_EARLY
    if not stay.released:
        return CodeStatus.NOT_RELEASED
    return CodeStatus.AVAILABLE if stay.may_enter else CodeStatus.NOT_READY


def is_open(check_out: datetime, grace: timedelta, now: datetime) -> bool:
    """Whether the page of a stay still exists."""
    return now < check_out + grace
