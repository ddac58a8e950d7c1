"""The plan over every combination of facts: it always has an answer, and the answer is never a dangerous one."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core import looks, nominees, plan, posts, transitions
from pins.core.pin_state import Content, Desired, Observed, Op, PendingWrite, PinView, State
from pins.core.plan import Block, Create, Delete, Look, Read, Rotate, Step, Update, Wait, next_step
from pins.core.witness import Credit, Sighting
from tests.support.facts import CODES, NOW, contents, desires, looks_at, observations, views

EXAMPLES = 1000 if os.environ.get("TURNKEY_HYPOTHESIS_PROFILE") == "thorough" else 100


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_there_is_always_exactly_one_next_step(view: PinView) -> None:
    assert isinstance(next_step(view, NOW), Create | Update | Delete | Look | Read | Rotate | Block | Wait)
    assert isinstance(plan.state_of(view, NOW), State)


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_nothing_is_changed_on_the_lock_while_an_answer_is_missing(view: PinView) -> None:
    observed = view.observed
    if observed.pending is not None or observed.must_look:
        assert isinstance(next_step(view, NOW), Look | Read | Wait)
        if not plan.rests(view, NOW):
            assert isinstance(next_step(view, NOW), Look | Read)


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_a_pin_is_created_only_where_none_of_ours_is_or_may_come(view: PinView) -> None:
    observed, desired = view.observed, view.desired
    if isinstance(next_step(view, NOW), Create):
        assert observed.remote_id is None
        assert not observed.extra_ids
        assert not observed.nominees
        assert desired.is_live(NOW)
        assert desired.issue_at <= NOW
        late = observed.late
        assert late is None or late.until <= NOW or late.codes <= {desired.content.code}


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_no_update_carries_an_end_that_has_come_or_hits_a_pin_that_may_have_expired(view: PinView) -> None:
    observed = view.observed
    chosen = next_step(view, NOW)
    if isinstance(chosen, Update):
        assert chosen.remote_id == observed.remote_id
        assert view.desired.is_live(NOW)
        assert view.desired.content.ends_at is None or view.desired.content.ends_at > NOW
        assert observed.applied is not None
        assert observed.applied.ends_at is None or observed.applied.ends_at > NOW
        assert not observed.extra_ids


@settings(deadline=None, max_examples=EXAMPLES)
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
        asked = {observed.remote_id, *observed.nominees, attempt.remote_id if attempt is not None else None}
        assert chosen.remote_id in asked


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_waiting_ends_in_the_future_or_never(view: PinView) -> None:
    chosen = next_step(view, NOW)
    following = plan.next_look_at(view, NOW)
    if isinstance(chosen, Wait):
        assert chosen.until is None or chosen.until > NOW
        assert following == chosen.until
        if view.desired.is_live(NOW):
            # The end of the stay asks for something.
            assert chosen.until is not None or view.desired.content.ends_at is None
        elif chosen.until is None:
            assert view.observed.remote_id is None
            assert not view.observed.extra_ids
    else:
        assert following == NOW


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_a_code_that_somebody_knows_is_exchanged_only_by_force(view: PinView) -> None:
    chosen = next_step(view, NOW)
    if isinstance(chosen, Rotate):
        assert chosen.forced == view.desired.disclosed
        if chosen.forced:
            assert view.observed.lapsed
    if isinstance(chosen, Rotate | Block):
        assert view.desired.is_live(NOW)


@settings(deadline=None, max_examples=EXAMPLES)
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
            ours = tuple(sorted(self.ours))
            return looks.looked(observed, Sighting(ours, False, (), frozenset(ours), Credit.PROVEN), NOW)
        if isinstance(chosen, Read):
            found = self.ours.get(chosen.remote_id)
            if chosen.remote_id in observed.nominees:
                return nominees.not_ours(observed, chosen.remote_id)
            return looks.missing(observed, NOW) if found is None else looks.read(observed, found, NOW)
        if isinstance(chosen, Create):
            observed = transitions.prepared(observed, PendingWrite(Op.POST, view.desired.rev, wish, None), NOW)
            if self.refuses(wish.code, None):
                return transitions.refused_existing(observed)
            fresh = max(self.ours, default=9) + 1
            self.ours[fresh] = wish
            return transitions.created(observed, fresh)
        if isinstance(chosen, Update):
            observed = transitions.prepared(
                observed, PendingWrite(Op.PUT, view.desired.rev, wish, chosen.remote_id), NOW
            )
            if chosen.remote_id not in self.ours:
                return looks.missing(observed, NOW)
            if self.refuses(wish.code, chosen.remote_id):
                return transitions.refused_existing(observed)
            self.ours[chosen.remote_id] = wish
            return transitions.updated(observed)
        assert isinstance(chosen, Delete)
        observed = transitions.prepared(
            observed, PendingWrite(Op.DELETE, view.desired.rev, None, chosen.remote_id), NOW
        )
        if self.ours.pop(chosen.remote_id, None) is None and chosen.remote_id in observed.extra_ids:
            return replace(transitions.deleted(observed, chosen.remote_id), must_look=True)
        return transitions.deleted(observed, chosen.remote_id)


@settings(deadline=None, max_examples=2 * EXAMPLES)
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
    if not set(ours) <= observed.held:
        observed = replace(observed, must_look=True)  # else nothing could tell us
    if observed.remote_id is not None and observed.applied is not None:
        observed = replace(observed, applied=ours.get(observed.remote_id))  # what was read there is true
    observed = replace(observed, hold_until=None, list_doubted_at=None)
    if observed.late is not None:
        observed = replace(observed, late=replace(observed.late, until=min(observed.late.until, NOW)))
    lock = TruthfulLock(ours, foreign_code)
    most = max(1, len(lock.ours))
    view = PinView(desired, observed)
    for _ in range(16):
        chosen = next_step(view, NOW)
        if isinstance(chosen, Wait):
            break
        if isinstance(chosen, Rotate):
            other = CODES[(CODES.index(view.desired.content.code) + 1) % len(CODES)]
            content = replace(view.desired.content, code=other)
            rotated = transitions.rotated(view.observed, view.desired.content.code)
            view = PinView(replace(view.desired, content=content, rev=view.desired.rev + 1), rotated)
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
        wish = view.desired.content
        assert (held.code, held.ends_at, held.recurrence) == (wish.code, wish.ends_at, wish.recurrence)
    elif not view.desired.is_live(NOW):
        assert lock.ours == {}
    else:
        assert state in (State.BLOCKED, State.SCHEDULED, State.SETTING, State.CHANGING)
        if state in (State.SETTING, State.CHANGING):
            assert view.observed.blocked or view.desired.issue_at > NOW


@settings(deadline=None, max_examples=EXAMPLES)
@given(views)
def test_no_code_is_created_beyond_the_ceiling(view: PinView) -> None:
    observed = view.observed
    if isinstance(next_step(view, NOW), Create):
        assert posts.closed_until(observed.posts, observed.held, NOW, more=observed.more_posts) is None


@settings(deadline=None, max_examples=EXAMPLES)
@given(looks_at())
def test_no_list_leads_to_a_second_code_or_to_the_loss_of_the_only_one(look: tuple[PinView, Sighting]) -> None:
    view, seen = look
    before, after = view.observed, looks.looked(view.observed, seen, NOW)
    chosen = next_step(PinView(view.desired, after), NOW)
    if isinstance(chosen, Create):
        assert after.held == frozenset()
        assert not seen.ours
    if isinstance(chosen, Delete) and view.desired.is_live(NOW) and chosen.remote_id in seen.ours:
        # Another one of ours is kept, or it is one that outlived its end and lets nobody in.
        ended = before.applied is not None and before.applied.has_ended(NOW) and chosen.remote_id == before.remote_id
        assert after.remote_id is not None or ended
        assert chosen.remote_id != after.remote_id
