"""Erases what calendars and the history know of guests. `pins.retention.forgetting` is what commands and pages call: it
begins here and goes on with codes and messages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from rentals.calendars.decide.identity import plain_name, trace_of
from rentals.calendars.events import Verdict
from rentals.models import FeedItem
from rentals.phrases import mark

#: What a line of the history says where it named the guest.
ERASED: Final = mark("What was done is erased with the guest's data.")
#: What the page of a calendar row says.
REASON: Final = mark("The guest's data was erased.")
_BATCH: Final = 500


def drop_items(items: QuerySet[FeedItem], now: datetime) -> int:
    """Take the guest's data out of calendar rows; return of how many. The caller holds the property's row, for which
    imports wait.

    A row whose event is over is deleted, as after `FEED_KEEP_DAYS`: an event that is over is not imported again, and
    one that goes on after all is a stay again. The others are wiped.
    """
    over = items.filter(ends_at__lte=now)
    number = over.count()
    over.delete()
    return number + wipe_items(items, REASON)


def wipe_items(items: QuerySet[FeedItem], reason: str) -> int:
    """Remove the guest from calendar rows, for good: the mark “not a stay” keeps later imports from bringing the data
    back, and the trace tells the next guest of these days from this one. Returns how many rows.

    `reason`: what the page of a row says. The caller holds the property's row, for which imports wait.
    """
    named = list(items.exclude(guest_name="", reservation_code="").only("guest_name", "reservation_code"))
    for item in named:
        item.trace = trace_of(item.guest_name, item.reservation_code)
    FeedItem.objects.bulk_update(named, ["trace"], batch_size=_BATCH)
    return items.update(
        verdict=Verdict.BLOCK.value,
        decision=FeedItem.Decision.NOT_STAY,
        reason=reason,
        summary="",
        guest_name="",
        reservation_code="",
        phone_last4="",
        guest_count=None,
        reservation_url="",
        excerpt="",
        needs_review=False,
        awaits_approval=False,
        absent_since=None,
        kept_at=None,
    )


def wipe_history(model: type[Model], keys: Collection[int], names: Collection[str], title: str) -> int:
    """Give the lines of the history about these rows another title, since the former has the guest's name in it. Who
    did what and when stays, unless the line itself has a word of one of the `names`. Returns how many lines changed."""
    about = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model), object_id__in=[str(key) for key in keys]
    )
    said = {word for name in names for word in plain_name(name).split()}
    telling = [
        line.pk
        for line in about.only("change_message").iterator(_BATCH)
        if said & set(plain_name(line.change_message).split())
    ]
    for start in range(0, len(telling), _BATCH):
        LogEntry.objects.filter(pk__in=telling[start : start + _BATCH]).update(change_message=ERASED)
    return about.update(object_repr=title[:200])
