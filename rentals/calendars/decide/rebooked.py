"""Nameless days that were free for a while, and are taken again: another guest has booked them. Pure.

Nothing else tells two guests of a nameless channel apart. That a channel renewed the UID of the same stay would look
alike, so it counts only if the channel keeps its UIDs: the other rows still have theirs, and none of them came back
under a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rentals.calendars.decide.known import STAYS, Known
from rentals.calendars.decide.names import words_of
from rentals.calendars.decide.placing import Arrival
from rentals.calendars.events import UNNAMED
from rentals.phrases import phrase

REASON = phrase(
    "These days were free, and were then taken again by a new row: another guest, with a code of their own."
)


class Rebooked:
    """Knows it for one import. A single row, or an empty calendar, proves nothing."""

    def __init__(self, known: Sequence[Known], arrivals: Sequence[Arrival], now: datetime) -> None:
        self.now = now
        self.uids = {one.key.uid for one in known}
        listed = {arrival.key for arrival in arrivals}
        renewed = {arrival.days for arrival in arrivals if arrival.key.uid not in self.uids}
        others = [one for one in known if not one.gone and not one.seen_free and not _is_unnamed(one.key.uid)]
        kept = any(one.key in listed for one in others)
        self.keeps_uids = kept and not any(
            one.key not in listed and one.starts_on is not None and one.days in renewed for one in others
        )

    def is_another(self, one: Known, arrival: Arrival) -> bool:
        """Whether the event is not the guest whose stay the item holds, although the days are the same. Never for a
        stay that has begun."""
        nameless = one.is_nameless and not words_of(arrival.guest.name) and not arrival.guest.reservation_code
        new = arrival.key.uid not in self.uids and not _is_unnamed(arrival.key.uid)
        free = one.seen_free and one.holds_stay and not one.begun(self.now)
        return self.keeps_uids and free and new and nameless and arrival.verdict in STAYS and one.days == arrival.days


def _is_unnamed(uid: str) -> bool:
    return uid.startswith(UNNAMED)
