"""Codes of people who work in the flats, in words. Reads no code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from pins.core.pin_state import Blocked, State
from pins.core.recurrence import read_recurrence
from pins.core.staff import LAST_MINUTE, Part
from pins.models import AccessGrant, Pin, StaffAccess
from pins.status import wording
from pins.status.pins import next_step, pin_badge, standing
from pins.tedee.messages import EVERY_DAY
from rentals.wording import WORST_FIRST, Badge, Tone, brief

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_BLOCKED: Final = {
    Blocked.VALUE_TAKEN.value: (
        "Another code on this lock has the same digits. Remove the other code in the Tedee app and press “Try again "
        "now”; or press “New code”, and tell them."
    ),
    Blocked.CREATED_OFTEN.value: (
        "The code was sent to the lock several times, and nothing shows what became of it. Look at this lock's codes "
        "in the Tedee app. If ours is not there, press “Try again now”."
    ),
    Blocked.EDITED_AGAIN.value: (
        "Somebody changed this code in the Tedee app, Turnkey put it right, and it was changed again. Press “Try again "
        "now” to put it right once more, or switch the access off."
    ),
    Blocked.VALUE_REFUSED.value: "The lock refused the code more than once. Press “New code”, and tell them.",
}


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One code on one lock."""

    lock_id: int
    name: str
    badge: Badge
    reasons: tuple[str, ...]
    next_step: str  # empty where nothing is to come


def staff_holder(name: str, kind: str) -> str:
    """`Maria (cleaner)`. `kind`: of the access; empty where it was deleted."""
    said = StaffAccess.Kind(kind).label.lower() if kind in StaffAccess.Kind.values else "staff"
    return f"{name} ({said})" if name else said.capitalize()


def days_words(weekdays: int) -> str:
    """`Mon to Fri`, `Mon, Wed and Fri`, `every day`. `weekdays`: Tedee's flags."""
    if weekdays == EVERY_DAY:
        return "every day"
    runs: list[list[int]] = []
    for day in range(len(_DAYS)):
        if weekdays >> day & 1:
            if runs and runs[-1][-1] == day - 1:
                runs[-1].append(day)
            else:
                runs.append([day])
    said = [
        word
        for run in runs
        for word in ([f"{_DAYS[run[0]]} to {_DAYS[run[-1]]}"] if len(run) > 2 else [_DAYS[day] for day in run])
    ]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def hours_words(weekdays: int, start: time | None, end: time | None) -> str:
    """`Mon to Fri, 08:00 to 16:00`."""
    days = days_words(weekdays)
    if start is None or end is None:
        return days
    return f"{days}, {start:%H:%M} to {'midnight' if end in (time(0), LAST_MINUTE) else f'{end:%H:%M}'}"


def terms_words(access: StaffAccess) -> str:
    """When an access opens doors, for lists."""
    said = hours_words(access.weekdays, access.day_start, access.day_end)
    plain = access.weekdays == EVERY_DAY and access.day_start is None
    if access.mode == StaffAccess.Mode.TURNOVER:
        return "between stays" if plain else f"between stays, {said}"
    if plain:
        return "always" if access.valid_from is None and access.valid_until is None else "all day"
    return said


def works_when(grant: AccessGrant, zone: ZoneInfo, now: datetime) -> str:
    """When a code works: its days and hours, and its period on the clock of `zone`."""
    recurrence = read_recurrence(grant.recurrence)
    said = []
    if recurrence is not None:
        said.append(hours_words(recurrence.weekdays, recurrence.day_start, recurrence.day_end))
    begins, stops = grant.begins_at, grant.stops_at
    if begins is not None and stops is not None:
        said.append(f"{brief(begins, now, zone)} to {brief(stops, now, zone)}")
    elif begins is not None:
        said.append(f"from {brief(begins, now, zone)}")
    elif stops is not None:
        said.append(f"until {brief(stops, now, zone)}")
    return ", ".join(said) or "always"


def part_words(grant: AccessGrant) -> str:
    """Which of several codes it is; empty where there is one."""
    if grant.part == Part.GAP:
        return f"Between stays, {grant.place.name}" if grant.place is not None else "Between stays"
    return {
        Part.SHARED.value: "On doors that other properties use",
        Part.EVENING.value: "Until midnight",
        Part.NIGHT.value: "After midnight, with digits of its own",
    }.get(grant.part, "At fixed hours")


def line_of(pin: Pin, zone: ZoneInfo, now: datetime) -> StaffLine:
    """One of `pins_for_people` on its lock."""
    reasons = tuple(_reasons(pin, now))
    return StaffLine(pin.lock_id, pin.lock.name, pin_badge(pin, now), reasons, next_step(pin, zone, now))


def _reasons(pin: Pin, now: datetime) -> Iterator[str]:
    found = standing(pin, now)
    if found.state is State.BLOCKED:
        yield _BLOCKED.get(pin.blocked, _BLOCKED[Blocked.VALUE_REFUSED.value])
    elif found.trouble:
        yield wording.reason(found.trouble)
        if remedy := wording.remedy(found.trouble):
            yield remedy
    if found.state is State.IN_DOUBT:
        yield "An answer was lost, so Turnkey looks at the lock before it does anything else."
    if pin.wanted and not pin.admitted and not found.observe_only:
        yield "The keypad is full. This code follows when another one leaves."
    if pin.wanted and pin.lock.has_keypad is False:
        yield "The lock has no keypad: nobody can enter a code here."


def access_badge(access: StaffAccess, badges: list[Badge]) -> Badge:
    """The state of an access: that of its worst code. `badges`: of those that are not removed."""
    if badges:
        return min(badges, key=lambda one: WORST_FIRST.index(one.tone))
    if not access.is_active:
        return Badge("Switched off", Tone.OVER)
    return Badge("No code at present", Tone.WAITING)
