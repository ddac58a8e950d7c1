"""Finds changes that no signal announced: bulk writes, `update()`, a restored backup, the passing of time.

Reads the database only and costs no request. Compares every booking that matters with its grant and hands those that
differ to `pins.desired.grants`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from pins.desired import grants
from pins.desired.staying_on import NextStays
from pins.desired.wishes import wish_of
from pins.models import AccessGrant, Pin
from rentals.models import Booking, Property

logger = logging.getLogger(__name__)


def repair(now: datetime) -> set[int]:
    """Bring the desired side up to date everywhere; return the locks that have work because of it."""
    locks = _active_locks_by_property()
    differing = [*_bookings_without_grant(now), *_bookings_with_another_wish(locks, now)]
    return _sync_each(differing, now) | grants.end_orphans(now)


def _sync_each(booking_ids: list[int], now: datetime) -> set[int]:
    """One by one, so that a booking that cannot be read as a period (bulk writes check nothing) stops no other."""
    touched: set[int] = set()
    for booking_id in booking_ids:
        try:
            touched |= grants.sync_bookings([booking_id], now)
        except (ValueError, ZoneInfoNotFoundError):
            logger.exception("booking_unreadable", extra={"booking_id": booking_id})
    return touched


def _active_locks_by_property() -> dict[int, frozenset[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for property_id, lock_id in Property.locks.through.objects.filter(lock__is_active=True).values_list(
        "property_id", "lock_id"
    ):
        found[property_id].add(lock_id)
    return {property_id: frozenset(lock_ids) for property_id, lock_ids in found.items()}


def _bookings_without_grant(now: datetime) -> list[int]:
    """Stays that came into the issue-ahead window, one query per window length in use."""
    due: list[int] = []
    buffer = timedelta(days=1)  # early_minutes at most; a booking that is not quite due yet is simply left alone
    for days in Property.objects.order_by().values_list("issue_ahead_days", flat=True).distinct():
        due += (
            Booking.objects.filter(
                property__issue_ahead_days=days,
                property__is_active=True,
                status=Booking.Status.CONFIRMED,
                check_in__lte=now + timedelta(days=days) + buffer,
                check_out__gt=now - buffer,
            )
            .exclude(grants__kind=AccessGrant.Kind.GUEST)
            .values_list("pk", flat=True)
        )
    return due


def _bookings_with_another_wish(locks: dict[int, frozenset[int]], now: datetime) -> list[int]:
    pins: defaultdict[int, set[int]] = defaultdict(set)
    for grant_id, lock_id in Pin.objects.filter(wanted=True, grant__ends_at__gt=now).values_list("grant_id", "lock_id"):
        pins[grant_id].add(lock_id)
    next_stays = NextStays(now)
    differing = next_stays.closed_too_early(now)
    current = AccessGrant.objects.filter(booking__isnull=False, kind=AccessGrant.Kind.GUEST).exclude(
        ends_at__lte=now, booking__check_out__lte=now
    )
    # Without the code: deciphering thousands of them every minute would be most of the work.
    for grant in current.select_related("booking__property").defer(*AccessGrant.SECRETS).iterator(chunk_size=500):
        booking = grant.booking
        if booking is None:  # deleted since the query; `end_orphans` sees to it
            continue
        try:
            active = locks.get(booking.property_id, frozenset())
            wish = wish_of(booking, active, grant, now, stays_on_at=next_stays.begins_at(booking))
        except (ValueError, ZoneInfoNotFoundError):
            differing.append(booking.pk)  # `_sync_each` logs it
            continue
        wanted = wish.lock_ids if wish.wanted else frozenset()
        same = (grant.wanted, grant.starts_at, grant.ends_at, grant.issue_at) == (
            wish.wanted,
            wish.period.starts_at,
            wish.period.ends_at,
            wish.issue_at,
        )
        if not same or (grant.ends_at > now and pins.get(grant.pk, set()) != wanted):
            differing.append(booking.pk)
    return differing
