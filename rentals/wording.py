"""States and times as people read them, on every screen and in every message, in the language that is active. Asks no
database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateformat import format as written
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _

from rentals import numbers
from rentals.phrases import Phrase


class Tone(StrEnum):
    """How urgent a state is. Each tone has its own sign, because many people cannot tell colours apart."""

    READY = "ready"
    BUSY = "busy"
    WAITING = "waiting"
    TROUBLE = "trouble"  # goes on by itself
    ACT = "act"  # a person must do something
    OVER = "over"

    @property
    def sign(self) -> str:
        return {"ready": "✓", "busy": "↻", "waiting": "○", "trouble": "!", "act": "✕", "over": "◦"}[self.value]


#: What a list shows first when it cannot show everything.
WORST_FIRST: Final = (Tone.ACT, Tone.TROUBLE, Tone.OVER, Tone.BUSY, Tone.WAITING, Tone.READY)


@dataclass(frozen=True)
class Badge:
    """A state in a word or two. Logic compares the kind, of an enumeration that the module of the state defines: the
    label may change, or name a lock as well."""

    label: str
    tone: Tone
    kind: StrEnum | None = None  # None: a state that nothing asks for


def dated(moment: date, layout: str) -> str:
    """A date in a layout of Django's `date` filter, with the names of days and months in small letters where the
    language writes them so in a sentence."""
    words = written(moment, layout)
    return words if (get_language() or "en").startswith(("en", "de")) else words.lower()


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """`14:05 CET`. The short name of the zone tells the two 02:30 of an autumn night apart."""
    return f"{moment.astimezone(zone):%H:%M %Z}"


def day_and_time(moment: datetime, zone: ZoneInfo) -> str:
    """`Wed 3 Mar 2027, 15:00 CET`, in the given zone."""
    return dated(moment.astimezone(zone), "D j M Y, ") + clock_time(moment, zone)


def brief(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Wed 3 Mar, 15:00 CET`; with the year if it is not the present one."""
    local = moment.astimezone(zone)
    same_year = local.year == now.astimezone(zone).year
    return dated(local, "D j M, " if same_year else "D j M Y, ") + clock_time(moment, zone)


def soon(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A coming moment as people say it: `now`, `14:05 CET` today, or with its day."""
    if moment <= now:
        return _("now")
    if moment.astimezone(zone).date() == now.astimezone(zone).date():
        return clock_time(moment, zone)
    return day_and_time(moment, zone)


@dataclass(frozen=True)
class Words:
    """Words in a phrase that depend on the language, such as a date. English where the phrase is stored."""

    made: Callable[[], str]

    def __str__(self) -> str:
        with override(settings.LANGUAGE_CODE):
            return self.made()


def said(text: str) -> str:
    """A marked text of a pure module in the language that is active. Anything else comes back as it is: what strangers
    wrote is never taken for a text of ours."""
    if not isinstance(text, Phrase):
        return text
    template = ngettext(text.one, text.many, text.number) if text.many else _(text.one)
    return template.format(**{name: _said_value(one) for name, one in text.values.items()})


def _said_value(value: object) -> object:
    if isinstance(value, Words):
        return value.made()
    return said(value) if isinstance(value, str) else value


def counted(number: int, what: str) -> str:
    """`1 lock`, `2 locks`: in English, for terminals and logs. Pages and messages use `rentals.numbers`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def ago(moment: datetime, now: datetime) -> str:
    """`5 minutes ago`."""
    span = numbers.span(now - moment)
    return _("{span} ago").format(span=span) if span else _("just now")


def ahead(moment: datetime, now: datetime) -> str:
    """`in 5 minutes`."""
    span = numbers.span(moment - now)
    return _("in {span}").format(span=span) if span else _("in a moment")


def day(of: date) -> str:
    """`3 Mar 2027`."""
    return dated(of, "j M Y")


def span(starts: date, ends: date, today: date) -> str:
    """`12 to 22 Mar`, as short as it can be understood: months and years that differ are on both days, and a year
    that is not the present one is said."""
    last = dated(ends, "j M" if starts.year == ends.year == today.year else "j M Y")
    if starts == ends:
        return last
    if starts.year != ends.year:
        first = day(starts)
    else:
        first = dated(starts, "j" if starts.month == ends.month else "j M")
    return _("{first} to {last}").format(first=first, last=last)


def days(starts: date | None, ends: date | None) -> str:
    """`3 Mar to 8 Mar 2027`: arrival and departure day."""
    if starts is None or ends is None:
        known = starts or ends
        return day(known) if known else _("unknown dates")
    first = dated(starts, "j M" if starts.year == ends.year else "j M Y")
    return _("{first} to {last}").format(first=first, last=day(ends))
