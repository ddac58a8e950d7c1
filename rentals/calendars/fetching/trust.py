"""How far a server's “not modified” (304) is believed. Pure.

It saves a download, and it may be wrong: a clock that is ahead, a cache, a tag that never changes, a server that says
so to everybody for ever. So the whole calendar is asked for again and again, and at once when something else that we
know contradicts. All moments are aware, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

#: How much two clocks may differ before a date of the other one lies in the future.
_SKEW: Final = timedelta(minutes=5)
#: Last-Modified counts whole seconds: what came so soon after it may have changed within the same one (RFC 9110,
#: 8.8.2.2).
_SAME_SECOND: Final = timedelta(seconds=2)
#: What some servers append to the tag of a packed answer, and leave out in a 304.
_PACKED: Final = ("-gzip", "--gzip", ";gzip", "-gz", "-deflate", "-df", "-br")


@dataclass(frozen=True)
class Validators:
    """What a server says about the version of a calendar, "" where it says nothing."""

    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


NONE: Final = Validators()


@dataclass(frozen=True)
class Known:
    """What we know of a feed before it is asked."""

    validators: Validators  # of the content that we hold, from the present address
    refetched_at: datetime | None  # when the whole calendar was last asked for, and came
    doubted_at: datetime | None  # when somebody last told of news: a push, or a person
    disproved: bool  # this address was found to keep its validators while the content changed


def to_send(known: Known, now: datetime, *, next_at: datetime, every: timedelta) -> Validators:
    """The validators for the next request; none: ask for the whole calendar.

    `next_at`: the latest moment of the fetch after this one; `every`: the longest time between two whole calendars.
    """
    last, doubted = known.refetched_at, known.doubted_at
    if known.disproved or last is None or next_at > last + every or (doubted is not None and doubted >= last):
        return NONE
    return NONE if is_ahead(known.validators.last_modified, now) else known.validators


def usable(said: Validators, date: str, now: datetime) -> Validators:
    """The validators of an answer that are worth keeping. With a Last-Modified in the future, the server would say “not
    modified” until then, whatever happens (RFC 9110, 8.8.2.1: no date later than that of the message)."""
    sent, changed = moment(date), moment(said.last_modified)
    if is_ahead(said.last_modified, now) or (sent is not None and changed is not None and changed > sent):
        return NONE
    return said


def contradicts(asked: Validators, said: Validators, date: str, now: datetime) -> bool:
    """Whether a 304 denies itself: it names another version than the one that it was asked about."""
    if asked.etag and said.etag and _opaque(asked.etag) != _opaque(said.etag):
        return True
    before, after = moment(asked.last_modified), moment(said.last_modified)
    if before is not None and after is not None and after > before:
        return True
    return bool(said) and not usable(said, date, now)


def disproves(held: Validators, held_at: datetime | None, said: Validators) -> bool:
    """Whether an answer with other content than we hold, which was asked for at `held_at`, shows that the server's
    validators do not follow the content: they are the same as before."""
    if held.etag or said.etag:
        return held.etag == said.etag
    changed = moment(said.last_modified)
    if held.last_modified != said.last_modified or changed is None or held_at is None:
        return False
    return changed + _SAME_SECOND < held_at


def is_ahead(last_modified: str, now: datetime) -> bool:
    changed = moment(last_modified)
    return changed is not None and changed > now + _SKEW


def moment(text: str) -> datetime | None:
    """An HTTP date, None when it cannot be read."""
    try:
        found = parsedate_to_datetime(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def said_by(headers: Mapping[str, str]) -> Validators:
    """The validators of an answer, as they are; `headers` with names in lower case."""
    return Validators(headers.get("etag", "").strip(), headers.get("last-modified", "").strip())


def _opaque(etag: str) -> str:
    """For a weak comparison (RFC 9110, 8.8.3.2), and blind to how the answer was packed."""
    tag = etag.removeprefix("W/").strip('"').lower()
    for ending in _PACKED:
        tag = tag.removesuffix(ending)
    return tag
