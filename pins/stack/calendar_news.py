"""What arrives by calendar, printed line by line: two looks at the database, and a sentence for each difference.

A line names the days of a stay only: what a channel says about a guest has no place in a demo's output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pins.stack.story import days
from rentals.models import Booking, CalendarFeed, FeedItem
from rentals.wording import counted

_LISTED = 10  # stays in one line; the others are counted
TROUBLES = {
    "held": "stays vanished from it; nothing is cancelled until somebody decides in the admin",
    "reset": "its link does not exist any more; every stay is kept",
    "failing": "cannot be read; every stay is kept",
    "stale": "was not read for a day; every stay is kept",
}


@dataclass(frozen=True)
class StaySeen:
    """A stay that a calendar holds."""

    period: str  # "3-8 Mar"
    status: str


@dataclass(frozen=True)
class FeedSeen:
    """One calendar at one moment, in the terms of the story."""

    name: str
    stays: Mapping[int, StaySeen]  # by booking
    identities: frozenset[str] = frozenset()  # the UIDs that hold them
    undecided: int = 0  # events that wait for a person's decision
    troubles: tuple[str, ...] = ()


def look_at_feeds() -> dict[int, FeedSeen]:
    """Every calendar, by id. Addresses, tokens and guests' data are not read."""
    items: dict[int, list[FeedItem]] = {}
    stored = FeedItem.objects.select_related("booking__property").only(
        *("feed", "uid", "verdict", "gone_at", "decision"),
        *("booking__status", "booking__check_in", "booking__check_out", "booking__property__timezone"),
    )
    for item in stored:
        items.setdefault(item.feed_id, []).append(item)
    feeds = CalendarFeed.objects.select_related("state").only("name", *(f"state__{word}_since" for word in TROUBLES))
    return {feed.pk: _seen(feed, items.get(feed.pk, [])) for feed in feeds}


def _seen(feed: CalendarFeed, items: list[FeedItem]) -> FeedSeen:
    bookings = [item.booking for item in items if item.booking is not None]  # also of items that left the calendar
    return FeedSeen(
        name=feed.name,
        stays={one.pk: StaySeen(days(one.arrival_date, one.departure_date), one.status) for one in bookings},
        identities=frozenset(item.uid for item in items if item.booking is not None and item.gone_at is None),
        undecided=sum(item.verdict == "review" and not item.decision and item.gone_at is None for item in items),
        troubles=tuple(word for word in TROUBLES if getattr(feed.state, f"{word}_since") is not None),
    )


class CalendarNews:
    """Remembers what was printed."""

    def __init__(self, start: Mapping[int, FeedSeen]) -> None:
        self._seen = dict(start)

    def tell(self, feeds: Mapping[int, FeedSeen]) -> list[str]:
        """The sentences for what changed since the last call."""
        nothing = FeedSeen("", {})
        lines = [
            f"{feed.name}: {sentence}"
            for pk, feed in sorted(feeds.items())
            for sentence in differences(self._seen.get(pk, nothing), feed)
        ]
        self._seen = dict(feeds)
        return lines


def differences(before: FeedSeen, after: FeedSeen) -> Iterator[str]:
    """What happened to one calendar between two looks, as sentences."""
    arrived = [stay for pk, stay in sorted(after.stays.items()) if pk not in before.stays]
    if arrived:
        rest = f" and {len(arrived) - _LISTED} more" if len(arrived) > _LISTED else ""
        periods = ", ".join(_in_words(stay) for stay in arrived[:_LISTED])
        yield f"{counted(len(arrived), 'stay')} arrived: {periods}{rest}"
    for pk, stay in sorted(after.stays.items()):
        former = before.stays.get(pk, stay)
        if stay.status == Booking.Status.CANCELLED != former.status:
            yield f"the stay {stay.period} is cancelled"
        elif stay.period != former.period:
            yield f"the stay {former.period} is now {stay.period}"
        elif stay.status != former.status:
            yield f"the stay {stay.period} is {stay.status} now"
    if after.undecided > before.undecided:
        more = after.undecided - before.undecided
        yield f"{counted(more, 'long item')} may be a stay or closed days: it waits for a decision, without a code"
    renamed = before.identities and after.identities and not before.identities & after.identities
    if renamed and before.stays and before.stays == after.stays:
        yield "all its events have new UIDs; the stays are recognised and no request goes to a lock"
    for word in after.troubles:
        if word not in before.troubles:
            yield TROUBLES[word]
    for word in before.troubles:
        if word not in after.troubles:
            yield "is in order again" if word != "held" else "is no longer held"


def _in_words(stay: StaySeen) -> str:
    note = {Booking.Status.TENTATIVE.value: " (tentative, no code yet)"}
    return stay.period + note.get(stay.status, "")
