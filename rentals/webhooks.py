"""Calendars that are pushed to us: `POST /webhooks/ical/<token>/`. They use the importer of fetched calendars.

A raw calendar is the whole calendar of that feed; an empty body asks us to fetch now. See docs/webhooks.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone

from rentals import tasks
from rentals.calendars.events import Calendar, FeedError, FeedFault
from rentals.calendars.ical.unfold import MAX_BYTES
from rentals.calendars.imports import run
from rentals.inbound import http, rate_limits, signatures
from rentals.inbound.http import Refused
from rentals.models import CalendarFeed

logger = logging.getLogger(__name__)

#: Larger calendars are refused, before and after decompression.
MOST_BYTES: Final = MAX_BYTES
MEDIA_TYPES: Final = frozenset({"", "text/calendar", "text/plain", "application/octet-stream"})

_TOO_BIG: Final = frozenset({FeedFault.TOO_LARGE, FeedFault.TOO_MANY_EVENTS})


@http.hook
def push_calendar(request: HttpRequest, token: str) -> dict[str, Any]:
    """Take a whole calendar, or the request to fetch it now. The answer counts the changes and names nobody."""
    feed = http.find(CalendarFeed.objects.all(), "token", token, request)
    try:
        answer = _take(feed, request)
    except Refused as refused:
        logger.info("push_refused", extra={"feed_id": feed.pk, "status": refused.status, "cause": refused.code})
        raise
    logger.info("push_taken", extra={"feed_id": feed.pk, "status": answer["status"]})
    return answer


def _take(feed: CalendarFeed, request: HttpRequest) -> dict[str, Any]:
    http.limit(rate_limits.pushes(), f"feed:{feed.pk}")
    body = http.read_body(request, MOST_BYTES, MEDIA_TYPES)
    now = timezone.now()
    as_of = signatures.signed_at(feed, body, request.headers, now)
    if not feed.is_active:
        raise Refused(409, "feed_switched_off", "This calendar is switched off. Switch it on in the admin first.")
    given_id = signatures.webhook_id(request.headers)
    prepare = partial(_read, feed, body, now, as_of) if body else partial(partial, _fetch, feed, now)
    return signatures.once(feed, given_id, body, now, prepare)


def _read(feed: CalendarFeed, body: bytes, now: datetime, as_of: datetime | None) -> Callable[[], dict[str, Any]]:
    """Do the part of the import that needs no transaction; return the rest."""
    with _refusing():
        ahead = run.read_ahead(feed.pk, body, now)
    return partial(_import, feed, body, now, as_of, ahead)


def _import(
    feed: CalendarFeed, body: bytes, now: datetime, as_of: datetime | None, ahead: Calendar | None
) -> dict[str, Any]:
    """`as_of` (UTC): when the calendar was signed, so that an older one that arrives late is dropped. Of two unsigned
    calendars, the later one counts."""
    with _refusing():
        summary = run.import_calendar(feed.pk, body, now, as_of=as_of, ahead=ahead)
    status = "outdated" if summary.outdated else "unchanged" if summary.unchanged else "imported"
    return {"status": status, **summary.as_json()}


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except FeedError as error:
        # Its text is written for the operator: it says what to do and has no secret in it.
        raise Refused(413 if error.fault in _TOO_BIG else 400, error.fault.value, str(error)) from None


def _fetch(feed: CalendarFeed, now: datetime) -> dict[str, Any]:
    if not feed.url:
        detail = "The body is empty, and this calendar has no address to fetch from. Send the calendar itself."
        raise Refused(400, "empty_without_address", detail)
    tasks.ask_for_fetch(feed.pk, now)
    return {"status": "fetching"}
