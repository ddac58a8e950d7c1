"""Which of many stays differ from their grants. Reads only, a few statements for a batch: saving a property concerns
hundreds of stays, most of which ask for nothing new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfoNotFoundError

from pins.desired.wishes import Wish, wish_of
from pins.models import AccessGrant, Pin
from rentals import end_to_end
from rentals.models import Booking, Property

#: What a grant takes over from its booking.
FACTS: Final = ("starts_at", "ends_at", "issue_at", "wanted", "holder_name")


def differing(booking_ids: Collection[int], now: datetime) -> list[int]:
    """Those of these stays, all with a grant, whose grant or PINs are not as they ask, or that cannot be read.

    Nothing is locked: who changes one of them meanwhile brings it up to date as well.
    """
    rows = AccessGrant.objects.filter(booking__in=booking_ids, kind=AccessGrant.Kind.GUEST).order_by("booking")
    grants = list(rows.select_related("booking__property").defer(*AccessGrant.SECRETS))
    bookings = [grant.booking for grant in grants if grant.booking is not None]
    doors, stays_on = active_locks(bookings), next_begins(bookings)
    pins = wanted_pins(grant.pk for grant in grants)
    found: list[int] = []
    for grant in grants:
        booking = grant.booking
        if booking is None:
            continue  # deleted since the query; whoever deleted it ends its code
        try:
            wish = wish_of(booking, doors[booking.property_id], grant, now, stays_on_at=stays_on.get(booking.pk))
        except (ValueError, ZoneInfoNotFoundError):
            found.append(booking.pk)
            continue
        as_asked = all(getattr(grant, name) == value for name, value in facts_of(wish).items())
        if not as_asked or pins[grant.pk] != (wish.lock_ids if wish.wanted else frozenset()):
            found.append(booking.pk)
    return found


def facts_of(wish: Wish) -> dict[str, Any]:
    """A wish as columns of a grant."""
    period = wish.period
    facts = (period.starts_at, period.ends_at, wish.issue_at, wish.wanted, wish.holder_name)
    return dict(zip(FACTS, facts, strict=True))


def active_locks(bookings: Iterable[Booking]) -> defaultdict[int, list[int]]:
    """The active locks of the properties of these bookings, by property."""
    homes = {booking.property_id for booking in bookings}
    doors: defaultdict[int, list[int]] = defaultdict(list)
    links = Property.locks.through.objects.filter(property_id__in=homes, lock__is_active=True)
    for home, lock_id in links.values_list("property_id", "lock_id"):
        doors[home].append(lock_id)
    return doors


def wanted_pins(grant_ids: Iterable[int]) -> defaultdict[int, set[int]]:
    """The locks on which PINs of these grants are wanted, by grant."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    rows = Pin.objects.filter(wanted=True, grant__in=list(grant_ids)).order_by()
    for grant_id, lock_id in rows.values_list("grant_id", "lock_id"):
        found[grant_id].add(lock_id)
    return found


def next_begins(bookings: Collection[Booking]) -> dict[int, datetime]:
    """For each of these stays whose guest stays on: when the next one begins."""
    if not bookings:
        return {}
    ends = [booking.check_out for booking in bookings]
    homes = {booking.property_id for booking in bookings}
    return end_to_end.next_stays(ending_after=min(ends) - timedelta(seconds=1), until=max(ends), properties=homes)
