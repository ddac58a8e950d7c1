"""What each kind of our rows belongs to, for people who see some properties only (`rentals.access`)."""

from __future__ import annotations

from django.db.models import Q

from pins.models import AccessGrant, Delivery, Incident, NotificationChannel, Pin, PinAttempt, PinReveal
from rentals.access import governs, locks_of


def _of_pin(ids: frozenset[int], prefix: str = "") -> Q:
    """A code of a stay of theirs on a lock of theirs: the stay may have moved here from another property, where its
    former code has not left the lock yet."""
    stay, lock = f"{prefix}grant__booking__property__in", f"{prefix}lock__in"
    return Q(**{stay: ids, lock: locks_of(ids)})


governs(AccessGrant, lambda ids: Q(booking__property__in=ids))
governs(Pin, _of_pin)
governs(PinAttempt, lambda ids: _of_pin(ids, "pin__"))
governs(PinReveal, lambda ids: Q(grant__booking__property__in=ids))
# Without those about an account: it is nobody's of one property, and only who sees all can mend it.
governs(
    Incident,
    lambda ids: (
        _of_pin(ids, "pin__") | Q(lock__in=locks_of(ids)) | Q(feed__property__in=ids) | Q(booking__property__in=ids)
    ),
)
# Channels tell of all properties.
governs(NotificationChannel, lambda ids: Q(pk__in=()))
governs(Delivery, lambda ids: Q(pk__in=()))
