"""Health and counts of feeds for the admin, in one query for however many feeds."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, CharField, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from rentals.calendar_terms import Health, channel_label
from rentals.calendars.events import Channel, Verdict
from rentals.models import Booking, CalendarFeed, FeedItem


def listed() -> Q:
    """Items that the calendar listed when it was last read, or that still hold their stay."""
    return Q(gone_at__isnull=True)


def waits_for_review(now: datetime) -> Q:
    """Items that wait for a person to say whether they are stays."""
    unsure = Q(verdict=Verdict.REVIEW.value) | Q(needs_review=True, booking__needs_review=True)
    return listed() & unsure & Q(decision="", ends_at__gt=now, absent_since__isnull=True)


def _unreadable(now: datetime) -> Q:
    """Items that nobody can read and that may still bring a guest. Two days, since their own may be read wrongly."""
    days = Q(starts_at=None, ends_at=None) | Q(starts_at__gt=now - timedelta(days=2)) | Q(ends_at__gt=now)
    return listed() & days & Q(verdict=Verdict.QUARANTINED.value)


def _number(items: Q, what: Count) -> Coalesce:
    found = FeedItem.objects.filter(items, feed=OuterRef("pk")).order_by().values("feed").annotate(n=what).values("n")
    return Coalesce(Subquery(found, output_field=IntegerField()), Value(0))


def with_health(feeds: QuerySet[CalendarFeed], now: datetime) -> QuerySet[CalendarFeed]:
    """Annotate `health` (a `Health`), `urgency` (0 needs a person most), and the counts `coming` (stays), `to_review`
    and `unreadable` (items)."""
    health = Case(
        When(is_active=False, then=Value(Health.OFF.value)),
        When(state__held_since__isnull=False, then=Value(Health.HELD.value)),
        When(state__reset_since__isnull=False, then=Value(Health.RESET.value)),
        When(state__refused_since__isnull=False, then=Value(Health.REFUSED.value)),
        When(state__stale_since__isnull=False, then=Value(Health.STALE.value)),
        When(state__failing_since__isnull=False, then=Value(Health.FAILING.value)),
        When(state__last_good_at__isnull=True, then=Value(Health.NEVER.value)),
        When(Exists(FeedItem.objects.filter(_unreadable(now), feed=OuterRef("pk"))), then=Value(Health.PARTLY.value)),
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
    places = (Health.HELD, Health.RESET, Health.REFUSED, Health.STALE, Health.FAILING)
    return annotated.annotate(
        urgency=Case(
            *(When(health=one.value, then=Value(place)) for place, one in enumerate(places)),
            When(health=Health.OFF.value, then=Value(9)),
            When(to_review__gt=0, then=Value(5)),
            When(unreadable__gt=0, then=Value(6)),
            When(health=Health.NEVER.value, then=Value(7)),
            default=Value(8),
            output_field=IntegerField(),
        )
    )


def channels_in_use(feeds: QuerySet[CalendarFeed]) -> list[tuple[str, str]]:
    """The channels of these feeds, chosen or recognised, with their names."""
    pairs = feeds.order_by().values_list("channel", "state__detected_channel").distinct()
    used = {chosen if chosen != Channel.AUTO else found or "" for chosen, found in pairs} - {""}
    return sorted(((value, channel_label(value)) for value in used), key=lambda pair: pair[1])


def of_channel(value: str) -> Q:
    """Feeds of a channel, chosen or recognised."""
    return Q(channel=value) | Q(channel=Channel.AUTO.value, state__detected_channel=value)
