"""What an import did, for people: counts, and a line for each thing that changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from rentals.calendars.events import Verdict


class Action(StrEnum):
    """What happened to an item or its stay, in the words of the table of outcomes."""

    NEW = "new stay"
    NEW_TENTATIVE = "new, not confirmed yet"
    ALSO_HERE = "also listed here"
    DATES_CHANGED = "dates changed"
    DATES_CHANGED_HERE = "dates changed in this calendar"
    WAITS = "waits for your decision"
    QUARANTINED = "quarantined"
    ABSENT = "not listed any more; to be confirmed"
    HELD = "held"
    LEFT = "left the calendar"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of outcomes. Days are local days at the property."""

    action: Action
    starts_on: date | None
    ends_on: date | None
    verdict: Verdict
    guest_name: str = field(default="", repr=False)
    reason: str = ""
    said: str = field(default="", repr=False)  # the event's own text


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of stays, except `quarantined` (events of this calendar that cannot be read) and `events`."""

    created: int = 0
    changed: int = 0
    cancelled: int = 0
    held: int = 0  # wait for a person's decision, not cancelled
    absent: int = 0  # vanished just now; to be confirmed by a later fetch
    quarantined: int = 0
    review: int = 0  # items that wait for a decision, without a code
    events: int = 0
    unchanged: bool = False  # the same as last time
    outdated: bool = False  # older than what we hold: dropped
    held_reason: str = ""
    rows: tuple[Row, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """The counts alone: fit for logs, answers and the database."""
        names = ("created", "changed", "cancelled", "held", "absent", "quarantined", "review", "events")
        return {name: getattr(self, name) for name in names}
