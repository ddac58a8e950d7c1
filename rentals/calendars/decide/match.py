"""Which event of a new calendar belongs to which known item. Pure.

By UID and RECURRENCE-ID, then by reservation code, then a stay in progress by its check-out day, then by the same
days and name. A different reservation code, or without a UID a different name, is another guest: a new stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from rentals.calendars.decide.identity import (
    codes_conflict,
    is_traced,
    is_traced_by_code,
    same_code,
)
from rentals.calendars.decide.known import STAYS, Known, is_other_by_days, is_other_guest, overlaps
from rentals.calendars.decide.names import names_differ, same_name, words_of
from rentals.calendars.decide.placing import Arrival
from rentals.calendars.decide.rebooked import Rebooked
from rentals.calendars.decide.reused_uids import NumberedRows, UnnamedEvents
from rentals.calendars.events import UNNAMED, Verdict


@dataclass(slots=True)
class Matching:
    """The result. `displaced` items lost their key to an event that is not theirs; they are missing as well."""

    pairs: list[tuple[Known, Arrival]] = field(default_factory=list)
    fresh: list[Arrival] = field(default_factory=list)
    missing: list[Known] = field(default_factory=list)
    displaced: list[Known] = field(default_factory=list)
    #: Items whose days another guest has taken, with that guest's event. The items are missing, and the events fresh.
    rebooked: list[tuple[Known, Arrival]] = field(default_factory=list)


def match(known: Sequence[Known], arrivals: Sequence[Arrival], *, now: datetime, today: date) -> Matching:
    """Pair what is known with what came. `today`: the local day at the property."""
    result = Matching()
    by_key = {one.key: one for one in known}
    rest: list[Arrival] = []
    taken: set[int] = set()
    displaced: dict[int, Known] = {}
    rows, unnamed = NumberedRows(known, arrivals), UnnamedEvents(arrivals)
    for arrival in arrivals:
        one = by_key.get(arrival.key)
        if (
            one is not None
            and _same_by_key(one, arrival, now)
            and (_is_in_house(one, arrival, now) or not rows.moved_down(arrival))
            and not unnamed.is_another(one, arrival)
        ):
            result.pairs.append((one, arrival))
            taken.add(one.id)
            continue
        if one is not None:
            displaced[one.id] = one
        rest.append(arrival)
    rest.sort(
        key=lambda arrival: arrival.verdict is Verdict.CANCELLED
    )  # of two with one code, the live one is the stay
    open_items = [one for one in known if one.id not in taken]
    renewed = not any((one.name or one.code) and not one.forgotten for one, _ in result.pairs)
    rebooked = Rebooked(known, arrivals, now)
    for by_known, by_arrival, agrees in _Passes(now, today, rebooked, renewed=renewed).best_first():
        open_items, rest = _pair_up(open_items, rest, by_known, by_arrival, agrees, result)
    result.fresh = rest
    result.missing = open_items
    result.displaced = list(displaced.values())
    for arrival in rest:
        result.rebooked += [(one, arrival) for one in open_items if rebooked.is_another(one, arrival)]
    return result


def _same_by_key(one: Known, arrival: Arrival, now: datetime) -> bool:
    """The same UID is the same stay, unless something says that the channel uses the UID for somebody else now."""
    if arrival.verdict is Verdict.QUARANTINED:
        return True  # present, although it cannot be read
    if codes_conflict(one.code, arrival.guest.reservation_code):
        return False
    if is_traced_by_code(one.trace, arrival.guest.reservation_code) is False:
        return False
    if one.holds_stay and not one.decided and arrival.verdict in {Verdict.BLOCK, Verdict.MARKER}:
        return False
    if one.key.uid.startswith(UNNAMED) and one.starts_on is not None and is_other_by_days(one, arrival):
        return False  # it came without a UID: the key is only the days, which somebody else may have taken
    if one.gone and arrival.verdict in STAYS and one.starts_on is not None:
        # It was given up. With the same days or the same guest it is back; otherwise the channel uses the UID again.
        same_guest = same_code(one.code, arrival.guest.reservation_code) or (
            bool(words_of(one.name)) and same_name(one.name, arrival.guest.name)
        )
        same_days = one.days == arrival.days
        return same_guest or (same_days and not names_differ(one.name, arrival.guest.name))
    if one.starts_on is None or not one.holds_stay:
        return True
    if _is_in_house(one, arrival, now):
        return True
    if names_differ(one.name, arrival.guest.name):
        # A name may be corrected. If the days differ too, it is the next row of an export that numbers its rows.
        return one.days == arrival.days
    # At another time: the guest may have moved the stay, but not after it began.
    return overlaps(one, arrival) or not one.begun(now)


def _is_in_house(one: Known, arrival: Arrival, now: datetime) -> bool:
    """Whether a row says of a stay in progress that it began on the same day: then it is the same stay, whatever became
    of its name and its length. Nobody else can have arrived in the row's stead."""
    began = one.holds_stay and one.begun(now) and one.starts_on is not None
    return began and one.starts_on == arrival.starts_on and arrival.verdict in STAYS


