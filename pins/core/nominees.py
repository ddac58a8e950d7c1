"""What becomes of nominees: codes under other names that may be ours, and that are read.

Pure: `Observed` in, `Observed` out. Value and end prove whose a code is (`pins.core.interpret`); lists nominate
(`pins.core.looks`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pins.core import looks, posts
from pins.core.pin_state import Content, Observed, Twin

#: So many answers in a row may fail to say what a PIN is that might be ours.
MOST_READ_FAILURES = 8


def adopted(observed: Observed, remote_id: int, content: Content, now: datetime) -> Observed:
    """A PIN under a changed name says exactly what a lost POST of ours carried: it is that one."""
    found = posts.found(observed.posts, (remote_id,))
    observed = replace(observed, twins=_without(observed.twins, remote_id), read_failures=0)
    seen = looks.read(replace(observed, remote_id=remote_id, posts=found, nominees=()), content, now)
    return replace(seen, pending=None, exists=False, blocked="")


def surplus(observed: Observed, remote_id: int, code: str) -> Observed:
    """A PIN under a changed name has a former value of ours: it is one too many.

    The value is kept until a list shows the PIN no longer: its name says nothing to the lists that come before.
    """
    rest = not_ours(replace(observed, posts=posts.found(observed.posts, (remote_id,))), remote_id)
    return replace(rest, extra_ids=(*observed.extra_ids, remote_id), left_codes=observed.left_codes | {code})


def not_ours(observed: Observed, remote_id: int) -> Observed:
    """A PIN that might have been ours is somebody else's. After the last one the search is over, and so is the closing
    look, if the list was asked for late enough."""
    left = tuple(one for one in observed.nominees if one != remote_id)
    observed = replace(observed, twins=_without(observed.twins, remote_id), read_failures=0)
    if left:
        return replace(observed, nominees=left)
    late, listed_at = observed.late, observed.listed_at
    is_over = late is not None and listed_at is not None and late.until <= listed_at
    made = posts.not_renamed(observed.posts) if remote_id in observed.nominees else observed.posts
    return replace(observed, nominees=(), pending=None, late=None if is_over else late, posts=made)


def passed_over(observed: Observed, remote_id: int) -> Observed:
    """A PIN that might have been ours vanished, or has our value and yet is not taken for ours. The search goes on
    without it, and what it says of creations stays open."""
    return not_ours(replace(observed, posts=posts.undecided(observed.posts)), remote_id)


def twin_found(observed: Observed, twin: Twin, code: str, now: datetime) -> Observed:
    """A PIN has a value that we sent, and other times: somebody typed it, or changed what we made. A person decides;
    until then the value is kept in mind."""
    after = passed_over(observed, twin.id)
    left, since = observed.left_codes | {code}, observed.suspected_at or now
    return replace(after, twins=(*after.twins, twin), left_codes=left, suspected_at=since)


def not_said(observed: Observed, remote_id: int) -> Observed:
    """What a PIN is that might be ours was asked, and no answer said it. Others are asked first, and after
    `MOST_READ_FAILURES` it is passed over: one that cannot be read must not stop all that comes after it."""
    failures = observed.read_failures + 1
    if failures >= MOST_READ_FAILURES:
        return passed_over(observed, remote_id)
    last = tuple(one for one in observed.nominees if one == remote_id)
    others = tuple(one for one in observed.nominees if one != remote_id)
    return replace(observed, nominees=(*others, *last), read_failures=failures)


def _without(twins: tuple[Twin, ...], remote_id: int) -> tuple[Twin, ...]:
    return tuple(one for one in twins if one.id != remote_id)
