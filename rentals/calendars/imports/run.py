"""The way in: a calendar's bytes become bookings, in one transaction per feed.

Safe to run twice, and concurrently: imports of one property's feeds take turns, and content that was asked for before
what we hold is dropped. A calendar that cannot be taken as a whole raises `FeedError` and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from rentals.calendars.classify.verdicts import classify, recognise
from rentals.calendars.decide import joined_events
from rentals.calendars.decide.placing import Arrival, Hours, Key, place, unreadable
from rentals.calendars.events import Calendar, Channel, FeedError, FeedFault, Verdict
from rentals.calendars.ical.parse import read_calendar
from rentals.calendars.imports.conditions import Condition, set_condition
from rentals.calendars.imports.fingerprints import prints_of
from rentals.calendars.imports.importer import Importer
from rentals.calendars.imports.ledger import Ledger
from rentals.calendars.imports.summary import Summary
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property

NOTHING: Mapping[str, Any] = {}


def load_feed(feed_id: int) -> CalendarFeed:
    """The feed with its property and state. Raises CalendarFeed.DoesNotExist."""
    feed = CalendarFeed.objects.select_related("property", "state").get(pk=feed_id)
    if not hasattr(feed, "state"):
        FeedState.objects.get_or_create(feed=feed)  # made by `bulk_create`
        feed.refresh_from_db()
    return feed


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
    """Take in the whole calendar of one feed.

    `as_of`: when this content was asked for or signed (UTC); content older than what we hold is dropped. `updates`:
    further columns of the feed's state to write along. `dry_run`: everything is computed, and rolled back. `ahead`:
    what `read_ahead` made of these bytes.
    Raises FeedError: the calendar cannot be taken, nothing was changed.
    """
    feed = load_feed(feed_id)
    as_of = as_of or now
    if unchanged(feed, body, now, as_of=as_of, updates={} if dry_run else updates, dry_run=dry_run):
        return _as_before(feed)
    calendar = ahead or read_calendar(body, zone=feed.property.timezone, now=now)
    channel = _channel_of(calendar, feed)
    if channel is Channel.TURNKEY:
        raise FeedError(
            FeedFault.OWN_CALENDAR,
            "This calendar is published by Turnkey itself. Use the link that the booking channel gives you.",
        )
    with transaction.atomic():
        feed = locked(feed_id)
        if feed.state.as_of is not None and feed.state.as_of > as_of:
            _write_state(feed, _without_validators(updates))
            return Summary(outdated=True)
        ledger = Ledger(feed, now, channel)
        arrivals = _arrivals(calendar, channel, ledger)
        importer = Importer(ledger, source_of_channel(channel), now, confirm_after())
        empty = not calendar.events
        summary = replace(importer.run(arrivals, empty=empty, complete=calendar.complete), events=len(calendar.events))
        facts = {
            "etag": "",
            "last_modified": "",
            **updates,
            **prints_of(feed, body, now).columns(calendar),
            "as_of": as_of,
            "detected_channel": channel.value,
            "summary": {**summary.as_json(), "complete": calendar.complete},
        }
        _good_fetch(feed, ledger, summary, now, facts)
        if dry_run:
            transaction.set_rollback(True)
    return summary


def read_ahead(feed_id: int, body: bytes, now: datetime) -> Calendar | None:
    """Read a calendar before a transaction begins, which on SQLite keeps everybody else from writing. None where it
    says what it said last time. Raises FeedError."""
    feed = load_feed(feed_id)
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
    """The short way for a calendar that says what it said last time (`body` None: the server answered 304): one
    compare-and-set, no look at the items.

    True when that was all. False: call `import_calendar`, or `confirm_unchanged` after a 304.
    """
    state = feed.state
    if not _may_be_unchanged(state):
        return False
    facts = {"last_good_at": now, "last_try_at": now, "failures": 0, "last_error": "", "as_of": as_of or now, **updates}
    if body is not None:
        prints = prints_of(feed, body, now)
        if not prints.agree(state):
            return False
        facts["body_hash"] = prints.raw_like(state)
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
        feed = locked(feed_id)
        if feed.state.as_of is not None and feed.state.as_of > as_of:
            _write_state(feed, _without_validators(updates))
            return Summary(outdated=True)
        said: dict[str, Any] = feed.state.summary
        if not feed.state.pending_absences:
            _good_fetch(feed, None, _as_before(feed), now, {**updates, "as_of": as_of})
            return _as_before(feed)
        channel = Channel(feed.state.detected_channel)
        ledger = Ledger(feed, now, channel)
        importer = Importer(ledger, source_of_channel(channel), now, confirm_after())
        if not said.get("complete", False):
            _good_fetch(feed, None, _as_before(feed), now, {**updates, "as_of": as_of})
            return _as_before(feed)
        summary = replace(importer.run_absences(empty=not said.get("events")), events=said.get("events", 0))
        _good_fetch(feed, ledger, summary, now, {**updates, "as_of": as_of})
    return summary


# -- parts ------------------------------------------------------------------------------------------------------------


def locked(feed_id: int) -> CalendarFeed:
    """The feed as it is now. Imports of one property take turns: two feeds that list one stay must not both make it."""
    property_id = CalendarFeed.objects.values_list("property_id", flat=True).get(pk=feed_id)
    Property.objects.select_for_update(no_key=True).get(pk=property_id)
    return load_feed(feed_id)


def _channel_of(calendar: Calendar, feed: CalendarFeed) -> Channel:
    """The calendar's channel. One that can suddenly no longer be recognised is still the one it was: otherwise a new
    PRODID would turn every stay of Booking.com into closed days."""
    channel = recognise(calendar, Channel(feed.channel))
    if channel is Channel.OTHER and feed.channel == Channel.AUTO.value and feed.state.detected_channel:
        return Channel(feed.state.detected_channel)
    return channel


def _arrivals(calendar: Calendar, channel: Channel, ledger: Ledger) -> list[Arrival]:
    """Everything that the calendar lists, placed in the property's time, each under a key of its own."""
    prop = ledger.feed.property
    hours = Hours(prop.timezone, prop.check_in_time, prop.check_out_time)
    events, remainders = calendar.events, frozenset[Key]()
    if channel is Channel.BOOKING:
        split = joined_events.split_grown(events, _held_days(ledger), _days_now(ledger))
        events, remainders = split.events, split.remainders
    arrivals = [place(reading, hours) for reading in classify(events, channel, ledger.feed.options)]
    if remainders:
        arrivals = [
            replace(one, needs_review=True, reason=joined_events.REASON)
            if one.key in remainders and one.verdict is Verdict.STAY
            else one
            for one in arrivals
        ]
    arrivals += [unreadable(event) for event in calendar.quarantined]
    return _distinct(arrivals)


