"""Why a guest cannot get in, as far as Turnkey knows. Pure. All times are UTC.

`Diagnosis.failed` names the locks on which the guest's own code is not known to work: only then is a spare code asked
for (`pins.guests.help`), and `pins.core.spares` decides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pins.guests.status import StayFacts


class Finding(StrEnum):
    """One thing that may keep the guest out. The order is that of the page."""

    OVER = "over"
    NO_STAY = "no_stay"
    TOO_EARLY = "too_early"
    WRONG_CODE = "wrong_code"  # somebody entered one at these doors a moment ago
    NOT_RELEASED = "not_released"
    NO_DOOR = "no_door"
    NOT_SET = "not_set"
    NO_KEYPAD = "no_keypad"
    OFFLINE = "offline"
    BATTERY_LOW = "battery_low"
    NOTHING_WRONG = "nothing_wrong"  # every lock has the code, and it works at this moment


@dataclass(frozen=True)
class Found:
    """A finding, and the doors that it is about."""

    finding: Finding
    doors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What was found, the most telling first."""

    found: tuple[Found, ...]
    failed: tuple[int, ...]  # ids of locks that should open by now, and are known not to have the code

    @property
    def is_urgent(self) -> bool:
        """Whether the guest has a right to be inside at this moment."""
        return not {one.finding for one in self.found} & {Finding.OVER, Finding.NO_STAY, Finding.TOO_EARLY}


def diagnose(stay: StayFacts, now: datetime, *, wrong_code_at: Collection[int] = ()) -> Diagnosis:
    """What keeps this guest out. `wrong_code_at`: the locks at which a wrong code was entered a moment ago."""
    if stay.is_over(now):
        return Diagnosis((Found(Finding.OVER),), ())
    if not stay.is_expected:
        return Diagnosis((Found(Finding.NO_STAY),), ())
    begun = stay.works_from <= now
    found = [] if begun else [Found(Finding.TOO_EARLY)]
    found += [] if stay.released else [Found(Finding.NOT_RELEASED)]
    found += [] if stay.doors else [Found(Finding.NO_DOOR)]
    missing = tuple(door for door in stay.doors if not (door.confirmed and stay.covered))
    for finding, doors in (
        (Finding.NOT_SET, [door.name for door in missing if not door.no_keypad]),
        (Finding.NO_KEYPAD, [door.name for door in stay.doors if door.no_keypad]),
        (Finding.OFFLINE, [door.name for door in stay.doors if door.offline]),
        (Finding.BATTERY_LOW, [door.name for door in stay.doors if door.battery_low]),
    ):
        found += [Found(finding, tuple(doors))] if doors else []
    found = found or [Found(Finding.NOTHING_WRONG)]
    if wrong := tuple(door.name for door in stay.doors if door.lock_id in wrong_code_at):
        found.insert(0, Found(Finding.WRONG_CODE, wrong))
    failed = tuple(door.lock_id for door in missing) if begun else ()
    return Diagnosis(tuple(found), failed)
