"""The way in: a calendar's bytes become bookings, in one transaction per feed.

Safe to run twice, and concurrently: imports of one property's feeds take turns, and content that was asked for before
what we hold is dropped. A calendar that cannot be imported as a whole raises `FeedError` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from rentals.calendars.events import Calendar, Channel
from rentals.calendars.ical.parse import read_calendar
from rentals.calendars.imports import feed_state, joined_rows
from rentals.calendars.imports.arrivals import arrivals_of, channel_of
from rentals.calendars.imports.conditions import OF_FETCHING
from rentals.calendars.imports.fingerprints import prints_of
from rentals.calendars.imports.importer import Importer
from rentals.calendars.imports.ledger import Ledger
from rentals.calendars.imports.summary import Summary
from rentals.models import CalendarFeed, FeedState

NOTHING: Mapping[str, Any] = {}


def import_calendar(
    feed_id: int,
    body: bytes,
    now: datetime,
    *,
    as_of: datetime | None = None,
    dry_run: bool = False,
    updates: Mapping[str, Any] = NOTHING,
    ahead: Calendar | None = None,
) -> Summary:
    """Import the whole calendar of one feed.

    `as_of`: when this content was asked for or signed (UTC); content older than what we hold is dropped. `updates`:
    further columns of the feed's state to write with it. `dry_run`: everything is computed, and rolled back. `ahead`:
    what `read_ahead` made of these bytes.
    Raises FeedError when the calendar cannot be imported; then nothing was changed.
    """
    feed = feed_state.load(feed_id)
    as_of = as_of or now
    if unchanged(feed, body, now, as_of=as_of, updates={} if dry_run else updates, dry_run=dry_run):
        return _as_before(feed)
    calendar = ahead or read_calendar(body, zone=feed.property.timezone, now=now)
    channel = channel_of(calendar, feed)
    with transaction.atomic():
        feed = feed_state.locked(feed_id)
        if feed_state.drop_outdated(feed, as_of, updates):
            return Summary(outdated=True)
        ledger = Ledger(feed, now, channel)
        arrivals, importer = arrivals_of(calendar, ledger), Importer(ledger, _confirm_after())
        summary = importer.run(arrivals.listed, empty=not calendar.events, complete=calendar.complete)
        summary = replace(summary, events=len(calendar.events))
        if summary.created or summary.changed:
            joined_rows.cut_again(feed, now, _confirm_after())
        facts = {
            "etag": "",
            "last_modified": "",
            **updates,
            **prints_of(feed, body, now).columns(calendar),
            "as_of": as_of,
            "whole_at": as_of,
            "detected_channel": channel.value,
            "summary": {
                **summary.as_json(),
                "complete": calendar.complete,
                "last_nights": arrivals.last_nights,
            },
        }
        feed_state.note_good_fetch(feed, ledger, summary, now, facts)
        if dry_run:
            transaction.set_rollback(True)
    return summary


def read_ahead(feed_id: int, body: bytes, now: datetime) -> Calendar | None:
    """Read a calendar before a transaction begins, which on SQLite keeps everybody else from writing.

    None when it says the same as last time. Raises FeedError.
    """
    feed = feed_state.load(feed_id)
    if _may_be_unchanged(feed.state) and prints_of(feed, body, now).agree(feed.state):
        return None
    return read_calendar(body, zone=feed.property.timezone, now=now)


def unchanged(
    feed: CalendarFeed,
    body: bytes | None,
    now: datetime,
    *,
    as_of: datetime | None = None,
    updates: Mapping[str, Any] = NOTHING,
    dry_run: bool = False,
) -> bool:
    """The short way for a calendar that says the same as last time (`body` None: the server answered 304): one
    compare-and-set, no look at the items.

    True when nothing more is to do. False: call `import_calendar`, or `confirm_unchanged` after a 304.
    """
    state = feed.state
    if not _may_be_unchanged(state):
        return False
    facts = {"last_good_at": now, "last_try_at": now, "failures": 0, "last_error": "", "as_of": as_of or now, **updates}
    if body is not None:
        prints = prints_of(feed, body, now)
        if not prints.agree(state):
            return False
        facts |= {"body_hash": prints.raw_like(state), "whole_hash": prints.whole, "whole_at": as_of or now}
    if dry_run:
        return True
    same = FeedState.objects.filter(
        Q(as_of=None) | Q(as_of__lte=as_of or now),
        feed=feed,
        pending_absences=0,
        body_hash=state.body_hash,
        content_hash=state.content_hash,
    )
    return same.update(**facts) == 1


def confirm_unchanged(
    feed_id: int, now: datetime, *, as_of: datetime | None = None, updates: Mapping[str, Any] = NOTHING
) -> Summary:
    """The server answered 304: a good fetch of what we hold. Absences may be confirmed by it."""
    as_of = as_of or now
    with transaction.atomic():
        feed = feed_state.locked(feed_id)
        if feed_state.drop_outdated(feed, as_of, updates):
            return Summary(outdated=True)
        said: dict[str, Any] = feed.state.summary
        if not feed.state.pending_absences or not said.get("complete", False):
            feed_state.note_good_fetch(feed, None, _as_before(feed), now, {**updates, "as_of": as_of})
            return _as_before(feed)
        ledger = Ledger(feed, now, Channel(feed.state.detected_channel))
        importer = Importer(ledger, _confirm_after())
        summary = replace(importer.run_absences(empty=not said.get("events")), events=said.get("events", 0))
        feed_state.note_good_fetch(feed, ledger, summary, now, {**updates, "as_of": as_of})
    return summary


def _may_be_unchanged(state: FeedState) -> bool:
    return bool(state.body_hash) and not state.pending_absences and not _is_in_trouble(state)


def _is_in_trouble(state: FeedState) -> bool:
    return any(getattr(state, f"{condition.value}_since") is not None for condition in OF_FETCHING)


def _as_before(feed: CalendarFeed) -> Summary:
    """Nothing was done; whatever waited for a person still waits."""
    said: dict[str, Any] = feed.state.summary
    return Summary(
        unchanged=True,
        held=int(said.get("held", 0)) if feed.state.held_since is not None else 0,
        quarantined=int(said.get("quarantined", 0)),
        review=int(said.get("review", 0)),
        events=int(said.get("events", 0)),
        held_reason=feed.state.held_reason,
    )


def _confirm_after() -> timedelta:
    return timedelta(seconds=settings.FEED_CONFIRM_SECONDS)
