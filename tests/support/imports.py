"""Imports, and what they did to stays, codes and incidents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from pins.models import AccessGrant, Incident
from rentals.calendars.imports import run
from rentals.calendars.imports.summary import Summary
from rentals.models import Booking, CalendarFeed, FeedState, Property
from tests.support.calendars import calendar, day, event

HALF_HOUR = timedelta(minutes=31)


def feed_of(flat: Property, name: str = "Airbnb", **fields: object) -> CalendarFeed:
    return CalendarFeed.objects.create(property=flat, name=name, **fields)


def take(feed: CalendarFeed, body: bytes | Iterable[str]) -> Summary:
    """Import now; a list of events is made a calendar."""
    content = body if isinstance(body, bytes) else calendar(*body)
    return run.import_calendar(feed.pk, content, timezone.now())


def stays(flat: Property, *statuses: str) -> list[tuple[str, str]]:
    """The property's stays as local days, "03-03" to "03-08", by default the confirmed ones."""
    found = Booking.objects.filter(property=flat, status__in=statuses or ["confirmed"]).select_related("property")
    return sorted((f"{one.arrival_date:%m-%d}", f"{one.departure_date:%m-%d}") for one in found)


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
