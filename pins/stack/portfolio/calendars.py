"""Calendar feeds with what their channels listed: stays, closed days, and now and then an event to decide about."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from pins.models import Incident
from pins.stack.portfolio.places import BATCH, Home
from rentals.calendars.events import Channel, Verdict
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState
from rentals.models.feed import CHANNEL_LABELS
from rentals.models.tokens import new_token, token_digest

#: No feed is due before then. Their addresses lead nowhere: `.invalid` never resolves (RFC 6761).
FAR = timedelta(days=3650)

_CHANNELS = (Channel.AIRBNB, Channel.BOOKING, Channel.VRBO, Channel.HOSTAWAY, Channel.SMOOBU)
_CHANNEL_WEIGHTS = (40, 30, 12, 10, 8)
_FEEDS_A_HOME = (0, 1, 1, 1, 2, 2)
#: Condition of a feed, its chance, the kind of its incident, and its error text.
_CONDITIONS = (
    ("held", 0.008, Incident.Kind.FEED_HELD, ""),
    ("reset", 0.006, Incident.Kind.FEED_RESET, "The address no longer exists (404)."),
    ("stale", 0.006, Incident.Kind.FEED_STALE, "No connection within 10 s."),
    ("failing", 0.012, Incident.Kind.FEED_FAILING, "The channel answered 503."),
)


def make_feeds(rng: random.Random, homes: Iterable[Home], now: datetime) -> dict[int, list[CalendarFeed]]:
    """Feeds by property, with their states, and incidents for feeds in trouble."""
    by_property = {home.property.pk: _feeds_of(rng, home) for home in homes}
    feeds = [feed for found in by_property.values() for feed in found]
    CalendarFeed.objects.bulk_create(feeds, batch_size=BATCH)
    states, incidents = [], []
    for feed in feeds:
        state = FeedState(feed=feed, **_fine(rng, now))
        drawn = rng.random()
        for name, chance, kind, said in _CONDITIONS:
            if drawn < chance:
                incidents.append(_trouble(rng, state, name, kind, said, now))
                break
            drawn -= chance
        states.append(state)
    FeedState.objects.bulk_create(states, batch_size=BATCH)
    Incident.objects.bulk_create(incidents, batch_size=BATCH)
    for state in states:
        state.feed.state = state
    return by_property


def _feeds_of(rng: random.Random, home: Home) -> list[CalendarFeed]:
    channels = dict.fromkeys(rng.choices(_CHANNELS, _CHANNEL_WEIGHTS, k=rng.choice(_FEEDS_A_HOME)))
    return [_feed(rng, home, channel) for channel in channels]


def _feed(rng: random.Random, home: Home, channel: Channel) -> CalendarFeed:
    token = new_token()
    return CalendarFeed(
        property=home.property,
        name=f"{CHANNEL_LABELS[channel].partition(',')[0]} {home.property.name}",
        channel=channel.value,
        url=f"https://calendars.invalid/{channel.value}/{rng.getrandbits(64):016x}.ics",
        token=token,
        token_digest=token_digest(token),
        is_active=rng.random() >= 0.02,
    )


def _fine(rng: random.Random, now: datetime) -> dict[str, object]:
    read_at = now - timedelta(seconds=rng.randint(20, 900))
    return {
        "next_fetch_at": now + FAR,
        "last_try_at": read_at,
        "last_good_at": read_at,
        "as_of": read_at,
        "body_hash": f"{rng.getrandbits(256):064x}",
        "content_hash": f"{rng.getrandbits(256):064x}",
    }


def _trouble(
    rng: random.Random, state: FeedState, name: str, kind: Incident.Kind, said: str, now: datetime
) -> Incident:
    since = now - timedelta(hours=rng.randint(1, 40))
    setattr(state, f"{name}_since", since)
    if name == "held":
        state.held_reason = "More than half of the coming stays vanished together."
    else:
        state.last_good_at = since - timedelta(hours=24 if name == "stale" else 1)
        state.failures, state.last_error = rng.randint(3, 60), said
    return Incident(kind=kind, subject=f"feed:{state.feed_id}", feed=state.feed, opened_at=since)


# -- items ------------------------------------------------------------------------------------------------------------


def items_of(rng: random.Random, sold: Iterable[tuple[Booking, CalendarFeed]], now: datetime) -> list[FeedItem]:
    """One item for each stay that came by calendar, and a few others. The bookings must be stored already."""
    found = []
    for booking, feed in sold:
        item = _item(rng, feed, booking, now)
        item.booking = booking
        _say(rng, item, booking)
        if _is_held(feed) and booking.status == Booking.Status.CONFIRMED and booking.check_in > now:
            item.absent_since, item.awaits_approval = feed.state.held_since, True
        found.append(item)
        if rng.random() < 0.04:
            found.append(_aside(rng, feed, booking, now))
    return found


def _is_held(feed: CalendarFeed) -> bool:
    return feed.state.held_since is not None


def _item(rng: random.Random, feed: CalendarFeed, booking: Booking, now: datetime) -> FeedItem:
    seen_at = min(now, booking.check_in) - timedelta(days=rng.randint(1, 90))
    return FeedItem(
        feed=feed,
        uid=f"{rng.getrandbits(96):024x}@{feed.channel}.invalid",
        starts_on=booking.arrival_date,
        ends_on=booking.departure_date,
        starts_at=booking.feed_check_in,
        ends_at=booking.feed_check_out,
        whole_days=True,
        first_seen_at=seen_at,
        changed_at=seen_at,
    )


def _say(rng: random.Random, item: FeedItem, booking: Booking) -> None:
    verdicts = {Booking.Status.CANCELLED: Verdict.CANCELLED, Booking.Status.TENTATIVE: Verdict.TENTATIVE}
    item.verdict = verdicts.get(Booking.Status(booking.status), Verdict.STAY).value
    item.guest_name, item.needs_review = booking.guest_name, booking.needs_review
    item.reason = "The calendar says so." if not booking.needs_review else "It calls the stay by an unknown word."
    item.summary = f"Reserved - {booking.guest_name}" if booking.guest_name else "Reserved"
    if booking.source == Channel.AIRBNB.value:
        item.reservation_code = f"HM{rng.getrandbits(40):010X}"[:10]
        item.phone_last4 = f"{rng.randrange(10_000):04d}"
    elif booking.source == Channel.BOOKING.value:
        item.summary = "CLOSED - Not available"


def _aside(rng: random.Random, feed: CalendarFeed, booking: Booking, now: datetime) -> FeedItem:
    """Closed days, something to decide, or an event that cannot be read."""
    item = _item(rng, feed, booking, now)
    item.verdict = rng.choice((Verdict.BLOCK, Verdict.BLOCK, Verdict.BLOCK, Verdict.REVIEW, Verdict.QUARANTINED)).value
    item.summary = {"block": "Not available", "review": "Aunt Hilda?"}.get(item.verdict, "")
    item.reason = {"block": "Closed days.", "review": "Perhaps a stay."}.get(item.verdict, "It has no readable dates.")
    if item.verdict == Verdict.QUARANTINED.value:
        item.excerpt = "BEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT"
        item.starts_on = item.ends_on = item.starts_at = item.ends_at = None
    return item
