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
