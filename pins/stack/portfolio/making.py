"""Makes the portfolio: places, calendars, stays, codes, in batches and in one transaction."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from pins.incidents import sweep_checks
from pins.stack.portfolio.calendars import items_of, make_feeds
from pins.stack.portfolio.codes import CodeMaker, Rows
from pins.stack.portfolio.guests import SPAN, bookings_of
from pins.stack.portfolio.places import BATCH, Home, make_homes
from rentals.models import Booking, CalendarFeed, FeedItem

#: How many properties are written together.
_TOGETHER = 25


class TooManyBookingsError(Exception):
    """More stays than the properties have nights for."""


@dataclass(frozen=True)
class Size:
    """How much to make."""

    properties: int
    locks: int
    bookings: int


def make(size: Size, now: datetime, *, seed: int, tell: Callable[[str], None] = lambda _: None) -> None:
    """Add a portfolio to the database around `now` (aware): all of it or nothing. `tell` is called with the progress.

    The same seed and moment make the same portfolio, except codes, tokens and ids. Raises TooManyBookingsError.
    """
    if size.bookings > size.properties * SPAN:
        raise TooManyBookingsError(
            f"{size.properties} properties have room for {size.properties * SPAN} bookings. "
            "Ask for fewer bookings or for more properties."
        )
    now = now.replace(microsecond=0)
    rng = random.Random(seed)
    with transaction.atomic():
        homes = make_homes(rng, size.properties, size.locks, now)
        feeds = make_feeds(rng, homes, now)
        number = sum(len(found) for found in feeds.values())
        tell(f"{size.properties} properties, {size.locks} locks, {number} calendar feeds")
        code_maker = CodeMaker(rng, now)
        done = 0
        for group, counts in _groups(homes, size.bookings):
            done += _fill(rng, code_maker, group, counts, feeds, now)
            tell(f"{done} of {size.bookings} bookings")
        sweep_checks.check(now)


def _groups(homes: Sequence[Home], bookings: int) -> Iterator[tuple[Sequence[Home], list[int]]]:
    """The properties in batches, with how many stays each gets."""
    for start in range(0, len(homes), _TOGETHER):
        group = homes[start : start + _TOGETHER]
        numbers = range(start, start + len(group))
        yield group, [bookings * (number + 1) // len(homes) - bookings * number // len(homes) for number in numbers]


def _fill(
    rng: random.Random,
    code_maker: CodeMaker,
    homes: Sequence[Home],
    counts: Sequence[int],
    feeds: dict[int, list[CalendarFeed]],
    now: datetime,
) -> int:
    """Make the stays of some properties, with everything that follows from them. Returns how many stays."""
    rows = Rows()
    sold = [
        bookings_of(rng, home, feeds[home.property.pk], count, now) for home, count in zip(homes, counts, strict=True)
    ]
    bookings = [booking for found in sold for booking, _ in found]
    Booking.objects.bulk_create(bookings, batch_size=BATCH)
    by_calendar = [(booking, feed) for found in sold for booking, feed in found if feed is not None]
    FeedItem.objects.bulk_create(items_of(rng, by_calendar, now), batch_size=BATCH)
    for home, found in zip(homes, sold, strict=True):
        code_maker.make(rows, home, [booking for booking, _ in found])
    rows.store()
    return len(bookings)
