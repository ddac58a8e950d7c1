"""News about arrivals and departures: a guest checked out early, or nobody came. Called by `pins.notify.collecting`.

Each is a row that says whether it was announced (`EarlyDeparture`, `StayArrival`), so that nothing is asked but those
that were not. Stays without a code are not told of: whoever erases a guest's data finds messages by their code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from pins.core.notification_events import Event
from pins.models import AccessGrant, Delivery, NotificationChannel, StayArrival
from pins.notify import outbox, payloads
from pins.status.stays import guest_grants
from rentals.models import EarlyDeparture

#: How many of each kind one run announces; the next one comes soon.
MOST: Final = 100

Channels = Sequence[NotificationChannel]


def notice(channels: Channels, now: datetime) -> None:
    """Write the messages that are due. Safe to run twice, or at the same time: the outbox keeps each key once."""
    if left := list(EarlyDeparture.objects.filter(announced=False).order_by("left_at")[:MOST]):
        _left_early(left, channels, now)
    unsaid = StayArrival.objects.filter(announced=False, absent_at__isnull=False).order_by("absent_at")
    if absent := list(unsaid[:MOST]):
        _nobody_came(absent, channels, now)


def _left_early(found: Sequence[EarlyDeparture], channels: Channels, now: datetime) -> None:
    grants = _grants(one.booking_id for one in found)
    rows: list[Delivery] = []
    for one in found:
        more = {"by_guest": one.by_guest, "planned_end": payloads.iso(one.planned_end)}
        key = f"left:{one.booking_id}:{one.left_at.isoformat()}"
        rows += _messages(Event.LEFT_EARLY, key, grants.get(one.booking_id), more, one.left_at, channels, now)
    with transaction.atomic():
        # Taken back and pressed again meanwhile, it is another departure, which is announced by itself.
        for one in found:
            EarlyDeparture.objects.filter(pk=one.pk, left_at=one.left_at).update(announced=True)
        outbox.write(rows)


def _nobody_came(found: Sequence[StayArrival], channels: Channels, now: datetime) -> None:
    grants = _grants(one.booking_id for one in found)
    rows: list[Delivery] = []
    for one in found:
        if one.first_opened_at is None:  # else somebody came before it could be told
            key, at = f"absent:{one.booking_id}", one.absent_at or now
            rows += _messages(Event.NOBODY_CAME, key, grants.get(one.booking_id), {}, at, channels, now)
    with transaction.atomic():
        StayArrival.objects.filter(pk__in=[one.pk for one in found]).update(announced=True)
        outbox.write(rows)


def _grants(booking_ids: Any) -> dict[int, AccessGrant]:
    rows = guest_grants().filter(booking__in=list(booking_ids)).select_related("booking__property")
    return {one.booking_id: one for one in rows if one.booking_id is not None}


def _messages(
    event: Event,
    key: str,
    grant: AccessGrant | None,
    more: dict[str, Any],
    at: datetime,
    channels: Channels,
    now: datetime,
) -> Collection[Delivery]:
    hearing = [one for one in channels if one.hears(event, None, now)]
    if grant is None or not hearing:
        return ()
    data = payloads.stays_data({grant: False})[grant] | more
    return outbox.messages(event, key, hearing, data, at, now, grant=grant)
