"""Which rows belong to which properties, for people who may see some properties only (`rentals.access`)."""

from __future__ import annotations

from django.db.models import Q

from pins.models import (
    AccessGrant,
    ArrivalRecord,
    CodeTry,
    Delivery,
    GuestGuide,
    GuestMessage,
    GuestPage,
    GuestPicture,
    GuestText,
    Incident,
    NotificationChannel,
    Pin,
    PinAttempt,
    PinReveal,
)
from rentals.access import governs, locks_of


def _of_pin(ids: frozenset[int], prefix: str = "") -> Q:
    """Codes of stays of these properties on locks of these properties. Both are asked: a stay may have moved here from
    another property, whose lock still has its former code."""
    stay, lock = f"{prefix}grant__booking__property__in", f"{prefix}lock__in"
    return Q(**{stay: ids, lock: locks_of(ids)})


governs(AccessGrant, lambda ids: Q(booking__property__in=ids))
governs(Pin, _of_pin)
governs(PinAttempt, lambda ids: _of_pin(ids, "pin__"))
governs(ArrivalRecord, lambda ids: Q(property__in=ids))
governs(PinReveal, lambda ids: Q(grant__booking__property__in=ids))
governs(CodeTry, lambda ids: Q(property__in=ids) & (Q(booking=None) | Q(booking__property__in=ids)))
governs(GuestGuide, lambda ids: Q(property__in=ids))
governs(GuestText, lambda ids: Q(guide__property__in=ids))
governs(GuestPicture, lambda ids: Q(guide__property__in=ids))
governs(GuestPage, lambda ids: Q(booking__property__in=ids))
governs(GuestMessage, lambda ids: Q(page__booking__property__in=ids))
# Without incidents about an account: it belongs to no property, and only a person who sees all of them can fix it.
governs(
    Incident,
    lambda ids: (
        _of_pin(ids, "pin__") | Q(lock__in=locks_of(ids)) | Q(feed__property__in=ids) | Q(booking__property__in=ids)
    ),
)
# Channels tell of all properties.
governs(NotificationChannel, lambda ids: Q(pk__in=()))
governs(Delivery, lambda ids: Q(pk__in=()))
