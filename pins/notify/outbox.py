"""The outbox: messages to be sent, from the moment when they became news until long after they ended."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from pins.core.notification_events import Event
from pins.core.quiet_hours import NEWS_KEEP
from pins.models import AccessGrant, Delivery, Incident, NotificationChannel
from pins.notify import signing
from rentals.phrases import mark

logger = logging.getLogger(__name__)

#: How long ended messages are kept for the list in the admin.
KEEP_DELIVERIES = timedelta(days=30)
#: How many one transaction deletes.
BATCH = 1000
#: How many one statement writes.
_TOGETHER = 1000
TOO_LATE = mark("It could not be sent in time.")


def messages(
    event: Event,
    key: str,
    channels: Iterable[NotificationChannel],
    data: dict[str, Any],
    at: datetime,
    now: datetime,
    *,
    incident: Incident | None = None,
    grant: AccessGrant | None = None,
    keeps: timedelta = NEWS_KEEP,
    later: datetime | None = None,
    why: str = "",
) -> list[Delivery]:
    """One message for each channel, not written yet.

    `key`: names the news within its channel, and no channel gets the same key twice. `at`: when it happened. `keeps`:
    how long it is worth sending. `later`: not sent before this moment; `why` says the reason in the list. Times are
    UTC.
    """
    return [
        Delivery(
            channel=one,
            key=key,
            event=event.value,
            incident=incident,
            grant=grant,
            payload=data,
            happened_at=at,
            created_at=now,
            next_try_at=later or now,
            last_error=why,
            expires_at=now + keeps,
        )
        for one in channels
    ]


def write(rows: Sequence[Delivery]) -> None:
    """Put messages into the outbox. The constraint decides: one that was written under its key already stays."""
    Delivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_TOGETHER)
    for event, number in Counter(row.event for row in rows).items():
        logger.info("news", extra={"event_type": event, "messages": number})


def take_back(deliveries: QuerySet[Delivery], now: datetime, why: str) -> None:
    """Drop those of these messages that no sender has begun to send, and say why in the list."""
    waiting = deliveries.filter(state=Delivery.State.WAITING, attempts=0)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        # `attempts=0`: a sender counts its try first, in the same column, so one of the two UPDATEs comes too late.
        mine = Delivery.objects.filter(pk__in=ids[start : start + BATCH], state=Delivery.State.WAITING, attempts=0)
        mine.update(state=Delivery.State.DROPPED, ended_at=now, last_error=why)


def end_what_is_late(now: datetime) -> None:
    """Give up messages that are not worth sending any more."""
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    late = Delivery.objects.filter(free, state=Delivery.State.WAITING, expires_at__lte=now)
    late.filter(event=Event.SUMMARY).update(
        payload={}
    )  # a summary names the day's guests, who are kept no longer than needed
    late.update(state=Delivery.State.GIVEN_UP, ended_at=now, last_error=TOO_LATE)


def forget_guests(booking_ids: Collection[int]) -> None:
    """Remove the guests' names of stays that are about to be deleted from the messages about them, too."""
    forget_names(
        Q(grant__booking_id__in=booking_ids)
        | Q(incident__booking_id__in=booking_ids)
        | Q(incident__pin__grant__booking_id__in=booking_ids)
    )


def forget_names(which: Q) -> None:
    """Remove the guests' names from these messages."""
    naming = [one for one in Delivery.objects.filter(which) if (one.payload.get("stay") or {}).get("guest")]
    for delivery in naming:
        delivery.payload["stay"]["guest"] = ""
    Delivery.objects.bulk_update(naming, ["payload"], batch_size=_TOGETHER)


def purge(now: datetime) -> int:
    """Delete messages that ended long ago, and secrets that sign no more; return how many messages. The notices stay,
    so that nothing is sent again."""
    signing.forget_ended(now)
    old = Delivery.objects.exclude(state=Delivery.State.WAITING).filter(ended_at__lte=now - KEEP_DELIVERIES)
    old = old.order_by("ended_at")  # as the index has them
    count = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        count += Delivery.objects.filter(pk__in=ids).delete()[0]
    return count
