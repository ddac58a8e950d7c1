"""What an answer, or its absence, teaches us about one PIN. Pure: `Observed` in, `Observed` out.

No function changes facts that its answer does not show: an ambiguous answer erases nothing, and a look resolves only
what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pins.core.pin_state import Blocked, Content, Late, Observed, Op, PendingWrite

#: A PIN that ends within this time may have been ended by the lock already.
CLOCKS_DIFFER = timedelta(minutes=1)

#: The facts after a success, or after a person says “try again”.
_AT_EASE: dict[str, Any] = {
    "exists": False,
    "refused": False,
    "refusals": 0,
    "blocked": "",
    "hold_until": None,
    "troubles": 0,
}


def prepared(observed: Observed, pending: PendingWrite) -> Observed:
    """The write is about to be sent; stored before the request, so that a crash leaves a trace.

    What the lock said about an earlier value or period is no verdict on this one.
    """
    fresh = replace(observed, pending=pending, tried_rev=pending.rev)
    return fresh if pending.op is Op.DELETE else replace(fresh, exists=False, refused=False)


def lost(observed: Observed, late_until: datetime) -> Observed:
    """No certain answer (408, cut connection, crash of the run). The write was applied, or not, or may still land until
    `late_until` (UTC)."""
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
    return replace(observed, pending=replace(pending, in_doubt=True), late=late)


def created(observed: Observed, remote_id: int) -> Observed:
    """201: the lock holds what the POST carried."""
    pending = observed.pending
    return replace(
        observed,
        remote_id=remote_id,
        applied=pending.content if pending is not None else None,
        pending=None,
        lapsed=False,
        **_AT_EASE,
    )


def updated(observed: Observed) -> Observed:
    """204 on PUT: the PIN says what the request carried."""
    pending = observed.pending
    applied = pending.content if pending is not None else None
    return replace(observed, applied=applied, pending=None, **_AT_EASE)


def deleted(observed: Observed, remote_id: int | None) -> Observed:
    """204 on DELETE, or a 404 that can be believed: this id is no longer ours."""
    rest = tuple(extra for extra in observed.extra_ids if extra != remote_id)
    if rest != observed.extra_ids:
        return replace(observed, extra_ids=rest, pending=None)
    return replace(observed, remote_id=None, applied=None, pending=None)


def missing(observed: Observed, now: datetime) -> Observed:
    """404 inside the envelope: the PIN is gone if its end has come; otherwise the list must confirm it."""
    applied = observed.applied
    if applied is not None and applied.ends_at is not None and applied.ends_at <= now:
        lapsed = observed.lapsed or _ended(observed, now)
        return replace(deleted(observed, observed.remote_id), lapsed=lapsed)
    return replace(observed, pending=None, must_look=True)


def refused_existing(observed: Observed) -> Observed:
    """406, value exists. After a POST it may be our own earlier one: the list decides; after a PUT it is foreign."""
    was_post = observed.pending is not None and observed.pending.op is Op.POST
    return replace(observed, pending=None, exists=True, must_look=was_post or observed.must_look)


def refused_value(observed: Observed, now: datetime) -> Observed:
    """400. A start in the past is the first suspect (how the lock treats one is undocumented), then the value."""
    pending = observed.pending
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
    return replace(observed, pending=None, must_look=observed.must_look or may_vanish)


def rested(observed: Observed, until: datetime, rev: int) -> Observed:
    """Trouble that concerns this PIN alone: it rests until `until` (UTC), or until the wish changes."""
    return replace(observed, hold_until=until, hold_rev=rev, troubles=observed.troubles + 1)


def stopped(observed: Observed, reason: Blocked, rev: int) -> Observed:
    """Nothing more is sent for this wish; a new one (`rev`) lifts the block."""
    return replace(observed, blocked=reason.value, blocked_rev=rev)


def rotated(observed: Observed) -> Observed:
    """Another value was chosen, because the lock has this one or refused it."""
    taken = 1 if observed.exists else 0  # a refused one was counted when the refusal came
    late = observed.late
    if late is not None and observed.exists:
        late = replace(late, codes=frozenset())  # another PIN has the value: ours cannot land beside it
    return replace(observed, late=late, exists=False, refused=False, lapsed=False, refusals=observed.refusals + taken)


def retried(observed: Observed) -> Observed:
    """A person says: try again now."""
    return replace(observed, **_AT_EASE)


def asked_to_look(observed: Observed) -> Observed:
    """A person wants to know what is on the lock: its list is read before anything else."""
    return replace(observed, must_look=True)


def looked(observed: Observed, ours: Sequence[int], now: datetime) -> Observed:
    """The lock's list was read; `ours` are the ids whose alias carries our reference, in the list's order."""
    pending, late = observed.pending, observed.late
    arrived = bool(ours) if pending is not None and pending.op is Op.POST else False
    if pending is not None and pending.op is Op.DELETE:
        arrived = pending.remote_id not in ours
    if arrived:
        late = _one_less(late)
    if late is not None and late.until <= now:
        late = None
    seen = replace(observed, pending=None, must_look=False, late=late)
    if not ours:
        return replace(
            seen, remote_id=None, applied=None, extra_ids=(), lapsed=observed.lapsed or _ended(observed, now)
        )
    keep = observed.remote_id if observed.remote_id in ours else ours[0]
    applied = observed.applied if keep == observed.remote_id else _content_of_adopted(observed, pending)
    if keep != observed.remote_id and len(ours) > 1:
        applied = None  # one of them is what we sent; reading tells which
    if observed.late is not None and late is None and Op.PUT in observed.late.kinds:
        applied = None  # the list shows that it is there, not what a late PUT made of it
    if applied is not None and applied.ends_at is not None and applied.ends_at <= now:
        # It outlived its end and may vanish at any moment: it is removed, and set anew if the stay was extended.
        return replace(seen, remote_id=None, applied=None, extra_ids=tuple(ours), exists=False)
    extras = tuple(extra for extra in ours if extra != keep)
    return replace(seen, remote_id=keep, applied=applied, extra_ids=extras, exists=False)


def _ended(observed: Observed, now: datetime) -> bool:
    """Had the PIN, as we knew it, come to its end? If so, the lock itself removed it."""
    applied = observed.applied
    was_removed = observed.pending is not None and observed.pending.op is Op.DELETE
    return applied is not None and applied.ends_at is not None and applied.ends_at <= now and not was_removed


def contradicts(observed: Observed, ours: Sequence[int]) -> bool:
    """Does the lock's list differ from what we believe, for a PIN that waits for no answer?

    The lock expired it, or a lost change landed. Its id may belong to another PIN already.
    """
    if observed.pending is not None:
        return False
    believed = {observed.remote_id, *observed.extra_ids} - {None}
    return believed != set(ours)


def taken_away(observed: Observed, ours: Sequence[int], now: datetime) -> bool:
    """Does the lock's list show that somebody else removed our PIN, or renamed it? `observed`: before the list.

    Only if nothing of our own could explain it: no request is without a certain answer, and its end is still to come.
    """
    return (
        observed.remote_id is not None
        and observed.remote_id not in ours
        and observed.pending is None
        and observed.late is None
        and _outlasts(observed.applied, now)
    )


def rewritten(observed: Observed, content: Content | None, now: datetime) -> bool:
    """Does a PIN that was read say something that we never sent? `content` is `None` if the PIN is no longer ours;
    `observed` is what we knew before the answer.

    While a PUT is in doubt, the PIN may have the old or the new content. With several lost changes, it proves nothing.
    """
    pending, late = observed.pending, observed.late
    if late is not None and (pending is None or late.count > 1):
        return False
    sent = [observed.applied] if pending is None else [observed.applied, pending.content]
    return all(_outlasts(one, now) for one in sent) and content not in sent


def _outlasts(content: Content | None, now: datetime) -> bool:
    """Is the content known, and is its end far enough ahead that the lock has not expired the PIN?"""
    return content is not None and content.ends_at is not None and now + CLOCKS_DIFFER < content.ends_at


def _content_of_adopted(observed: Observed, pending: PendingWrite | None) -> Content | None:
    """Known only when one body was ever sent; otherwise the PIN must be read."""
    late = observed.late
    if (
        pending is None
        or pending.op is not Op.POST
        or late is None
        or late.kinds != {Op.POST}
        or late.rev != pending.rev
    ):
        return None
    return pending.content


def read(observed: Observed, content: Content, now: datetime) -> Observed:
    """One PIN was read and carries our reference."""
    pending, late = observed.pending, observed.late
    if pending is not None and pending.content == content:
        late = _one_less(late)
    if late is not None and late.until <= now:
        late = None
    return replace(observed, applied=content, pending=None, late=late)


def read_foreign(observed: Observed) -> Observed:
    """The id now belongs to a PIN that is not ours (ids may be reused): the list tells where ours is."""
    return replace(observed, applied=None, pending=None, must_look=True)


def moved_to_new_device(observed: Observed) -> Observed:
    """The lock was removed and added again: ids, lost requests and verdicts belong to a device that is gone."""
    gone = replace(observed, remote_id=None, applied=None, extra_ids=(), pending=None, late=None, must_look=True)
    return replace(gone, start_refused=False, lapsed=False, **_AT_EASE)


def _one_less(late: Late | None) -> Late | None:
    """One of the lost changes has been seen on the lock."""
    if late is None or late.count <= 1:
        return None
    return replace(late, count=late.count - 1)


def forget_late(observed: Observed, now: datetime) -> Observed:
    """Drop lost changes that can no longer land. The caller knows that no closing look has to search for them."""
    late = observed.late
    if late is not None and late.until <= now:
        return replace(observed, late=None)
    return observed
