"""What a person decides about a feed: cancel or keep the stays that wait, and what an item is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction

from rentals.calendars import sync
from rentals.calendars.events import Channel
from rentals.calendars.importing import Importer
from rentals.calendars.ledger import Ledger
from rentals.calendars.summary import Summary
from rentals.models import FeedItem, FeedState


def threatened(feed_id: int) -> list[FeedItem]:
    """The items of a held feed whose stays wait for a person's word, nearest first."""
    waiting = FeedItem.objects.filter(feed_id=feed_id, awaits_approval=True, gone_at=None)
    return list(waiting.select_related("booking__property").defer("excerpt").order_by("starts_at", "pk"))


def approve(feed_id: int, now: datetime, item_ids: Collection[int] | None = None) -> int:
    """Cancel the stays that wait (or those of `item_ids`); returns how many were cancelled.

    A stay that merely vanished from the calendar and has begun meanwhile is kept: a guest may be in the house.
    """
    return _with_importer(feed_id, now, lambda importer: importer.approved(_chosen(importer, item_ids))).cancelled


def dismiss(feed_id: int, now: datetime, item_ids: Collection[int] | None = None) -> int:
    """Keep the stays that wait (or those of `item_ids`), also while they stay absent; returns how many."""
    kept = 0

    def keep(importer: Importer) -> Summary:
        nonlocal kept
        chosen = _chosen(importer, item_ids)
        kept = len(chosen)
        return importer.kept(chosen)

    _with_importer(feed_id, now, keep)
    return kept


def decide(item_id: int, decision: str, now: datetime) -> None:
    """Say what an item is: "stay", "not_stay", or "" to leave it to the rules at the next fetch.

    Raises FeedItem.DoesNotExist, and ValueError for another word.
    """
    word = FeedItem.Decision(decision)
    feed_id = FeedItem.objects.values_list("feed_id", flat=True).get(pk=item_id)
    _with_importer(feed_id, now, lambda importer: importer.decided(importer.ledger.items[item_id], word))
    # The same bytes may mean something else now: the next fetch reads them anew.
    FeedState.objects.filter(feed_id=feed_id).update(body_hash="", content_hash="", etag="", last_modified="")


def _with_importer(feed_id: int, now: datetime, act: Callable[[Importer], Summary]) -> Summary:
    with transaction.atomic():
        feed = sync.locked(feed_id)
        ledger = Ledger(feed, now)
        source = sync.source_of_channel(Channel(feed.state.detected_channel or feed.channel))
        summary = act(Importer(ledger, source, now, sync.confirm_after()))
        sync.settle(feed, ledger, summary, now)
    return summary


def _chosen(importer: Importer, item_ids: Collection[int] | None) -> list[FeedItem]:
    waiting = (item for item in importer.ledger.items.values() if item.awaits_approval and item.gone_at is None)
    return [item for item in waiting if item_ids is None or item.pk in item_ids]
