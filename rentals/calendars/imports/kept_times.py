"""Times that an event keeps from its item, where the calendar lost them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rentals.calendars.decide.known import Known
from rentals.calendars.decide.placing import Arrival
from rentals.models import FeedItem


def keep_end(arrival: Arrival, item: FeedItem) -> Arrival:
    """An event that lost its end keeps the one that it had: the assumed single night would cut the stay short."""
    if not arrival.end_assumed or item.starts_on != arrival.starts_on or item.ends_at is None:
        return arrival
    return replace(arrival, ends_on=item.ends_on, ends_at=item.ends_at, whole_days=item.whole_days)


def keep_start(arrival: Arrival, item: FeedItem, one: Known, now: datetime) -> Arrival:
    """A stay that has begun by the channel's clock alone keeps its start: the guest arrives today, not tomorrow. One
    that has begun by the property's clock keeps it anyway, see `merge.follow`."""
    if item.starts_at is None or item.starts_at <= now or not one.begun(now) or arrival.starts_at is None:
        return arrival
    if arrival.starts_at <= item.starts_at:
        return arrival
    return replace(arrival, starts_on=item.starts_on, starts_at=item.starts_at)
