"""Feeds at a scripted server, and one poll of them."""

from __future__ import annotations

from pins.models import Incident
from rentals.calendars.fetching.polling import PollResult, poll
from rentals.models import CalendarFeed, FeedState, Property
from rentals.outbound import NEIGHBOURHOOD
from tests.support.paths import SAMPLES
from tests.support.scripted_server import Reply, Server, answer

AIRBNB = (SAMPLES / "01-airbnb-day1.ics").read_bytes()


def feed_at(server: Server | None, **fields: object) -> CalendarFeed:
    flat, _ = Property.objects.get_or_create(name="Flat", defaults={"timezone": "Europe/Warsaw"})
    url = f"http://ann:h1dden@127.0.0.1:{server.port}/h1dden.ics" if server else ""
    return CalendarFeed.objects.create(**{"property": flat, "name": "Airbnb", "url": url, **fields})


def polled(feed: CalendarFeed) -> PollResult:
    return poll(feed.pk, network=NEIGHBOURHOOD)


def state_of(feed: CalendarFeed) -> FeedState:
    return FeedState.objects.get(feed=feed)


def open_incidents(feed: CalendarFeed) -> list[str]:
    return sorted(Incident.objects.filter(feed=feed, resolved_at=None).values_list("kind", flat=True))


def good(body: bytes = AIRBNB, **headers: str) -> Reply:
    return answer(200, raw=body, headers=headers)
