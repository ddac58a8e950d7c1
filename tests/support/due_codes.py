"""Many codes that are due on a lock at once, made quickly: without stays, and nothing is known of any of them."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from pins.models import AccessGrant, Pin
from rentals.models import Lock

DAY = timedelta(days=1)


def due_codes(door: Lock, count: int, *, first: int = 1) -> list[int]:
    """Codes to be set now, the most urgent last. Returns them in the order of their deadlines."""
    now = timezone.now()
    days = range(first, first + count)
    made = AccessGrant.objects.bulk_create(
        AccessGrant(reference=f"r{n:04}", code=f"{471100 + n}", starts_at=now + n * DAY, ends_at=now + (n + 1) * DAY)
        for n in reversed(days)
    )
    pins = Pin.objects.bulk_create(
        Pin(grant=grant, lock=door, next_try_at=now, deadline_at=grant.starts_at) for grant in made
    )
    return [pin.pk for pin in reversed(pins)]
