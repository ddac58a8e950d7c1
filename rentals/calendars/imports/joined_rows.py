"""Rows that list a stay of their own and one that the channel imported as one: what is known to cut them, and the cut
of rows that were there before.

`decide.joined_events` knows how; here is what the database knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rentals.calendars.classify.verdicts import classify, may_be_joined
from rentals.calendars.decide import joined_events
from rentals.calendars.decide.joined_events import JOINING, Elsewhere, Held, Split
from rentals.calendars.decide.placing import Arrival, Hours, Key, place
from rentals.calendars.events import Channel, Event, Guest, Verdict
from rentals.calendars.imports.importer import Importer
from rentals.calendars.imports.ledger import Ledger
from rentals.models import Booking, CalendarFeed, FeedItem


def split(events: Sequence[Event], ledger: Ledger) -> Split:
    """The events of such a channel, cut where they swallow stays that are known."""
    keys = frozenset(one.key for one in ledger.known() if not one.gone)
    latest = ledger.now.astimezone(ledger.zone).date() + timedelta(days=1)  # the channel may be a day ahead
    elsewhere = Elsewhere(_elsewhere(ledger), may_be_joined, keys, ledger.feed.longest_stay_nights, latest)
    return joined_events.split_grown(events, _own(ledger), _present(ledger), elsewhere)


def _own(ledger: Ledger) -> list[Held]:
    """The feed's live stays, and the pieces of what was cut before, also those that a person decided about."""
    return [
        Held(
            one.key.uid,
            one.starts_on,
            one.ends_on,
            one.begun(ledger.now),
            bool(one.key.part),
            one.id,
            ledger.items[one.id].needs_review and ledger.items[one.id].reason == joined_events.REASON,
        )
        for one in ledger.known()
        if one.starts_on is not None and one.ends_on is not None and not one.ended(ledger.now)
        if one.holds_stay or (one.decided and not one.gone and one.key.part)
    ]


def _present(ledger: Ledger) -> list[Held]:
    """The feed's stays by the days that they have by now, because of another calendar or of a person."""
    held = ((one, ledger.booking_of(ledger.items[one.id])) for one in ledger.known() if not one.gone)
    return [
        Held(one.key.uid, *ledger.days_of(booking), one.begun(ledger.now))
        for one, booking in held
        if booking is not None and booking.status != Booking.Status.CANCELLED
    ]


def _elsewhere(ledger: Ledger) -> list[Held]:
    """Stays that other calendars of the property list, or that a person entered."""
    mine = {item.booking_id for item in ledger.items.values() if item.gone_at is None}
    return [
        Held("", *ledger.days_of(booking), booking.check_in <= ledger.now)
        for booking in ledger.bookings.values()
        if booking.pk not in mine and booking.check_out > ledger.now and booking.status != Booking.Status.CANCELLED
        if not booking.feed_status or ledger.others.get(booking.pk)
    ]


def cut_again(feed: CalendarFeed, now: datetime, confirm_after: timedelta) -> None:
    """Cut what the property's other calendars list, now that `feed` brought stays. Without this, such a row would stay
    whole until its own calendar changes. In the transaction of the import, which holds the property's lock."""
    listing = FeedItem.objects.filter(
        feed__property=feed.property_id,
        feed__state__detected_channel__in=JOINING,
        verdict__in=(Verdict.STAY.value, Verdict.REVIEW.value),
        whole_days=True,
        gone_at=None,
        absent_since=None,
        starts_at__gt=now,
    )
    for feed_id in listing.exclude(feed=feed).order_by("feed").values_list("feed", flat=True).distinct():
        _cut(CalendarFeed.objects.select_related("property", "state").get(pk=feed_id), now, confirm_after)


def _cut(feed: CalendarFeed, now: datetime, confirm_after: timedelta) -> None:
    ledger = Ledger(feed, now, Channel(feed.state.detected_channel))
    rows = {
        Key(item.uid, item.recurrence_id, item.part): item
        for item in ledger.items.values()
        if item.gone_at is None and item.absent_since is None and not item.awaits_approval
        if item.verdict in {Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW, Verdict.BLOCK} and item.starts_at
    }
    events = {key: event for key, item in rows.items() if (event := _event_of(item)) is not None}
    done = split(list(events.values()), ledger)
    pieces = {Key(one.uid, one.recurrence_id, one.part): one for one in done.events if one not in events.values()}
    if not pieces:
        return
    whole = {event for event in events.values() if event not in done.events}
    arrivals = [_arrival_of(item) for key, item in rows.items() if events.get(key) not in whole]
    cut = classify(tuple(pieces.values()), ledger.channel, feed.options)
    hours = Hours(feed.property.timezone, feed.property.check_in_time, feed.property.check_out_time)
    arrivals += marked([place(reading, hours) for reading in cut], done.remainders)
    Importer(ledger, confirm_after).run(arrivals, empty=False, complete=False)


def _event_of(item: FeedItem) -> Event | None:
    if item.starts_on is None or item.ends_on is None:
        return None
    return Event(item.uid, item.starts_on, item.ends_on, item.summary, item.recurrence_id, item.part)


def _arrival_of(item: FeedItem) -> Arrival:
    """What the feed said last, so that nothing of it changes."""
    return Arrival(
        key=Key(item.uid, item.recurrence_id, item.part),
        verdict=Verdict(item.verdict),
        reason=item.reason,
        summary=item.summary,
        starts_on=item.starts_on,
        ends_on=item.ends_on,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        whole_days=item.whole_days,
        guest=Guest(item.guest_name, item.reservation_code, item.phone_last4, item.guest_count, item.reservation_url),
        needs_review=item.needs_review,
    )


def marked(arrivals: Sequence[Arrival], remainders: frozenset[Key]) -> list[Arrival]:
    """The arrivals, with those that are left of a cut row marked for a person."""
    return [
        replace(one, needs_review=True, reason=joined_events.REASON)
        if one.key in remainders and one.verdict is Verdict.STAY
        else one
        for one in arrivals
    ]
