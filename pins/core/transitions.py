"""What an answer, or its absence, teaches us about one PIN. Pure: `Observed` in, `Observed` out.

Every function keeps what it cannot know better: an ambiguous answer erases nothing, a look resolves what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pins.core.pin_state import Blocked, Content, Flight, Late, Observed, Op

#: A PIN that ends within this time may have been ended by the lock already.
CLOCKS_DIFFER = timedelta(minutes=1)

#: What a success, or a person, puts to rest.
_AT_EASE: dict[str, Any] = {
    "exists": False,
    "refused": False,
    "refusals": 0,
    "blocked": "",
    "hold_until": None,
    "troubles": 0,
}


def took_off(observed: Observed, flight: Flight) -> Observed:
    """The change is about to be sent; written before the request, so that a crash leaves a trace.

    What the lock said of an earlier value or period is no verdict on this one.
    """
    fresh = replace(observed, flight=flight, tried_rev=flight.rev)
    return fresh if flight.op is Op.DELETE else replace(fresh, exists=False, refused=False)


def lost(observed: Observed, late_until: datetime) -> Observed:
    """No certain answer (408, cut connection, crash of the run): applied, or not, or landing until `late_until`."""
    flight = observed.flight
    if flight is None or flight.in_doubt:
        return observed
    late = observed.late
    code = flight.content.code if flight.op is Op.POST and flight.content is not None else None
    codes = frozenset() if code is None else frozenset({code})
    late = Late(
        until=late_until if late is None else max(late.until, late_until),
        rev=flight.rev if late is None else min(late.rev, flight.rev),
        count=1 if late is None else late.count + 1,
        kinds=frozenset({flight.op}) if late is None else late.kinds | {flight.op},
        codes=codes if late is None else late.codes | codes,
    )
    return replace(observed, flight=replace(flight, in_doubt=True), late=late)


def created(observed: Observed, remote_id: int) -> Observed:
    """201: the lock holds what the POST carried."""
    flight = observed.flight
    return replace(
        observed,
        remote_id=remote_id,
        applied=flight.content if flight is not None else None,
        flight=None,
        lapsed=False,
        **_AT_EASE,
    )


def updated(observed: Observed) -> Observed:
    """204 on PUT: the PIN says what the request carried."""
    flight = observed.flight
    applied = flight.content if flight is not None else None
    return replace(observed, applied=applied, flight=None, **_AT_EASE)


def deleted(observed: Observed, remote_id: int | None) -> Observed:
    """204 on DELETE, or a 404 that can be believed: this id is no longer ours."""
    rest = tuple(extra for extra in observed.extra_ids if extra != remote_id)
    if rest != observed.extra_ids:
        return replace(observed, extra_ids=rest, flight=None)
    return replace(observed, remote_id=None, applied=None, flight=None)


def missing(observed: Observed, now: datetime) -> Observed:
    """404 inside the envelope: gone, if its end has come; else the list must confirm it."""
    applied = observed.applied
    if applied is not None and applied.ends_at is not None and applied.ends_at <= now:
        lapsed = observed.lapsed or _ended(observed, now)
        return replace(deleted(observed, observed.remote_id), lapsed=lapsed)
    return replace(observed, flight=None, must_look=True)


def refused_existing(observed: Observed) -> Observed:
    """406. After a POST it may be our own earlier one: the list decides. After a PUT it is somebody else's."""
    was_post = observed.flight is not None and observed.flight.op is Op.POST
    return replace(observed, flight=None, exists=True, must_look=was_post or observed.must_look)


def refused_value(observed: Observed, now: datetime) -> Observed:
    """400. A start in the past is the first suspect (how the lock treats one is undocumented), then the value."""
    flight = observed.flight
    content = flight.content if flight is not None else None
    past_start = content is not None and content.starts_at is not None and content.starts_at < now
    if past_start and not observed.start_refused:
        return replace(observed, flight=None, start_refused=True)
    return replace(observed, flight=None, refused=True, refusals=observed.refusals + 1)


def not_applied(observed: Observed) -> Observed:
    """A certain refusal that says nothing about this PIN (409, 428, 429, ...): as before the request.

    Only an id whose end we do not know, or which outlived its end, is looked for again before the next DELETE: while
    we wait, the lock may expire it and give the id to another PIN.
    """
    flight = observed.flight
    may_vanish = (
        flight is not None
        and flight.op is Op.DELETE
        and (observed.applied is None or flight.remote_id in observed.extra_ids)
    )
    return replace(observed, flight=None, must_look=observed.must_look or may_vanish)


