"""What ends the belief in a PIN: lists that lack it, and ids that were not found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pins.core import looks, nominees, posts, transitions
from pins.core.pin_state import Observed, Op
from pins.core.posts import Post
from pins.core.witness import Credit
from tests.support.facts import NOW
from tests.support.looks import (
    CONTENT,
    DAY,
    DELETE,
    LOST_PUT,
    MADE,
    MINUTE,
    POST,
    PUT,
    SET,
    UNTIL,
    looked,
    shown,
)


@pytest.mark.parametrize("credit", [Credit.DOUBTFUL, Credit.UNPROVEN, Credit.PROVEN])
def test_a_list_and_a_404_end_the_belief_in_either_order(credit: Credit) -> None:
    omitted = looked(SET, credit=credit)
    assert omitted == replace(SET, omitted=True)
    assert looks.missing(omitted, NOW).held == frozenset()
    not_found = looks.missing(SET, NOW)
    assert not_found == replace(SET, not_found=True, must_look=True)
    assert looked(not_found, credit=credit) == Observed()


def test_after_a_404_a_list_that_shows_the_id_wins() -> None:
    assert looked(looks.missing(SET, NOW), 7) == SET


def test_not_found_is_believed_alone_only_after_the_end() -> None:
    assert looks.missing(replace(SET, pending=DELETE), NOW) == replace(SET, must_look=True, not_found=True)
    assert looks.missing(replace(SET, pending=DELETE), NOW + DAY) == Observed()
    assert looks.missing(replace(SET, pending=PUT), NOW + DAY) == Observed(lapsed=True)
    assert looks.missing(replace(SET, applied=None, pending=PUT), NOW + DAY).must_look


def test_a_permanent_code_has_no_end_that_would_make_one_list_enough() -> None:
    permanent = replace(SET, applied=replace(CONTENT, ends_at=None))
    assert looks.looked(permanent, shown(), NOW + 1000 * DAY).held == {7}


def test_reading_a_code_that_a_list_lacks_doubts_the_list_for_a_while() -> None:
    read = looks.read(looked(SET, credit=Credit.DOUBTFUL), CONTENT, NOW)
    assert (read.omitted, read.list_doubted_at) == (False, NOW)
    soon = NOW + looks.LIST_IS_DOUBTED
    assert not looks.looked(read, shown(), soon - MINUTE).omitted
    assert looks.looked(read, shown(), soon).omitted
    assert looks.read(SET, CONTENT, NOW).list_doubted_at is None


def test_when_the_id_is_gone_another_one_of_ours_takes_its_place() -> None:
    elsewhere = looked(SET, 9, 8, credit=Credit.DOUBTFUL)
    assert (elsewhere.remote_id, elsewhere.extra_ids, elsewhere.omitted) == (7, (9, 8), True)
    after = looks.missing(elsewhere, NOW)
    assert (after.remote_id, after.applied, after.extra_ids) == (9, None, (8,))


@pytest.mark.parametrize("credit", [Credit.DOUBTFUL, Credit.UNPROVEN])
def test_a_lost_delete_is_taken_for_done_only_by_a_list_that_proved_itself(credit: Credit) -> None:
    lost = transitions.lost(replace(SET, pending=DELETE, posts=(replace(MADE, id=7),)), UNTIL)
    assert looked(lost, credit=Credit.PROVEN) == Observed()
    omitted = looked(lost, credit=credit)
    assert (omitted.remote_id, omitted.omitted, omitted.pending) == (7, True, None)
    gone = looks.missing(omitted, NOW)
    assert (gone.held, gone.posts) == (frozenset(), ())
    assert not looks.taken_away(omitted, gone, NOW), "it was our own DELETE"
    assert looks.read(omitted, CONTENT, NOW).remote_id == 7  # it never arrived: it is sent again
    assert looks.looked(lost, shown(credit=credit), NOW + DAY).held == frozenset()


def test_our_id_under_another_name_is_read_even_after_a_lost_delete() -> None:
    after = looks.looked(SET, shown(renamed=7), NOW)
    assert (after.remote_id, after.must_read, after.omitted) == (7, True, False)
    lost = transitions.lost(replace(SET, pending=DELETE), UNTIL)
    after = looks.looked(lost, shown(renamed=7), NOW)
    assert (after.remote_id, after.must_read, after.pending) == (7, True, None)


@pytest.mark.parametrize(
    ("credit", "left"),
    [(Credit.PROVEN, ()), (Credit.UNPROVEN, (replace(MADE, absent=True),)), (Credit.DOUBTFUL, (MADE,))],
)
def test_a_creation_is_absent_only_where_the_list_may_be_believed(credit: Credit, left: tuple[Post, ...]) -> None:
    lost = transitions.lost(transitions.prepared(Observed(), POST, NOW), UNTIL)
    assert looked(lost, credit=credit).posts == left


def test_a_creation_that_a_list_shows_has_its_id() -> None:
    lost = transitions.lost(transitions.prepared(Observed(), POST, NOW), UNTIL)
    assert looked(lost, 4).posts == (replace(MADE, id=4),)


def test_a_list_that_ends_a_belief_is_weighed_before_its_creation_is_forgotten() -> None:
    made = replace(MADE, id=7)
    held = looks.missing(replace(SET, posts=(made,)), NOW)
    assert looked(held, credit=Credit.PROVEN).posts == ()
    assert looked(held, credit=Credit.UNPROVEN).posts == (replace(made, absent=True),)
    assert looked(held, credit=Credit.DOUBTFUL).posts == (made,)
    after_its_end = looks.looked(replace(SET, posts=(made,)), shown(credit=Credit.UNPROVEN), NOW + DAY)
    assert after_its_end.posts == ()


def test_a_404_after_a_list_takes_a_creation_out_of_the_hour_but_not_of_the_day() -> None:
    made = replace(MADE, id=7)
    omitted = looked(replace(SET, posts=(made,)), credit=Credit.DOUBTFUL)
    assert omitted.posts == (made,)
    assert looks.missing(omitted, NOW).posts == (replace(made, absent=True),)
    assert looks.missing(omitted, NOW + DAY).posts == ()


@pytest.mark.parametrize("credit", [Credit.PROVEN, Credit.UNPROVEN])
def test_a_surplus_code_that_a_list_shows_absent_counts_no_more(credit: Credit) -> None:
    held = replace(SET, extra_ids=(8,), posts=(replace(MADE, id=7), replace(MADE, id=8)))
    after = looked(held, 7, credit=credit)
    assert after.extra_ids == ()
    assert posts.closed_until((*after.posts, MADE), after.held, NOW) is None


@pytest.mark.parametrize("before", [SET, Observed(), replace(SET, applied=None)])
def test_a_surplus_code_is_not_forgotten_because_a_doubtful_list_lacks_it(before: Observed) -> None:
    held = replace(before, extra_ids=(8,))
    ours = [one for one in (before.remote_id,) if one is not None]
    assert looked(held, *ours, credit=Credit.DOUBTFUL).extra_ids == (8,)
    assert looked(held, credit=Credit.DOUBTFUL).extra_ids == (8,)
    assert looked(held, *ours).extra_ids == ()


def test_one_that_outlived_its_end_goes_and_another_one_of_ours_stays() -> None:
    over = replace(SET, applied=replace(CONTENT, ends_at=NOW))
    assert looked(over, 5, 7, 9) == Observed(remote_id=5, extra_ids=(7, 9))


def test_a_name_that_may_be_ours_does_not_keep_the_list_from_being_believed() -> None:
    lost = transitions.lost(transitions.prepared(Observed(), POST, NOW), UNTIL)
    seen = looks.looked(lost, shown(11, credit=Credit.UNPROVEN), NOW)
    assert seen.remote_id == 11
    foreign = looks.looked(lost, shown(nominees=(11,), credit=Credit.UNPROVEN), NOW)
    assert (foreign.nominees, foreign.pending) == ((11,), lost.pending)
    assert nominees.not_ours(foreign, 11).posts == (replace(MADE, absent=True),)
    over = replace(lost, late=replace(LOST_PUT, until=NOW, kinds=frozenset({Op.POST})))
    assert looks.looked(over, shown(nominees=(11,)), NOW).late is None


def test_only_a_lost_post_makes_us_search_while_an_answer_is_missing() -> None:
    lost = Observed(extra_ids=(8,), pending=replace(DELETE, remote_id=8), posts=(MADE,))
    after = looks.looked(lost, shown(nominees=(11,)), NOW)
    assert (after.nominees, after.pending, after.extra_ids) == ((), None, ())


def test_one_list_ends_the_belief_in_a_code_without_known_content_once_the_end_that_we_gave_it_came() -> None:
    over = Post(NOW - 3 * DAY, 7, NOW - MINUTE)
    lost = Observed(remote_id=7, posts=(over,))
    assert looks.looked(lost, shown(credit=Credit.DOUBTFUL), NOW).remote_id is None
    later = Observed(remote_id=7, posts=(replace(over, ends_at=NOW + MINUTE),))
    assert looks.looked(later, shown(credit=Credit.DOUBTFUL), NOW).omitted


def test_a_404_outside_tedees_envelope_ends_the_attempt_and_asks_the_list() -> None:
    lost = transitions.lost(replace(SET, pending=PUT), UNTIL)
    assert looks.missing_perhaps(lost, 7, NOW) == replace(lost, pending=None, must_look=True)
    assert looks.missing_perhaps(replace(SET, omitted=True), 7, NOW) == Observed()


def test_what_vanished_before_it_was_read_says_nothing_of_a_lost_creation() -> None:
    doubted = replace(MADE, absent=True, renamed_or_gone=True)
    searching = Observed(pending=POST, nominees=(11, 12), posts=(doubted,))
    open_again = replace(MADE, absent=True)
    assert nominees.passed_over(searching, 11) == replace(searching, nominees=(12,), posts=(open_again,))
    assert nominees.passed_over(replace(searching, nominees=(11,)), 11) == Observed(posts=(open_again,))
