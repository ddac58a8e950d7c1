"""What the admin shows of many feeds: their health and counts in one query, however many there are."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.db.models import Case, CharField, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from rentals.calendar_terms import Health
from rentals.calendars.events import Channel, Verdict
from rentals.fields import UndecryptableValue
from rentals.models import Booking, CalendarFeed, FeedItem
from rentals.models.feed import CHANNEL_LABELS


def listed() -> Q:
    """Items that the calendar listed when it was last read, or whose stay is still held by it."""
    return Q(gone_at__isnull=True)


def waits_for_review(now: datetime) -> Q:
    """Items about which a person should say whether they are stays."""
    unsure = Q(verdict=Verdict.REVIEW.value) | Q(needs_review=True, booking__needs_review=True)
    return listed() & unsure & Q(decision="", ends_at__gt=now, absent_since__isnull=True)


def _number(items: Q, what: Count) -> Coalesce:
    found = FeedItem.objects.filter(items, feed=OuterRef("pk")).order_by().values("feed").annotate(n=what).values("n")
    return Coalesce(Subquery(found, output_field=IntegerField()), Value(0))


def with_facts(feeds: QuerySet[CalendarFeed], now: datetime) -> QuerySet[CalendarFeed]:
    """Annotate `health`, `urgency` (0 needs a person most), `coming`, `to_review` and `unreadable`."""
    health = Case(
        When(is_active=False, then=Value(Health.OFF.value)),
        When(state__held_since__isnull=False, then=Value(Health.HELD.value)),
        When(state__reset_since__isnull=False, then=Value(Health.RESET.value)),
        When(state__stale_since__isnull=False, then=Value(Health.STALE.value)),
        When(state__failing_since__isnull=False, then=Value(Health.FAILING.value)),
        When(state__last_good_at__isnull=True, then=Value(Health.NEVER.value)),
        default=Value(Health.FINE.value),
        output_field=CharField(),
    )
    alive = Q(booking__status=Booking.Status.CONFIRMED, booking__check_out__gt=now)
    annotated = feeds.annotate(
        health=health,
        coming=_number(listed() & alive, Count("booking", distinct=True)),
        to_review=_number(waits_for_review(now), Count("pk")),
        unreadable=_number(listed() & Q(verdict=Verdict.QUARANTINED.value), Count("pk")),
    )
    places = (Health.HELD, Health.RESET, Health.STALE, Health.FAILING)
    return annotated.annotate(
        urgency=Case(
            *(When(health=one.value, then=Value(place)) for place, one in enumerate(places)),
            When(health=Health.OFF.value, then=Value(8)),
            When(to_review__gt=0, then=Value(4)),
            When(unreadable__gt=0, then=Value(5)),
            When(health=Health.NEVER.value, then=Value(6)),
            default=Value(7),
            output_field=IntegerField(),
        )
    )


def has_secret(feed: CalendarFeed, name: str) -> bool:
    """Whether something is stored, also when none of the keys opens it any more."""
    try:
        return bool(getattr(feed, name))
    except UndecryptableValue:
        return True


def excerpt_of(item: FeedItem) -> str:
    """The lines of an event that cannot be read; empty where none are kept."""
    try:
        return item.excerpt
    except UndecryptableValue:
        return "No configured key opens them."


def host_of(feed: CalendarFeed) -> str:
    """The host of the stored address, which tells it apart without giving it away; empty without one."""
    try:
        return urlsplit(feed.url).hostname or ""
    except UndecryptableValue:
        return ""
    except ValueError:
        return "an address that cannot be read"


def channel_words(feed: CalendarFeed) -> str:
    """The channel that was chosen, or the one that we recognised."""
    if feed.channel != Channel.AUTO:
        return feed.get_channel_display()
    found = feed.state.detected_channel
    if not found:
        return "not recognised yet"
    return _label(found)


def channels_in_use(feeds: QuerySet[CalendarFeed]) -> list[tuple[str, str]]:
    """Channels that some of these feeds have, chosen or recognised, with their names."""
    pairs = feeds.order_by().values_list("channel", "state__detected_channel").distinct()
    used = {chosen if chosen != Channel.AUTO else found or "" for chosen, found in pairs} - {""}
    return sorted(((value, _label(value)) for value in used), key=lambda pair: pair[1])


def of_channel(value: str) -> Q:
    return Q(channel=value) | Q(channel=Channel.AUTO.value, state__detected_channel=value)


def _label(channel: str) -> str:
    return CHANNEL_LABELS[Channel(channel)] if channel in set(CHANNEL_LABELS) else channel
