"""The secret link to the page of a stay: made, found, replaced."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse

from pins.models import GuestPage
from rentals.models.tokens import new_token, token_digest


def page_of(booking_id: int) -> GuestPage:
    """The page of a stay, made where there is none. Two callers at once get the same one."""
    rows = GuestPage.objects.defer(*GuestPage.SECRETS)
    page = rows.filter(booking=booking_id).first()
    if page is not None:
        return page
    try:
        with transaction.atomic():
            return GuestPage.objects.create(booking_id=booking_id)
    except IntegrityError:  # another process made it between our look and our insert
        return rows.get(booking=booking_id)


def find(token: str) -> GuestPage | None:
    """The page of a link. The stored token is not read: digests are compared, in constant time."""
    digest = token_digest(token)
    page = GuestPage.objects.defer(*GuestPage.SECRETS).filter(token_digest=digest).first()
    return page if page is not None and hmac.compare_digest(page.token_digest, digest) else None


def rotate(booking_ids: Collection[int]) -> int:
    """Replace the links of stays, as far as they have one: the former ones show nothing from now on. Returns how many.
    A guest who was told the former one is told the new one, unless the code was revoked (`pins.guests.timing`)."""
    pages = list(GuestPage.objects.defer(*GuestPage.SECRETS).filter(booking__in=booking_ids).order_by("pk"))
    for page in pages:
        page.token = new_token()
        page.save(update_fields=["token"])
    return len(pages)


def address(page: GuestPage, site: str) -> str:
    """The whole link on a site such as `https://codes.example.com`. Raises UndecryptableValue."""
    return site + reverse("guest-page", args=[page.token])


def release(booking_id: int, now: datetime) -> bool:
    """A person lets this guest have the code. False: it was so already."""
    page = page_of(booking_id)
    return bool(GuestPage.objects.filter(pk=page.pk, released_at=None).update(released_at=now))
