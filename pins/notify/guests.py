"""The guests whom a message concerns: quiet hours do not hold a message about a guest who arrives now, or cannot get in
(`pins.core.quiet_hours`).

Asked for one message at a time, and only within quiet hours; as many queries for five hundred locks as for one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from pins.core.pin_state import State
from pins.core.quiet_hours import Arrival
from pins.models import AccessGrant, Incident, Pin
from rentals.models import Booking, FeedItem, Lock, LockAccount

Kind = Incident.Kind

#: Longer than any day and any quiet hours: a guest who comes later, or came earlier, does not arrive today in any zone.
_NEAR: Final = timedelta(days=2)
#: With these a guest who has arrived is shut out, also where the PIN is on the lock: there is no keypad to enter it, no
#: lock lets the guest in, the guest knows the former one, or says so.
_SHUTS_OUT: Final = frozenset({Kind.NO_KEYPAD, Kind.NO_LOCK, Kind.CODE_CHANGED, Kind.GUEST_SHUT_OUT})


def arrivals(incident: Incident | None, grant: AccessGrant | None, now: datetime) -> list[Arrival]:
    """Guests whom a message about an incident, or about a stay, concerns; guests who can wait may be
    left out."""
    if incident is not None and incident.item is not None:
        return _perhaps(incident.item, now)
    if incident is not None and (incident.lock_id or incident.account_id or incident.feed_id):
        # A notice means that nobody is shut out, so it may wait whoever arrives.
        return [] if incident.severity == Incident.Severity.NOTICE else _near(_stays_of(incident), incident, now)
    booking = grant.booking if grant is not None else incident.booking if incident is not None else None
    return _near(Booking.objects.filter(pk=booking.pk), incident, now) if booking is not None else []


def _perhaps(item: FeedItem, now: datetime) -> list[Arrival]:
    """The guest who may come with a calendar row about which nobody decided."""
    if item.starts_at is None:
        return []
    return [Arrival(item.starts_at, item.feed.property.timezone, shut_out=item.starts_at <= now)]


def _stays_of(incident: Incident) -> QuerySet[Booking]:
    """Stays that need the lock of the incident, a lock of its account, or the property of its calendar."""
    expected = Booking.objects.filter(status=Booking.Status.CONFIRMED, property__is_active=True)
    if incident.feed_id is not None:
        return expected.filter(property__feeds=incident.feed_id)
    return expected.filter(Exists(_locks(incident).filter(properties=OuterRef("property"))))


def _locks(incident: Incident | None) -> QuerySet[Lock]:
    """The locks that the incident is about; all where it is about none. Observe-only locks shut nobody out."""
    locks = Lock.objects.filter(is_active=True, account__observe_only=False)
    if incident is None or incident.account_id is None:
        return locks.filter(pk=incident.lock_id) if incident is not None and incident.lock_id is not None else locks
    # An incident about the budget of one account concerns all that share its requests.
    sharing = LockAccount.objects.filter(pk=incident.account_id).exclude(rate_group="").values("rate_group")
    whole_group = Q(account__rate_group__in=sharing) if incident.kind == Kind.BUDGET_SPENT else Q()
    return locks.filter(Q(account=incident.account_id) | whole_group)


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
    """Whether the code of the stay does not open one of the incident's locks at this moment."""
    if incident is not None and incident.feed_id is not None:
        return Value(False)
    if incident is not None and incident.kind in _SHUTS_OUT:
        return Value(True)
    opens = Q(remote_id__isnull=False, applied_starts_at__lte=now, applied_ends_at__gt=now)
    pins = Pin.objects.filter(grant__booking=OuterRef("pk"), wanted=True, lock__in=_locks(incident))
    return Exists(pins.exclude(state=State.SET).exclude(opens))
