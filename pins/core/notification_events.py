"""What a channel may hear of. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from rentals.phrases import phrase


class Event(StrEnum):
    """A change that is announced once. The values are part of the webhook contract (docs/notifications.md)."""

    INCIDENT_OPENED = "incident.opened"
    INCIDENT_RESOLVED = "incident.resolved"
    CODE_READY = "code.ready"
    CODE_CHANGED = "code.changed"
    STAY_CANCELLED = "stay.cancelled"
    LEFT_EARLY = "stay.left_early"
    NOBODY_CAME = "stay.nobody_came"
    SUMMARY = "summary.daily"  # asked for by its time of day, not chosen like the others
    TEST = "test"


#: What may be chosen, with phrases for people.
CHOICES: Final[tuple[tuple[str, str], ...]] = (
    (Event.INCIDENT_OPENED.value, phrase("Something is wrong")),
    (Event.INCIDENT_RESOLVED.value, phrase("It is in order again")),
    (Event.CODE_READY.value, phrase("A stay's code is on all its locks")),
    (Event.CODE_CHANGED.value, phrase("All locks of a stay have another code")),
    (Event.STAY_CANCELLED.value, phrase("A stay with a code is cancelled or deleted")),
    (Event.LEFT_EARLY.value, phrase("A guest checked out early")),
    (Event.NOBODY_CAME.value, phrase("Nobody came by midnight (for accounts whose activity is read)")),
)
CHOSEN_BY_DEFAULT: Final = (Event.INCIDENT_OPENED.value, Event.INCIDENT_RESOLVED.value)
#: These may carry the code, where a channel is allowed to.
WITH_CODE: Final = frozenset({Event.CODE_READY, Event.CODE_CHANGED})
ABOUT_INCIDENTS: Final = frozenset({Event.INCIDENT_OPENED, Event.INCIDENT_RESOLVED})


class Severity(StrEnum):
    URGENT = "urgent"  # a guest may stand before a closed door
    ORDINARY = "ordinary"


def severity(of_incident: str) -> Severity:
    """From `Incident.severity`, which rises as an arrival comes nearer: the same word as on the board, not a second
    opinion by kind."""
    return Severity.URGENT if of_incident == Severity.URGENT.value else Severity.ORDINARY
