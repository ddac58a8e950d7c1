"""Which rows belong to which properties, for people who may see some properties only (`rentals.access`)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from pins.models import (
    AccessGrant,
    ArrivalRecord,
    CodeTry,
    Delivery,
    DoorEntry,
    FlatReady,
    GuestGuide,
    GuestMessage,
    GuestPage,
    GuestPicture,
    GuestText,
    Incident,
    LockActivity,
    NotificationChannel,
    Pin,
    PinAttempt,
    PinReveal,
    StaffAccess,
    StayArrival,
)
from rentals.access import governs, locks_of


def _staff(ids: frozenset[int]) -> QuerySet[StaffAccess]:
    """Accesses to these properties and their locks, and to nothing else: whoever sees only a part of one would change
    doors that they do not see."""
    places, doors = StaffAccess.properties.through.objects, StaffAccess.locks.through.objects
    theirs = places.filter(staffaccess=OuterRef("pk"))
    single = doors.filter(staffaccess=OuterRef("pk"))
    mine = Exists(theirs.filter(property__in=ids)) | Exists(single.filter(lock__in=locks_of(ids)))
    others = Exists(theirs.exclude(property__in=ids)) | Exists(single.exclude(lock__in=locks_of(ids)))
    return StaffAccess.objects.filter(mine & ~others).order_by()


def _of_grant(ids: frozenset[int], prefix: str = "") -> Q:
    """Codes of stays of these properties, and of people who work there."""
    return Q(**{f"{prefix}booking__property__in": ids}) | Q(**{f"{prefix}staff__in": _staff(ids).values("pk")})


def _of_pin(ids: frozenset[int], prefix: str = "") -> Q:
    """Codes of stays of these properties on locks of these properties. Both are asked: a stay may have moved here from
    another property, whose lock still has its former code."""
    return _of_grant(ids, f"{prefix}grant__") & Q(**{f"{prefix}lock__in": locks_of(ids)})


governs(AccessGrant, _of_grant)
governs(StaffAccess, lambda ids: Q(pk__in=_staff(ids).values("pk")))
governs(Pin, _of_pin)
governs(PinAttempt, lambda ids: _of_pin(ids, "pin__"))
governs(ArrivalRecord, lambda ids: Q(property__in=ids))
governs(StayArrival, lambda ids: Q(booking__property__in=ids))
governs(LockActivity, lambda ids: Q(lock__in=locks_of(ids)))
# Of locks that serve their properties: no line says whose guest it was.
governs(DoorEntry, lambda ids: Q(lock__in=locks_of(ids)) & (Q(grant=None) | _of_grant(ids, "grant__")))
governs(FlatReady, lambda ids: Q(property__in=ids))
governs(PinReveal, lambda ids: _of_grant(ids, "grant__"))
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
