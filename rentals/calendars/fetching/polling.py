"""When each calendar is fetched, by whom, and what a failure means.

`FeedState.next_fetch_at` is the schedule, the claim (`claim_token`, `claimed_until`) the only safety. A claim moves
`next_fetch_at` to its own end: a worker that dies leaves a feed that is due again a minute later. A request for a fetch
in between moves it back, and the end of the running fetch leaves it there: no request is lost. No transaction is open
during the request to the channel.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Count, DateTimeField, F, Q, QuerySet, UUIDField, Value, When
from django.db.models.functions import Coalesce, Length
from django.utils import timezone

from rentals.calendars.events import FeedError, FeedFault
from rentals.calendars.fetching import asking
from rentals.calendars.fetching.fetch import fetch
from rentals.calendars.imports import run
from rentals.calendars.imports.conditions import OF_FETCHING, Condition, set_condition
from rentals.fields import UndecryptableValue
from rentals.models import CalendarFeed, FeedState
from rentals.outbound import INTERNET, NEIGHBOURHOOD, Network
from rentals.phrases import phrase

#: Twice the deadline of a fetch: time for the import, too.
CLAIM: Final = timedelta(seconds=60)
#: A tick hands out at most this many times what becomes due in a tick on average, but at least `FEWEST_A_TICK` feeds:
#: feeds that became due together (many new ones, or a downtime of ours) are fetched evenly, within their interval.
CATCH_UP: Final = 1.25
FEWEST_A_TICK: Final = 20
JITTER: Final = 0.1


class PollResult(StrEnum):
    """How a poll ended."""

    LEFT = "left"  # alone: not due, switched off, without an address, or fetched by somebody else
    UNCHANGED = "unchanged"
    IMPORTED = "imported"
    FAILED = "failed"


class ImportBroke(Exception):
    """An error of ours stopped an import. Nothing was changed; the feed is fetched again later."""


# -- what is due ------------------------------------------------------------------------------------------------------


def due_feeds(now: datetime, limit: int) -> list[int]:
    """Feeds to fetch now, at most `limit`: new ones first, then by the moment they became due."""
    due = _polled().filter(_is_due(now))
    return list(due.order_by(F("next_fetch_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:limit])


def quota() -> int:
    """How many feeds one tick may hand out, so that thousands of them never fire together."""
    groups = _polled().values_list("feed__poll_minutes").annotate(Count("pk"))
    a_second: float = sum(count / _seconds(minutes) for minutes, count in groups)
    tick: int = settings.FEED_TICK_SECONDS
    return max(FEWEST_A_TICK, ceil(CATCH_UP * a_second * tick))


def request_fetch(feed_id: int, now: datetime) -> None:
    """Make a feed due at once, because somebody knows of news or wants to be sure. “Not modified” does not count as the
    answer, nor does a fetch that is running: it may have asked too early."""
    FeedState.objects.filter(feed_id=feed_id).update(next_fetch_at=now, doubted_at=now)


def _polled() -> QuerySet[FeedState]:
    """The states of all feeds that are fetched. The address is encrypted, so only its length can be asked for."""
    with_address = FeedState.objects.annotate(address_length=Length("feed__url"))
    return with_address.filter(address_length__gt=0, feed__is_active=True)


def _is_due(now: datetime) -> Q:
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return unclaimed & (Q(next_fetch_at=None) | Q(next_fetch_at__lte=now))


# -- one fetch --------------------------------------------------------------------------------------------------------


def poll(feed_id: int, *, clock: Callable[[], datetime] = timezone.now, network: Network | None = None) -> PollResult:
    """Fetch one feed if it is due, and import what comes. Safe to call twice, late, or at the same time.

    1. Claim it, with one UPDATE that at most one of many callers wins. 2. Ask the channel, outside any transaction.
    3. Import the answer, in one transaction with the end of the claim; or write down the failure.
    An unchanged calendar costs three queries. Raises ImportBroke after an error of ours was written down.
    """
    asked_at = clock()
    claim, until = uuid4(), asked_at + CLAIM
    # No join here: PostgreSQL would put these conditions into a subquery, which it does not look at again after waiting
    # for the row, and two callers would both win.
    free = FeedState.objects.filter(_is_due(asked_at), feed_id=feed_id)
    if not free.update(claim_token=claim, claimed_until=until, next_fetch_at=until):
        return PollResult.LEFT
    try:
        feed = CalendarFeed.objects.select_related("property", "state").get(pk=feed_id)
    except CalendarFeed.DoesNotExist:
        return PollResult.LEFT  # deleted just now
    except UndecryptableValue:
        text = phrase("The address cannot be decrypted: the key that was in use when it was saved is missing.")
        error = FeedError(FeedFault.URL_REFUSED, text)
        _note_failure(_without_secrets(feed_id), claim, until, error, asked_at, clock())
        return PollResult.FAILED
    if not feed.is_active or not feed.url:
        FeedState.objects.filter(feed_id=feed_id).update(**_release(claim, until, asked_at))
        return PollResult.LEFT
    try:
        next_at = asked_at + _interval(feed) * (1 + JITTER)
        fetched = asking.ask(feed, asked_at, next_at=next_at, network=network or _network())
        now = clock()
        updates = {
            **_release(claim, until, now + _spread(_interval(feed))),
            "last_try_at": asked_at,
            **asking.learned(feed, fetched, asked_at),
        }
        return _import(feed, fetched.body, now, asked_at, updates)
    except FeedError as error:
        _note_failure(feed, claim, until, error, asked_at, clock())
        return PollResult.FAILED
    except Exception as error:  # noqa: BLE001 - a calendar that meets an error of ours must not come back every minute
        kind, trace = type(error).__name__, error.__traceback__
    # From here on without the error itself, whose text may quote a guest's name.
    text = phrase(
        "Turnkey had an internal error ({kind}); the worker's log has the details. All stays are kept.", kind=kind
    )
    _note_failure(feed, claim, until, FeedError(FeedFault.NOT_A_CALENDAR, text), asked_at, clock())
    raise ImportBroke(kind).with_traceback(trace)


def fetch_once(feed: CalendarFeed, now: datetime) -> bytes:
    """The calendar as it is now, for a preview; nothing is written. Raises FeedError."""
    return fetch(feed.url, now=now, user_agent=asking.user_agent(feed), network=_network()).body or b""


def _network() -> Network:
    return NEIGHBOURHOOD if settings.FEEDS_ALLOW_PRIVATE_HOSTS else INTERNET


def _import(
    feed: CalendarFeed, body: bytes | None, now: datetime, as_of: datetime, updates: dict[str, Any]
) -> PollResult:
    if run.unchanged(feed, body, now, as_of=as_of, updates=updates):
        return PollResult.UNCHANGED
    if body is None:
        summary = run.confirm_unchanged(feed.pk, now, as_of=as_of, updates=updates)
    else:
        summary = run.import_calendar(feed.pk, body, now, as_of=as_of, updates=updates)
    return PollResult.UNCHANGED if summary.unchanged else PollResult.IMPORTED


def _without_secrets(feed_id: int) -> CalendarFeed:
    feeds = CalendarFeed.objects.select_related("state")
    return feeds.defer(*CalendarFeed.SECRETS).get(pk=feed_id)


def _release(claim: UUID, until: datetime, next_at: datetime) -> dict[str, Any]:
    """End the claim if it is still ours, and set the next fetch unless somebody asked for an earlier one."""
    ours = Q(claim_token=claim)
    nobody, never = Value(None, output_field=UUIDField()), Value(None, output_field=DateTimeField())
    planned = Value(next_at, output_field=DateTimeField())
    return {
        "claim_token": Case(When(ours, then=nobody), default=F("claim_token")),
        "claimed_until": Case(When(ours, then=never), default=F("claimed_until")),
        "next_fetch_at": Case(When(ours & Q(next_fetch_at=until), then=planned), default=F("next_fetch_at")),
    }


# -- failures ---------------------------------------------------------------------------------------------------------


def _note_failure(
    feed: CalendarFeed, claim: UUID, until: datetime, error: FeedError, asked_at: datetime, now: datetime
) -> None:
    """Write down a failed fetch, and begin the conditions that follow from it. It changes no stay.

    For a link that was reset, or a channel that refuses us, only that condition begins: that every later fetch fails
    too is no news. A calendar that never came is refused at once: a person is just entering it.
    """
    failures = feed.state.failures + 1
    facts: dict[str, Any] = {"last_try_at": asked_at, "failures": failures, "last_error": error.text}
    if error.fault is FeedFault.NOT_MODIFIED:
        # All that was taken for a good fetch since said the same, and nothing.
        facts["last_good_at"] = Coalesce("whole_at", "last_good_at")
    with transaction.atomic():
        ours = FeedState.objects.filter(feed_id=feed.pk, claim_token=claim)
        if not ours.update(**{**_release(claim, until, _next_try(feed, failures, error, now)), **facts}):
            return  # we took longer than the claim, and somebody else has fetched the feed since
        condition = _condition_of(feed.state, error, failures)
        if condition is not None and getattr(feed.state, f"{condition.value}_since") is None:
            set_condition(feed.pk, condition, True, now)
            if condition is not Condition.FAILING and feed.state.failing_since is not None:
                set_condition(feed.pk, Condition.FAILING, False, now)


def _condition_of(state: FeedState, error: FeedError, failures: int) -> Condition | None:
    """The condition that a failure makes or confirms."""
    often = failures >= settings.FEED_FAILURES_BEFORE_ALERT
    if error.fault is FeedFault.LINK_RESET:
        return Condition.RESET
    if error.fault is FeedFault.ACCESS_DENIED and (often or state.last_good_at is None):
        return Condition.REFUSED
    return Condition.FAILING if often and not (state.reset_since or state.refused_since) else None


def _next_try(feed: CalendarFeed, failures: int, error: FeedError, now: datetime) -> datetime:
    """The interval, doubled with each failure after the first, up to the longest wait. A server that names a time
    (Retry-After) is never asked before it, nor more often than without failures."""
    interval = _interval(feed)
    if error.retry_at is not None:
        wait = max(error.retry_at - now, interval)
        return now + wait * random.uniform(1, 1 + JITTER)
    longest = max(timedelta(seconds=settings.FEED_BACKOFF_SECONDS), interval)
    doubled: timedelta = interval * 2 ** min(failures - 1, 20)
    return now + min(doubled, longest) * random.uniform(1 - 2 * JITTER, 1)


def _interval(feed: CalendarFeed) -> timedelta:
    return timedelta(seconds=_seconds(feed.poll_minutes))


def _seconds(poll_minutes: int) -> int:
    every: int = settings.FEED_POLL_SECONDS
    return every or 60 * poll_minutes


def _spread(wait: timedelta) -> timedelta:
    """A tenth more or less, so that feeds which began together drift apart."""
    return wait * random.uniform(1 - JITTER, 1 + JITTER)


# -- all feeds ------------------------------------------------------------------------------------------------------


def complete_states() -> None:
    """Give feeds that were made without `save()` their FeedState."""
    missing = CalendarFeed.objects.filter(state=None).values_list("pk", flat=True)
    FeedState.objects.bulk_create([FeedState(feed_id=pk) for pk in missing], ignore_conflicts=True)


def begin_waiting(now: datetime) -> None:
    """Note since when new feeds wait. To be called after `due_feeds`, which knows new feeds by their having no time."""
    FeedState.objects.filter(next_fetch_at=None).update(next_fetch_at=now)


def check_conditions(now: datetime) -> None:
    """Begin STALE for feeds without a good fetch for too long, also when no worker fetches them; end the conditions of
    feeds that are no longer to be fetched."""
    late = now - timedelta(seconds=settings.FEED_STALE_SECONDS)
    # For a feed that was never read, the oldest moment that we know: since when it fails, was last tried, or waits.
    since = Coalesce("last_good_at", "failing_since", "reset_since", "refused_since", "last_try_at", "next_fetch_at")
    stale = _polled().annotate(since=since).filter(since__lte=late, stale_since=None)
    for feed_id in stale.values_list("pk", flat=True):
        set_condition(feed_id, Condition.STALE, True, now)
    idle = FeedState.objects.exclude(pk__in=_polled().values("pk"))
    for condition in OF_FETCHING:
        for feed_id in idle.filter(**{f"{condition.value}_since__isnull": False}).values_list("pk", flat=True):
            set_condition(feed_id, condition, False, now)
