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
from rentals.phrases import phrase

REASON = phrase("The next row begins a day after its end, which may be its last night.")
_DAY = timedelta(days=1)
_STAYS = frozenset({Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW})


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for last nights: `gaps`, the ends of rows after which one single day is missing; `single`, how many
    rows end on the day of their arrival."""

    gaps: frozenset[date] = frozenset()
    single: int = 0

    @property
    def are_strong(self) -> bool:
        """Whether the rows are marked for review, beside the offer on the calendar's page. Two are hardly chance."""
        return len(self.gaps) > 1 or (bool(self.gaps) and self.single > 0)


def by_option(event: Event, end_dates: EndDates) -> Event:
    """An event as the option reads it."""
    if end_dates is not EndDates.LAST_NIGHT or not _is_whole(event):
        return event
    if event.no_length:
        return replace(event, doubts=tuple(one for one in event.doubts if one != NO_LENGTH))
    return replace(event, ends=event.ends + _DAY) if _names_last_day(event) else event


def signs(readings: Iterable[Reading]) -> Signs:
    """Look at the rows of whole days as the standard reads them; closed days are rows like others here. Nothing speaks
    for last nights where one row begins on the day that another ends."""
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


def mark(readings: Sequence[Reading], found: Signs) -> tuple[Reading, ...]:
    """The readings, with a doubt about each stay whose last night may be missing."""
    if not found.are_strong:
        return tuple(readings)
    return tuple(
        replace(one, event=replace(one.event, doubts=(*one.event.doubts, REASON)))
        if one.verdict in _STAYS and _is_whole(one.event) and _written_end(one.event) in found.gaps
        else one
        for one in readings
    )


def _is_whole(event: Event) -> bool:
    return not isinstance(event.starts, datetime) and not isinstance(event.ends, datetime)


def _names_last_day(event: Event) -> bool:
    """Whether its end is a date that somebody wrote."""
    return not event.end_assumed and not event.by_length and AT_MIDNIGHT not in event.doubts


def _written_end(event: Event) -> date:
    return event.starts if event.no_length else event.ends
