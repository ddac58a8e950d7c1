"""What is written about a feed after each fetch, and the lock under which imports of a property take turns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rentals.calendars.imports.absences import may_ripen
from rentals.calendars.imports.conditions import OF_FETCHING, Condition, announce_unreadable, set_condition
from rentals.calendars.imports.ledger import Ledger
from rentals.calendars.imports.summary import Summary
from rentals.models import CalendarFeed, FeedState, Property

#: Columns that speak of the content that we hold, and of no other.
_OF_CONTENT = frozenset({"etag", "last_modified", "refetched_at", "disproved"})


def load(feed_id: int) -> CalendarFeed:
    """The feed with its property and state. Raises CalendarFeed.DoesNotExist."""
    feed = CalendarFeed.objects.select_related("property", "state").get(pk=feed_id)
    if not hasattr(feed, "state"):
        FeedState.objects.get_or_create(feed=feed)  # made by `bulk_create`
        feed.refresh_from_db()
    return feed


def locked(feed_id: int) -> CalendarFeed:
    """The feed as it is now. Imports of one property take turns: two feeds that list one stay must not both make it."""
    property_id = CalendarFeed.objects.values_list("property_id", flat=True).get(pk=feed_id)
    Property.objects.select_for_update(no_key=True).get(pk=property_id)
    return load(feed_id)


def note_good_fetch(
    feed: CalendarFeed, ledger: Ledger | None, summary: Summary, now: datetime, facts: Mapping[str, Any]
) -> None:
    """Write `facts` and those of every good fetch, end what is over, and `settle` the ledger if there is one."""
    good = {"last_good_at": now, "last_try_at": now, "failures": 0, "last_error": ""}
    _write(feed, {**good, **facts})
    for condition in OF_FETCHING:
        if getattr(feed.state, f"{condition.value}_since") is not None:
            set_condition(feed.pk, condition, False, now)
    if ledger is not None:
        settle(feed, ledger, summary, now)


def settle(feed: CalendarFeed, ledger: Ledger, summary: Summary, now: datetime) -> None:
    """Count the absences that time alone may confirm. Hold the feed while stays wait for a person's decision."""
    waiting = sum(may_ripen(item) for item in ledger.items.values())
    if waiting != feed.state.pending_absences:
        _write(feed, {"pending_absences": waiting})
    if summary.held:
        reason = summary.held_reason or feed.state.held_reason
        if not set_condition(feed.pk, Condition.HELD, True, now, held_reason=reason):
            FeedState.objects.filter(feed=feed).exclude(held_reason=reason).update(held_reason=reason)
    elif feed.state.held_since is not None:
        set_condition(feed.pk, Condition.HELD, False, now, held_reason="")
    unreadable = ledger.unreadable_since()
    announce_unreadable(feed.pk, new=now in unreadable, had=ledger.had_unreadable, left=bool(unreadable), now=now)


def _write(feed: CalendarFeed, facts: Mapping[str, Any]) -> None:
    FeedState.objects.filter(feed=feed).update(**facts)


def drop_outdated(feed: CalendarFeed, as_of: datetime, updates: Mapping[str, Any]) -> bool:
    """Whether we hold something newer than content of `as_of` (UTC), which is dropped then.

    What was learned about its version is dropped too: a later 304 would confirm something that we do not hold.
    """
    if feed.state.as_of is None or feed.state.as_of <= as_of:
        return False
    kept = {name: value for name, value in updates.items() if name not in _OF_CONTENT}
    _write(feed, {**kept, "failures": 0})
    return True
