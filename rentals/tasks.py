"""Celery tasks of the calendars: alarm clocks for work that is due by the database.

Every task carries ids only, may run twice, late, or never. Arguments are keywords and end in `**kwargs`, so that
messages of an older release are still understood during a deploy.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from rentals import purging
from rentals.calendars.fetching import polling

logger = logging.getLogger(__name__)

# Feeds of a host that hangs must not occupy all the threads that locks wait for. A fetch that finds no room ends; its
# feed stays due, and the next tick hands it out again.
_room: Final = threading.BoundedSemaphore(settings.FEED_MAX_IN_FLIGHT)

_started_at: Final = time.monotonic()


@shared_task
def poll_feeds(**kwargs: object) -> None:
    """Hand out the feeds that are due, spread over the time until the next tick, and update their conditions."""
    now = timezone.now()
    polling.complete_states()
    due = polling.due_feeds(now, polling.quota())
    polling.begin_waiting(now)
    _hand_out(due)
    if _has_caught_up():
        polling.check_conditions(now)


@shared_task
def fetch_feed(*, feed_id: int, **kwargs: object) -> None:
    """Fetch one calendar if it is due."""
    if not _room.acquire(blocking=False):
        logger.info("feed_waits_for_room", extra={"feed_id": feed_id})
        return
    try:
        outcome = polling.poll(feed_id)
    finally:
        _room.release()
    quiet = outcome in (polling.PollResult.LEFT, polling.PollResult.UNCHANGED)  # thousands an hour
    logger.log(
        logging.DEBUG if quiet else logging.INFO, "feed_polled", extra={"feed_id": feed_id, "status": outcome.value}
    )


@shared_task
def purge(**kwargs: object) -> None:
    """Delete guests' data that is long over."""
    purging.purge(timezone.now())


def ask_for_fetch(feed_id: int, now: datetime) -> None:
    """Make a feed due, and have it fetched when the transaction is over. A broker out of reach is no error: the next
    tick finds the feed."""
    polling.request_fetch(feed_id, now)
    transaction.on_commit(partial(_send, feed_id, 0.0))


def _hand_out(feed_ids: list[int]) -> None:
    for number, feed_id in enumerate(feed_ids):
        if not _send(feed_id, settings.FEED_TICK_SECONDS * number / len(feed_ids)):
            return


def _send(feed_id: int, seconds: float) -> bool:
    """Send the task for one feed in so many seconds; False when the broker is out of reach. A task that no worker took
    for two ticks expires, since the feed has been handed out again."""
    expires = seconds + max(60, 2 * settings.FEED_TICK_SECONDS)
    try:
        fetch_feed.apply_async(kwargs={"feed_id": feed_id}, countdown=seconds, expires=expires)
    except OperationalError:
        logger.warning("broker_unreachable")
        return False
    return True


def _has_caught_up() -> bool:
    """Whether this worker has run long enough to judge: after a downtime every feed looks stale, so the first minutes
    (15, for feeds that are stale after a day) belong to fetching."""
    patience = timedelta(seconds=settings.FEED_STALE_SECONDS) / 96
    return time.monotonic() - _started_at >= patience.total_seconds()
