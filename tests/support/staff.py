"""People who work in the flats, for tests."""

from __future__ import annotations

from pins.models import AccessGrant, Pin, StaffAccess
from rentals.models import Lock, Property


def works(*places: Property | Lock, **fields: object) -> StaffAccess:
    """An access to these properties and locks."""
    access = StaffAccess.objects.create(**{"name": "Maria Kowalska", **fields})
    access.properties.set([one for one in places if isinstance(one, Property)])
    access.locks.set([one for one in places if isinstance(one, Lock)])
    access.refresh_from_db()
    return access


def grants_of(access: StaffAccess) -> list[AccessGrant]:
    return list(AccessGrant.objects.filter(staff=access).order_by("pk"))


def pins_of(access: StaffAccess) -> list[Pin]:
    return list(Pin.objects.filter(grant__staff=access).select_related("grant").order_by("pk"))
