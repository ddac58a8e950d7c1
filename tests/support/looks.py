"""One PIN, what was sent for it, and lists that show it or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pins.core import looks
from pins.core.pin_state import Content, Late, Observed, Op, PendingWrite
from pins.core.posts import Post
from pins.core.witness import Credit, Sighting
from tests.support.facts import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
UNTIL = NOW + 10 * MINUTE
CONTENT = Content("481516", NOW + HOUR, NOW + DAY)
POST, PUT, DELETE = (
    PendingWrite(Op.POST, 3, CONTENT, None),
    PendingWrite(Op.PUT, 3, CONTENT, 7),
    PendingWrite(Op.DELETE, 3, None, 7),
)
SET = Observed(remote_id=7, applied=CONTENT)
MADE = Post(NOW, None, CONTENT.ends_at)
LOST_PUT = Late(UNTIL, 3, 1, frozenset({Op.PUT}))


def shown(*ours: int, credit: Credit = Credit.UNPROVEN, nominees: tuple[int, ...] = (), renamed: int = 0) -> Sighting:
    listed = frozenset({*ours, *nominees, *([renamed] if renamed else [])})
    return Sighting(ours, bool(renamed), nominees, listed, credit)


def after_lost_post(**fields: Any) -> Observed:
    late = Late(UNTIL, POST.rev, 1, frozenset({Op.POST}), frozenset({CONTENT.code}))
    return Observed(pending=replace(POST, in_doubt=True), late=late, posts=(MADE,), **fields)


def looked(observed: Observed, *ours: int, credit: Credit = Credit.UNPROVEN) -> Observed:
    """After a list, without the moment when it was read."""
    return replace(looks.looked(observed, shown(*ours, credit=credit), NOW), listed_at=None)
