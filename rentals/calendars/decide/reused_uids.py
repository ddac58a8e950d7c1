"""Exports that give a stay's UID to another stay: those that number their rows, and those without UIDs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from rentals.calendars.decide.identity import codes_conflict, plain_name, same_code
from rentals.calendars.decide.known import STAYS, Known
from rentals.calendars.decide.placing import Arrival
from rentals.calendars.events import UNNAMED


class NumberedRows:
    """Recognises exports that number their rows, where neither names nor codes can: when one stay leaves or comes,
    every later one takes over its neighbour's UID. A single stay on another's former days may have moved there; several
    at once have not."""

    def __init__(self, known: Sequence[Known], arrivals: Sequence[Arrival]) -> None:
        self.listed = {arrival.key: arrival.days for arrival in arrivals}
        self.by_days: defaultdict[tuple[date | None, date | None], list[Known]] = defaultdict(list)
        for one in known:
            if one.holds_stay:
                self.by_days[one.days].append(one)
        by_key = {one.key: one for one in known}
        found = {arrival.key: self._neighbour(by_key.get(arrival.key), arrival) for arrival in arrivals}
        suspects = {key: other.key for key, other in found.items() if other is not None}
        self.moved = {*suspects, *suspects.values()} if len(suspects) > 1 else set()

    def moved_down(self, arrival: Arrival) -> bool:
        """Whether the UID stands for its neighbour's stay now."""
        return arrival.key in self.moved

    def _neighbour(self, one: Known | None, arrival: Arrival) -> Known | None:
        """The stay in another row that had the event's days. `one`: what its UID stood for; None for a new row, which
        tells something only if the other row's UID is still used, for other days."""
        name = plain_name(arrival.guest.name)
        if arrival.verdict not in STAYS:
            return None
        if one is not None:
            if not one.holds_stay or one.days == arrival.days:
                return None
            if same_code(one.code, arrival.guest.reservation_code) or (name and name == plain_name(one.name)):
                return None
        others = (
            other
            for other in self.by_days.get(arrival.days, ())
            if other is not one
            and self.listed.get(other.key) != arrival.days
            and (one is not None or other.key in self.listed)
            and not codes_conflict(other.code, arrival.guest.reservation_code)
            and plain_name(other.name) == name
        )
        return next(others, None)


class UnnamedEvents:
    """Events without a UID on the same days share a key and are only numbered: one more event moves the others down."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.names: defaultdict[str, set[str]] = defaultdict(set)
        for arrival in arrivals:
            if arrival.key.uid.startswith(UNNAMED):
                self.names[arrival.key.uid].add(plain_name(arrival.guest.name))

    def is_another(self, one: Known, arrival: Arrival) -> bool:
        """Whether the event names another guest than the item, whose own guest is listed beside it."""
        name = plain_name(one.name)
        return name != plain_name(arrival.guest.name) and name in self.names.get(arrival.key.uid, ())
