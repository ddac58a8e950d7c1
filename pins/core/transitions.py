"""What the answer to a write, or its absence, teaches us about one PIN. Pure: `Observed` in, `Observed` out.

No function changes facts that its answer does not show: an ambiguous answer erases nothing. What looking teaches is in
`pins.core.looks`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from pins.core import posts
from pins.core.pin_state import Blocked, Late, Observed, Op, PendingWrite

#: Before everything that any list has shown.
LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
#: The facts after a success, or after a person says “try again”.
_AT_EASE: dict[str, Any] = {
    "exists": False,
    "refused": False,
    "refusals": 0,
    "blocked": "",
    "hold_until": None,
    "troubles": 0,
}


def prepared(observed: Observed, pending: PendingWrite, now: datetime, *, alias: str = "") -> Observed:
    """The write is about to be sent; stored before the request, so that a crash leaves a trace. `alias`: the name that
    a POST or PUT carries.

    What the lock said about an earlier value or period is no verdict on this one. Nor is what it said about the id:
    only witnesses that are asked after the last write count.
    """
    fresh = replace(observed, pending=pending, tried_rev=pending.rev, omitted=False, not_found=False)
    if pending.op is Op.DELETE:
        return fresh
    fresh = replace(fresh, exists=False, refused=False, sent_alias=alias)
    if pending.op is Op.PUT:
        return fresh
    ends_at = pending.content.ends_at if pending.content is not None else None
    since = observed.suspected_at if observed.misses_a_creation else None
    return replace(fresh, posts=posts.begun(observed.posts, ends_at, now), nominees=(), suspected_at=since or now)


def lost(observed: Observed, late_until: datetime) -> Observed:
    """No certain answer (408, cut connection, crash of the run). The write was applied, or not, or may still land until
    `late_until` (UTC). A creation uses up what a person allowed beyond the ceiling; a certain refusal does not."""
    pending = observed.pending
    if pending is None or pending.in_doubt:
        return observed
    late = observed.late
    code = pending.content.code if pending.op is Op.POST and pending.content is not None else None
    codes = frozenset() if code is None else frozenset({code})
    late = Late(
        until=late_until if late is None else max(late.until, late_until),
        rev=pending.rev if late is None else min(late.rev, pending.rev),
        count=1 if late is None else late.count + 1,
        kinds=frozenset({pending.op}) if late is None else late.kinds | {pending.op},
        codes=codes if late is None else late.codes | codes,
    )
    more, ends = observed.more_posts, observed.left_ends
    if pending.op is Op.POST and pending.content is not None:
        more, ends = 0, ends | {pending.content.ends_at}
    return replace(observed, pending=replace(pending, in_doubt=True), late=late, more_posts=more, left_ends=ends)


def created(observed: Observed, remote_id: int) -> Observed:
    """201: the lock holds what the POST carried."""
    pending = observed.pending
    return replace(
        observed,
        remote_id=remote_id,
        applied=pending.content if pending is not None else None,
        pending=None,
        lapsed=False,
        posts=posts.found(observed.posts, (remote_id,), newest=True),
        more_posts=0,
        **_AT_EASE,
    )


def updated(observed: Observed) -> Observed:
    """204 on PUT: the PIN says what the request carried."""
    pending = observed.pending
    applied = pending.content if pending is not None else None
    moved = posts.moved(observed.posts, observed.remote_id, applied.ends_at) if applied is not None else observed.posts
    return replace(observed, applied=applied, pending=None, must_read=False, posts=moved, **_AT_EASE)


def deleted(observed: Observed, remote_id: int | None) -> Observed:
    """204 on DELETE: this id is no longer ours."""
    rest = tuple(extra for extra in observed.extra_ids if extra != remote_id)
    left = posts.gone(observed.posts, remote_id)
    if rest != observed.extra_ids:
        return replace(observed, extra_ids=rest, pending=None, posts=left)
    return replace(observed.let_go(), pending=None, posts=left)


def refused_existing(observed: Observed) -> Observed:
    """406, value exists. After a POST it may be our own earlier one: the list decides; after a PUT it is foreign.

    Where a POST of this value was lost, the lock says that it has the value, against any list that did not show it. So
    that POST counts again, and its value is searched for until a list is late enough to show it.

    Values are drawn by chance: whatever the code that has it is called, it may be ours, and is read once.
    """
    pending, late, made = observed.pending, observed.late, observed.posts
    was_post = pending is not None and pending.op is Op.POST
    code = pending.content.code if pending is not None and pending.content is not None else None
    left = observed.left_codes
    lost = left | late.codes if late is not None else left
    if was_post and code is not None and code in lost:
        made, left = posts.exists(made), left | {code}
    elif was_post:
        made = posts.refused(made)
    return replace(
        observed,
        pending=None,
        exists=True,
        must_look=was_post or observed.must_look,
        posts=made,
        left_codes=left,
        suspected_at=LONG_AGO if was_post else observed.suspected_at,
    )


def refused_value(observed: Observed, now: datetime) -> Observed:
    """400. A start in the past is the first suspect (how the lock treats one is undocumented), then the value."""
    pending = observed.pending
    observed = replace(observed, posts=_without_refused(observed))
    content = pending.content if pending is not None else None
    past_start = content is not None and content.starts_at is not None and content.starts_at < now
    if past_start and not observed.start_refused:
        return replace(observed, pending=None, start_refused=True)
    return replace(observed, pending=None, refused=True, refusals=observed.refusals + 1)


def not_applied(observed: Observed) -> Observed:
    """A certain refusal that says nothing about this PIN (409, 428, 429, ...): as before the request.

    One exception: an id whose end we do not know, or that outlived its end, is looked for again before the next
    DELETE. While we wait, the lock may expire the PIN and give its id to another one.
    """
    pending = observed.pending
    may_vanish = (
        pending is not None
        and pending.op is Op.DELETE
        and (observed.applied is None or pending.remote_id in observed.extra_ids)
    )
    must_look = observed.must_look or may_vanish
    return replace(observed, pending=None, must_look=must_look, posts=_without_refused(observed))


def _without_refused(observed: Observed) -> tuple[posts.Post, ...]:
    """A POST that was certainly refused made no code."""
    was_post = observed.pending is not None and observed.pending.op is Op.POST
    return posts.refused(observed.posts) if was_post else observed.posts


def rested(observed: Observed, until: datetime, rev: int) -> Observed:
    """Trouble that concerns this PIN alone: it rests until `until` (UTC), or until the wish changes."""
    return replace(observed, hold_until=until, hold_rev=rev, troubles=observed.troubles + 1)


def stopped(observed: Observed, reason: Blocked, rev: int) -> Observed:
    """Nothing more is sent for this wish; a new one (`rev`) lifts the block."""
    return replace(observed, blocked=reason.value, blocked_rev=rev)


def rotated(observed: Observed, code: str) -> Observed:
    """Another value is chosen, because the lock has this one (`code`) or refused it.

    Where a POST of this value was lost, it may be ours that the lock has, under a name that nobody recognised so far or
    on a list that lags behind.
    """
    taken = 1 if observed.exists else 0  # a refused one was counted when the refusal came
    late, left = observed.late, observed.left_codes
    unseen = any(post.id is None for post in observed.posts)
    if observed.exists and (unseen or (late is not None and code in late.codes)):
        left = left | {code}
    if observed.exists and late is not None:
        late = replace(late, codes=frozenset())  # another PIN has the value: ours cannot land beside it
    return replace(
        observed,
        late=late,
        left_codes=left,
        exists=False,
        refused=False,
        lapsed=False,
        refusals=observed.refusals + taken,
    )


def retried(observed: Observed, now: datetime) -> Observed:
    """A person says: try again now. At the ceiling of creations this allows one more."""
    more = posts.for_one_more(observed.posts, observed.held, now) if observed.blocked == Blocked.CREATED_OFTEN else 0
    return replace(observed, more_posts=more, edited_at=None, **_AT_EASE)


def waits_for_list(observed: Observed, until: datetime, rev: int, now: datetime) -> Observed:
    """The list was older than our own changes: it says nothing, and another is asked for at `until` (UTC)."""
    return replace(observed, hold_until=until, hold_rev=rev, listed_at=now)


def asked_to_look(observed: Observed) -> Observed:
    """A person wants to know what is on the lock: its list is read before anything else."""
    return replace(observed, must_look=True)


def moved_to_new_device(observed: Observed) -> Observed:
    """The lock was removed and added again: ids, lost requests and verdicts belong to a device that is gone."""
    gone = replace(observed.let_go(), extra_ids=(), nominees=(), posts=(), pending=None, late=None, must_look=True)
    gone = replace(gone, left_codes=frozenset(), left_ends=frozenset(), suspected_at=None, twins=(), read_failures=0)
    gone = replace(gone, list_doubted_at=None, start_refused=False, lapsed=False)
    return replace(gone, **_AT_EASE)


def search_over(observed: Observed) -> Observed:
    """Once every creation is accounted for, what others add to the lock is no concern of this PIN."""
    if observed.suspected_at is None or observed.misses_a_creation or observed.exists or observed.twins:
        return observed
    return replace(observed, suspected_at=None, left_ends=frozenset())


def forget_late(observed: Observed, now: datetime) -> Observed:
    """Drop lost changes that can no longer land. The caller knows that no closing look has to search for them.

    One that is still looked for is kept until a list tells: so far all of them may have been too old. The values of
    lost POSTs are kept until a list comes that is late enough: they may have landed unseen.
    """
    late = observed.late
    if late is None or late.until > now or observed.pending is not None:
        return observed
    applied = frozenset({observed.applied.code}) if observed.applied is not None else frozenset()
    return replace(observed, late=None, left_codes=observed.left_codes | (late.codes - applied))
