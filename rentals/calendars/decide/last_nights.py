"""Calendars whose end dates are last nights, not check-out days. Pure.

By the standard the end of a whole-day event is the first day after it. Some systems write the last night instead: then
each row ends a day before the next one begins, a single night ends on the day of its arrival, and every guest is shut
out for the last night. What a calendar means is never guessed: a person is asked, and the rows are marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from rentals.calendars.events import AT_MIDNIGHT, NO_LENGTH, EndDates, Event, Reading, Verdict

REASON = "The next row begins a day after this one ends: its end may be the last night. See the calendar's page."
_DAY = timedelta(days=1)
_STAYS = frozenset({Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW})


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for last nights: `gaps`, the rows after which one single day is missing; `single`, the rows that end
    on the day of their arrival. Nothing speaks for them where one row begins on the day that another ends."""

    gaps: frozenset[date] = frozenset()  # the ends of those rows
    single: int = 0

    @property
    def offered(self) -> bool:
        """Whether the other reading is offered. That costs nobody anything, so little is enough."""
        return bool(self.gaps)

    @property
    def marked(self) -> bool:
        """Whether the rows are marked for review as well: two gaps are hardly chance."""
        return len(self.gaps) > 1 or (bool(self.gaps) and self.single > 0)


def by_option(event: Event, end_dates: EndDates) -> Event:
    """An event as the option reads it."""
    if end_dates is not EndDates.LAST_NIGHT or not _is_whole(event):
        return event
    if event.no_length:
        return replace(event, doubt=event.doubt.replace(NO_LENGTH, "").strip())
    if not _names_last_day(event):
        return event
    return replace(event, ends=event.ends + _DAY)


def signs(readings: Iterable[Reading]) -> Signs:
    """Look at the rows of whole days as the standard reads them. Closed days are rows like others here."""
    rows = [one for one in readings if _is_whole(one.event) and one.verdict is not Verdict.CANCELLED]
    begins = {one.event.starts for one in rows}
    gaps: set[date] = set()
    for one in rows:
        written = _written_end(one.event)
        if written in begins - {one.event.starts}:
            return Signs()
        if one.verdict in _STAYS and written + _DAY in begins and _names_last_day(one.event):
            gaps.add(written)
    # Among many rows a free night here and there is chance.
    if 3 * len(gaps) < len(rows) - 1:
        return Signs()
    return Signs(frozenset(gaps), sum(one.event.no_length for one in rows if one.verdict in _STAYS))


def marked(self) -> bool:
        """Whether the rows are marked for review as well: two gaps are hardly chance."""
        return len(self.gaps) > 1 or (bool(self.gaps) and self.single > 0)


def by_option(event: Event, end_dates: EndDates) -> Event:
    """An event as the option reads it."""
    if end_dates is not EndDates.LAST_NIGHT or not _is_whole(event):
        return event
    if event.no_length:
        return replace(event, doubt=event.doubt.replace(NO_LENGTH, "").strip())
    if not _names_last_day(event):
        return event
    return replace(event, ends=event.ends + _DAY)


def signs(readings: Iterable[Reading]) -> Signs:
    """Look at the rows of whole days as the standard reads them. Closed days are rows like others here."""
    rows = [(one.event, one.verdict) for one in readings if not isinstance(one.event.starts, datetime)]
    days = [(one, verdict) for one, verdict in rows if not isinstance(one.ends, datetime) and not one.from_midnights]
    begins = {one.starts for one, _ in days if one.status != "CANCELLED"}
    gaps: set[date] = set()
    for one, verdict in days:
        written = _written_end(one)
        if written in begins - {one.starts}:
            return Signs()
        if verdict in _STAYS and written + _DAY in begins and not one.end_assumed and not one.by_length:
            gaps.add(written)
    single = sum(one.no_length and not one.by_length for one, verdict in days if verdict in _STAYS)
    # Among many rows a free night here and there is chance.
    return Signs(frozenset(gaps), single) if 2 * len(gaps) >= len(days) - 1 - len(gaps) else Signs()


def marked(readings: Sequence[Reading], found: Signs) -> tuple[Reading, ...]:
    """The readings, with a doubt about each stay whose last night may be missing."""
    if not found.marked:
        return tuple(readings)
    return tuple(
        replace(one, event=replace(one.event, doubt=f"{one.event.doubt} {REASON}".strip()))
        if one.verdict in _STAYS and _is_whole(one.event) and _written_end(one.event) in found.gaps
        else one
        for one in readings
    )


def _is_whole(event: Event) -> bool:
    return not isinstance(event.starts, datetime) and not isinstance(event.ends, datetime)


def _names_last_day(event: Event) -> bool:
    """Whether its end is a date that somebody wrote."""
    return not event.end_assumed and not event.by_length and AT_MIDNIGHT not in event.doubt


def _written_end(event: Event) -> date:
    return event.starts if event.no_length else event.ends
