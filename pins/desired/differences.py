"""Bookings whose grant is not what they ask for, or is missing. Reads only. All times are UTC."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from django.db.models import Exists, OuterRef, QuerySet

from pins.desired.comparing import active_locks, wanted_pins
from pins.desired.staying_on import next_stays_of
from pins.desired.wishes import wish_of
from pins.models import AccessGrant
from rentals.models import Booking, Property

#: `early_minutes` and `late_minutes` of a property are at most so long.
LONGEST_BUFFER: Final = timedelta(days=1)
_BATCH = 500
#: What is read of each grant and its booking.
_ASKED: Final = (
    *("wanted", "starts_at", "ends_at", "issue_at", "revoked_at"),
    *("booking__property_id", "booking__guest_name", "booking__check_in", "booking__check_out", "booking__status"),
)


def of_grants(grant_ids: Sequence[int], now: datetime) -> Iterator[int]:
    """Bookings whose grant, one of these, differs from what they ask for. Cheapest if those that end together stand
    together. Four queries a batch. Grants that are over with their stay are left alone."""
    for start in range(0, len(grant_ids), _BATCH):
        # Without the code, and without what no wish asks: making objects of whole rows would be most of the work.
        rows = AccessGrant.objects.filter(
            pk__in=grant_ids[start : start + _BATCH], kind=AccessGrant.Kind.GUEST, booking__isnull=False
        )
        yield from _of_batch(list(rows.select_related("booking").only(*_ASKED).order_by()), now)


def _of_batch(batch: Collection[AccessGrant], now: datetime) -> Iterator[int]:
    pairs = [(grant, booking) for grant in batch if (booking := grant.booking) is not None]
    pairs = [(grant, booking) for grant, booking in pairs if grant.ends_at > now or booking.check_out > now]
    homes = Property.objects.in_bulk({booking.property_id for _, booking in pairs})
    for _, booking in pairs:
        booking.property = homes[booking.property_id]
    locks = active_locks(booking for _, booking in pairs)
    pins = wanted_pins(grant.pk for grant, _ in pairs if grant.ends_at > now)
    begins_at = next_stays_of([(booking, grant.ends_at) for grant, booking in pairs])
    for grant, booking in pairs:
        try:
            wish = wish_of(booking, locks[booking.property_id], grant, now, stays_on_at=begins_at.get(booking.pk))
        except (ValueError, ZoneInfoNotFoundError):
            yield booking.pk  # whoever puts it right logs it
            continue
        wanted = wish.lock_ids if wish.wanted else frozenset()
        same = (grant.wanted, grant.starts_at, grant.ends_at, grant.issue_at) == (
            wish.wanted,
            wish.period.starts_at,
            wish.period.ends_at,
            wish.issue_at,
        )
        if not same or (grant.ends_at > now and pins[grant.pk] != wanted):
            yield booking.pk


def without_grant(bookings: QuerySet[Booking], now: datetime) -> list[int]:
    """Those of these bookings that are due for a grant and have none."""
    theirs = AccessGrant.objects.filter(booking=OuterRef("pk"), kind=AccessGrant.Kind.GUEST)
    rows = bookings.filter(~Exists(theirs), property__is_active=True, status=Booking.Status.CONFIRMED).order_by()
    columns = ("pk", "check_in", "check_out", "property__early_minutes", "property__late_minutes")
    due: list[int] = []
    for pk, check_in, check_out, early, late, days in rows.values_list(*columns, "property__issue_ahead_days"):
        # A minute's grace: a period is rounded to whole seconds. What is not due after all is left alone.
        opens = check_in - timedelta(days=days, minutes=early + 1)
        if opens <= now < check_out + timedelta(minutes=late + 1):
            due.append(pk)
    return due
