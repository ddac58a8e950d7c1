"""Incidents, stays and the day as data: what messages are made of. Reads no code and no secret."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.urls import reverse

from pins.core import notification_events
from pins.incidents import texts
from pins.models import AccessGrant, Incident, Pin
from pins.models.incident import MOST_SEVERE_FIRST
from pins.notify.words import subject
from pins.status.stays import door_badge, guest_grants, pins_for_people
from rentals.fields import behind
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import Tone, clock_time

_SECRETS = (
    *behind("pin", Pin.SECRETS),
    *behind("pin__grant", AccessGrant.SECRETS),
    *behind("account", LockAccount.SECRETS),
    *behind("feed", CalendarFeed.SECRETS),
)
MOST_ARRIVALS = 60
MOST_MENDS = 20


def incidents() -> Any:
    subjects = (
        *("pin__grant__booking__property", "pin__lock", "lock"),
        *("account", "feed__property", "booking__property"),
    )
    return Incident.objects.select_related(*subjects).defer(*_SECRETS)


def incident_data(incident: Incident) -> dict[str, Any]:
    """One of `incidents`."""
    said = texts.trouble(incident.kind)
    pin, feed = incident.pin, incident.feed
    lock = pin.lock if pin is not None else incident.lock
    return {
        "incident": {
            "id": incident.pk,
            "kind": incident.kind,
            "severity": notification_events.severity(incident.severity).value,
            "opened_at": _iso(incident.opened_at),
            "resolved_at": _iso(incident.resolved_at) if incident.resolved_at else None,
        },
        "what": said.what,
        "remedy": said.remedy,
        "stay": _stay_of(incident),
        "lock": _lock(lock) if lock is not None else None,
        "calendar": f"{feed.name}, {feed.property.name}" if feed is not None else None,
        "account": incident.account.name if incident.account is not None else None,
        "path": _path(incident),
    }


def grant_of(incident: Incident) -> AccessGrant | None:
    """Whose stay it is about, where that has a code already."""
    if incident.pin is not None:
        return incident.pin.grant
    if incident.booking is None:
        return None
    found = guest_grants().select_related("booking__property").filter(booking=incident.booking)
    return found.first()


def _stay_of(incident: Incident) -> dict[str, Any] | None:
    grant, booking = grant_of(incident), incident.booking
    if grant is not None:
        return stay_data(grant)
    if booking is None:
        return None
    return {  # its code is not due yet: only a code has a reference
        "id": booking.pk,
        "reference": None,
        "property": booking.property.name,
        "guest": booking.guest_name,
        "check_in": _iso(booking.check_in),
        "check_out": _iso(booking.check_out),
        "time_zone": booking.property.timezone,
    }


def stay_data(grant: AccessGrant) -> dict[str, Any]:
    """A stay as it stands now; of a deleted one, what its grant still knows."""
    booking = grant.booking
    prop = booking.property if booking is not None else None
    return {
        "id": booking.pk if booking is not None else None,
        "reference": grant.reference,
        "property": prop.name if prop is not None else None,
        "guest": grant.holder_name,
        "check_in": _iso(booking.check_in if booking is not None else grant.starts_at),
        "check_out": _iso(booking.check_out if booking is not None else grant.ends_at),
        "time_zone": prop.timezone if prop is not None else "UTC",
    }


def code_data(grant: AccessGrant) -> dict[str, Any]:
    """For what concerns the code of a stay: the doors that it opens, too."""
    locks = Lock.objects.filter(pins__grant=grant, pins__wanted=True).order_by("name", "pk")
    path = reverse("stay", args=[grant.booking_id]) if grant.booking_id is not None else reverse("home")
    return {"stay": stay_data(grant), "locks": [_lock(one) for one in locks], "path": path}


def off_data(grant: AccessGrant) -> dict[str, Any]:
    """For a stay that is off: `locks` off which its code comes, and `left_on`, those that are only watched."""
    maybe_there = Q(remote_id__isnull=False) | ~Q(op="") | Q(must_look=True)
    pins = Pin.objects.filter(maybe_there, grant=grant).values("lock", "lock__account__observe_only")
    watched = {one["lock"]: one["lock__account__observe_only"] for one in pins}
    found = Lock.objects.filter(pk__in=watched).order_by("name", "pk")
    return code_data(grant) | {
        "locks": [_lock(one) for one in found if not watched[one.pk]],
        "left_on": [_lock(one) for one in found if watched[one.pk]],
    }


def summary_data(day: date, zone: str, now: datetime) -> dict[str, Any]:
    """Arrivals of the day in each property's own zone, worst first, and what is open."""
    arriving = [one for one in _stays_near(now) if one.arrival_date == _today(one.property, now)]
    lines = [_arrival(one, now) for one in arriving]
    lines.sort(key=lambda one: (one.pop("order"), one.pop("moment")))
    open_ones = incidents().filter(resolved_at=None).order_by(MOST_SEVERE_FIRST, "opened_at", "pk")
    return {
        "date": day.isoformat(),
        "time_zone": zone,
        "arrivals": lines[:MOST_ARRIVALS],
        "more_arrivals": max(0, len(lines) - MOST_ARRIVALS),
        "to_mend": [_mend(one) for one in open_ones[:MOST_MENDS]],
        "more_to_mend": max(0, open_ones.count() - MOST_MENDS),
        "path": reverse("home"),
    }


