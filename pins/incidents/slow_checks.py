"""The review of what will hurt later: heavier than what every sweep looks at, and able to wait for the drift check.

Reads the database only, in a constant number of queries.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, Min, OuterRef, Q

from pins.incidents.sweep_checks import Found, keep, open_incidents, pressing
from pins.models import Incident
from rentals.models import Booking, Lock, Property

Kind, Severity = Incident.Kind, Incident.Severity

#: How far ahead overlapping stays are told.
HORIZON = timedelta(days=14)


def review(now: datetime) -> None:
    """Bring the incidents up to date that concern how things are set up, and what was booked."""
    keep(
        open_incidents(),
        {
            Kind.NO_KEYPAD: Found("lock", _without_keypad(now)),
            Kind.STAYS_OVERLAP: Found("booking", _overlapping_stays(now)),
            Kind.ZONE_DIFFERS: Found("lock", _in_another_zone(now)),
        },
        now,
    )


def _without_keypad(now: datetime) -> dict[int, Incident.Severity]:
    """Locks on which nobody can enter a code, of properties with guests to come."""
    expected = Q(
        properties__is_active=True,
        properties__bookings__status=Booking.Status.CONFIRMED,
        properties__bookings__check_out__gt=now,
    )
    locks = Lock.objects.filter(has_keypad=False, is_active=True).annotate(
        guest_at=Min("properties__bookings__check_in", filter=expected)
    )
    rows = locks.filter(guest_at__isnull=False).values_list("pk", "guest_at")
    return {pk: pressing(guest_at, now) for pk, guest_at in rows}


def _overlapping_stays(now: datetime) -> dict[int, Incident.Severity]:
    """Of two stays that share a moment still to come, the one that begins while the other lasts; of two that begin
    together, the one that was entered later."""
    earlier = Q(check_in__lt=OuterRef("check_in")) | Q(check_in=OuterRef("check_in"), pk__lt=OuterRef("pk"))
    others = Booking.objects.filter(
        earlier,
        property=OuterRef("property"),
        status=Booking.Status.CONFIRMED,
        check_out__gt=OuterRef("check_in"),
    ).filter(check_out__gt=now)
    second = Booking.objects.filter(
        Exists(others),
        property__is_active=True,
        status=Booking.Status.CONFIRMED,
        check_in__lte=now + HORIZON,
        check_out__gt=now,
    )
    return {pk: pressing(check_in, now) for pk, check_in in second.values_list("pk", "check_in")}


def _in_another_zone(now: datetime) -> dict[int, Incident.Severity]:
    """Locks whose clock, as set in the Tedee app, shows another time than that of a property they open."""
    pairs = (
        Property.locks.through.objects.filter(property__is_active=True, lock__is_active=True)
        .exclude(lock__time_zone="")
        .exclude(lock__time_zone=F("property__timezone"))
        .values_list("lock_id", "lock__time_zone", "property__timezone")
    )
    year = now.year
    return {lock_id: Severity.NOTICE for lock_id, one, other in pairs if _clocks_differ(one, other, year)}


@lru_cache(maxsize=256)
def _clocks_differ(one: str, other: str, year: int) -> bool:
    """Do two zones show different times on some day of a year? Warsaw and Berlin never do. An unknown name tells
    nothing."""
    try:
        zones = (ZoneInfo(one), ZoneInfo(other))
    except (ValueError, OSError, KeyError):
        return False
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=7 * week) for week in range(53)]
    return any(noon.astimezone(zones[0]).utcoffset() != noon.astimezone(zones[1]).utcoffset() for noon in noons)
