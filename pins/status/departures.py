"""What the page of a stay says of a guest who checked out early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from rentals import departure
from rentals.models import Booking
from rentals.wording import day_and_time


@dataclass(frozen=True)
class Early:
    """One early departure."""

    said: str
    until: str  # the end that the stay would get back
    why_not: str  # why it cannot get it back; empty where it can


def early_departure(booking: Booking, now: datetime) -> Early | None:
    """The early departure of a stay, its property loaded."""
    found = departure.of(booking)
    if found is None:
        return None
    zone = booking.property.zone
    said = (
        _("The guest checked out on the guest's page on {left}, instead of {planned}.")
        if found.by_guest
        else _("Somebody ended the stay here on {left}, instead of {planned}.")
    )
    planned, left = day_and_time(found.planned_end, zone), day_and_time(found.left_at, zone)
    reason = departure.why_not_taken_back(booking, found, now)
    return Early(
        said=said.format(left=left, planned=planned),
        until=day_and_time(departure.former_end(booking, found), zone),
        why_not=_("It cannot be undone: {reason}").format(reason=reason) if reason else "",
    )
