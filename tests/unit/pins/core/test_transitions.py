"""What each answer teaches about one PIN, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core import transitions
from pins.core.pin_state import Blocked, Content, Late, Observed, Op, PendingWrite
from tests.support.facts import NOW, contents, observations, pending_writes

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
UNTIL = NOW + 10 * MINUTE
CONTENT = Content("481516", NOW + HOUR, NOW + DAY)
POST, PUT, DELETE = (
    PendingWrite(Op.POST, 3, CONTENT, None),
    PendingWrite(Op.PUT, 3, CONTENT, 7),
    PendingWrite(Op.DELETE, 3, None, 7),
)
SET = Observed(remote_id=7, applied=CONTENT)
listings = st.lists(st.integers(1, 9), unique=True, max_size=3)


def ids(observed: Observed) -> set[int | None]:
    return {observed.remote_id, *observed.extra_ids} - {None}


# -- laws over everything -------------------------------------------------------------------------------------------

LESSONS: dict[str, Callable[[Observed], Observed]] = {
    "updated": transitions.updated,
    "deleted": lambda seen: transitions.deleted(seen, seen.remote_id),
    "missing": lambda seen: transitions.missing(seen, NOW),
    "refused_existing": transitions.refused_existing,
    "refused_value": lambda seen: transitions.refused_value(seen, NOW),
    "not_applied": transitions.not_applied,
    "rested": lambda seen: transitions.rested(seen, UNTIL, 2),
    "stopped": lambda seen: transitions.stopped(seen, Blocked.VALUE_TAKEN, 2),
    "rotated": transitions.rotated,
    "retried": transitions.retried,
    "read_foreign": transitions.read_foreign,
    "forget_late": lambda seen: transitions.forget_late(seen, NOW),
    "lost": lambda seen: transitions.lost(seen, UNTIL),
}


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
@settings(max_examples=60)
@given(observations())
def test_no_answer_but_201_and_a_list_makes_an_id_ours(lesson: Callable[[Observed], Observed], seen: Observed) -> None:
    assert ids(lesson(seen)) <= ids(seen)


@pytest.mark.parametrize("name", sorted(set(LESSONS) - {"forget_late", "lost"}))
@settings(max_examples=60)
@given(observations())
def test_a_change_that_may_still_land_is_forgotten_only_when_seen_or_over(name: str, seen: Observed) -> None:
    late = LESSONS[name](seen).late
    if seen.late is None:
        assert late is None
    else:
        assert late is not None
        assert (late.until, late.rev, late.count, late.kinds) == (
            seen.late.until,
            seen.late.rev,
            seen.late.count,
            seen.late.kinds,
        )


@pytest.mark.parametrize("name", ["rested", "stopped", "rotated", "retried", "forget_late"])
@settings(max_examples=60)
@given(observations())
def test_an_attempt_under_way_or_in_doubt_stays_so_without_an_answer(name: str, seen: Observed) -> None:
    after = LESSONS[name](seen)
    assert (after.pending, after.must_look, after.remote_id) == (seen.pending, seen.must_look, seen.remote_id)


@settings(max_examples=200)
@given(observations(), pending_writes())
def test_a_lost_answer_erases_nothing(seen: Observed, attempt: PendingWrite) -> None:
    sent = transitions.prepared(seen, replace(attempt, in_doubt=False))
    after = transitions.lost(sent, UNTIL)
    assert replace(after, pending=None, late=None) == replace(sent, pending=None, late=None)
    assert after.pending == replace(attempt, in_doubt=True)
    assert after.late is not None
    assert after.late.until >= UNTIL
    assert after.late.rev <= attempt.rev
    assert attempt.op in after.late.kinds
    assert after.late.count == (seen.late.count if seen.late is not None else 0) + 1
    if attempt.op is Op.POST and attempt.content is not None:
        assert attempt.content.code in after.late.codes
    assert transitions.lost(after, UNTIL + DAY) == after  # reported twice, counted once


@settings(max_examples=200)
@given(observations(), listings)
def test_after_a_list_exactly_the_listed_ids_are_ours(seen: Observed, ours: list[int]) -> None:
    after = transitions.looked(seen, ours, NOW)
    assert ids(after) == set(ours)
    assert after.pending is None
    assert not after.must_look
    assert not transitions.contradicts(after, ours)
    assert after.remote_id not in after.extra_ids
    if after.late is not None:
        assert seen.late is not None
        assert after.late.until > NOW
        assert after.late.count <= seen.late.count


@settings(max_examples=200)
@given(observations(), contents())
def test_after_reading_the_content_is_known(seen: Observed, content: Content) -> None:
    after = transitions.read(seen, content, NOW)
    assert (after.applied, after.pending, ids(after)) == (content, None, ids(seen))


@given(observations())
def test_a_new_device_begins_with_a_look_and_no_old_verdicts(seen: Observed) -> None:
    after = transitions.moved_to_new_device(seen)
    assert (ids(after), after.applied, after.pending, after.late) == (set(), None, None, None)
    assert after.must_look
    assert (after.blocked, after.exists, after.refused, after.hold_until) == ("", False, False, None)


# -- answers to a change --------------------------------------------------------------------------------------------


def test_prepared_leaves_a_trace_and_drops_old_verdicts() -> None:
    seen = Observed(exists=True, refused=True)
    after = transitions.prepared(seen, POST)
    assert (after.pending, after.tried_rev, after.exists, after.refused) == (POST, 3, False, False)
    assert transitions.prepared(seen, DELETE).exists  # a removal is no new try of the value


def test_created_and_updated_know_what_was_sent_and_put_troubles_to_rest() -> None:
    troubled = Observed(
        pending=POST, exists=True, refused=True, refusals=3, troubles=2, hold_until=UNTIL, lapsed=True, blocked="x"
    )
    made = transitions.created(troubled, 9)
    assert made == Observed(remote_id=9, applied=CONTENT)
    changed = transitions.updated(replace(troubled, remote_id=7, pending=PUT, lapsed=False))
    assert changed == SET


def test_deleted_takes_one_id_away() -> None:
    three = replace(SET, extra_ids=(8, 9), pending=DELETE)
    assert transitions.deleted(three, 8) == replace(SET, extra_ids=(9,))
    assert transitions.deleted(replace(SET, pending=DELETE), 7) == Observed()


def test_not_found_is_believed_only_after_the_end() -> None:
    assert transitions.missing(replace(SET, pending=DELETE), NOW) == replace(SET, must_look=True)
    assert transitions.missing(replace(SET, pending=DELETE), NOW + DAY) == Observed()
    assert transitions.missing(replace(SET, pending=PUT), NOW + DAY) == Observed(lapsed=True)
    assert transitions.missing(replace(SET, applied=None, pending=PUT), NOW + DAY).must_look


def test_a_406_after_a_post_may_be_our_own_after_a_put_it_is_not() -> None:
    assert transitions.refused_existing(Observed(pending=POST)) == Observed(exists=True, must_look=True)
    assert transitions.refused_existing(replace(SET, pending=PUT)) == replace(SET, exists=True)


def test_a_400_blames_a_past_start_first_and_the_value_then() -> None:
    past = replace(POST, content=replace(CONTENT, starts_at=NOW - HOUR))
    once = transitions.refused_value(Observed(pending=past), NOW)
    assert once == Observed(start_refused=True)
    twice = transitions.refused_value(replace(once, pending=past), NOW)
    assert twice == Observed(start_refused=True, refused=True, refusals=1)
    assert transitions.refused_value(Observed(pending=POST), NOW) == Observed(refused=True, refusals=1)


def test_a_certain_refusal_leaves_all_as_before() -> None:
    assert transitions.not_applied(replace(SET, pending=PUT)) == SET
    assert transitions.not_applied(replace(SET, pending=DELETE)) == SET


def test_an_id_that_may_vanish_is_looked_for_before_the_next_delete() -> None:
    surplus = replace(SET, extra_ids=(8,))
    assert transitions.not_applied(replace(surplus, pending=replace(DELETE, remote_id=8))).must_look
    assert transitions.not_applied(replace(SET, applied=None, pending=DELETE)).must_look


def test_a_value_given_up_because_another_has_it_cannot_land_any_more() -> None:
    late = Late(UNTIL, 3, 1, frozenset({Op.POST}), frozenset({"481516"}))
    taken = transitions.rotated(Observed(late=late, exists=True, refusals=1, lapsed=True))
    assert taken == Observed(late=replace(late, codes=frozenset()), refusals=2)
    refused = transitions.rotated(Observed(late=late, refused=True, refusals=1))
    assert refused == Observed(late=late, refusals=1)


# -- looking --------------------------------------------------------------------------------------------------------


def test_a_lost_post_that_is_listed_is_adopted_with_what_it_carried() -> None:
    lost = transitions.lost(Observed(pending=POST), UNTIL)
    assert transitions.looked(lost, [4], NOW) == replace(SET, remote_id=4)
    assert transitions.looked(lost, [], NOW) == Observed(late=lost.late)  # it may still land


def test_only_reading_tells_which_of_several_bodies_is_there() -> None:
    earlier = transitions.looked(transitions.lost(Observed(pending=POST), UNTIL), [], NOW)
    other = replace(POST, rev=4, content=replace(CONTENT, ends_at=NOW + 2 * DAY))
    lost = transitions.lost(transitions.prepared(earlier, other), UNTIL)
    after = transitions.looked(lost, [4], NOW)
    assert (after.remote_id, after.applied) == (4, None)
    assert after.late is not None  # one of the two is still out
    assert transitions.looked(transitions.lost(Observed(pending=POST), UNTIL), [4, 5], NOW).applied is None


def test_a_lost_delete_has_arrived_when_the_id_is_gone() -> None:
    lost = transitions.lost(replace(SET, pending=DELETE), UNTIL)
    assert transitions.looked(lost, [], NOW) == Observed()
    assert transitions.looked(lost, [7], NOW) == replace(SET, late=lost.late)


def test_more_than_one_of_ours_are_surplus_and_the_known_one_stays() -> None:
    assert transitions.looked(SET, [5, 7, 9], NOW) == replace(SET, extra_ids=(5, 9))


def test_a_pin_that_outlived_its_end_is_surplus_and_one_that_did_not_has_lapsed() -> None:
    assert transitions.looked(SET, [7], NOW + DAY) == Observed(extra_ids=(7,))
    assert transitions.looked(SET, [], NOW + DAY) == Observed(lapsed=True)
    assert transitions.looked(SET, [], NOW) == Observed()  # gone before its end: not the lock's doing


def test_a_closing_look_that_may_have_missed_a_put_forgets_the_content() -> None:
    late = Late(NOW - MINUTE, 2, 1, frozenset({Op.PUT}))
    assert transitions.looked(replace(SET, late=late), [7], NOW) == replace(SET, applied=None)


def test_a_list_that_differs_from_our_belief_contradicts_it_unless_an_answer_is_missing() -> None:
    assert transitions.contradicts(SET, [])
    assert transitions.contradicts(SET, [7, 8])
    assert transitions.contradicts(Observed(), [7])
    assert not transitions.contradicts(SET, [7])
    assert not transitions.contradicts(replace(SET, pending=PUT), [])


def test_reading_settles_the_put_that_it_shows() -> None:
    lost = transitions.lost(replace(SET, pending=PUT), UNTIL)
    assert transitions.read(lost, CONTENT, NOW) == SET
    other = replace(CONTENT, code="234289")
    assert transitions.read(lost, other, NOW) == replace(SET, applied=other, late=lost.late)


def test_an_id_with_a_foreign_alias_is_no_longer_believed() -> None:
    assert transitions.read_foreign(replace(SET, pending=PUT)) == replace(SET, applied=None, must_look=True)


def test_lost_changes_are_forgotten_when_they_can_no_longer_land() -> None:
    late = Late(UNTIL, 2, 1, frozenset({Op.PUT}))
    assert transitions.forget_late(replace(SET, late=late), NOW) == replace(SET, late=late)
    assert transitions.forget_late(replace(SET, late=late), UNTIL) == SET


def test_codes_stay_out_of_every_text() -> None:
    late = Late(UNTIL, 2, 1, frozenset({Op.POST}), frozenset({"481516"}))
    assert "481516" not in repr(replace(SET, pending=POST, late=late))


# -- somebody else's hand ------------------------------------------------------------------------------------------

LOST_PUT = Late(UNTIL, 3, 1, frozenset({Op.PUT}))
ENDED = replace(CONTENT, ends_at=NOW + transitions.CLOCKS_DIFFER)


@pytest.mark.parametrize(
    ("seen", "ours", "told"),
    [
        (SET, [], True),
        (SET, [9], True),  # removed and added again by hand
        (SET, [7], False),
        (SET, [7, 9], False),
        (replace(SET, must_look=True), [], True),  # a 404 asked for the look
        (replace(SET, pending=DELETE), [], False),
        (replace(SET, late=Late(UNTIL, 3, 1, frozenset({Op.DELETE}))), [], False),
        (replace(SET, applied=None), [], False),
        (replace(SET, applied=ENDED), [], False),  # the lock's own doing, perhaps
        (Observed(), [], False),
    ],
)
def test_a_list_without_a_code_that_should_be_there_shows_a_strangers_hand(
    seen: Observed, ours: list[int], told: bool
) -> None:
    assert transitions.taken_away(seen, ours, NOW) is told


@pytest.mark.parametrize(
    ("seen", "content", "told"),
    [
        (SET, CONTENT, False),
        (SET, replace(CONTENT, code="604173"), True),
        (SET, None, True),
        (replace(SET, pending=replace(PUT, content=replace(CONTENT, code="777123")), late=LOST_PUT), CONTENT, False),
        (replace(SET, pending=replace(PUT, content=replace(CONTENT, code="777123")), late=LOST_PUT), None, True),
        (
            replace(SET, pending=replace(PUT, content=replace(CONTENT, code="777123")), late=LOST_PUT),
            replace(CONTENT, code="777123"),
            False,
        ),
        (replace(SET, pending=PUT, late=replace(LOST_PUT, count=2)), replace(CONTENT, code="604173"), False),
        (replace(SET, late=LOST_PUT), replace(CONTENT, code="604173"), False),  # a closing look: it may be the lost one
        (replace(SET, applied=None), CONTENT, False),
        (replace(SET, applied=ENDED), None, False),
    ],
)
def test_a_pin_that_says_what_was_never_sent_shows_a_strangers_hand(
    seen: Observed, content: Content | None, told: bool
) -> None:
    assert transitions.rewritten(seen, content, NOW) is told