_READABLE = frozenset(Verdict) - {Verdict.QUARANTINED, Verdict.BLOCK, Verdict.MARKER}
_Test = Callable[[Known, Arrival], bool]
_Pass = tuple[Callable[[Known], Hashable], Callable[[Arrival], Hashable], _Test]


class _Passes:
    """The further ways to know a stay again.

    `today`: the local day at the property. `renewed`: no guest is known by a UID, so that the channel may have renewed
    them all.
    """

    def __init__(self, now: datetime, today: date, rebooked: Rebooked, *, renewed: bool) -> None:
        self.now, self.today, self.rebooked, self.renewed = now, today, rebooked, renewed

    def best_first(self) -> Iterable[_Pass]:
        """For each pass: the index of a known item, that of an arrival, and whether both are one stay."""
        yield (lambda one: one.code.casefold()), (lambda came: came.guest.reservation_code.casefold()), self._by_code
        yield (lambda one: one.ends_on), (lambda came: came.ends_on), self._in_progress
        yield (lambda one: one.until), (lambda came: came.ends_on), self._longer_elsewhere
        yield (lambda one: one.days), (lambda came: came.days), self._same_days
        yield (lambda one: one.starts_on), (lambda came: came.starts_on), self._same_guest_here

    def _is_next_guest(self, one: Known, arrival: Arrival) -> bool:
        """Whether the event is not the guest whose stay a person deleted there. The trace tells; without one, a new UID
        is another guest when other stays kept theirs."""
        if not one.forgotten:
            return False
        traced = is_traced(one.trace, arrival.guest.name, arrival.guest.reservation_code)
        if traced is not None:
            return not traced
        return not self.renewed and bool(arrival.guest.name or arrival.guest.reservation_code)

    def _by_code(self, one: Known, arrival: Arrival) -> bool:
        if not same_code(one.code, arrival.guest.reservation_code) or arrival.verdict not in _READABLE:
            return False
        return overlaps(one, arrival) or not one.begun(self.now)

    def _in_progress(self, one: Known, arrival: Arrival) -> bool:
        """Channels that export "from today onwards" cut off a running stay's beginning, day by day."""
        if one.starts_on is None or arrival.starts_on is None or one.gone:
            return False
        if not one.holds_stay and not one.decided and one.verdict is not Verdict.REVIEW:
            return False
        running = one.starts_on <= self.today and one.begun(self.now) and not one.ended(self.now)
        cut = one.starts_on <= arrival.starts_on <= self.today + timedelta(days=1) and overlaps(one, arrival)
        same = not is_other_guest(one, arrival) and not self._is_next_guest(one, arrival)
        return running and cut and arrival.verdict in STAYS and same

    def _longer_elsewhere(self, one: Known, arrival: Arrival) -> bool:
        """Another calendar or a person made a running stay longer, and this calendar catches up. Never from the former
        check-out day on: that may be the next guest."""
        if one.starts_on is None or one.ends_on is None or arrival.starts_on is None or not one.holds_stay:
            return False
        cut = one.starts_on <= arrival.starts_on <= self.today + timedelta(days=1) and arrival.starts_on < one.ends_on
        return one.begun(self.now) and cut and arrival.verdict in STAYS and not is_other_guest(one, arrival)

    def _same_days(self, one: Known, arrival: Arrival) -> bool:
        if one.gone or one.starts_on is None or codes_conflict(one.code, arrival.guest.reservation_code):
            return False
        both = (one.verdict in STAYS or one.holds_stay) == (arrival.verdict in STAYS)
        if not both and not one.decided:
            return False
        if one.forgotten:
            return not self._is_next_guest(one, arrival)
        return same_name(one.name, arrival.guest.name) and not self.rebooked.is_another(one, arrival)

    def _same_guest_here(self, one: Known, arrival: Arrival) -> bool:
        """A guest in the house whose stay has another length under a new UID."""
        named = bool(words_of(one.name)) and same_name(one.name, arrival.guest.name)
        return named and _is_in_house(one, arrival, self.now) and not is_other_guest(one, arrival)


def _pair_up(
    items: list[Known],
    arrivals: list[Arrival],
    by_known: Callable[[Known], Hashable],
    by_arrival: Callable[[Arrival], Hashable],
    agrees: _Test,
    result: Matching,
) -> tuple[list[Known], list[Arrival]]:
    """One pass; returns what is left over. Of several candidates, one with the very same days comes first."""
    shelves: defaultdict[Hashable, list[Known]] = defaultdict(list)
    for one in items:
        if (index := by_known(one)) != "":  # items without a code must not share a shelf
            shelves[index].append(one)
    left: list[Arrival] = []
    taken: set[int] = set()
    for arrival in arrivals:
        candidates = [
            one for one in shelves.get(by_arrival(arrival), ()) if one.id not in taken and agrees(one, arrival)
        ]
        if not candidates:
            left.append(arrival)
            continue
        best = min(candidates, key=lambda one: (one.days != arrival.days, one.gone, one.id))
        taken.add(best.id)
        result.pairs.append((best, arrival))
    return [one for one in items if one.id not in taken], left
