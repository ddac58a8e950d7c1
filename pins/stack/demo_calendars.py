"""Calendars of the demo: four cottages get their bookings from channels, which a small server here plays.

The samples were taken on one day; their dates are moved to the day of the demo's first start. Two minutes after that
start a stay has moved, another one has arrived, and a channel has given all its events new UIDs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from config.paths import private_dir
from pins.stack.feeds.rebase import rebase
from pins.stack.feeds.server import CalendarServer, FeedReply, FeedRequest, conditional, not_found
from rentals.models import CalendarFeed, FeedState, Lock, Property, PublishedCalendar

SAMPLES = Path(__file__).resolve().parent / "feeds" / "samples"
SAMPLES_DAY = date(2027, 3, 1)
CHANGES_AFTER = timedelta(minutes=2)
POLL_SECONDS = 30


@dataclass(frozen=True)
class SampleFeed:
    """The calendar of one cottage."""

    channel: str
    cottage: str
    file: str
    later_file: str  # its content after CHANGES_AFTER

    @property
    def name(self) -> str:
        return f"{self.channel} {self.cottage}"

    @property
    def path(self) -> str:
        return f"/{self.file}"


FEEDS = (
    SampleFeed("Airbnb", "Orchard cottage", "airbnb.ics", "airbnb-later.ics"),
    SampleFeed("Booking.com", "Mill cottage", "booking.ics", "booking-later.ics"),
    SampleFeed("Vrbo", "Boat house", "vrbo.ics", "vrbo.ics"),
    SampleFeed("Hostaway", "Lake cabin", "hostaway.ics", "hostaway.ics"),
)
COTTAGES = tuple(feed.cottage for feed in FEEDS)


def first_start(folder: Path, now: datetime) -> datetime:
    """When the demo of this folder was first started. Kept in a file, or stays would move at each start."""
    kept = private_dir(folder) / "calendars_since"
    try:
        return datetime.fromisoformat(kept.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):  # not there yet, or damaged
        kept.write_text(now.isoformat() + "\n", encoding="utf-8")
        return now


def body_of(feed: SampleFeed, began: datetime, now: datetime, zone: str) -> bytes:
    """The content of the calendar at the moment `now`, its dates counted from `began` in `zone`."""
    name = feed.later_file if now >= began + CHANGES_AFTER else feed.file
    days = (began.astimezone(ZoneInfo(zone)).date() - SAMPLES_DAY).days
    return rebase((SAMPLES / name).read_bytes(), days)


def calendar_server(began: datetime, zone: str) -> CalendarServer:
    """Serves the samples on a free loopback port, while used as a context manager."""
    by_path = {feed.path: feed for feed in FEEDS}

    def respond(asked: FeedRequest) -> FeedReply:
        feed = by_path.get(asked.path)
        return conditional(asked, body_of(feed, began, timezone.now(), zone)) if feed is not None else not_found()

    return CalendarServer(respond)


def ensure_feeds(server_url: str, zone: str) -> None:
    """Create missing cottages and feeds, and let every feed be fetched at once from `server_url`, which changes with
    each start. Needs the cottages' locks."""
    with transaction.atomic():
        for sample in FEEDS:
            cottage, fresh = Property.objects.get_or_create(name=sample.cottage, defaults={"timezone": zone})
            if fresh:
                cottage.locks.set(Lock.objects.filter(name=sample.cottage))
            feed, _ = CalendarFeed.objects.get_or_create(property=cottage, name=sample.name)
            feed.url = server_url + sample.path
            feed.save()
            FeedState.objects.filter(feed=feed).update(next_fetch_at=None)


def published_path() -> str:
    """The path of a calendar that the demo publishes."""
    cottage = Property.objects.get(name=FEEDS[0].cottage)
    calendar, _ = PublishedCalendar.objects.get_or_create(
        property=cottage, name="Cleaners", defaults={"shows_turnovers": True}
    )
    return f"/calendars/{calendar.token}.ics"


def not_fetched_since(moment: datetime) -> list[str]:
    """The names of the feeds that were not read since then."""
    fetched = FeedState.objects.filter(last_good_at__gte=moment).values("feed_id")
    feeds = CalendarFeed.objects.filter(is_active=True).exclude(pk__in=fetched)
    return list(feeds.values_list("name", flat=True))
