"""Whom a message concerns: for a guest who comes now, or cannot get in, no quiet hours hold (`pins.core.quiet_hours`).

Asked for one message at a time, and only within quiet hours; as many queries for five hundred doors as for one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from pins.core.pin_state import State
from pins.core.quiet_hours import Arrival
from pins.models import AccessGrant, Incident, Pin
from rentals.models import Booking, Lock, LockAccount

Kind = Incident.Kind

#: Longer than any day and any quiet hours: who comes later, or came earlier, arrives today in no zone.
_NEAR: Final = timedelta(days=2)
#: With these a guest who has arrived stands before a closed door, although the PIN is where it should be: there is no
#: keypad to enter it, or the guest knows the former one.
_SHUTS_OUT: Final = frozenset({Kind.NO_KEYPAD, Kind.CODE_CHANGED})


def arrivals(incident: Incident | None, grant: AccessGrant | None, now: datetime) -> list[Arrival]:
    """Guests whom a message about an incident, or about a stay, concerns. Those who can wait are not all named."""
    if incident is not None and (incident.lock_id or incident.account_id or incident.feed_id):
        # A notice is good to know, and shuts nobody out: it wakes nobody, whoever arrives.
        return [] if incident.severity == Incident.Severity.NOTICE else _near(_stays_of(incident), incident, now)
    booking = grant.booking if grant is not None else incident.booking if incident is not None else None
    return _near(Booking.objects.filter(pk=booking.pk), incident, now) if booking is not None else []


def _stays_of(incident: Incident) -> QuerySet[Booking]:
    """Stays behind the doors of a lock, of an account or of a calendar's property."""
    expected = Booking.objects.filter(status=Booking.Status.CONFIRMED, property__is_active=True)
    if incident.feed_id is not None:
        return expected.filter(property__feeds=incident.feed_id)
    return expected.filter(Exists(_doors(incident).filter(properties=OuterRef("property"))))


def _doors(incident: Incident | None) -> QuerySet[Lock]:
    """Nobody waits for what is only watched."""
    doors = Lock.objects.filter(is_active=True, account__observe_only=False)
    if incident is None or incident.account_id is None:
        return doors.filter(pk=incident.lock_id) if incident is not None and incident.lock_id is not None else doors
    # One account speaks for all that share its requests.
    sharing = LockAccount.objects.filter(pk=incident.account_id).exclude(rate_group="").values("rate_group")
    whole_group = Q(account__rate_group__in=sharing) if incident.kind == Kind.BUDGET_SPENT else Q()
    return doors.filter(Q(account=incident.account_id) | whole_group)


def _near(stays: QuerySet[Booking], incident: Incident | None, now: datetime) -> list[Arrival]:
    begun = Q(check_in__lte=now, check_out__gt=now)
    found = stays.annotate(shut_out=_shut_out(incident, now)).filter(
        Q(check_in__gt=now - _NEAR, check_in__lt=now + _NEAR) | begun & Q(shut_out=True)
    )
    rows = found.values_list("check_in", "check_out", "property__timezone", "shut_out")
    return [
        Arrival(check_in, zone, shut_out=shut_out and check_in <= now < check_out)
        for check_in, check_out, zone, shut_out in rows
    ]


def _shut_out(incident: Incident | None, now: datetime) -> Any:
    """Whether a door of the stay, among those of the incident, does not open to its code at this moment."""
    if incident is not None and incident.feed_id is not None:
        return Value(False)
    if incident is not None and incident.kind in _SHUTS_OUT:
        return Value(True)
    opens = Q(remote_id__isnull=False, applied_starts_at__lte=now, applied_ends_at__gt=now)
    pins = Pin.objects.filter(grant__booking=OuterRef("pk"), wanted=True, lock__in=_doors(incident))
    return Exists(pins.exclude(state=State.SET).exclude(opens))
