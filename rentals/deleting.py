"""Deleting stays: what must happen before their rows go, once for all of them."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from typing import Final

from django.db import transaction

from rentals import forgetting
from rentals.models import Booking, FeedItem, Property
from rentals.phrases import mark
from rentals.signals import bookings_changed

_announced: Final[ContextVar[frozenset[int]]] = ContextVar("announced", default=frozenset())


def delete(booking_ids: Collection[int]) -> None:
    """Delete many stays with a few statements for a batch, all or none."""
    with transaction.atomic():
        announce(booking_ids)
        before = _announced.set(frozenset(booking_ids))
        try:
            Booking.objects.filter(pk__in=booking_ids).delete()
        finally:
            _announced.reset(before)


def is_announced(booking_id: int) -> bool:
    return booking_id in _announced.get()


def announce(booking_ids: Collection[int]) -> None:
    """Within the transaction that deletes them. The guests' personal data goes with the stays, and the calendars that
    list them must not bring it back."""
    homes = Booking.objects.filter(pk__in=booking_ids).order_by().values("property")
    # Imports wait for this, and this for them.
    list(Property.objects.select_for_update(no_key=True).filter(pk__in=homes).order_by("pk").values_list("pk"))
    forgetting.wipe_items(FeedItem.objects.filter(booking__in=booking_ids), mark("You deleted this stay."))
    bookings_changed.send(sender=Booking, booking_ids=list(booking_ids), deleted=True)
