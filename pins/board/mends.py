"""What a person should mend, most severe first: arrivals that wait for a person, and open incidents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Window
from django.urls import reverse

from pins import troubles, words
from pins.board import rows
from pins.models import Incident
from pins.models.incident import MOST_SEVERE_FIRST
from pins.words import Badge, Tone
from rentals.access import Scope, visible
from rentals.admin.feed_words import ago
from rentals.models import Booking

MOST = 40
_SECRETS = (
    "pin__applied_code",
    "pin__op_code",
    "pin__late_codes",
    "pin__grant__code",
    "account__secret",
    "account__webhook_token",
    "feed__url",
    "feed__token",
    "feed__signing_secret",
    "feed__previous_signing_secret",
)


@dataclass(frozen=True, slots=True)
class Mend:
    """One thing to mend: about whom or what, what is wrong, what to do, and where."""

    subject: str
    what: str
    remedy: str
    badge: Badge
    url: str
    since: str


def mends(now: datetime, bookings: Iterable[Booking], scope: Scope) -> tuple[tuple[Mend, ...], int]:
    """At most `MOST`, and how many more there are. `bookings`: loaded stays of guests who are due soon."""
    open_ones = visible(Incident.objects.filter(resolved_at=None), scope).select_related(
        "pin__grant__booking__property", "pin__lock", "lock", "account", "feed__property", "booking__property"
    )
    with_number = open_ones.annotate(of_all=Window(Count("pk"))).defer(*_SECRETS)
    incidents = list(with_number.order_by(MOST_SEVERE_FIRST, "opened_at", "pk")[:MOST])
    told = {one.pin.grant.booking_id for one in incidents if one.pin is not None}
    waiting = [_of_stay(one, now) for one in bookings if one.pk not in told and rows.overall(one, now).tone is Tone.ACT]
    found = [*waiting, *(_of_incident(one, now) for one in incidents)]
    total = len(waiting) + (incidents[0].of_all if incidents else 0)
    return tuple(found[:MOST]), max(0, total - MOST)


def _of_stay(booking: Booking, now: datetime) -> Mend:
    badge = rows.overall(booking, now)
    without_lock = badge.label == "No lock"
    return Mend(
        subject=f"{booking.guest_name or 'Guest'} at {booking.property.name}",
        what="The property has no active lock" if without_lock else badge.label,
        remedy="Choose its locks on the page of the property."
        if without_lock
        else "Open the stay: it says what to do.",
        badge=troubles.severity_badge(Incident.Severity.URGENT),
        url=reverse("stay", args=[booking.pk]),
        since=f"arrives {words.soon(booking.check_in, now, booking.property.zone)}",
    )


def _of_incident(incident: Incident, now: datetime) -> Mend:
    said = troubles.trouble(incident.kind)
    return Mend(
        subject=_subject(incident),
        what=said.what,
        remedy=said.remedy,
        badge=troubles.severity_badge(incident.severity),
        url=_url(incident),
        since=ago(incident.opened_at, now),
    )


def _subject(incident: Incident) -> str:
    pin = incident.pin
    if pin is not None:
        booking = pin.grant.booking
        who = pin.grant.holder_name or "Guest"
        return _once(f"{who} at {booking.property.name}", pin.lock.name) if booking else f"{who}, {pin.lock.name}"
    if incident.booking is not None:
        return f"{incident.booking.guest_name or 'Guest'} at {incident.booking.property.name}"
    if incident.feed is not None:
        return _once(incident.feed.name, incident.feed.property.name)
    return str(incident.lock or incident.account or incident.subject)


def _once(said: str, name: str) -> str:
    """A lock is often called like its property, and a calendar after it: once is enough."""
    return said if said.endswith(name) else f"{said}, {name}"


def _url(incident: Incident) -> str:
    if incident.pin is not None and incident.pin.grant.booking_id is not None:
        return reverse("stay", args=[incident.pin.grant.booking_id])
    if incident.pin is not None:
        return reverse("lock", args=[incident.pin.lock_id])
    if incident.booking_id is not None:
        return reverse("stay", args=[incident.booking_id])
    if incident.lock_id is not None:
        return reverse("lock", args=[incident.lock_id])
    if incident.feed_id is not None:
        return reverse("admin:rentals_calendarfeed_change", args=[incident.feed_id])
    return reverse("admin:rentals_lockaccount_change", args=[incident.account_id])
