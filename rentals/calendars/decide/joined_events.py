"""Events of Booking.com that swallow their neighbours. Pure.

Booking.com exports stays and closed days alike and joins what touches: 10 to 14 and 14 to 18 May become one event,
10 to 18. Read as "the guest of 10 May stays longer", it would let the next guest in with the first one's code. So the
known stays inside are kept as they are, and the rest is a new stay for a person to look at. What is known comes from
this calendar, or from elsewhere: another calendar that the channel imports, or a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rentals.calendars.decide.placing import Key
from rentals.calendars.events import Channel, Event

#: Channels that list their own stays and those that they import from others as the same closed days.
JOINING = frozenset({Channel.BOOKING})
REASON = "Booking.com joined it with a stay that we know. It may be a new guest, or the same guest staying longer."


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


def split_grown(
    events: Sequence[Event],
    stays: Sequence[Held],
    longer: Sequence[Held] = (),
    elsewhere: Sequence[Held] = (),
) -> Split:
    """Cut events that grew over known stays into those stays and what is left.

    `longer`: stays with their present days, which another calendar or a person may have changed. An event with those
    days only catches up. `elsewhere`: stays that this calendar does not list; they cut also what it lists for the first
    time, but no stay that has begun.
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
        for piece, is_new in _pieces(event, inside, keeps_key=_is_known_whole(event, inside, stays)):
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
    event: Event, inside: list[Held], stays: Sequence[Held], elsewhere: Sequence[Held], events: Sequence[Event]
) -> list[Held]:
    """The stays inside an event, with those that only others know. None of these where the event is an echo of one
    stay, and none that would cut a guest's stay in progress."""
    if isinstance(event.starts, datetime) or isinstance(event.ends, datetime) or event.status == "CANCELLED":
        return inside
    if any(_shows(event, stay) for stay in elsewhere):
        return inside
    if any(stay.begun and stay.uid == event.uid and _overlap(stay, event.starts, event.ends) for stay in stays):
        return inside
    found = list(inside)
    for stay in sorted(elsewhere, key=lambda one: (one.starts_on, one.ends_on)):
        within = event.starts <= stay.starts_on and stay.ends_on <= event.ends
        alone = not any(_overlap(one, stay.starts_on, stay.ends_on) for one in found)
        listed = any(other is not event and _shows(other, stay) for other in events)
        if within and alone and not listed:
            found.append(stay)
    return sorted(found, key=lambda one: one.starts_on)


def _overlap(stay: Held, starts: date, ends: date) -> bool:
    return stay.starts_on < ends and starts < stay.ends_on


def _is_known_whole(event: Event, inside: Sequence[Held], stays: Sequence[Held]) -> bool:
    """Whether the event has a stay already that is none of those inside: it becomes the first of the rests, and keeps
    its code."""
    return any(stay.uid == event.uid and not stay.piece and stay not in inside for stay in stays)


def _catches_up(event: Event, stay: Held) -> bool:
    return (event.starts, event.ends) == (stay.starts_on, stay.ends_on) or _shows(event, stay)


def _shows(event: Event, stay: Held) -> bool:
    """Whether an event lists this stay by itself, perhaps without the days that are over."""
    return event.ends == stay.ends_on and (
        event.starts == stay.starts_on or (stay.begun and stay.starts_on < event.starts < stay.ends_on)
    )


def _pieces(event: Event, inside: Sequence[Held], *, keeps_key: bool) -> Iterator[tuple[Event, bool]]:
    """The event cut up, and of each piece whether a person should look at it. `keeps_key`: the first rest has the key
    of the whole."""
    cursor, key = event.starts, event.part if keeps_key else None
    for stay in inside:
        begins = max(stay.starts_on, event.starts)
        if cursor < begins:
            yield _piece(event, cursor, begins, key), True
            key = None
        yield _piece(event, begins, stay.ends_on), stay.marked
        cursor = stay.ends_on
    if cursor < event.ends:
        yield _piece(event, cursor, event.ends, key), True


def _piece(event: Event, starts: date, ends: date, part: str | None = None) -> Event:
    return replace(event, starts=starts, ends=ends, part=f"from {starts.isoformat()}" if part is None else part)
