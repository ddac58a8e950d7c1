"""Codes that guests remember: the last digits of their phone, where a property asks for it.

Who sees that a stay got other digits may conclude that somebody's code has these. That must tell nobody of guests whom
they do not see. So where a restricted person sees this property and not all that is on its locks, all codes are random:
digits that are refused only when they are taken would be an answer, too (`own_codes`).
"""

from __future__ import annotations

from collections.abc import Collection

from pins.core.code_rules import from_phone
from pins.desired.own_codes import serves_hidden_guests
from rentals.access import Scope
from rentals.models import Booking, PropertyAccess


class Likes:
    """Which digits stays would like, for stays that are looked at together."""

    def __init__(self) -> None:
        self._tells: dict[int, bool] = {}

    def of(self, booking: Booking, lock_ids: Collection[int]) -> str:
        """The digits, whether or not they are free. Empty: any will do."""
        prop = booking.property
        if not prop.codes_from_phone or not booking.guest_phone:
            return ""
        if prop.pk not in self._tells:
            self._tells[prop.pk] = _tells_somebody(prop.pk, lock_ids)
        return "" if self._tells[prop.pk] else from_phone(booking.guest_phone, prop.code_length)


def _tells_somebody(property_id: int, lock_ids: Collection[int]) -> bool:
    """Whether a restricted person sees the property, and there may be guests on its locks whom that person does not."""
    people = PropertyAccess.objects.filter(properties=property_id, user__is_superuser=False)
    return any(
        serves_hidden_guests(lock_ids, Scope(frozenset(access.properties.values_list("pk", flat=True))))
        for access in people
    )
