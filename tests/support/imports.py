"""What an import did to stays, codes and incidents."""

from __future__ import annotations

from typing import Any

from pins.models import AccessGrant, Incident
from rentals.models import Booking, CalendarFeed, FeedState, Property
from tests.support.calendars import (
    day,
    event,
)


def wanted_codes() -> dict[int, str]:
    return {grant.booking_id or 0: grant.code for grant in AccessGrant.objects.filter(wanted=True)}


def codes_of(flat: Property) -> dict[int, str]:
    return {grant.booking_id or 0: grant.code for grant in AccessGrant.objects.filter(booking__property=flat)}


def stay_of(flat: Property, **fields: Any) -> Booking:
    return Booking.objects.get(property=flat, **fields)


def three_events(*, without: str = "") -> list[str]:
    rows = {"a": (day(3, 10), day(3, 14)), "b": (day(3, 20), day(3, 22)), "c": (day(4, 1), day(4, 5))}
    return [event(uid, *days) for uid, days in rows.items() if uid not in without]


def state_of(feed: CalendarFeed) -> FeedState:
    return FeedState.objects.get(feed=feed)


def incidents_of(feed: CalendarFeed) -> list[tuple[str, bool]]:
    return [(one.kind, one.resolved_at is None) for one in Incident.objects.filter(feed=feed).order_by("pk")]