def _stays_near(now: datetime) -> list[Booking]:
    """Everything that may arrive today in any zone, with what `door_badge` needs, in three queries."""
    day = timedelta(hours=38)
    active = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
    grants = guest_grants().prefetch_related(Prefetch("pins", queryset=pins_for_people()))
    near = Q(check_in__gt=now - day, check_in__lt=now + day, status=Booking.Status.CONFIRMED)
    rows = Booking.objects.with_overlaps().filter(near).annotate(has_locks=Exists(active))
    return list(rows.select_related("property").prefetch_related(Prefetch("grants", queryset=grants)))


def _today(prop: Property, now: datetime) -> date:
    return now.astimezone(ZoneInfo(prop.timezone)).date()


def _arrival(booking: Booking, now: datetime) -> dict[str, Any]:
    grant: AccessGrant | None = next(iter(booking.grants.all()), None)
    pins: list[Pin] = list(grant.pins.all()) if grant is not None else []
    badge = door_badge(booking, grant, pins, has_locks=bool(getattr(booking, "has_locks", True)), now=now)
    flags = [
        *(["overlaps another stay"] if getattr(booking, "overlaps", False) else []),
        *(["needs review"] if booking.needs_review else []),
    ]
    urgent = (Tone.ACT, Tone.TROUBLE, Tone.OVER, Tone.BUSY, Tone.WAITING, Tone.READY)
    return {
        "stay_id": booking.pk,
        "guest": booking.guest_name,
        "property": booking.property.name,
        "at": clock_time(booking.check_in, booking.property.zone),
        "state": badge.label,
        "ready": badge.tone is Tone.READY,
        "flags": flags,
        "order": urgent.index(badge.tone),
        "moment": booking.check_in,
    }


def _mend(incident: Incident) -> dict[str, Any]:
    data = incident_data(incident)
    return {name: data[name] for name in ("what", "remedy", "path")} | {"subject": subject(data)}


def _path(incident: Incident) -> str:
    pin = incident.pin
    if pin is not None and pin.grant.booking_id is not None:
        return reverse("stay", args=[pin.grant.booking_id])
    if incident.booking_id is not None:
        return reverse("stay", args=[incident.booking_id])
    lock_id = pin.lock_id if pin is not None else incident.lock_id
    if lock_id is not None:
        return reverse("lock", args=[lock_id])
    if incident.account_id is not None:
        return reverse("admin:rentals_lockaccount_change", args=[incident.account_id])
    if incident.feed_id is not None:
        return reverse("admin:rentals_calendarfeed_change", args=[incident.feed_id])
    return reverse("home")


def _lock(lock: Lock) -> dict[str, Any]:
    return {"id": lock.pk, "name": lock.name}


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
