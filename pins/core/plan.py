"""The next step for one PIN. Pure and total: every combination of facts has exactly one answer.

Order of the questions:

1. Is an answer missing? Look before acting; a repeated POST could make a second PIN.
2. Do witnesses disagree about the PIN, or is there one that may be ours? Ask the strongest: read it by its id.
3. Are there two of ours? Remove the surplus.
4. May a lost change have landed after the wish moved on? One closing look.
5. Should the PIN be there? Create, correct or leave it; never create more often than the ceiling allows.
6. Otherwise remove it, and call it removed only when nothing lost can bring it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pins.core import posts
from pins.core.pin_state import Blocked, Content, Observed, Op, PinView, State

#: For so long after a PIN's end its id is still believed, and a check-out costs one DELETE instead of a look and a
#: DELETE (two requests per booking and lock over its life). Accepted on purpose: the id could be another's only if the
#: lock reuses ids and a person adds a PIN in the Tedee app within these two minutes. Tests leave that case out.
FRESH_END = timedelta(minutes=2)
#: A start that is moved to the present is sent this much later, so that it is not past again on arrival: clocks
#: differ, and a request takes seconds.
START_MARGIN = timedelta(minutes=1)
#: How often a PIN that waits for room asks whether there is some; costs no request.
ASK_FOR_ROOM = timedelta(minutes=5)
#: How often the list is read while nothing may be sent, for a stay to come and for a guest at the door.
LOOK_AGAIN = timedelta(minutes=15)
LOOK_AGAIN_AT_THE_DOOR = timedelta(minutes=5)
#: The same while the lock says that it has the value, and our lost POST may be the reason.
LOOK_FOR_LOST_POST = timedelta(minutes=1)
#: At the ceiling a list that is older than this is read once more before anybody is told.
LISTED_JUST_NOW = timedelta(seconds=10)
#: How many values in a row may turn out to be taken before a person should look at the lock.
MAX_TAKEN_VALUES = 5
#: After two different values were refused as invalid, the value is not the reason.
MAX_REFUSED_VALUES = 2


@dataclass(frozen=True)
class Create:
    """POST the PIN."""


@dataclass(frozen=True)
class Update:
    """PUT code and period."""

    remote_id: int


@dataclass(frozen=True)
class Delete:
    """DELETE one PIN of ours."""

    remote_id: int


@dataclass(frozen=True)
class Look:
    """GET the lock's list and find ours by reference."""


@dataclass(frozen=True)
class Read:
    """GET one PIN and learn what it says."""

    remote_id: int


@dataclass(frozen=True)
class Rotate:
    """Choose another value; nothing is sent. `forced`: the guest knows the old one, but the lock no longer takes it."""

    forced: bool = False