def rested(observed: Observed, until: datetime, rev: int) -> Observed:
    """Trouble that concerns this PIN alone: it rests, unless the wish changes."""
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
    flight, late = observed.flight, observed.late
    arrived = bool(ours) if flight is not None and flight.op is Op.POST else False
    if flight is not None and flight.op is Op.DELETE:
        arrived = flight.remote_id not in ours
    if arrived:
        late = _one_less(late)
    if late is not None and late.until <= now:
        late = None
    seen = replace(observed, flight=None, must_look=False, late=late)
    if not ours:
        return replace(
            seen, remote_id=None, applied=None, extra_ids=(), lapsed=observed.lapsed or _ended(observed, now)
        )
    keep = observed.remote_id if observed.remote_id in ours else ours[0]
    applied = observed.applied if keep == observed.remote_id else _content_of_adopted(observed, flight)
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
    """Had the PIN, as we knew it, come to its end? Then its absence from the lock is the lock's own doing."""
    applied = observed.applied
    was_removed = observed.flight is not None and observed.flight.op is Op.DELETE
    return applied is not None and applied.ends_at is not None and applied.ends_at <= now and not was_removed


def contradicts(observed: Observed, ours: Sequence[int]) -> bool:
    """Does the lock's list differ from what we believe, for a PIN that waits for no answer?

    The lock expired it, or a lost change landed. Its id may belong to another PIN already.
    """
    if observed.flight is not None:
        return False
    believed = {observed.remote_id, *observed.extra_ids} - {None}
    return believed != set(ours)


def taken_away(observed: Observed, ours: Sequence[int], now: datetime) -> bool:
    """Does the lock's list show that somebody else removed our PIN, or renamed it? `observed`: before the list.

    Only where nothing of our own could explain it: no request without a certain answer, and an end still to come.
    """
    return (
        observed.remote_id is not None
        and observed.remote_id not in ours
        and observed.flight is None
        and observed.late is None
        and _outlasts(observed.applied, now)
    )


def rewritten(observed: Observed, content: Content | None, now: datetime) -> bool:
    """Does a read PIN say what we never sent (`None`: it is no longer ours)? `observed`: before the answer.

    While a PUT is in doubt it may say the old or the new; with several lost changes out, it proves nothing.
    """
    flight, late = observed.flight, observed.late
    if late is not None and (flight is None or late.count > 1):
        return False
    sent = [observed.applied] if flight is None else [observed.applied, flight.content]
    return all(_outlasts(one, now) for one in sent) and content not in sent


def _outlasts(content: Content | None, now: datetime) -> bool:
    """Is it known, and would the lock still keep it by itself?"""
    return content is not None and content.ends_at is not None and now + CLOCKS_DIFFER < content.ends_at


def _content_of_adopted(observed: Observed, flight: Flight | None) -> Content | None:
    """Known only when one body was ever sent; otherwise the PIN must be read."""
    late = observed.late
    if flight is None or flight.op is not Op.POST or late is None or late.kinds != {Op.POST} or late.rev != flight.rev:
        return None
    return flight.content


def read(observed: Observed, content: Content, now: datetime) -> Observed:
    """One PIN was read and carries our reference."""
    flight, late = observed.flight, observed.late
    if flight is not None and flight.content == content:
        late = _one_less(late)
    if late is not None and late.until <= now:
        late = None
    return replace(observed, applied=content, flight=None, late=late)


def read_foreign(observed: Observed) -> Observed:
    """The id now belongs to a PIN that is not ours (ids may be reused): the list tells where ours is."""
    return replace(observed, applied=None, flight=None, must_look=True)


def moved_to_new_device(observed: Observed) -> Observed:
    """The lock was removed and added again: ids, lost requests and verdicts belong to a device that is no more."""
    gone = replace(observed, remote_id=None, applied=None, extra_ids=(), flight=None, late=None, must_look=True)
    return replace(gone, start_refused=False, lapsed=False, **_AT_EASE)


def _one_less(late: Late | None) -> Late | None:
    """One of the lost changes has been seen on the lock."""
    if late is None or late.count <= 1:
        return None
    return replace(late, count=late.count - 1)


def forget_late(observed: Observed, now: datetime) -> Observed:
    """Lost changes that can no longer land, and that no closing look is to search for."""
    late = observed.late
    if late is not None and late.until <= now:
        return replace(observed, late=None)
    return observed
