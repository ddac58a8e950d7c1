"""What a person decides about a feed: cancel or keep the stays that wait, and what an item is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction

from rentals.calendars.events import Channel, Verdict
from rentals.calendars.imports import run
from rentals.calendars.imports.importer import Importer
from rentals.calendars.imports.ledger import Ledger
from rentals.calendars.imports.summary import Summary
from rentals.models import Booking, FeedItem, FeedState


def threatened(feed_id: int) -> list[FeedItem]:
    """The items of a held feed whose stays wait for a person's word, nearest first."""
    waiting = FeedItem.objects.filter(feed_id=feed_id, awaits_approval=True, gone_at=None)
    return list(waiting.select_related("booking__property").defer(*FeedItem.SECRETS).order_by("starts_at", "pk"))


def approve(feed_id: int, now: datetime, item_ids: Collection[int] | None = None) -> int:
    """Cancel the stays that wait (or those of `item_ids`); returns how many were cancelled.

    A stay that merely vanished from the calendar and has begun meanwhile is kept: a guest may be in the house.
    """

    def cancel(importer: Importer) -> None:
        for item in _chosen(importer, item_ids):
            booking = importer.ledger.booking_of(item)
            if item.verdict != Verdict.CANCELLED and booking is not None and booking.check_in <= now:
                importer.ledger.set(item, awaits_approval=False, absent_since=None)
            else:
                importer.let_go(item)

    return _with_importer(feed_id, now, cancel).cancelled


def dismiss(feed_id: int, now: datetime, item_ids: Collection[int] | None = None) -> int:
    """Keep the stays that wait (or those of `item_ids`), also while they stay absent; returns how many."""
    kept: list[FeedItem] = []

    def keep(importer: Importer) -> None:
        kept.extend(_chosen(importer, item_ids))
        for item in kept:
            importer.ledger.set(item, awaits_approval=False, absent_since=None, kept_at=now)

    _with_importer(feed_id, now, keep)
    return len(kept)


def decide(item_id: int, decision: str, now: datetime) -> None:
    """Say what an item is: "stay", "not_stay", or "" to leave it to the rules at the next fetch.

    Raises FeedItem.DoesNotExist, and ValueError for another word.
    """
    word = FeedItem.Decision(decision)
    feed_id = FeedItem.objects.values_list("feed_id", flat=True).get(pk=item_id)
    _with_importer(feed_id, now, lambda importer: _treat_as(importer, importer.ledger.items[item_id], word))
    _mark_booking(item_id)
    # The same bytes may mean something else now: the next fetch reads them anew.
    FeedState.objects.filter(feed_id=feed_id).update(body_hash="", content_hash="", etag="", last_modified="")


def _mark_booking(item_id: int) -> None:
    """A person who said what an unclear item is need not say it again on the page of its booking, unless another item
    of the booking is unclear too, or the stay goes on although it is none. A decision that is undone asks again."""
    item = FeedItem.objects.select_related("booking").defer(*FeedItem.SECRETS).get(pk=item_id)
    booking = item.booking
    if not item.needs_review or booking is None:
        return
    unclear = FeedItem.objects.filter(booking=booking, needs_review=True, decision="", gone_at__isnull=True)
    goes_on = item.decision == FeedItem.Decision.NOT_STAY and booking.status != Booking.Status.CANCELLED
    if not item.decision or not (goes_on or unclear.exists()):
        Booking.objects.filter(pk=booking.pk).update(needs_review=not item.decision)


def _treat_as(importer: Importer, item: FeedItem, word: FeedItem.Decision) -> None:
    ledger = importer.ledger
    ledger.set(item, decision=word.value)
    if word is FeedItem.Decision.STAY and item.verdict in {Verdict.REVIEW, Verdict.BLOCK}:
        ledger.set(item, verdict=Verdict.STAY.value, reason="You said that it is a stay.", gone_at=None)
        importer.present.update(pk for pk, one in ledger.items.items() if one.gone_at is None)
        importer.house_items()
    elif word is FeedItem.Decision.NOT_STAY:
        ledger.set(item, verdict=Verdict.BLOCK.value, reason="You said that it is not a stay.")
        ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None)
    if (booking := ledger.booking_of(item)) is not None:
        importer.affect(booking)


def _with_importer(feed_id: int, now: datetime, act: Callable[[Importer], None]) -> Summary:
    with transaction.atomic():
        feed = run.locked(feed_id)
        channel = Channel(feed.state.detected_channel or feed.channel)
        ledger = Ledger(feed, now, channel)
        importer = Importer(ledger, run.source_of_channel(channel), now, run.confirm_after())
        act(importer)
        summary = importer.finish()
        run.settle(feed, ledger, summary, now)
    return summary


def _chosen(importer: Importer, item_ids: Collection[int] | None) -> list[FeedItem]:
    waiting = (item for item in importer.ledger.items.values() if item.awaits_approval and item.gone_at is None)
    return [item for item in waiting if item_ids is None or item.pk in item_ids]