@dataclass(frozen=True)
class Block:
    """Stop until a person acts or the wish changes; nothing is sent."""

    reason: Blocked


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until` (UTC); `None`: nothing at all until the wish changes."""

    until: datetime | None


Write = Create | Update | Delete
Request = Write | Look | Read
Step = Request | Rotate | Block | Wait


def next_step(view: PinView, now: datetime) -> Step:
    """Name the next step for one PIN at `now` (aware, UTC)."""
    desired, observed = view.desired, view.observed
    if rests(view, now):
        return Wait(observed.hold_until)
    if observed.pending is not None:
        pending = observed.pending
        if pending.op is Op.PUT and pending.remote_id is not None:
            return Read(pending.remote_id)
        return Read(observed.nominees[0]) if observed.nominees else Look()
    if observed.must_look:
        return Look()
    if observed.nominees:
        return Read(observed.nominees[0])
    if observed.remote_id is not None and (observed.omitted or observed.must_read):
        return Read(observed.remote_id)
    if observed.extra_ids:
        return Delete(observed.extra_ids[0])
    closing_look_at = _closing_look_at(view, now)
    if closing_look_at is not None and closing_look_at <= now:
        return _closing_look(observed)
    if desired.is_live(now):
        return _towards_set(view, now)
    return _towards_removed(view, now)


def _closing_look(observed: Observed) -> Step:
    """A lost PUT shows in the PIN itself, a lost POST or DELETE in the list."""
    if observed.late is not None and observed.late.kinds == {Op.PUT} and observed.remote_id is not None:
        return Read(observed.remote_id)
    return Look()


def closing_look_pending(view: PinView, now: datetime) -> bool:
    """Could a lost change still land that contradicts today's wish?

    The same change landing late is harmless: a second POST of one value is refused by the lock, a second PUT or
    DELETE says the same again. We must look once more only if the wish has changed since, or ended.
    """
    late = view.observed.late
    if late is None:
        return False
    if late.rev != view.desired.rev:
        return True
    return Op.DELETE not in late.kinds and not view.desired.is_live(now)


def _closing_look_at(view: PinView, now: datetime) -> datetime | None:
    late = view.observed.late
    return late.until if late is not None and closing_look_pending(view, now) else None


def _towards_set(view: PinView, now: datetime) -> Step:
    desired, observed = view.desired, view.observed
    ends_at = desired.content.ends_at
    if observed.remote_id is not None and observed.applied is None:
        return Read(observed.remote_id)
    if says_the_same(observed, desired.content, now):
        # A lost change may still land. At its end we look, or, if it can do no harm, release its values.
        late_until = observed.late.until if observed.late is not None and now < observed.late.until else None
        return Wait(_earliest(ends_at, late_until))
    closed_until = posts.closed_until(observed.posts, observed.held, now, more=observed.more_posts)
    if is_blocked(view) and (closed_until is not None or observed.blocked != Blocked.CREATED_OFTEN):
        return _while_blocked(view, closed_until, now)
    if _may_have_expired(observed, now):
        return Look()
    judged = observed.tried_rev == desired.rev  # an older verdict concerned another wish
    if observed.exists and judged:
        return _value_exists(view, now)
    if observed.refused and judged:
        final = desired.disclosed or observed.refusals >= MAX_REFUSED_VALUES
        return Block(Blocked.VALUE_REFUSED) if final else Rotate()
    late = observed.late
    if late is not None and now < late.until and late.codes - {desired.content.code}:
        # A lost POST with another value may still land, and the lock would not mind two values of one guest.
        return Wait(late.until)
    if observed.remote_id is not None:
        return Update(observed.remote_id)
    if now < desired.issue_at:
        return Wait(desired.issue_at)
    if closed_until is None:
        return Create()
    if observed.listed_at is None or observed.listed_at + LISTED_JUST_NOW <= now:
        return Look()
    return Block(Blocked.CREATED_OFTEN)


def _while_blocked(view: PinView, closed_until: datetime | None, now: datetime) -> Step:
    """Nothing is sent. The list may still show that the code is there, or that creating it again does no harm."""
    observed, ends_at = view.observed, view.desired.content.ends_at
    begun = _has_begun(view, now)
    if observed.blocked == Blocked.CREATED_OFTEN:
        every = LOOK_AGAIN_AT_THE_DOOR if begun else LOOK_AGAIN
        return _look_meanwhile(observed, _earliest(closed_until, ends_at), every, now)
    if observed.blocked == Blocked.VALUE_TAKEN and begun:
        return _look_meanwhile(observed, ends_at, LOOK_AGAIN_AT_THE_DOOR, now)
    return Wait(ends_at)


def _look_meanwhile(observed: Observed, until: datetime | None, every: timedelta, now: datetime) -> Step:
    if observed.listed_at is None or observed.listed_at + every <= now:
        return Look()
    return Wait(_earliest(until, observed.listed_at + every))


def _has_begun(view: PinView, now: datetime) -> bool:
    """Does the guest stand at the door?"""
    starts_at = view.desired.content.starts_at
    return not view.desired.reserve and (starts_at is None or starts_at <= now)


def _value_exists(view: PinView, now: datetime) -> Step:
    """The lock says that it has the value, and its list shows none of ours."""
    desired, observed = view.desired, view.observed
    late = observed.late
    if late is not None and Op.POST in late.kinds:
        if late.until <= now:
            return Look()
        starts_at = desired.content.starts_at
        if desired.disclosed or starts_at is None or late.until < starts_at:
            # Most likely our own lost POST, not on the list yet. The guest can wait for it.
            if _has_begun(view, now):
                return _look_meanwhile(observed, late.until, LOOK_FOR_LOST_POST, now)
            return Wait(late.until)
    if desired.disclosed and not observed.lapsed:
        return Block(Blocked.VALUE_TAKEN)
    if observed.refusals >= MAX_TAKEN_VALUES:
        return Block(Blocked.VALUE_TAKEN)
    return Rotate(forced=desired.disclosed)


def _towards_removed(view: PinView, now: datetime) -> Step:
    desired, observed = view.desired, view.observed
    if observed.remote_id is not None:
        return Look() if _may_have_expired(observed, now - FRESH_END) else Delete(observed.remote_id)
    closing_look_at = _closing_look_at(view, now)
    if closing_look_at is not None:
        return Wait(closing_look_at)
    if desired.wanted and not desired.content.has_ended(now):  # not admitted: there is no room
        return Wait(_earliest(desired.content.ends_at, now + ASK_FOR_ROOM))
    return Wait(None)


def _may_have_expired(observed: Observed, now: datetime) -> bool:
    """Tedee removes a PIN after its endDate by itself (Tedee API, PIN expiry), and may give its id to another one.

    Only the lock's list shows what is still there, for all its PINs at once.
    """
    applied = observed.applied
    return observed.remote_id is not None and applied is not None and applied.has_ended(now)


def listed_too_long_ago(observed: Observed, remote_id: int, now: datetime) -> bool:
    """Is this a surplus PIN that no list has shown for a while? It may have ended or been removed meanwhile, and the
    lock have given its id to a PIN that nobody told us of: the list is read before its DELETE."""
    listed_at = observed.listed_at
    return remote_id in observed.extra_ids and (listed_at is None or listed_at + FRESH_END < now)


def says_the_same(observed: Observed, wish: Content, now: datetime) -> bool:
    """Does the lock hold what we wish? A start that had to be moved to the present counts as equal once it is past:
    the guest can enter, so nothing is left to correct."""
    applied = observed.applied
    if observed.remote_id is None or applied is None:
        return False
    if (applied.code, applied.ends_at, applied.recurrence) != (wish.code, wish.ends_at, wish.recurrence):
        return False
    if applied.starts_at == wish.starts_at:
        return True
    return (
        observed.start_refused
        and applied.starts_at is not None
        and wish.starts_at is not None
        and wish.starts_at < applied.starts_at <= now + START_MARGIN
    )


def rests(view: PinView, now: datetime) -> bool:
    """Does the PIN rest after trouble of its own? A change of the wish ends the rest."""
    observed = view.observed
    return observed.hold_until is not None and now < observed.hold_until and observed.hold_rev == view.desired.rev


def is_blocked(view: PinView) -> bool:
    """Must a person act? A change of the wish lifts the block."""
    return bool(view.observed.blocked) and view.observed.blocked_rev == view.desired.rev


def state_of(view: PinView, now: datetime) -> State:
    """The state as people see it. Computed from both sides, and stored by the writer of either side."""
    desired, observed = view.desired, view.observed
    pending = observed.pending
    if observed.must_look or observed.omitted or (pending is not None and pending.in_doubt):
        return State.IN_DOUBT
    if pending is not None:
        return {Op.POST: State.SETTING, Op.PUT: State.CHANGING, Op.DELETE: State.REMOVING}[pending.op]
    if desired.is_live(now):
        return _live_state(view, now)
    if observed.remote_id is not None or observed.extra_ids or closing_look_pending(view, now):
        return State.REMOVING
    waits_for_room = desired.wanted and not desired.admitted and not desired.content.has_ended(now)
    return State.SCHEDULED if waits_for_room else State.REMOVED


def _live_state(view: PinView, now: datetime) -> State:
    desired, observed = view.desired, view.observed
    if says_the_same(observed, desired.content, now):
        settled = not observed.extra_ids and not closing_look_pending(view, now)
        return State.SET if settled else State.CHANGING
    if is_blocked(view):
        return State.BLOCKED
    if observed.remote_id is not None:
        return State.CHANGING
    return State.SETTING if observed.tried_rev and now >= desired.issue_at else State.SCHEDULED


def next_look_at(view: PinView, now: datetime) -> datetime | None:
    """When this PIN needs a run (UTC): now, later, or, as `None`, not until the wish changes."""
    step = next_step(view, now)
    return step.until if isinstance(step, Wait) else now


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
