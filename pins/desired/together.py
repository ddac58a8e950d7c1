"""Many bookings brought up to date together: new ones by `issuing`, those with a grant by `renewing`, batch by batch.

What neither can do is left to the way of single steps (`grants`), and so is a batch in which another transaction was
faster with anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from django.db import IntegrityError, transaction

from pins.desired.comparing import active_locks, differing, next_begins
from pins.desired.issuing import issue
from pins.desired.renewing import renew
from pins.desired.wishes import Wish, wish_of
from pins.models import AccessGrant
from rentals.models import Booking

BATCH = 500


def sync(booking_ids: Sequence[int], now: datetime) -> tuple[list[int], set[int]]:
    """Bring many bookings up to date. Returns those that are left for single steps, and the locks that have work.

    A stay without a grant, beyond its issue-ahead window, asks for nothing yet: the drift check finds it in time.
    """
    left: list[int] = []
    touched: set[int] = set()
    for start in range(0, len(booking_ids), BATCH):
        batch = booking_ids[start : start + BATCH]
        granted = _granted(batch)
        new = _due([pk for pk in batch if pk not in granted], now)
        for work, ids in ((renew, differing(granted, now) if granted else []), (_begin, new)):
            remains, woken = _at_once(work, ids, now) if ids else ([], set())
            left += remains
            touched |= woken
    return left, touched


def _at_once(
    work: Callable[[Collection[int], datetime], tuple[list[int], set[int]]], ids: list[int], now: datetime
) -> tuple[list[int], set[int]]:
    try:
        with transaction.atomic():
            return work(ids, now)
    except IntegrityError:
        return ids, set()


def _begin(booking_ids: Collection[int], now: datetime) -> tuple[list[int], set[int]]:
    asked, left = _read(booking_ids, now)
    return left, issue(asked, now) if asked else set()


def _granted(booking_ids: Collection[int]) -> set[int]:
    rows = AccessGrant.objects.filter(booking__in=booking_ids, kind=AccessGrant.Kind.GUEST).order_by()
    return set(rows.values_list("booking_id", flat=True))


def _due(booking_ids: Collection[int], now: datetime) -> list[int]:
    """Without those whose issue-ahead window has not opened. A minute more does no harm: `Wish` decides."""
    rows = Booking.objects.filter(pk__in=booking_ids, status=Booking.Status.CONFIRMED).order_by("pk")
    facts = rows.values_list("pk", "check_in", "property__early_minutes", "property__issue_ahead_days")
    return [pk for pk, check_in, early, ahead in facts if check_in - timedelta(days=ahead, minutes=early + 1) <= now]


def _read(booking_ids: Collection[int], now: datetime) -> tuple[list[tuple[Booking, Wish]], list[int]]:
    """Lock bookings and read what they ask for: those that ask for a grant, and those that must be looked at singly."""
    rows = Booking.objects.select_for_update(of=("self",)).select_related("property").filter(pk__in=booking_ids)
    bookings = list(rows.order_by("pk"))
    if not bookings:
        return [], []
    granted = _granted(booking_ids)  # again, now that nobody else can make one
    doors, stays_on = active_locks(bookings), next_begins(bookings)
    asked: list[tuple[Booking, Wish]] = []
    left = sorted(granted)
    for booking in bookings:
        if booking.pk in granted:
            continue
        try:
            wish = wish_of(booking, doors[booking.property_id], None, now, stays_on_at=stays_on.get(booking.pk))
        except (ValueError, ZoneInfoNotFoundError):
            left.append(booking.pk)
            continue
        if wish.asks_for_a_grant(now):
            asked.append((booking, wish))
    return asked, left
