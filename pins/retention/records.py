"""Deletes what is long over: grants whose code is off every lock, looks at whole locks, incidents, tries at codes,
pages of guests, and what locks told of arrivals.

In small steps, the oldest first, each found by an index: a night costs what became old that day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from pins.core.pin_state import State
from pins.desired import staff_grants
from pins.models import AccessGrant, CodeTry, Delivery, DoorEntry, GuestPage, Incident, Pin, PinAttempt, StayArrival
from pins.reconcile import activity
from rentals.models import EarlyDeparture

#: Removed codes, with their attempts and incidents, are kept this long.
KEEP_RECORDS: Final = timedelta(days=120)
#: Comparisons of whole locks, one a day and lock, are kept this long.
KEEP_LOOKS: Final = timedelta(days=30)
#: Pages of guests, and messages to them, are kept this long after check-out; a page closes long before.
KEEP_PAGES: Final = timedelta(days=90)
#: How many rows one transaction deletes: more would hold their locks for long.
BATCH: Final = 1000
#: How many grants one night deletes. With each go its PINs, attempts, claims and incidents.
MOST: Final = 50_000


def purge_grants(now: datetime) -> int:
    """Delete grants that ended long ago and are off every lock; return how many. At most `MOST` in a night: after a
    restored backup or a long pause the next nights go on."""
    staff_grants.close_books(now)
    remains = Pin.objects.filter(grant=OuterRef("pk")).exclude(state=State.REMOVED)
    old = AccessGrant.objects.filter(~Exists(remains), ends_at__lte=now - KEEP_RECORDS).order_by("ends_at")
    count = 0
    while count < MOST and (ids := list(old.values_list("pk", flat=True)[:BATCH])):
        with transaction.atomic():
            AccessGrant.objects.filter(pk__in=ids).delete()
        count += len(ids)
    return count


def purge_looks(now: datetime) -> int:
    """Delete records of old looks at whole locks, which belong to no grant; return how many."""
    old = PinAttempt.objects.filter(pin=None, started_at__lte=now - KEEP_LOOKS).order_by("started_at")
    return _delete(old)


def purge_tries(now: datetime) -> int:
    """Delete records of who asked long ago for digits as a code; return how many."""
    old = CodeTry.objects.filter(at__lte=now - KEEP_RECORDS).order_by("at")
    return _delete(old)


def purge_guest_pages(now: datetime) -> int:
    """Delete the pages of guests who left long ago, with the messages to them; return how many."""
    old = GuestPage.objects.filter(booking__check_out__lte=now - KEEP_PAGES).order_by("booking__check_out")
    return _delete(old)


def purge_activity(now: datetime) -> int:
    """Delete lines of activity that no stay needs any more, and what is known of arrivals and departures that are long
    over; return how many rows."""
    lines = DoorEntry.objects.filter(at__lte=now - activity.KEEP).order_by("at")
    came = StayArrival.objects.filter(booking__check_out__lte=now - KEEP_PAGES).order_by("booking__check_out")
    left = EarlyDeparture.objects.filter(left_at__lte=now - KEEP_PAGES).order_by("left_at")
    return _delete(lines) + _delete(came) + _delete(left)


def purge_incidents(now: datetime) -> int:
    """Delete incidents that were resolved long ago, and the messages about them; return how many.

    Incidents about a PIN stay as long as the PIN: they say since when its code is the present one
    (`pins.status.disclosure`).
    """
    old = Incident.objects.filter(pin=None, resolved_at__lte=now - KEEP_RECORDS).order_by("resolved_at")
    count = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            Delivery.objects.filter(incident__in=ids).delete()
            Incident.objects.filter(pk__in=ids).delete()
        count += len(ids)
    return count


def _delete(old: QuerySet[Any]) -> int:
    """Delete these rows in steps, in their order; returns how many. Each step is a transaction, with all that goes
    with its rows."""
    count = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        old.model.objects.filter(pk__in=ids).delete()
        count += len(ids)
    return count
