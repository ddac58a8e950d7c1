"""What rentals announces, taken in: the desired side is rewritten in the same transaction as the business change."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from pins import grants, tasks
from rentals.signals import bookings_changed


@receiver(bookings_changed)
def follow_bookings(booking_ids: list[int], deleted: bool, **_: Any) -> None:
    touched = grants.end_bookings(booking_ids) if deleted else grants.sync_bookings(booking_ids)
    if touched:
        transaction.on_commit(partial(tasks.wake_locks, touched))
