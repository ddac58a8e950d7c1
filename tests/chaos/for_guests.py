"""What the front desk does for guests and for people who work in the flats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from pins.models import AccessGrant, GuestGuide, GuestPage, LockState, Pin, SparePool, StaffAccess
from rentals.models import LockAccount
from rentals.models.tokens import new_token, token_digest


def guide(flat: int, **fields: Any) -> int:
    """The guide that guests of a flat read."""
    return int(GuestGuide.objects.create(property_id=flat, **fields).pk)


def looked(lock: int) -> bool:
    """Whether the lock's own list was read."""
    return LockState.objects.filter(lock=lock, looked_at__isnull=False).exists()


def keep_spare(lock: int) -> None:
    """One spare code is to wait on this lock."""
    SparePool.objects.create(lock_id=lock, size=1)


def spares(lock: int) -> int:
    """How many wait there, as Turnkey knows."""
    ours = Pin.objects.filter(lock=lock, grant__kind=AccessGrant.Kind.BACKUP, state="set")
    return ours.filter(must_read=False, must_look=False).count()


def read_activity(*, on: bool) -> None:
    """Whether the activity of locks is read."""
    LockAccount.objects.update(reads_activity=on)


def guest_path(booking: int) -> str:
    """Where the guest's page of a stay is."""
    page, _made = GuestPage.objects.get_or_create(booking_id=booking)
    return reverse("guest-page", args=[page.token])


def cleaner(flat: int, name: str, **fields: Any) -> dict[str, Any]:
    """Somebody who works in a flat; answers the access, and where their own page is."""
    token = new_token()
    access = StaffAccess.objects.create(name=name, link_digest=token_digest(token), **fields)
    access.properties.set([flat])
    return {"id": access.pk, "path": reverse("work", args=[token])}


ACTIONS: tuple[Callable[..., Any], ...] = (guide, looked, keep_spare, spares, read_activity, guest_path, cleaner)
