"""A creation whose answer was lost: for how long it is searched for, and what a similar name says about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pins.core import looks, nominees, posts, transitions
from pins.core.interpret import Response
from pins.core.pin_state import Observed, PinView
from pins.core.plan import Create, Delete, Look, Read, next_step
from pins.core.witness import Credit
from pins.tedee.errors import PinExists, PinNotFound
from tests.support.answers import ALIAS, LATE, deleting, listing, meaning, posting, remote
from tests.support.facts import NOW, WISH

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CUT = ALIAS[:13]
CODE, OTHER = WISH.content.code, replace(WISH.content, code="604173")
NOT_FOUND = Response(error=PinNotFound(404))
#: Sent so long ago that it can land no more; no list was read since.
LOST = transitions.lost(posting(), NOW)
GIVEN_UP = meaning(LOST, Look(), listing("Cleaner"), credit=Credit.PROVEN).observed


# -- lists that lag behind ---------------------------------------------------------------------------------------------


def test_a_lost_creation_is_kept_in_mind_while_only_stale_lists_were_read() -> None:
    assert transitions.forget_late(LOST, NOW) == LOST
    stale = meaning(LOST, Look(), listing("Cleaner"), credit=Credit.STALE).observed
    assert transitions.forget_late(stale, NOW).late == LOST.late
    seen = meaning(stale, Look(), listing("Cleaner"), credit=Credit.PROVEN).observed
    assert looks.given_up(stale, seen, NOW)
    assert transitions.forget_late(replace(LOST, pending=None), NOW).late is None


def test_the_value_of_a_creation_that_is_given_up_is_kept_until_a_list_is_late_enough() -> None:
    assert (GIVEN_UP.late, GIVEN_UP.left_codes) == (None, frozenset({CODE}))
    later = meaning(replace(GIVEN_UP, must_look=True), Look(), listing("Cleaner"), credit=Credit.PROVEN).observed
    assert later.left_codes == frozenset()
    found = meaning(LOST, Look(), listing(ALIAS), credit=Credit.PROVEN).observed
    assert (found.remote_id, found.left_codes) == (7, frozenset())


def test_the_lock_has_the_value_of_a_creation_that_was_given_up() -> None:
    """So the creation counts, against the list that did not show it, and its code is removed once a list names it."""
    refused = meaning(posting(GIVEN_UP), Create(), Response(error=PinExists(406))).observed
    assert (refused.exists, refused.must_look, refused.left_codes) == (True, True, frozenset({CODE}))
    assert [(post.id, post.absent) for post in refused.posts] == [(None, False)]

    rotated = transitions.rotated(refused, CODE)
    other = replace(WISH, content=OTHER)
    made = meaning(posting(rotated, OTHER), Create(), Response(created_id=20), other).observed
    named = meaning(replace(made, must_look=True), Look(), listing(CUT, "Cleaner"), other).observed
    named = replace(named, omitted=False)
    assert next_step(PinView(other, named), NOW) == Read(7)
    found = meaning(named, Read(7), remote(CUT), other).observed
    assert (found.remote_id, found.extra_ids, found.nominees) == (20, (7,), ())
    assert next_step(PinView(other, found), NOW) == Delete(7)


def test_a_surplus_code_under_a_changed_name_is_not_forgotten_by_another_list() -> None:
    """Its removal was refused, so that the list is read before the next try. That list names it as the first one."""
    held = replace(transitions.created(posting(content=OTHER), 20), left_codes=frozenset({CODE}))
    other = replace(WISH, content=OTHER)
    found = nominees.surplus(replace(held, nominees=(7,)), 7, CODE)
    again = meaning(transitions.not_applied(deleting(found)), Look(), listing(CUT, "Cleaner"), other).observed
    again = replace(again, omitted=False)
    assert next_step(PinView(other, again), NOW) == Read(7)
    assert meaning(again, Read(7), remote(CUT), other).observed.extra_ids == (7,)
    removed = transitions.deleted(deleting(found), 7)
    gone = meaning(replace(removed, must_look=True), Look(), listing("Cleaner"), other, credit=Credit.PROVEN).observed
    assert (removed.left_codes, gone.left_codes) == (frozenset({CODE}), frozenset())


# -- names that may be ours --------------------------------------------------------------------------------------------

#: The list has proved itself, and names a PIN that may be what the lost POST made.
NAMED = meaning(transitions.lost(posting(), NOW + LATE), Look(), listing(CUT), credit=Credit.PROVEN).observed
FOREIGN = replace(WISH.content, code="111222")


def test_a_proven_list_ends_a_lost_creation_once_the_similar_name_turns_out_to_be_somebody_elses() -> None:
    assert [post.absent for post in NAMED.posts] == [True]
    assert meaning(NAMED, Read(7), remote(CUT, FOREIGN)).observed.posts == ()


def test_creations_may_be_lost_for_hours_beside_a_guests_namesake() -> None:
    """Each of them was sought on a list that had proved itself: none counts for the ceiling."""
    observed = Observed()
    for _ in range(10):
        assert posts.closed_until(observed.posts, (), NOW) is None
        lost = transitions.lost(posting(observed), NOW + LATE)
        named = meaning(lost, Look(), listing(CUT), credit=Credit.PROVEN).observed
        observed = meaning(named, Read(7), remote(CUT, FOREIGN)).observed


@pytest.mark.parametrize("credit", [Credit.UNPROVEN, Credit.DOUBTFUL])
def test_a_list_that_proved_nothing_leaves_a_lost_creation_open(credit: Credit) -> None:
    again = meaning(NAMED, Look(), listing(CUT), credit=credit).observed  # it came after one that had proved itself
    assert len(meaning(again, Read(7), remote(CUT, FOREIGN)).observed.posts) == 1


def test_every_similar_name_must_be_somebody_elses() -> None:
    both = meaning(transitions.lost(posting(), NOW + LATE), Look(), listing(CUT, CUT), credit=Credit.PROVEN).observed
    one = meaning(both, Read(7), remote(CUT, FOREIGN)).observed
    assert (one.nominees, len(one.posts)) == ((8,), 1)
    assert meaning(one, Read(8), remote(CUT, FOREIGN, remote_id=8)).observed.posts == ()
    assert [post.id for post in meaning(one, Read(8), remote(CUT, remote_id=8)).observed.posts] == [8]


@pytest.mark.parametrize("answer", [NOT_FOUND, remote(CUT, replace(WISH.content, ends_at=NOW + DAY))])
def test_one_that_vanished_or_has_our_value_may_have_been_ours(answer: Response) -> None:
    after = meaning(NAMED, Read(7), answer).observed
    assert (after.nominees, len(after.posts)) == ((), 1)
