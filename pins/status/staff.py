"""Codes of people who work in the flats, in words. Reads no code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from pins.core.pin_state import Blocked, State
from pins.core.recurrence import read_recurrence
from pins.core.staff import LAST_MINUTE, Part
from pins.models import AccessGrant, Pin, StaffAccess
from pins.status import wording
from pins.status.pins import next_step, pin_badge, standing
from pins.tedee.messages import EVERY_DAY
from rentals.phrases import mark
from rentals.wording import WORST_FIRST, Badge, Tone, brief

_BLOCKED: Final = {
    Blocked.VALUE_TAKEN.value: mark(
        "Another code on this lock has the same digits. Remove the other code in the Tedee app and press “Try again "
        "now”; or press “New code”, and tell them."
    ),
    Blocked.CREATED_OFTEN.value: mark(
        "The code was sent to the lock several times, and nothing shows what became of it. Look at this lock's codes "
        "in the Tedee app. If ours is not there, press “Try again now”."
    ),
    Blocked.EDITED_AGAIN.value: mark(
        "Somebody changed this code in the Tedee app, Turnkey put it right, and it was changed again. Press “Try again "
        "now” to put it right once more, or switch the access off."
    ),
    Blocked.VALUE_REFUSED.value: mark("The lock refused the code more than once. Press “New code”, and tell them."),
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
    said = StaffAccess.Kind(kind).label.lower() if kind in StaffAccess.Kind.values else _("staff")
    return f"{name} ({said})" if name else said.capitalize()


def days_words(weekdays: int) -> str:
    """`Mon to Fri`, `Mon, Wed and Fri`, `every day`. `weekdays`: Tedee's flags."""
    if weekdays == EVERY_DAY:
        return _("every day")
    runs: list[list[int]] = []
    for day in range(len(WEEKDAYS_ABBR)):
        if weekdays >> day & 1:
            if runs and runs[-1][-1] == day - 1:
                runs[-1].append(day)
            else:
                runs.append([day])
    names = [str(WEEKDAYS_ABBR[day]) for day in range(len(WEEKDAYS_ABBR))]
    said: list[str] = []
    for run in runs:
        if len(run) > 2:
            said.append(_("{first} to {last}").format(first=names[run[0]], last=names[run[-1]]))
        else:
            said += [names[day] for day in run]
    return said[0] if len(said) == 1 else _("{list} and {last}").format(list=", ".join(said[:-1]), last=said[-1])


def hours_words(weekdays: int, start: time | None, end: time | None) -> str:
    """`Mon to Fri, 08:00 to 16:00`."""
    days = days_words(weekdays)
    if start is None or end is None:
        return days
    begins, ends = f"{start:%H:%M}", f"{end:%H:%M}"
    if end in (time(0), LAST_MINUTE):
        return _("{days}, {start} to midnight").format(days=days, start=begins)
    return _("{days}, {start} to {end}").format(days=days, start=begins, end=ends)


def terms_words(access: StaffAccess) -> str:
    """When an access opens doors, for lists."""
    said = hours_words(access.weekdays, access.day_start, access.day_end)
    plain = access.weekdays == EVERY_DAY and access.day_start is None
    if access.mode == StaffAccess.Mode.TURNOVER:
        return _("between stays") if plain else _("between stays, {hours}").format(hours=said)
    if plain:
        return _("always") if access.valid_from is None and access.valid_until is None else _("all day")
    return said


def works_when(grant: AccessGrant, zone: ZoneInfo, now: datetime) -> str:
    """When a code works: its days and hours, and its period on the clock of `zone`."""
    recurrence = read_recurrence(grant.recurrence)
    said = []
    if recurrence is not None:
        said.append(hours_words(recurrence.weekdays, recurrence.day_start, recurrence.day_end))
    begins, stops = grant.begins_at, grant.stops_at
    if begins is not None and stops is not None:
        first, last = brief(begins, now, zone), brief(stops, now, zone)
        said.append(_("{first} to {last}").format(first=first, last=last))
    elif begins is not None:
        said.append(_("from {when}").format(when=brief(begins, now, zone)))
    elif stops is not None:
        said.append(_("until {when}").format(when=brief(stops, now, zone)))
    return ", ".join(said) or _("always")


def part_words(grant: AccessGrant) -> str:
    """Which of several codes it is; empty where there is one."""
    if grant.part == Part.GAP:
        if grant.place is None:
            return _("Between stays")
        return _("Between stays, {place}").format(place=grant.place.name)
    return {
        Part.SHARED.value: _("On doors that other properties use"),
        Part.EVENING.value: _("Until midnight"),
        Part.NIGHT.value: _("After midnight, with digits of its own"),
    }.get(grant.part, _("At fixed hours"))


def line_of(pin: Pin, zone: ZoneInfo, now: datetime) -> StaffLine:
    """One of `pins_for_people` on its lock."""
    reasons = tuple(_reasons(pin, now))
    return StaffLine(pin.lock_id, pin.lock.name, pin_badge(pin, now), reasons, next_step(pin, zone, now))


def _reasons(pin: Pin, now: datetime) -> Iterator[str]:
    found = standing(pin, now)
    if found.state is State.BLOCKED:
        yield _(_BLOCKED.get(pin.blocked, _BLOCKED[Blocked.VALUE_REFUSED.value]))
    elif found.trouble:
        yield wording.reason(found.trouble)
        if remedy := wording.remedy(found.trouble):
            yield remedy
    if found.state is State.IN_DOUBT:
        yield _("An answer was lost, so Turnkey looks at the lock before it does anything else.")
    if pin.wanted and not pin.admitted and not found.observe_only:
        yield _("The keypad is full. This code follows when another one leaves.")
    if pin.wanted and pin.lock.has_keypad is False:
        yield _("The lock has no keypad: nobody can enter a code here.")


def access_badge(access: StaffAccess, badges: list[Badge]) -> Badge:
    """The state of an access: that of its worst code. `badges`: of those that are not removed."""
    if badges:
        return min(badges, key=lambda one: WORST_FIRST.index(one.tone))
    if not access.is_active:
        return Badge(_("Switched off"), Tone.OVER)
    return Badge(_("No code at present"), Tone.WAITING)