def _held_days(ledger: Ledger) -> list[joined_events.Held]:
    """The feed's live stays, and the pieces of what was cut before, also those that a person decided about."""
    return [
        joined_events.Held(one.key.uid, one.starts_on, one.ends_on, one.begun(ledger.now), bool(one.key.part), one.id)
        for one in ledger.known()
        if one.starts_on is not None and one.ends_on is not None and not one.ended(ledger.now)
        if one.holds_stay or (one.decided and not one.gone and one.key.part)
    ]


def _days_now(ledger: Ledger) -> list[joined_events.Held]:
    """The feed's stays by the days that they have by now, because of another calendar or of a person."""
    held = ((one, ledger.booking_of(ledger.items[one.id])) for one in ledger.known() if not one.gone)
    return [
        joined_events.Held(one.key.uid, *ledger.days_of(booking), one.begun(ledger.now))
        for one, booking in held
        if booking is not None and booking.status != Booking.Status.CANCELLED
    ]


def _distinct(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Keys are unique in the table: of several with one key, the later ones are told apart by a number."""
    taken: set[Key] = set()
    result: list[Arrival] = []
    for arrival in arrivals:
        key = arrival.key
        if not key.uid:
            said = hashlib.sha256(f"{arrival.summary}\n{arrival.excerpt}".encode()).hexdigest()
            key = Key(f"unreadable:{said[:40]}", "", "")
        number = 1
        while key in taken:
            number += 1
            key = Key(key.uid, key.recurrence_id, f"{arrival.key.part}#{number}")
        taken.add(key)
        result.append(arrival if key == arrival.key else replace(arrival, key=key))
    return result


def _good_fetch(
    feed: CalendarFeed, ledger: Ledger | None, summary: Summary, now: datetime, facts: Mapping[str, Any]
) -> None:
    """Write the facts of a good fetch, and begin or end the conditions that it decides about."""
    good = {"last_good_at": now, "last_try_at": now, "failures": 0, "last_error": ""}
    _write_state(feed, {**good, **facts})
    for condition in (Condition.FAILING, Condition.STALE, Condition.RESET):
        if getattr(feed.state, f"{condition.value}_since") is not None:
            set_condition(feed.pk, condition, False, now)
    if ledger is not None:
        settle(feed, ledger, summary, now)


def settle(feed: CalendarFeed, ledger: Ledger, summary: Summary, now: datetime) -> None:
    """Note what may ripen by time alone. Hold the feed while stays wait for a person's word; end it when none does."""
    waiting = sum(_may_ripen(item) for item in ledger.items.values())
    if waiting != feed.state.pending_absences:
        _write_state(feed, {"pending_absences": waiting})
    if summary.held:
        reason = (summary.held_reason or feed.state.held_reason)[:200]
        if not set_condition(feed.pk, Condition.HELD, True, now, held_reason=reason):
            FeedState.objects.filter(feed=feed).exclude(held_reason=reason).update(held_reason=reason)
    elif feed.state.held_since is not None:
        set_condition(feed.pk, Condition.HELD, False, now, held_reason="")


def _may_ripen(item: FeedItem) -> bool:
    """Whether time alone may change what an absence means."""
    absent = item.absent_since is not None or item.kept_at is not None
    return item.gone_at is None and (absent or (item.awaits_approval and item.verdict != Verdict.CANCELLED))


def _may_be_unchanged(state: FeedState) -> bool:
    return bool(state.body_hash) and not state.pending_absences and not _is_in_trouble(state)


def _is_in_trouble(state: FeedState) -> bool:
    return any(moment is not None for moment in (state.failing_since, state.stale_since, state.reset_since))


def _as_before(feed: CalendarFeed) -> Summary:
    """Nothing was done; what waited for a person still does."""
    said: dict[str, Any] = feed.state.summary
    return Summary(
        unchanged=True,
        held=int(said.get("held", 0)) if feed.state.held_since is not None else 0,
        quarantined=int(said.get("quarantined", 0)),
        review=int(said.get("review", 0)),
        events=int(said.get("events", 0)),
        held_reason=feed.state.held_reason,
    )


def _write_state(feed: CalendarFeed, facts: Mapping[str, Any]) -> None:
    FeedState.objects.filter(feed=feed).update(**facts)


def _without_validators(updates: Mapping[str, Any]) -> dict[str, Any]:
    """ETag and the like of content that was dropped would make a later 304 confirm something that we do not hold."""
    return {**{name: value for name, value in updates.items() if name not in ("etag", "last_modified")}, "failures": 0}


def source_of_channel(channel: Channel) -> str:
    return channel.value if channel is not Channel.OTHER else "calendar"


def confirm_after() -> timedelta:
    return timedelta(seconds=settings.FEED_CONFIRM_SECONDS)
