"""What a person decides about a feed: cancel or keep the stays that wait, and what an item is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction

from rentals.calendars.events import Channel, Verdict
from rentals.calendars.imports import feed_state
from rentals.calendars.imports.ledger import Ledger
from rentals.calendars.imports.stays import Stays
from rentals.calendars.imports.summary import Summary
from rentals.models import Booking, FeedItem, FeedState
from rentals.phrases import phrase


def threatened(feed_id: int) -> list[FeedItem]:
    """The items of a held feed whose stays wait for a person's decision, nearest first."""
    waiting = FeedItem.objects.filter(feed_id=feed_id, awaits_approval=True, gone_at=None)
    return list(waiting.select_related("booking__property").defer(*FeedItem.SECRETS).order_by("starts_at", "pk"))


def approve(feed_id: int, now: datetime, item_ids: Collection[int] | None = None) -> int:
    """Cancel the stays that wait (or those of `item_ids`); returns how many were cancelled.

    A stay that merely vanished from the calendar and has begun since is kept: the guest may be inside.
    """

    def cancel(stays: Stays) -> None:
        for item in _chosen(stays, item_ids):
            booking = stays.ledger.booking_of(item)
            if item.verdict != Verdict.CANCELLED and booking is not None and booking.check_in <= now:
                stays.ledger.set(item, awaits_approval=False, absent_since=None)
            else:
                stays.let_go(item)

    return _with_stays(feed_id, now, cancel).cancelled


def dismiss(feed_id: int, now: datetime, item_ids: Collection[int] | None = None) -> int:
    """Keep the stays that wait (or those of `item_ids`), also while they stay absent; returns how many."""
    kept: list[FeedItem] = []

    def keep(stays: Stays) -> None:
        kept.extend(_chosen(stays, item_ids))
        for item in kept:
            stays.ledger.set(item, awaits_approval=False, absent_since=None, kept_at=now)

    _with_stays(feed_id, now, keep)
    return len(kept)


def decide(item_id: int, decision: str, now: datetime) -> None:
    """Say what an item is: "stay", "not_stay", or "" to leave it to the rules at the next fetch.

    Raises FeedItem.DoesNotExist, and ValueError for any other decision.
    """
    word = FeedItem.Decision(decision)
    feed_id = FeedItem.objects.values_list("feed_id", flat=True).get(pk=item_id)
    _with_stays(feed_id, now, lambda stays: _treat_as(stays, stays.ledger.items[item_id], word))
    _mark_booking(item_id)
    # The same bytes may mean something else now, so the next fetch reads them again.
    FeedState.objects.filter(feed_id=feed_id).update(body_hash="", content_hash="", etag="", last_modified="")


def _mark_booking(item_id: int) -> None:
    """Clear the booking's mark when its unclear item is decided, unless another item of the booking is unclear too, or
    the stay goes on although the item is none. Set it again when the decision is undone."""
    item = FeedItem.objects.defer(*FeedItem.SECRETS).get(pk=item_id)
    if not item.needs_review or (booking := item.booking) is None:
        return
    unclear = FeedItem.objects.filter(booking=booking, needs_review=True, decision="", gone_at__isnull=True)
    goes_on = item.decision == FeedItem.Decision.NOT_STAY and booking.status != Booking.Status.CANCELLED
    if not item.decision or not (goes_on or unclear.exists()):
        Booking.objects.filter(pk=booking.pk).update(needs_review=not item.decision)


def _treat_as(stays: Stays, item: FeedItem, word: FeedItem.Decision) -> None:
    ledger = stays.ledger
    ledger.set(item, decision=word.value)
    if word is FeedItem.Decision.STAY and item.verdict in {Verdict.REVIEW, Verdict.BLOCK}:
        ledger.set(item, verdict=Verdict.STAY.value, reason=phrase("You said that it is a stay."), gone_at=None)
        stays.assign({pk for pk, one in ledger.items.items() if one.gone_at is None})
    elif word is FeedItem.Decision.NOT_STAY:
        ledger.set(item, verdict=Verdict.BLOCK.value, reason=phrase("You said that it is not a stay."))
        ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None, unreadable_since=None)
    if (booking := ledger.booking_of(item)) is not None:
        stays.affect(booking)


def _with_stays(feed_id: int, now: datetime, act: Callable[[Stays], None]) -> Summary:
    with transaction.atomic():
        feed = feed_state.locked(feed_id)
        stays = Stays(Ledger(feed, now, Channel(feed.state.detected_channel or feed.channel)))
        act(stays)
        summary = stays.finish()
        feed_state.settle(feed, stays.ledger, summary, now)
    return summary


def _chosen(stays: Stays, item_ids: Collection[int] | None) -> list[FeedItem]:
    waiting = (item for item in stays.ledger.items.values() if item.awaits_approval and item.gone_at is None)
    return [item for item in waiting if item_ids is None or item.pk in item_ids]
