"""The plan over every combination of facts: it always has an answer, and the answer is never a dangerous one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core import plan, transitions
from pins.core.pin_state import Blocked, Content, Desired, Late, Observed, Op, PendingWrite, PinView, State
from pins.core.plan import Block, Create, Delete, Look, Read, Rotate, Step, Update, Wait, next_step
from tests.support.facts import CODES, NOW, SET, WISH, contents, desires, observations, views

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def step(desired: Desired = WISH, observed: Observed | None = None, now: datetime = NOW) -> Step:
    return next_step(PinView(desired, observed or Observed()), now)


# -- over everything ------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(views)
def test_there_is_always_exactly_one_next_step(view: PinView) -> None:
    assert isinstance(next_step(view, NOW), Create | Update | Delete | Look | Read | Rotate | Block | Wait)
    assert isinstance(plan.state_of(view, NOW), State)
    assert plan.deadline(view, NOW).utcoffset() is not None


@settings(max_examples=200)
@given(views)
def test_nothing_is_changed_on_the_lock_while_an_answer_is_missing(view: PinView) -> None:
    observed = view.observed
    if observed.pending is not None or observed.must_look:
        assert isinstance(next_step(view, NOW), Look | Read | Wait)
        if not plan.rests(view, NOW):
            assert isinstance(next_step(view, NOW), Look | Read)


@settings(max_examples=200)
@given(views)
def test_a_pin_is_created_only_where_none_of_ours_is_or_may_come(view: PinView) -> None:
    observed, desired = view.observed, view.desired
    if isinstance(next_step(view, NOW), Create):
        assert observed.remote_id is None
        assert not observed.extra_ids
        assert desired.is_live(NOW)
        assert desired.issue_at <= NOW
        late = observed.late
        assert late is None or late.until <= NOW or late.codes <= {desired.content.code}


@settings(max_examples=200)
@given(views)
def test_no_update_carries_an_end_that_has_come_or_hits_a_pin_that_may_have_expired(view: PinView) -> None:
    observed = view.observed
    chosen = next_step(view, NOW)
    if isinstance(chosen, Update):
        assert chosen.remote_id == observed.remote_id
        assert view.desired.is_live(NOW)
        assert view.desired.content.ends_at is not None
        assert view.desired.content.ends_at > NOW
        assert observed.applied is not None
        assert observed.applied.ends_at is None or observed.applied.ends_at > NOW
        assert not observed.extra_ids


@settings(max_examples=200)
@given(views)
def test_only_ids_that_are_ours_are_deleted_and_only_when_nobody_wants_them(view: PinView) -> None:
    observed = view.observed
    chosen = next_step(view, NOW)
    if isinstance(chosen, Delete):
        assert chosen.remote_id in {observed.remote_id, *observed.extra_ids}
        if chosen.remote_id not in observed.extra_ids:
            assert not view.desired.is_live(NOW)
            ends_at = observed.applied.ends_at if observed.applied is not None else None
            assert ends_at is None or ends_at > NOW - plan.FRESH_END
    if isinstance(chosen, Read):
        attempt = observed.pending
        assert chosen.remote_id in {observed.remote_id, attempt.remote_id if attempt is not None else None}


@settings(max_examples=200)
@given(views)
def test_waiting_ends_in_the_future_or_never(view: PinView) -> None:
    chosen = next_step(view, NOW)
    following = plan.next_look_at(view, NOW)
    if isinstance(chosen, Wait):
        assert chosen.until is None or chosen.until > NOW
        assert following == chosen.until
        if view.desired.is_live(NOW):
            assert chosen.until is not None  # the end of the stay asks for something
        if chosen.until is None:
            assert view.observed.remote_id is None
            assert not view.observed.extra_ids
    else:
        assert following == NOW


@settings(max_examples=200)
@given(views)
def test_a_code_that_somebody_knows_is_exchanged_only_by_force(view: PinView) -> None:
    chosen = next_step(view, NOW)
    if isinstance(chosen, Rotate):
        assert chosen.forced == view.desired.disclosed
        if chosen.forced:
            assert view.observed.lapsed
    if isinstance(chosen, Rotate | Block):
        assert view.desired.is_live(NOW)


@settings(max_examples=200)
@given(views)
def test_the_word_for_people_promises_nothing_that_is_not_so(view: PinView) -> None:
    observed, state = view.observed, plan.state_of(view, NOW)
    if state is State.SET:
        assert plan.says_the_same(observed, view.desired.content, NOW)
        assert not observed.extra_ids
    if state is State.REMOVED:
        assert observed.remote_id is None
        assert not observed.extra_ids
        assert not view.desired.is_live(NOW)
    if state in (State.SET, State.REMOVED, State.SCHEDULED, State.BLOCKED):
        assert observed.pending is None
        assert not observed.must_look
    if observed.must_look or (observed.pending is not None and observed.pending.in_doubt):
        assert state is State.IN_DOUBT


class TruthfulLock:
    """A lock that answers every request at once and truly, and on which nothing lands late."""

    def __init__(self, ours: dict[int, Content], foreign_code: str | None) -> None:
        self.ours = ours
        self.foreign_code = foreign_code

    def refuses(self, code: str, of: int | None) -> bool:
        return code == self.foreign_code or any(pin.code == code for key, pin in self.ours.items() if key != of)

    def perform(self, chosen: Step, view: PinView) -> Observed:
        wish, observed = view.desired.content, view.observed
        if isinstance(chosen, Look):
            return transitions.looked(observed, sorted(self.ours), NOW)
        if isinstance(chosen, Read):
            found = self.ours.get(chosen.remote_id)
            return transitions.missing(observed, NOW) if found is None else transitions.read(observed, found, NOW)
        if isinstance(chosen, Create):
            observed = transitions.prepared(observed, PendingWrite(Op.POST, view.desired.rev, wish, None))
            if self.refuses(wish.code, None):
                return transitions.refused_existing(observed)
            fresh = max(self.ours, default=9) + 1
            self.ours[fresh] = wish
            return transitions.created(observed, fresh)
        if isinstance(chosen, Update):
            observed = transitions.prepared(observed, PendingWrite(Op.PUT, view.desired.rev, wish, chosen.remote_id))
            if chosen.remote_id not in self.ours:
                return transitions.missing(observed, NOW)
            if self.refuses(wish.code, chosen.remote_id):
                return transitions.refused_existing(observed)
            self.ours[chosen.remote_id] = wish
            return transitions.updated(observed)
        assert isinstance(chosen, Delete)
        observed = transitions.prepared(observed, PendingWrite(Op.DELETE, view.desired.rev, None, chosen.remote_id))
        if self.ours.pop(chosen.remote_id, None) is None and chosen.remote_id in observed.extra_ids:
            return replace(transitions.not_applied(observed), must_look=True)
        return transitions.deleted(observed, chosen.remote_id)


@settings(max_examples=500)
@given(
    desires(),
    observations(),
    st.dictionaries(st.integers(1, 5), contents(), max_size=2),
    st.sampled_from([None, *CODES]),
)
def test_from_any_belief_a_truthful_lock_is_brought_to_what_it_should_hold_in_few_steps(
    desired: Desired, observed: Observed, ours: dict[int, Content], foreign_code: str | None
) -> None:
    """Whatever we wrongly believe of the lock: no step leads in circles, none makes a second PIN."""
    believed = {observed.remote_id, *observed.extra_ids} - {None}
    if not set(ours) <= believed:
        observed = replace(observed, must_look=True)  # else nothing could tell us
    if observed.remote_id is not None and observed.applied is not None:
        observed = replace(observed, applied=ours.get(observed.remote_id))  # what was read there is true
    observed = replace(observed, hold_until=None)
    if observed.late is not None:
        observed = replace(observed, late=replace(observed.late, until=min(observed.late.until, NOW)))
    lock = TruthfulLock({key: pin for key, pin in ours.items() if pin.ends_at is not None}, foreign_code)
    most = max(1, len(lock.ours))
    view = PinView(desired, observed)
    for _ in range(16):
        chosen = next_step(view, NOW)
        if isinstance(chosen, Wait):
            break
        if isinstance(chosen, Rotate):
            other = CODES[(CODES.index(view.desired.content.code) + 1) % len(CODES)]
            content = replace(view.desired.content, code=other)
            view = PinView(
                replace(view.desired, content=content, rev=view.desired.rev + 1), transitions.rotated(view.observed)
            )
        elif isinstance(chosen, Block):
            view = PinView(view.desired, transitions.stopped(view.observed, chosen.reason, view.desired.rev))
        else:
            view = PinView(view.desired, lock.perform(chosen, view))
            assert len(lock.ours) <= most
            most = max(1, len(lock.ours))
    else:
        raise AssertionError("the steps lead in circles")
    state = plan.state_of(view, NOW)
    if state is State.SET:
        (held,) = lock.ours.values()
        assert (held.code, held.ends_at) == (view.desired.content.code, view.desired.content.ends_at)
    elif not view.desired.is_live(NOW):
        assert lock.ours == {}
    else:
        assert state in (State.BLOCKED, State.SCHEDULED, State.SETTING, State.CHANGING)
        if state in (State.SETTING, State.CHANGING):
            assert view.observed.blocked or view.desired.issue_at > NOW


# -- one by one -----------------------------------------------------------------------------------------------------


def test_the_life_of_a_pin() -> None:
    assert step(replace(WISH, issue_at=NOW + DAY)) == Wait(NOW + DAY)
    assert step() == Create()
    assert step(observed=SET) == Wait(NOW + 2 * DAY)
    assert step(observed=SET, now=NOW + 2 * DAY) == Delete(7)
    assert step(observed=SET, now=NOW + 2 * DAY + plan.FRESH_END) == Look()
    assert step(now=NOW + 2 * DAY) == Wait(None)


def test_a_changed_wish_is_put_and_an_unwanted_one_deleted() -> None:
    longer = replace(WISH, rev=2, content=replace(WISH.content, ends_at=NOW + 3 * DAY))
    assert step(longer, SET) == Update(7)
    assert step(replace(WISH, wanted=False), SET) == Delete(7)
    assert step(replace(WISH, admitted=False), SET) == Delete(7)


def test_an_extension_after_the_end_looks_first() -> None:
    longer = replace(WISH, rev=2, content=replace(WISH.content, ends_at=NOW + 3 * DAY))
    assert step(longer, SET, NOW + 2 * DAY) == Look()


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (PendingWrite(Op.POST, 1, WISH.content, None), Look()),
        (PendingWrite(Op.PUT, 1, WISH.content, 7), Read(7)),
        (PendingWrite(Op.DELETE, 1, None, 7), Look()),
    ],
)
def test_doubt_is_resolved_where_the_change_would_show(attempt: PendingWrite, expected: Step) -> None:
    assert step(observed=replace(SET, pending=attempt)) == expected
    assert step(replace(WISH, wanted=False), replace(SET, pending=replace(attempt, in_doubt=True))) == expected


def test_the_surplus_one_of_two_pins_goes_first() -> None:
    assert step(observed=replace(SET, extra_ids=(8, 9))) == Delete(8)


LATE = Late(NOW + 10 * MINUTE, rev=1, count=1, kinds=frozenset({Op.POST}), codes=frozenset({WISH.content.code}))


def test_a_lost_post_of_the_same_value_may_be_repeated_one_of_another_value_must_be_waited_for() -> None:
    assert step(observed=Observed(late=LATE)) == Create()
    renewed = replace(WISH, rev=2, content=replace(WISH.content, code="234289"))
    assert step(renewed, Observed(late=LATE)) == Wait(LATE.until)
    assert step(renewed, replace(SET, late=LATE)) == Wait(LATE.until)
    assert step(renewed, Observed(late=LATE), LATE.until) == Look()


@pytest.mark.parametrize("kinds", [{Op.POST}, {Op.DELETE}, {Op.POST, Op.PUT}])
def test_a_closing_look_comes_where_a_lost_change_contradicts_the_wish(kinds: set[Op]) -> None:
    late = replace(LATE, kinds=frozenset(kinds))
    cancelled = replace(WISH, rev=2, wanted=False)
    assert step(cancelled, Observed(late=late)) == Wait(late.until)
    assert plan.state_of(PinView(cancelled, Observed(late=late)), NOW) is State.REMOVING
    assert step(cancelled, Observed(late=late), late.until) == Look()


def test_a_lost_put_is_looked_for_in_the_pin_itself() -> None:
    late = replace(LATE, kinds=frozenset({Op.PUT}), codes=frozenset())
    assert step(replace(WISH, rev=2), replace(SET, late=late), late.until) == Read(7)


@pytest.mark.parametrize(
    ("disclosed", "lapsed", "expected"),
    [
        (False, False, Rotate()),
        (True, False, Block(Blocked.VALUE_TAKEN)),
        (True, True, Rotate(forced=True)),
    ],
)
def test_a_value_that_another_pin_has(disclosed: bool, lapsed: bool, expected: Step) -> None:
    observed = Observed(exists=True, lapsed=lapsed, tried_rev=1)
    assert step(replace(WISH, disclosed=disclosed), observed) == expected


def test_a_value_that_may_be_our_own_lost_post_is_waited_for_while_the_guest_can_wait() -> None:
    observed = Observed(exists=True, tried_rev=1, late=LATE)
    assert step(observed=observed) == Wait(LATE.until)
    soon = replace(WISH, content=replace(WISH.content, starts_at=NOW + MINUTE))
    assert step(soon, observed) == Rotate()
    assert step(replace(soon, disclosed=True), observed) == Wait(LATE.until)


def test_verdicts_rests_and_blocks_end_with_the_wish_that_earned_them() -> None:
    refused = Observed(refused=True, refusals=2, tried_rev=1)
    assert step(observed=refused) == Block(Blocked.VALUE_REFUSED)
    assert step(replace(WISH, rev=2), refused) == Create()
    blocked = transitions.stopped(refused, Blocked.VALUE_REFUSED, rev=1)
    assert step(observed=blocked) == Wait(WISH.content.ends_at)
    assert plan.state_of(PinView(WISH, blocked), NOW) is State.BLOCKED
    assert step(replace(WISH, rev=2), blocked) == Create()
    resting = Observed(hold_until=NOW + MINUTE, hold_rev=1)
    assert step(observed=resting) == Wait(NOW + MINUTE)
    assert step(replace(WISH, rev=2), resting) == Create()


def test_a_start_moved_to_the_present_is_equal_once_it_is_past() -> None:
    moved = replace(SET, start_refused=True, applied=replace(WISH.content, starts_at=NOW - MINUTE))
    running = replace(WISH, content=replace(WISH.content, starts_at=NOW - DAY))
    assert step(running, moved) == Wait(WISH.content.ends_at)
    future = replace(moved, applied=replace(WISH.content, starts_at=NOW + DAY))
    assert step(running, future) == Update(7)
    assert step(running, replace(moved, start_refused=False)) == Update(7)


@pytest.mark.parametrize(
    ("desired", "observed", "expected"),
    [
        (WISH, Observed(), NOW + HOUR),  # a new code: the arrival
        (replace(WISH, content=replace(WISH.content, ends_at=NOW + 3 * DAY)), SET, NOW + 2 * DAY),  # extended: old end
        (replace(WISH, content=replace(WISH.content, ends_at=NOW + DAY)), SET, NOW + DAY),  # shortened: new end
        (replace(WISH, wanted=False), SET, NOW + HOUR),  # cancelled before it begins
        (replace(WISH, admitted=False), SET, NOW),  # a nearer arrival waits for the room
    ],
)
def test_deadlines(desired: Desired, observed: Observed, expected: datetime) -> None:
    assert plan.deadline(PinView(desired, observed), NOW) == expected


def test_an_ordinary_removal_hurts_nobody_for_a_day() -> None:
    after = NOW + 2 * DAY + MINUTE
    assert plan.deadline(PinView(WISH, SET), after) == NOW + 3 * DAY
    cancelled = replace(WISH, wanted=False)
    assert plan.deadline(PinView(cancelled, SET), NOW + 2 * HOUR) == NOW + 2 * HOUR  # the guest could be inside
