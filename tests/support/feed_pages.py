"""Feeds as a host meets them in the admin: made, opened, filled in and uploaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.feeds import sample

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIST = "/admin/rentals/calendarfeed/"
ADD = f"{LIST}add/"
URL = "https://user:hunter2@www.airbnb.com/calendar/ical/1.ics?s=very-secret-part"
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
#: What can be done on the page of a feed.
ACTIONS = (
    "fetch",
    "preview",
    "apply",
    "approve",
    "dismiss",
    "decide",
    "end-dates",
    "push",
    "new-address",
    "new-secret",
    "end-previous-secret",
    "remove-signing",
)


def feed_of(flat: Property, name: str = "Airbnb", **fields: Any) -> CalendarFeed:
    return CalendarFeed.objects.create(property=flat, name=name, **{"url": URL, **fields})


def take(feed: CalendarFeed, body: bytes, now: datetime = NOW) -> None:
    run.import_calendar(feed.pk, body, now)


def calendar(*events: str, prodid: str = "-//Airbnb Inc//Hosting Calendar 1.0//EN") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{prodid}\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


def event(uid: str, first: str, last: str, summary: str = "Reserved", *more: str) -> str:
    lines = (
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTART;VALUE=DATE:{first}",
        f"DTEND;VALUE=DATE:{last}",
        f"SUMMARY:{summary}",
        *more,
        "END:VEVENT",
    )
    return "".join(f"{line}\r\n" for line in lines)


def page(feed: CalendarFeed) -> str:
    return f"{LIST}{feed.pk}/change/"


def action(feed: CalendarFeed, name: str) -> str:
    return f"{LIST}{feed.pk}/{name}/"


def booking_page(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/change/"


def typed(flat: Property, **changes: str) -> dict[str, str]:
    return {
        "name": "Airbnb",
        "property": str(flat.pk),
        "channel": "auto",
        "is_active": "on",
        "url": "",
        "poll_minutes": "15",
        "longest_stay_nights": "30",
        "end_dates": "",
        "signing_secret": "",
        **changes,
    }


def upload(body: bytes) -> dict[str, Any]:
    return {"calendar": SimpleUploadedFile("export.ics", body, "text/calendar")}


def held(flat: Property) -> tuple[CalendarFeed, list[FeedItem]]:
    """A feed whose three stays vanished together: one in progress is no longer asked about, two wait."""
    feed = feed_of(flat)
    take(feed, sample(1))
    take(feed, calendar(), NOW + HOUR)
    waiting = list(FeedItem.objects.filter(feed=feed, awaits_approval=True).order_by("starts_at"))
    assert len(waiting) == 2
    return feed, waiting
