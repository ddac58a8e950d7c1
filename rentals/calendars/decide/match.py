"""Which known item is which event of the calendar that just came. Pure.

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
    names_conflict,
    plain_name,
    same_code,
)
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import UNNAMED, Verdict

#: Verdicts that may hold a stay.
STAYS = frozenset({Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW})


@dataclass(frozen=True, slots=True)
class Known:
    """An item as the last import left it."""

    id: int
    key: Key
    verdict: Verdict
    starts_on: date | None
    ends_on: date | None
    begins_at: datetime | None  # UTC; the earliest of what the feed says, the booking's check-in, the channel's clock
    ends_at: datetime | None
    until: date | None = None  # the check-out day of its booking, while that lives
    name: str = ""
    code: str = ""
    gone: bool = False  # it left the feed and its stay was given up
    decided: bool = False  # a person said what it is
    forgotten: bool = False  # a person said that nobody comes: personal data was wiped, but for the trace
    trace: str = ""  # see `identity.trace_of`
    holds_stay: bool = False  # a booking hangs on it

    def begun(self, now: datetime) -> bool:
        return self.begins_at is not None and self.begins_at <= now

    def ended(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now


@dataclass(slots=True)
class Matching:
    """The result. `displaced` items lost their key to an event that is not theirs; they are missing as well."""

    pairs: list[tuple[Known, Arrival]] = field(default_factory=list)
    fresh: list[Arrival] = field(default_factory=list)
    missing: list[Known] = field(default_factory=list)
    displaced: list[Known] = field(default_factory=list)


def match(known: Sequence[Known], arrivals: Sequence[Arrival], *, now: datetime, today: date) -> Matching:
    """Pair what is known with what came. `today`: the local day at the property."""
    result = Matching()
    by_key = {one.key: one for one in known}
    rest: list[Arrival] = []
    taken: set[int] = set()
    displaced: dict[int, Known] = {}
    rows, unnamed = _Rows(known, arrivals), _Unnamed(arrivals)
    for arrival in arrivals:
        one = by_key.get(arrival.key)
        if (
            one is not None
            and _same_by_key(one, arrival, now)
            and not rows.moved_down(arrival)
            and not unnamed.is_another(one, arrival)
        ):
            result.pairs.append((one, arrival))
            taken.add(one.id)
            continue
        if one is not None:
            displaced[one.id] = one
        rest.append(arrival)
    rest.sort(key=lambda arrival: arrival.verdict is Verdict.CANCELLED)  # of two with one code, the live one is it
    open_items = [one for one in known if one.id not in taken]
    renewed = not any((one.name or one.code) and not one.forgotten for one, _ in result.pairs)
    for by_known, by_arrival, agrees in _passes(now, today, renewed=renewed):
        if rest and open_items:
            open_items, rest = _pair_up(open_items, rest, by_known, by_arrival, agrees, result)
    result.fresh = rest
    result.missing = open_items
    result.displaced = list(displaced.values())
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
    if one.key.uid.startswith(UNNAMED) and one.starts_on is not None and _other_by_days(one, arrival):
        return False  # it came without a UID: the key is only the days, which somebody else may have taken
    if one.gone and arrival.verdict in STAYS and one.starts_on is not None:
        # It was given up. The same days, or the same guest: it is back. Else the channel uses the UID again.
        same_guest = same_code(one.code, arrival.guest.reservation_code) or (
            bool(one.name) and plain_name(one.name) == plain_name(arrival.guest.name)
        )
        same_days = (one.starts_on, one.ends_on) == arrival.days
        return same_guest or (same_days and not names_conflict(one.name, arrival.guest.name))
    if one.starts_on is None or not one.holds_stay:
        return True
    if names_conflict(one.name, arrival.guest.name):
        # A name may be corrected. With other days as well it is the next row of an export that numbers its rows.
        return (one.starts_on, one.ends_on) == arrival.days
    # Elsewhere in time: the same guest may have moved, but not one who has come already.
    return _overlap(one, arrival) or not one.begun(now)


class _Rows:
    """Sees through exports that number their rows where neither names nor codes do: when one stay leaves or comes,
    every later one takes over its neighbour's UID. A single stay on another's former days may have moved there; several
    at once have not."""

    def __init__(self, known: Sequence[Known], arrivals: Sequence[Arrival]) -> None:
        self.listed = {arrival.key: arrival.days for arrival in arrivals}
        self.by_days: defaultdict[tuple[date | None, date | None], list[Known]] = defaultdict(list)
        for one in known:
            if one.holds_stay:
                self.by_days[one.starts_on, one.ends_on].append(one)
        by_key = {one.key: one for one in known}
        found = {arrival.key: self._neighbour(by_key.get(arrival.key), arrival) for arrival in arrivals}
        suspects = {key: other.key for key, other in found.items() if other is not None}
        self.moved = {*suspects, *suspects.values()} if len(suspects) > 1 else set()

    def moved_down(self, arrival: Arrival) -> bool:
        """Whether the UID stands for its neighbour's stay now."""
        return arrival.key in self.moved

    def _neighbour(self, one: Known | None, arrival: Arrival) -> Known | None:
        """The stay of another row on whose days it stands now. `one`: what its UID stood for; None for a new row, which
        tells something only where the other row's UID is still used, for other days."""
        name = plain_name(arrival.guest.name)
        if arrival.verdict not in STAYS:
            return None
        if one is not None:
            if not one.holds_stay or (one.starts_on, one.ends_on) == arrival.days:
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


