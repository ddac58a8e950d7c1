"""What looking teaches about one PIN: a list of the lock, a PIN that was read by its id, an id that was not found.

Pure: `Observed` in, `Observed` out. One rule stands above the others: an id of ours is not forgotten because one list
lacks it. Before its end two witnesses must deny it, a list and a 404, both asked after our last write, in either order.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pins.core import posts
from pins.core.pin_state import Content, Late, Observed, Op, PendingWrite
from pins.core.witness import Credit, Sighting

#: A PIN that ends within this time may have been ended by the lock already.
CLOCKS_DIFFER = timedelta(minutes=1)
#: After a PIN was read by its id although a list lacked it, another such list is no reason to read it again so soon.
LIST_IS_DOUBTED = timedelta(minutes=10)


def looked(observed: Observed, seen: Sighting, now: datetime) -> Observed:
    """The lock's list was read, and is not a stale one.

    1. Something may be ours under another name: it is read before anything is concluded of ours.
    2. The id that we hold is missing, and only this list says so, or it has another name: the id is read.
    3. Otherwise the list decides: found, or gone.
    4. A former value of ours may still open the door under another name: that one is read, too. Such a value is kept
       until a list shows it that is late enough, also where its creation is given up: lists may lag behind.
    5. What was suspected so far needs no second look: only what lists show first from now on.
    6. A code that a person was told of is read again: it may be gone, or another one by now.
    """
    if not seen.credit.shows_absence:  # what this list leaves out is still to be read
        known = {*seen.listed, *(one.id for one in observed.twins)}
        unread = (one for one in observed.nominees if one not in known)
        seen = replace(seen, nominees=(*seen.nominees, *unread))
    after = _searched(observed, seen, now)
    told = [one.id for one in after.twins if one.id not in (*after.nominees, *after.held)]
    suspected_at = None if observed.suspected_at is None else now
    return replace(after, nominees=(*after.nominees, *told), suspected_at=suspected_at)


def _searched(observed: Observed, seen: Sighting, now: datetime) -> Observed:
    """The first four of these."""
    after = _looked(observed, seen, now)
    found = {after.applied.code} if after.applied is not None else set()
    former = observed.former_codes - found  # no lock has one value twice
    gave_up = given_up(observed, after, now)
    if former and (seen.nominees or gave_up):
        return replace(after, nominees=seen.nominees, left_codes=former)
    searched = after.late is None and seen.late_enough and not gave_up
    over = searched and seen.credit is Credit.PROVEN and not after.twins
    return replace(after, left_codes=frozenset(), left_ends=frozenset()) if over else after


def _looked(observed: Observed, seen: Sighting, now: datetime) -> Observed:
    held = observed.remote_id
    renamed = seen.renamed and held is not None
    is_there = held in seen.ours or renamed
    is_over = held is not None and not is_there and _one_list_is_enough(observed, seen, now)
    base = replace(
        observed,
        must_look=False,
        listed_at=now,
        late=_late_after(observed, seen, now, is_over=is_over),
        posts=_posts_after(observed, seen, now, is_over=is_over),
        twins=tuple(one for one in observed.twins if one.id not in seen.ours),
    )
    if seen.nominees and not seen.ours and _searches(observed):
        return replace(base, nominees=seen.nominees)
    base = replace(base, pending=None, nominees=(), extra_ids=_surplus(observed, seen))
    if held is not None and not is_there and not is_over:
        doubted = observed.list_doubted_at
        return replace(base, omitted=doubted is None or now >= doubted + LIST_IS_DOUBTED)
    if renamed:
        return replace(base, omitted=False, must_read=True)
    settled = replace(base, omitted=False, not_found=False)
    if not seen.ours:
        lapsed = observed.lapsed or _ended(observed, now)
        return replace(settled.let_go(), lapsed=lapsed)
    return _found(settled, observed, seen, now)


def given_up(before: Observed, after: Observed, now: datetime) -> bool:
    """Was a creation whose answer was lost given up because it can no longer land, and not because it was found?"""
    late = before.late
    over = late is not None and Op.POST in late.kinds and late.until <= now and after.late is None
    return over and after.held <= before.held


def contradicts(observed: Observed, seen: Sighting, now: datetime) -> bool:
    """Does the list teach something about a PIN that waits for no answer? A stale one never does."""
    if observed.pending is not None or seen.credit is Credit.STALE:
        return False
    after = looked(observed, seen, now)
    return replace(after, listed_at=observed.listed_at, suspected_at=observed.suspected_at) != observed


def read(observed: Observed, content: Content, now: datetime) -> Observed:
    """The PIN was read by its id, and it is ours: the strongest witness of what it says."""
    pending, late = observed.pending, observed.late
    if pending is not None and pending.content == content:
        late = one_less(late)
    if late is not None and late.until <= now:
        late = None
    doubted = now if observed.omitted else observed.list_doubted_at
    seen = replace(
        observed,
        applied=content,
        pending=None,
        late=late,
        must_read=False,
        omitted=False,
        not_found=False,
        list_doubted_at=doubted,
    )
    held = observed.remote_id
    return _outlived(seen, held, observed.extra_ids) if held is not None and content.has_ended(now) else seen


def read_foreign(observed: Observed) -> Observed:
    """The id now belongs to a PIN that is not ours (ids may be reused), so ours is gone; a list tells whether there is
    another of ours."""
    left = posts.gone(observed.posts, observed.remote_id)
    return replace(observed.let_go(), pending=None, must_look=True, posts=left)


def missing(observed: Observed, now: datetime) -> Observed:
    """404 for the id that we hold: gone if its end has come, or if a list lacked it before; otherwise a list must
    confirm it."""
    if observed.omitted or _has_ended(observed, now):
        return _gone(observed, now)
    return replace(observed, pending=None, must_look=True, not_found=True)


def did_not_arrive(before: Observed, after: Observed) -> bool:
    """Has looking shown that a write whose answer was lost did not arrive, so that it is sent again?"""
    pending = before.pending
    if pending is None or after.pending is not None:
        return False
    if pending.op is Op.POST:
        return after.remote_id is None and not after.nominees
    if pending.op is Op.PUT:
        return after.remote_id == pending.remote_id and after.applied != pending.content
    return pending.remote_id in after.held


def missing_perhaps(observed: Observed, remote_id: int, now: datetime) -> Observed:
    """404 to a read, outside Tedee's envelope: from a cloud whose errors have none, or from a gateway gone astray.

    Alone it proves nothing, and the list is asked. After a list that lacks the PIN it is the second witness: the list
    came by the same way.
    """
    if remote_id != observed.remote_id:
        return replace(observed, must_look=True)
    return _gone(observed, now) if observed.omitted else replace(observed, pending=None, must_look=True)


def taken_away(before: Observed, after: Observed, now: datetime) -> bool:
    """Did somebody else remove our PIN?

    Only if nothing of our own could explain it: no request was without a certain answer, and its end is still to come.
    """
    return (
        before.remote_id is not None
        and after.remote_id != before.remote_id
        and before.pending is None
        and before.late is None
        and _outlasts(before.applied, now)
    )


def rewritten(observed: Observed, content: Content, now: datetime) -> bool:
    """Does a PIN of ours that was read say something that we never sent? `observed` is what we knew before the answer.

    While a PUT is in doubt, the PIN may have the old or the new content. With several lost changes, it proves nothing.
    """
    pending, late = observed.pending, observed.late
    if late is not None and (pending is None or late.count > 1):
        return False
    sent = [observed.applied] if pending is None else [observed.applied, pending.content]
    return all(_outlasts(one, now) for one in sent) and content not in sent


def one_less(late: Late | None) -> Late | None:
    """One of the lost changes has been seen on the lock."""
    if late is None or late.count <= 1:
        return None
    return replace(late, count=late.count - 1)


def _searches(observed: Observed) -> bool:
    """Is there a code that we sent and cannot account for?"""
    if observed.remote_id is not None:
        return False
    if observed.pending is not None:
        return observed.pending.op is Op.POST
    return observed.exists or bool(observed.nominees) or any(post.id is None for post in observed.posts)


def _surplus(observed: Observed, seen: Sighting) -> tuple[int, ...]:
    """All of ours but the one that we hold. One that a list without credit lacks is still removed by its id."""
    unseen = () if seen.credit.shows_absence else (one for one in observed.extra_ids if one not in seen.listed)
    return (*(one for one in seen.ours if one != observed.remote_id), *unseen)


def _late_after(observed: Observed, seen: Sighting, now: datetime, *, is_over: bool) -> Late | None:
    """`is_over`: the list ends our belief in the id that we hold."""
    pending, late = observed.pending, observed.late
    if pending is not None:
        arrived = bool(seen.ours) if pending.op is Op.POST else False
        if pending.op is Op.DELETE:
            arrived = is_over if pending.remote_id == observed.remote_id else pending.remote_id not in seen.ours
        late = one_less(late) if arrived else late
    return None if late is not None and late.until <= now else late


def _posts_after(observed: Observed, seen: Sighting, now: datetime, *, is_over: bool) -> tuple[posts.Post, ...]:
    """`is_over`: the list ends our belief in the id that we hold."""
    held, after = observed.remote_id, posts.found(posts.undecided(observed.posts), seen.ours)
    if is_over and _has_ended(observed, now):
        after = posts.gone(after, held)  # the lock itself removed it
    if not seen.credit.shows_absence:
        return after
    believed = () if held is None or is_over else (held,)
    proven, renamed = seen.credit is Credit.PROVEN, bool(seen.nominees)
    return posts.not_listed(after, seen.listed, believed, proven=proven, renamed=renamed)


def _was_deleted(observed: Observed) -> bool:
    pending = observed.pending
    return pending is not None and pending.op is Op.DELETE and pending.remote_id == observed.remote_id


def _one_list_is_enough(observed: Observed, seen: Sighting, now: datetime) -> bool:
    """May a list alone end our belief in the id: after its end, or after a 404? After a lost DELETE of ours it must
    have proved itself, since nobody knows whether that one arrived."""
    proven = seen.credit is Credit.PROVEN
    return observed.not_found or _has_ended(observed, now) or (_was_deleted(observed) and proven)


def _has_ended(observed: Observed, now: datetime) -> bool:
    """Has the end of the PIN that we hold come? Without its content, as we created it or last changed it."""
    if observed.applied is not None:
        return observed.applied.has_ended(now)
    return posts.has_ended(observed.posts, observed.remote_id, now)


def _found(settled: Observed, before: Observed, seen: Sighting, now: datetime) -> Observed:
    """The list shows PINs of ours; `before` is what we knew. One is kept, the others are surplus."""
    ours, held = seen.ours, before.remote_id
    keep = held if held in ours else ours[0]
    applied = before.applied if keep == held else _content_of_adopted(before, before.pending)
    if keep != held and len(ours) > 1:
        applied = None  # one of them is what we sent; reading tells which
    if before.late is not None and settled.late is None and Op.PUT in before.late.kinds:
        applied = None  # the list shows that it is there, not what a late PUT made of it
    others = tuple(one for one in settled.extra_ids if one != keep)
    if applied is not None and applied.has_ended(now):
        return _outlived(settled, keep, others)
    blocked = before.blocked if keep == held else ""
    return replace(settled, remote_id=keep, applied=applied, extra_ids=others, exists=False, blocked=blocked)


def _outlived(observed: Observed, ended: int, others: tuple[int, ...]) -> Observed:
    """A PIN is there after its end and may vanish at any moment: it is removed, and set anew if the stay was extended.
    Another one of ours takes its place."""
    successor = others[0] if others else None
    return replace(observed, remote_id=successor, applied=None, extra_ids=(ended, *others[1:]), exists=False)


def _gone(observed: Observed, now: datetime) -> Observed:
    """The id is gone. Another one of ours that a list showed takes its place, and is read.

    A cloud could deny in both ways what it has, so the creation of a PIN that should still be there counts on in the
    day's ceiling.
    """
    lapsed = observed.lapsed or _ended(observed, now)
    late = observed.late
    is_explained = _has_ended(observed, now) or (late is not None and Op.DELETE in late.kinds)
    forget = posts.gone if is_explained else posts.denied
    successor = observed.extra_ids[0] if observed.extra_ids else None
    left = forget(observed.posts, observed.remote_id)
    return replace(
        observed.let_go(successor), extra_ids=observed.extra_ids[1:], pending=None, lapsed=lapsed, posts=left
    )


def _ended(observed: Observed, now: datetime) -> bool:
    """Had the PIN, as we knew it, come to its end? If so, the lock itself removed it."""
    was_removed = observed.pending is not None and observed.pending.op is Op.DELETE
    return _has_ended(observed, now) and not was_removed


def _outlasts(content: Content | None, now: datetime) -> bool:
    """Is the content known, and is its end far enough ahead that the lock has not expired the PIN?"""
    return content is not None and not content.has_ended(now + CLOCKS_DIFFER)


def _content_of_adopted(observed: Observed, pending: PendingWrite | None) -> Content | None:
    """Known only when one body was ever sent; otherwise the PIN must be read."""
    late = observed.late
    if (
        pending is None
        or pending.op is not Op.POST
        or late is None
        or late.kinds != {Op.POST}
        or late.rev != pending.rev
        or observed.former_codes - {pending.content.code if pending.content is not None else ""}
    ):
        return None
    return pending.content
