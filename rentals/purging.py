"""Deletes what is long over: guests' data must not outlive its use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet

from rentals.inbound.signatures import KEEP_RECEIPTS
from rentals.models import Booking, FeedItem, WebhookReceipt

BATCH: Final = 5000


def purge(now: datetime) -> None:
    """Delete old receipts of pushes, old lines of the history, calendar items whose event and stay ended long ago, and
    the addresses of the guests of such stays.

    An item that its feed still lists may be deleted too, because an event that is over is not imported again. An item
    with a coming event is kept, because a person's decision about it would be lost.
    """
    WebhookReceipt.objects.filter(received_at__lte=now - KEEP_RECEIPTS).delete()
    long_ago = now - timedelta(days=settings.FEED_KEEP_DAYS)
    stay_over = Q(booking=None) | Q(booking__check_out__lte=long_ago)
    unread = Q(ends_at=None, changed_at__lte=long_ago) & (Q(starts_at=None) | Q(starts_at__lte=long_ago))
    ended = Q(ends_at__lte=long_ago) | unread
    _delete(FeedItem.objects.filter(stay_over & ended))
    known = ~Q(guest_email="", guest_phone="")  # as the index `booking_contact` has them
    nothing = dict.fromkeys(Booking.PERSONAL, "")
    over = Booking.objects.filter(known, check_out__lte=long_ago).order_by("check_out")
    while ids := list(over.values_list("pk", flat=True)[:BATCH]):
        Booking.objects.filter(pk__in=ids).update(**nothing)
    # Lines name guests, because the name of a stay has the guest's name in it.
    _delete(LogEntry.objects.filter(action_time__lte=now - timedelta(days=settings.HISTORY_KEEP_DAYS)))


def _delete(rows: QuerySet[Any]) -> None:
    """Delete in batches, each in a transaction of its own."""
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model.objects.filter(pk__in=ids).delete()
