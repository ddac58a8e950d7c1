"""Whose code a grant is: a guest's or that of somebody who works there."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pins.models import AccessGrant
from pins.status.staff import staff_holder

#: What of a grant should be loaded for the functions here.
OF_HOLDER: Final = ("booking__property", "staff", "place")


def zone_of_grant(grant: AccessGrant) -> ZoneInfo:
    """The zone of the property; UTC where there is none, and once the booking is deleted."""
    if grant.booking is not None:
        return grant.booking.property.zone
    return grant.place.zone if grant.place is not None else ZoneInfo("UTC")


def holder_link(grant: AccessGrant) -> str | SafeString:
    """A link to the booking, or to the access."""
    if grant.kind == AccessGrant.Kind.STAFF:
        who = staff_holder(grant.holder_name, grant.staff.kind if grant.staff is not None else "")
        if grant.staff_id is None:
            return _("{who}, deleted").format(who=who)
        return format_html('<a href="{}">{}</a>', reverse("admin:pins_staffaccess_change", args=[grant.staff_id]), who)
    if grant.booking is None:
        return _("Spare code") if grant.is_reserve else _("deleted booking")
    url = reverse("admin:rentals_booking_change", args=[grant.booking.pk])
    return format_html('<a href="{}">{}: {}</a>', url, grant.booking.property, grant.booking)