class _Unnamed:
    """Events without a UID on the same days share a key and are only numbered: one more moves the others down."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.names: defaultdict[str, set[str]] = defaultdict(set)
        for arrival in arrivals:
            if arrival.key.uid.startswith(UNNAMED):
                self.names[arrival.key.uid].add(plain_name(arrival.guest.name))

    def is_another(self, one: Known, arrival: Arrival) -> bool:
        """Whether the guest whom it stood for is listed beside it."""
        name = plain_name(one.name)
        return name != plain_name(arrival.guest.name) and name in self.names.get(arrival.key.uid, ())


_Test = Callable[[Known, Arrival], bool]
_Pass = tuple[Callable[[Known], Hashable], Callable[[Arrival], Hashable], _Test]


def _passes(now: datetime, today: date, *, renewed: bool) -> Iterable[_Pass]:
    """The further ways to know a stay again, best first: (index of the known, index of the arrival, whether).

    `renewed`: no guest is known by a UID, so that the channel may have renewed them all.
    """

    def next_guest(one: Known, arrival: Arrival) -> bool:
        # Of who stood where a person deleted a stay the trace tells; without one, beside others that kept their UIDs, a
        # new UID is another guest.
        if not one.forgotten:
            return False
        traced = is_traced(one.trace, arrival.guest.name, arrival.guest.reservation_code)
        if traced is not None:
            return not traced
        return not renewed and bool(arrival.guest.name or arrival.guest.reservation_code)

    def by_code(one: Known, arrival: Arrival) -> bool:
        if not same_code(one.code, arrival.guest.reservation_code) or arrival.verdict not in _READABLE:
            return False
        return _overlap(one, arrival) or not one.begun(now)

    def in_progress(one: Known, arrival: Arrival) -> bool:
        # Channels that export "from today onwards" cut a running stay's beginning off, day by day.
        if one.starts_on is None or arrival.starts_on is None or one.gone:
            return False
        if not one.holds_stay and not one.decided and one.verdict is not Verdict.REVIEW:
            return False
        running = one.starts_on <= today and one.begun(now) and not one.ended(now)
        cut = one.starts_on <= arrival.starts_on <= today + timedelta(days=1) and _overlap(one, arrival)
        same = not _other_guest(one, arrival) and not next_guest(one, arrival)
        return running and cut and arrival.verdict in STAYS and same

    def longer_elsewhere(one: Known, arrival: Arrival) -> bool:
        # Another calendar or a person made a running stay longer, and this calendar catches up. Never from the former
        # check-out day on: that may be the next guest.
        if one.starts_on is None or one.ends_on is None or arrival.starts_on is None or not one.holds_stay:
            return False
        cut = one.starts_on <= arrival.starts_on <= today + timedelta(days=1) and arrival.starts_on < one.ends_on
        return one.begun(now) and cut and arrival.verdict in STAYS and not _other_guest(one, arrival)

    def same_days(one: Known, arrival: Arrival) -> bool:
        if one.gone or one.starts_on is None or codes_conflict(one.code, arrival.guest.reservation_code):
            return False
        both = (one.verdict in STAYS or one.holds_stay) == (arrival.verdict in STAYS)
        if not both and not one.decided:
            return False
        if one.forgotten:
            return not next_guest(one, arrival)
        return plain_name(one.name) == plain_name(arrival.guest.name)

    yield (lambda one: one.code.casefold()), (lambda came: came.guest.reservation_code.casefold()), by_code
    yield (lambda one: one.ends_on), (lambda came: came.ends_on), in_progress
    yield (lambda one: one.until), (lambda came: came.ends_on), longer_elsewhere
    yield (lambda one: (one.starts_on, one.ends_on)), (lambda came: came.days), same_days


_READABLE = frozenset(Verdict) - {Verdict.QUARANTINED, Verdict.BLOCK, Verdict.MARKER}


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
        if (index := by_known(one)) != "":  # without a code: on no shelf, not all on one
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
        best = min(candidates, key=lambda one: ((one.starts_on, one.ends_on) != arrival.days, one.gone, one.id))
        taken.add(best.id)
        result.pairs.append((best, arrival))
    return [one for one in items if one.id not in taken], left


def _other_guest(one: Known, arrival: Arrival) -> bool:
    """Without a UID or a code in common, any difference in the name counts."""
    if codes_conflict(one.code, arrival.guest.reservation_code):
        return True
    first, second = plain_name(one.name), plain_name(arrival.guest.name)
    return bool(first and second) and first != second


def _other_by_days(one: Known, arrival: Arrival) -> bool:
    """With nothing but days in common, a guest who was named and is no longer is another one as well; on days that
    were given up, also one who is named now."""
    if _other_guest(one, arrival) or arrival.verdict not in STAYS:
        return _other_guest(one, arrival)
    first, second = plain_name(one.name), plain_name(arrival.guest.name)
    return first != second and bool(first or one.gone)


def _overlap(one: Known, arrival: Arrival) -> bool:
    if one.begins_at is None or one.ends_at is None or arrival.starts_at is None or arrival.ends_at is None:
        return False
    return one.begins_at < arrival.ends_at and arrival.starts_at < one.ends_at
