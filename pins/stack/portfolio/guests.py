"""Who stays when, and through which channel the stay came."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from pins.stack.portfolio.places import Home
from pins.stack.portfolio.stays import Nights, stays
from rentals.models import Booking, CalendarFeed, Property

#: Days of the portfolio, from today.
PAST, AHEAD = 60, 300
SPAN = PAST + AHEAD

_FIRST_NAMES = (
    *("Anna", "Piotr", "Zofia", "Marek", "Julia", "Tomasz", "Olivia", "Jan", "Hanna", "Lukas", "Sophie", "Emma"),
    *("Noah", "Mia", "Liam", "Inês", "João", "Amélie", "Björn", "Chloé", "Yuki", "Haruto", "Aoife", "Mateusz"),
)
_LAST_NAMES = (
    *("Nowak", "Kowalska", "Wiśniewski", "Schmidt", "Müller", "Silva", "Santos", "Smith", "Taylor", "Brown"),
    *("Martin", "Dubois", "Tanaka", "Sato", "O'Brien", "Larsen", "Rossi", "Novák", "Horváth", "García"),
)


def bookings_of(
    rng: random.Random, home: Home, feeds: Sequence[CalendarFeed], count: int, now: datetime
) -> list[tuple[Booking, CalendarFeed | None]]:
    """The stays of one property, each with the calendar that it came by, if any."""
    prop = home.property
    first = now.astimezone(prop.zone).date() - timedelta(days=PAST)
    found = []
    for nights in stays(rng, count, SPAN):
        feed = rng.choice((*feeds, *feeds, None))
        booking = _booking(rng, prop, feed, first, nights)
        _decide(rng, booking, feed is not None, now)
        found.append((booking, feed))
    return found


def _booking(rng: random.Random, prop: Property, feed: CalendarFeed | None, first: date, nights: Nights) -> Booking:
    check_in = prop.check_in_on(first + timedelta(days=nights.arrives))
    check_out = prop.check_out_on(first + timedelta(days=nights.leaves))
    booking = Booking(property=prop, check_in=check_in, check_out=check_out, follows_property_times=True)
    booking.guest_name = _name(rng, feed.channel if feed is not None else "")
    if feed is not None:
        booking.source = feed.channel
        booking.feed_check_in, booking.feed_check_out = check_in, check_out
        booking.feed_guest_name = booking.guest_name
    if rng.random() < 0.06:  # agreed with the guest: also what a person changed against the calendar
        booking.check_in += timedelta(minutes=rng.choice((-90, -60, 120, 300)))
        booking.follows_property_times = False
    return booking


def _name(rng: random.Random, channel: str) -> str:
    """Airbnb and Booking.com give no names."""
    if channel in ("airbnb", "booking"):
        return ""
    return f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"


def _decide(rng: random.Random, booking: Booking, by_calendar: bool, now: datetime) -> None:
    drawn = rng.random()
    if drawn < 0.05:
        booking.status = Booking.Status.CANCELLED
    elif drawn < 0.08 and booking.check_in > now:
        booking.status = Booking.Status.TENTATIVE
    if by_calendar:
        booking.feed_status = booking.status
        booking.needs_review = booking.status == Booking.Status.CONFIRMED and rng.random() < 0.004
