"""Small pieces that several admin pages use."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pins.models import AccessGrant


def zone_of_grant(grant: AccessGrant) -> ZoneInfo:
    """The zone of the stay's property; UTC once the booking is deleted."""
    return grant.booking.property.zone if grant.booking is not None else ZoneInfo("UTC")
