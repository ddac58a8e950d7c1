"""How often a code may be sent to one lock, whatever the lock's answers say. Pure.

Every POST may make a working code, and a cloud whose lists lag or show nothing hides that it did. So each POST that may
have made one is kept until something shows what became of it, and no more are sent than the ceiling allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Of POSTs whose codes may be on the lock and are not accounted for, per grant and lock.
MOST_IN_AN_HOUR = 2
MOST_IN_A_DAY = 4
#: A lock that holds this many codes more than its stays need, or this share of them, gets no new one.
SPARE_CODES = 3
SPARE_SHARE = 0.1


@dataclass(frozen=True)
class Post:
    """One POST that was confirmed (201) or whose answer was lost. Certain refusals leave no trace here."""

    at: datetime
    id: int | None  # of the PIN that it made; `None`: not known, or it made none
    ends_at: datetime | None  # when the lock itself removes that PIN
    absent: bool = False  # a list of a lock that never proved itself did not show it
    renamed_or_gone: bool = False  # the last list proved itself, and shows it at most under a changed name

    def to_json(self) -> list[float | int | bool | None]:
        """For a database column; moments as seconds since 1970."""
        ends_at = self.ends_at.timestamp() if self.ends_at is not None else None
        return [self.at.timestamp(), self.id, ends_at, self.absent, self.renamed_or_gone]

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """The reverse of `to_json`. Rows of earlier versions have four items."""
        at, remote_id, ends_at, *said = data
        return cls(_moment(at), remote_id, _moment(ends_at) if ends_at is not None else None, *said)


def closed_until(posts: Iterable[Post], held: Iterable[int], now: datetime, *, more: int = 0) -> datetime | None:
    """Until when no further POST may be sent (UTC); `None`: one may be sent now.

    `held`: ids that we know to be ours and manage; they count no more. `more`: POSTs that a person allowed beyond.
    An unproven absence stops a POST from counting in the hour, not in the day.
    """
    known = set(held)
    open_ones = [post for post in posts if post.id is None or post.id not in known]
    in_the_hour = [post.at for post in open_ones if not post.absent and post.at > now - HOUR]
    in_the_day = [post.at for post in open_ones if post.at > now - DAY]
    until: list[datetime] = []
    for moments, most, span in ((in_the_hour, MOST_IN_AN_HOUR, HOUR), (in_the_day, MOST_IN_A_DAY, DAY)):
        if len(moments) >= most + more:
            until.append(sorted(moments)[len(moments) - most - more] + span)
    return max(until, default=None)


def for_one_more(posts: tuple[Post, ...], held: Iterable[int], now: datetime) -> int:
    """How many POSTs beyond the ceiling must be allowed so that one may be sent now."""
    known = set(held)
    return next(more for more in range(len(posts) + 1) if closed_until(posts, known, now, more=more) is None)


def begun(posts: tuple[Post, ...], ends_at: datetime | None, now: datetime) -> tuple[Post, ...]:
    """One more is about to be sent. What the lock has ended by itself is forgotten, and so is what nobody can find
    after a day."""
    kept = [
        post
        for post in posts
        if not (post.ends_at is not None and post.ends_at <= now - HOUR)
        and (post.id is not None or post.at > now - DAY)
    ]
    return (*kept, Post(now, None, ends_at))


def refused(posts: tuple[Post, ...]) -> tuple[Post, ...]:
    """The last one was certainly refused."""
    nameless = [place for place, post in enumerate(posts) if post.id is None]
    return posts[: nameless[-1]] + posts[nameless[-1] + 1 :] if nameless else posts


def exists(posts: tuple[Post, ...]) -> tuple[Post, ...]:
    """The last one was refused because its value exists, and an earlier one of that value was lost: so that one is
    there, whatever a list showed. If a list ended it, the last one stands for it."""
    left = refused(posts)
    nameless = [place for place, post in enumerate(left) if post.id is None]
    if not nameless:
        return posts
    there = replace(left[nameless[-1]], absent=False, renamed_or_gone=False)
    return (*left[: nameless[-1]], there, *left[nameless[-1] + 1 :])


def found(posts: tuple[Post, ...], ids: Iterable[int], *, newest: bool = False) -> tuple[Post, ...]:
    """These ids are PINs of ours. Each that is new is what a POST without an answer made, the oldest one first;
    `newest`: it is the answer to the last one."""
    kept = list(posts)
    for remote_id in ids:
        if any(post.id == remote_id for post in kept):
            continue
        nameless = [place for place, post in enumerate(kept) if post.id is None]
        if nameless:
            place = nameless[-1 if newest else 0]
            kept[place] = replace(kept[place], id=remote_id, absent=False, renamed_or_gone=False)
    return tuple(kept)


def moved(posts: tuple[Post, ...], remote_id: int | None, ends_at: datetime | None) -> tuple[Post, ...]:
    """This PIN ends at another moment now."""
    return tuple(
        replace(post, ends_at=ends_at) if post.id is not None and post.id == remote_id else post for post in posts
    )


def has_ended(posts: Iterable[Post], remote_id: int | None, now: datetime) -> bool:
    """Did we give this PIN an end that has come?"""
    return any(
        post.id is not None and post.id == remote_id and post.ends_at is not None and post.ends_at <= now
        for post in posts
    )


def gone(posts: tuple[Post, ...], remote_id: int | None) -> tuple[Post, ...]:
    """This PIN is certainly no longer there."""
    return tuple(post for post in posts if remote_id is None or post.id != remote_id)


def denied(posts: tuple[Post, ...], remote_id: int | None) -> tuple[Post, ...]:
    """This PIN is denied by the lock, but nothing of ours explains where it went: an unproven absence."""
    return tuple(replace(post, absent=post.absent or (post.id is not None and post.id == remote_id)) for post in posts)


def not_listed(
    posts: tuple[Post, ...], listed: frozenset[int], held: Iterable[int], *, proven: bool, renamed: bool = False
) -> tuple[Post, ...]:
    """A list that may be believed does not show these. `proven`: the lock's lists have shown what we knew was there.
    `renamed`: it shows PINs that may be these under a changed name, and reading them tells (`not_renamed`)."""
    known = set(held)
    missing = [post.id is None or (post.id not in listed and post.id not in known) for post in posts]
    marked = tuple(
        replace(post, absent=post.absent or is_missing, renamed_or_gone=is_missing and proven)
        for post, is_missing in zip(posts, missing, strict=True)
    )
    return marked if renamed else not_renamed(marked)


def not_renamed(posts: tuple[Post, ...]) -> tuple[Post, ...]:
    """None of the PINs under a changed name is one of these: what a list that proved itself did not show is gone."""
    return tuple(post for post in posts if not post.renamed_or_gone)


def undecided(posts: tuple[Post, ...]) -> tuple[Post, ...]:
    """What the last list said of changed names decides nothing any more."""
    return tuple(replace(post, renamed_or_gone=False) for post in posts)


def living(posts: Iterable[Post], held: Iterable[int], now: datetime) -> int:
    """How many codes of one grant may be on the lock at this moment."""
    ids = set(held)
    nameless = 0
    for post in posts:
        if post.absent or (post.ends_at is not None and post.ends_at <= now):
            continue
        if post.id is not None:
            ids.add(post.id)
        else:
            nameless += 1
    return len(ids) + nameless


def pile_up(codes: int, wanted: int) -> bool:
    """Does a lock hold so many more codes of ours than its stays want that something makes them without end?"""
    return codes - wanted > max(SPARE_CODES, SPARE_SHARE * wanted)


def write_ends(ends: frozenset[datetime | None]) -> list[float | None]:
    """For a database column; moments as seconds since 1970."""
    moments = sorted(end.timestamp() for end in ends if end is not None)
    return [*moments, None] if None in ends else [*moments]


def read_ends(data: Iterable[float | None]) -> frozenset[datetime | None]:
    """The reverse of `write_ends`."""
    return frozenset(_moment(end) if end is not None else None for end in data)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
