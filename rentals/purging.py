"""What is deleted when it is long over: guests' data must not outlive its use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet

from rentals.inbound.signatures import KEEP_RECEIPTS
from rentals.models import FeedItem, WebhookReceipt

BATCH: Final = 5000


def purge(now: datetime) -> None:
    """Delete receipts of pushes, lines of the history that are old, and calendar items whose event and stay ended long
    ago.

    An item that its feed still lists may go too: an event that was over before we heard of it is not taken in. One
    whose event is to come stays, whatever a person decided about it: the decision would be forgotten with it.
    """
    WebhookReceipt.objects.filter(received_at__lte=now - KEEP_RECEIPTS).delete()
    long_ago = now - timedelta(days=settings.FEED_KEEP_DAYS)
    stay_over = Q(booking=None) | Q(booking__check_out__lte=long_ago)
    ended = Q(ends_at__lte=long_ago) | Q(ends_at=None, changed_at__lte=long_ago)  # the latter cannot be read
    _delete(FeedItem.objects.filter(stay_over & ended))
    # Its lines name guests, by what the stay was called.
    _delete(LogEntry.objects.filter(action_time__lte=now - timedelta(days=settings.HISTORY_KEEP_DAYS)))


def _delete(rows: QuerySet[Any]) -> None:
    """In steps, each a transaction of its own."""
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model.objects.filter(pk__in=ids).delete()
