"""What a feed's channel is asked, and what its answer teaches about its word. Writes nothing."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings

from rentals.calendars.fetching.fetch import MARK_LENGTH, Fetched, fetch
from rentals.calendars.fetching.trust import NONE, Known, Validators, disproves, to_send
from rentals.calendars.imports.fingerprints import whole_print
from rentals.models import CalendarFeed
from rentals.outbound import Network


def user_agent(feed: CalendarFeed) -> str:
    chosen: str = feed.user_agent or settings.FEED_USER_AGENT
    return chosen


def ask(feed: CalendarFeed, now: datetime, *, next_at: datetime, network: Network) -> Fetched:
    """Ask with the validators of the content that we hold (RFC 9110, 13.1), as long as a 304 would be believed.

    `next_at`: the latest moment of the fetch after this one. Raises FeedError.
    """
    state = feed.state
    known = Known(_held(feed), state.refetched_at, state.doubted_at, state.disproved == _mark(feed.url))
    validators = to_send(known, now, next_at=next_at, every=timedelta(seconds=settings.FEED_REFETCH_SECONDS))
    return fetch(feed.url, validators=validators, now=now, user_agent=user_agent(feed), network=network)


def _held(feed: CalendarFeed) -> Validators:
    """The validators of the content that we hold, if the present address gave them."""
    state = feed.state
    if not state.body_hash:
        return NONE
    return Validators(_unbound(state.etag, feed.url), _unbound(state.last_modified, feed.url))


def learned(feed: CalendarFeed, fetched: Fetched, asked_at: datetime) -> dict[str, str | datetime]:
    """What an answer tells about the version of the calendar, and how far the channel's word on that is worth."""
    said, state = fetched.validators, feed.state
    found: dict[str, str | datetime] = {
        "etag": _bound(said.etag, feed.url),
        "last_modified": _bound(said.last_modified, feed.url),
    }
    if fetched.body is None:
        return found
    held = _held(feed)
    changed = bool(state.whole_hash) and state.whole_hash != whole_print(fetched.body)
    if held and changed and disproves(held, state.refetched_at, said):
        found["disproved"] = _mark(feed.url)
    return {**found, "refetched_at": asked_at}


def _bound(validator: str, url: str) -> str:
    """A validator together with the address that gave it. "Not modified" from an address that was entered since would
    say nothing about what we hold."""
    return f"{_mark(url)} {validator}" if validator else ""


def _unbound(stored: str, url: str) -> str:
    mark, _, validator = stored.partition(" ")
    return validator if mark == _mark(url) else ""


def _mark(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:MARK_LENGTH]
