"""Events of Booking.com that swallow their neighbours. Pure.

Booking.com exports stays and closed days alike and joins what touches: 10 to 14 and 14 to 18 May become one event,
10 to 18. Read as "the guest of 10 May stays longer", it would let the next guest in with the first one's code. So the
known stays inside are kept as they are, and the rest is a new stay for a person to look at. What is known comes from
this calendar, or from elsewhere: another calendar that the channel imports, or a person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rentals.calendars.decide.placing import Key
from rentals.calendars.events import Channel, Event
from rentals.phrases import phrase

#: Channels that list their own stays and those that they import from others as the same closed days.
JOINING = frozenset({Channel.BOOKING})
REASON = phrase(
    "Booking.com joined it with a stay that we know. It may be a new guest, or the same guest staying longer."
)


@dataclass(frozen=True, slots=True)
class Held:
    """A live stay by its days: of this feed, or `uid` "" if only others know it."""

    uid: str
    starts_on: date
    ends_on: date
    begun: bool
    piece: bool = False  # the rest of an item that was cut before
    order: int = 0  # of its item: higher ones came later
    marked: bool = False  # it is such a rest, and a person should look at it


@dataclass(frozen=True, slots=True)
class Split:
    events: tuple[Event, ...]
    remainders: frozenset[Key]  # the pieces that belong to no known stay


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Stays that this calendar does not list. They cut also what it lists for the first time, but no stay that has
    begun, and only rows that `joins` says may be joined ones. `keys`: of the items that the calendar has; `cut_off_by`:
    the last day on which a row may begin whose beginning was cut off, because the channel lists today onwards."""

    stays: Sequence[Held] = ()
    joins: Callable[[Event], bool] = lambda _: False
    keys: Collection[Key] = ()
    longest_rest: int = 0  # nights; where more is left, the row is closed days rather than a stay
    cut_off_by: date = date.min


def split_grown(
    events: Sequence[Event],
    stays: Sequence[Held],
    longer: Sequence[Held] = (),
    elsewhere: Elsewhere = Elsewhere(),
) -> Split:
    """Cut events that grew over known stays into those stays and what is left.

    `longer`: stays with their present days, which another calendar or a person may have changed. An event with those
    days only catches up.
    """
    cut: list[Event] = []
    remainders: set[Key] = set()
    for event in events:
        catches_up = any(_catches_up(event, stay) for stay in longer)
        inside = [] if catches_up else _swallowed(event, stays, events)
        inside = _with_those_elsewhere(event, inside, stays, elsewhere, events)
        if not inside:
            cut.append(event)
            continue
        for piece, is_new in _pieces(event, inside, keeps_key=_is_known_whole(event, inside, elsewhere.keys)):
            cut.append(piece)
            if is_new:
                remainders.add(Key(piece.uid, piece.recurrence_id, piece.part))
    return Split(tuple(cut), frozenset(remainders))


def _swallowed(event: Event, stays: Sequence[Held], events: Sequence[Event]) -> list[Held]:
    if isinstance(event.starts, datetime) or isinstance(event.ends, datetime) or event.status == "CANCELLED":
        return []
    inside = [
        stay
        for stay in stays
        if event.starts < stay.ends_on <= event.ends
        and (stay.starts_on >= event.starts or stay.begun)
        and not any(other is not event and _shows(other, stay) for other in events)
    ]
    # A stay in progress remains known after the calendar gave it other days under another UID: the latest item counts.
    inside.sort(key=lambda stay: (-stay.order, stay.starts_on, stay.ends_on))
    separate: list[Held] = []
    for stay in inside:
        if all(stay.starts_on >= one.ends_on or stay.ends_on <= one.starts_on for one in separate):
            separate.append(stay)
    separate.sort(key=lambda stay: stay.starts_on)
    if len(separate) == 1 and separate[0].ends_on == event.ends:
        only = separate[0]
        # The same end: a running stay whose beginning was cut off, or the same item with an earlier arrival.
        if only.starts_on <= event.starts or (only.uid == event.uid and not only.piece):
            return []
    return separate


