"""Events of Booking.com that swallow their neighbours. Pure.

Booking.com exports stays and closed days alike and joins what touches: 10 to 14 and 14 to 18 May become one event,
10 to 18. Read as "the guest of 10 May stays longer", it would let the next guest in with the first one's code. So the
known stays inside are kept as they are, and the rest is a new stay for a person to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rentals.calendars.decide.placing import Key
from rentals.calendars.events import Event

REASON = "Booking.com joined it with a stay that we know. It may be a new guest, or the same guest staying longer."


@dataclass(frozen=True, slots=True)
class Held:
    """A live stay of this feed, by its days."""

    uid: str
    starts_on: date
    ends_on: date
    begun: bool
    piece: bool = False  # the rest of an item that was cut before
    order: int = 0  # of its item: higher ones came later


@dataclass(frozen=True, slots=True)
class Split:
    events: tuple[Event, ...]
    remainders: frozenset[Key]  # the pieces that belong to no known stay


def split_grown(events: Sequence[Event], stays: Sequence[Held], longer: Sequence[Held] = ()) -> Split:
    """Cut events that grew over known stays into those stays and what is left.

    `longer`: stays with their present days, which another calendar or a person may have changed. An event with those
    days only catches up.
    """
    cut: list[Event] = []
    remainders: set[Key] = set()
    for event in events:
        catches_up = any(_catches_up(event, stay) for stay in longer)
        inside = [] if catches_up else _swallowed(event, stays, events)
        if not inside:
            cut.append(event)
            continue
        for piece, is_new in _pieces(event, inside):
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


def _catches_up(event: Event, stay: Held) -> bool:
    return (event.starts, event.ends) == (stay.starts_on, stay.ends_on) or _shows(event, stay)


def _shows(event: Event, stay: Held) -> bool:
    """Whether an event lists this stay by itself, perhaps without the days that are over."""
    return event.ends == stay.ends_on and (
        event.starts == stay.starts_on or (stay.begun and stay.starts_on < event.starts < stay.ends_on)
    )


def _pieces(event: Event, inside: Sequence[Held]) -> Iterator[tuple[Event, bool]]:
    cursor = event.starts
    for stay in inside:
        begins = max(stay.starts_on, event.starts)
        if cursor < begins:
            yield _piece(event, cursor, begins), True
        yield _piece(event, begins, stay.ends_on), False
        cursor = stay.ends_on
    if cursor < event.ends:
        yield _piece(event, cursor, event.ends), True


def _piece(event: Event, starts: date, ends: date) -> Event:
    return replace(event, starts=starts, ends=ends, part=f"from {starts.isoformat()}")
