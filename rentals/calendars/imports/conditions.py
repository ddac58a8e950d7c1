"""What is wrong with a feed: each condition begins once and ends once, however often it is found in between."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import transaction

from rentals.models import CalendarFeed, FeedState
from rentals.signals import feed_condition_changed


class Condition(StrEnum):
    HELD = "held"  # stays vanished in a way that a person must confirm
    STALE = "stale"  # no good fetch for a day
    FAILING = "failing"  # several fetches in a row failed
    RESET = "reset"  # the link does not exist any more
    REFUSED = "refused"  # the channel does not give it to us: a password, or it refuses programs
    UNREADABLE = "unreadable"  # rows of it cannot be read; kept with the rows, see `announce_unreadable`


#: What a good fetch ends.
OF_FETCHING: Final = (Condition.FAILING, Condition.STALE, Condition.RESET, Condition.REFUSED)


def set_condition(feed_id: int, condition: Condition, active: bool, now: datetime, **facts: Any) -> bool:
    """Begin or end a condition of a feed, and announce it once. Returns whether this call changed it.

    `facts` are further columns of the state to write with it. Compare-and-set: of two calls that find the same
    condition, one announces it.
    """
    since = f"{condition.value}_since"
    with transaction.atomic():
        rows = FeedState.objects.filter(feed_id=feed_id, **{f"{since}__isnull": active})
        changed = rows.update(**{since: now if active else None}, **facts) == 1
        if changed:
            feed_condition_changed.send(
                sender=CalendarFeed, feed_id=feed_id, condition=condition.value, active=active, now=now
            )
    return changed


def announce_unreadable(feed_id: int, *, new: bool, had: bool, left: bool, now: datetime) -> None:
    """Announce that rows of a calendar cannot be read. A further row is news of its own: the condition ends and begins
    anew, so that a person hears of each row. Call it in the transaction of the import, after the rows were written.

    `new`: this import met a row that could be read before, or was not there. `had`: there were such rows before.
    `left`: there are some now.
    """
    said = [False] if had and (new or not left) else []
    for active in [*said, *([True] if new else [])]:
        feed_condition_changed.send(
            sender=CalendarFeed, feed_id=feed_id, condition=Condition.UNREADABLE.value, active=active, now=now
        )