def _with_those_elsewhere(
    event: Event, inside: list[Held], stays: Sequence[Held], elsewhere: Elsewhere, events: Sequence[Event]
) -> list[Held]:
    """The stays inside an event, with those that only others know. None of these where the event is an echo of one
    stay, and none that would cut a guest's stay in progress."""
    if isinstance(event.starts, datetime) or isinstance(event.ends, datetime) or event.status == "CANCELLED":
        return inside
    if not elsewhere.joins(event) or any(_shows(event, stay) for stay in elsewhere.stays):
        return inside
    if any(stay.begun and stay.uid == event.uid and _overlap(stay, event.starts, event.ends) for stay in stays):
        return inside
    found = list(inside)
    for stay in sorted(elsewhere.stays, key=lambda one: (one.starts_on, one.ends_on)):
        within = _is_within(stay, event) or _is_cut_off(stay, event, elsewhere)
        alone = not any(_overlap(one, stay.starts_on, stay.ends_on) for one in found)
        listed = any(other is not event and _shows(other, stay) for other in events)
        if within and alone and not listed:
            found.append(stay)
    known = sum((stay.ends_on - max(stay.starts_on, event.starts)).days for stay in found)
    rest = (event.ends - event.starts).days - known
    return inside if rest > elsewhere.longest_rest else sorted(found, key=lambda one: one.starts_on)


def _is_within(stay: Held, event: Event) -> bool:
    return event.starts <= stay.starts_on and stay.ends_on <= event.ends


def _is_cut_off(stay: Held, event: Event, elsewhere: Elsewhere) -> bool:
    """Whether the event may begin with the rest of a stay in progress. Not if it contradicts another stay: then it is
    an overbooking rather than a join."""
    runs = stay.begun and stay.starts_on < event.starts <= elsewhere.cut_off_by
    if not runs or not event.starts < stay.ends_on <= event.ends:
        return False
    others = (one for one in elsewhere.stays if one is not stay and _overlap(one, event.starts, event.ends))
    return all(_is_within(one, event) for one in others)


def _overlap(stay: Held, starts: date, ends: date) -> bool:
    return stay.starts_on < ends and starts < stay.ends_on


def _is_known_whole(event: Event, inside: Sequence[Held], keys: Collection[Key]) -> bool:
    """Whether the event has an item already that is none of those inside: it becomes the first of the rests, and keeps
    its code."""
    known = Key(event.uid, event.recurrence_id, event.part) in keys
    return known and not any(stay.uid == event.uid and not stay.piece for stay in inside)


def _catches_up(event: Event, stay: Held) -> bool:
    return (event.starts, event.ends) == (stay.starts_on, stay.ends_on) or _shows(event, stay)


def _shows(event: Event, stay: Held) -> bool:
    """Whether an event lists this stay by itself, perhaps without the days that are over."""
    return event.ends == stay.ends_on and (
        event.starts == stay.starts_on or (stay.begun and stay.starts_on < event.starts < stay.ends_on)
    )


def _pieces(event: Event, inside: Sequence[Held], *, keeps_key: bool) -> Iterator[tuple[Event, bool]]:
    """The event cut up, and of each piece whether a person should look at it. `keeps_key`: one piece has the key of the
    whole, the first rest, or the first of all where nothing is left."""
    cursor, days = event.starts, []
    for stay in inside:
        begins = max(stay.starts_on, event.starts)
        if cursor < begins:
            days.append((cursor, begins, True, True))
        days.append((begins, stay.ends_on, stay.marked, False))
        cursor = stay.ends_on
    if cursor < event.ends:
        days.append((cursor, event.ends, True, True))
    whole = next((one for one in days if one[3]), days[0]) if keeps_key else None
    for one in days:
        starts, ends, marked, _ = one
        part = event.part if one is whole else f"from {starts.isoformat()}"
        yield replace(event, starts=starts, ends=ends, part=part), marked
