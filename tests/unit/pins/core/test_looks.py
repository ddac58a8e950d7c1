"""What looking teaches about one PIN: lists, PINs that were read, ids that were not found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from pins.core import looks, posts, transitions
from pins.core.pin_state import Content, Late, Observed, Op, PendingWrite, PinView
from pins.core.posts import Post
from pins.core.witness import Credit, Sighting
from tests.support.facts import NOW, contents, looks_at, observations

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
UNTIL = NOW + 10 * MINUTE
CONTENT = Content("481516", NOW + HOUR, NOW + DAY)
POST, PUT, DELETE = (
    PendingWrite(Op.POST, 3, CONTENT, None),
    PendingWrite(Op.PUT, 3, CONTENT, 7),
    PendingWrite(Op.DELETE, 3, None, 7),
)
SET = Observed(remote_id=7, applied=CONTENT)
MADE = Post(NOW, None, CONTENT.ends_at)


def shown(*ours: int, credit: Credit = Credit.UNPROVEN, nominees: tuple[int, ...] = (), renamed: int = 0) -> Sighting:
    listed = frozenset({*ours, *nominees, *([renamed] if renamed else [])})
    return Sighting(ours, bool(renamed), nominees, listed, credit)


def after_lost_post(**fields: Any) -> Observed:
    late = Late(UNTIL, POST.rev, 1, frozenset({Op.POST}), frozenset({CONTENT.code}))
    return Observed(pending=replace(POST, in_doubt=True), late=late, posts=(MADE,), **fields)


def test_what_a_lost_post_made_is_known_only_while_one_value_was_ever_sent() -> None:
    assert looked(after_lost_post(), 7).applied == CONTENT
    assert looked(after_lost_post(left_codes=frozenset({"604173"})), 7).applied is None


def test_a_former_value_is_searched_for_until_a_list_is_late_enough() -> None:
    left = replace(SET, left_codes=frozenset({"604173"}))
    proven = shown(7, credit=Credit.PROVEN)
    assert looks.looked(left, replace(proven, late_enough=False), NOW).left_codes == left.left_codes
    assert looks.looked(left, proven, NOW).left_codes == frozenset()


def test_a_creation_is_given_up_when_it_can_land_no_more_and_was_not_found() -> None:
    before = replace(after_lost_post(), pending=None)
    unseen, found = replace(before, late=None), looked(after_lost_post(), 7)
    assert looks.given_up(before, unseen, UNTIL)
    assert not looks.given_up(before, found, UNTIL - MINUTE)
    assert not looks.given_up(before, found, UNTIL)  # it is there
    assert not looks.given_up(before, before, UNTIL)
    assert not looks.given_up(unseen, unseen, UNTIL)
    late = before.late
    assert late is not None
    assert not looks.given_up(replace(before, late=replace(late, kinds=frozenset({Op.PUT}))), unseen, UNTIL)


def looked(observed: Observed, *ours: int, credit: Credit = Credit.UNPROVEN) -> Observed:
    """After a list, without the moment when it was read."""
    return replace(looks.looked(observed, shown(*ours, credit=credit), NOW), listed_at=None)


# -- laws over everything -------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(looks_at())
def test_after_a_list_what_is_listed_is_ours_or_waits_to_be_read(look: tuple[PinView, Sighting]) -> None:
    before, seen = look[0].observed, look[1]
    after = looks.looked(before, seen, NOW)
    assert not after.must_look
    assert after.listed_at == NOW
    if after.nominees:
        assert after.nominees == seen.nominees
        return
    assert set(seen.ours) <= after.held
    assert after.pending is None
    for kept in after.held - set(seen.ours):
        assert kept in before.held, "a list makes nothing ours that it does not show as ours"
    assert after.remote_id not in after.extra_ids
    assert after.held or not after.omitted
    if after.late is not None:
        assert before.late is not None
        assert after.late.until > NOW
        assert after.late.count <= before.late.count


@settings(deadline=None, max_examples=300)
@given(looks_at())
def test_the_same_list_twice_teaches_nothing_more(look: tuple[PinView, Sighting]) -> None:
    before, seen = look[0].observed, look[1]
    once = looks.looked(before, seen, NOW)
    if once.remote_id is None and once.extra_ids:
        return  # it outlived its end and is deleted next; another list would make us read it first
    if once.remote_id is not None and once.remote_id not in {before.remote_id, *seen.ours}:
        return  # it takes the place of one that outlived its end, and this list lacks it: it is read
    if once.remote_id != before.remote_id:
        seen = replace(seen, renamed=False)  # that was said of the id that we held
    if looks.given_up(before, once, NOW):
        seen = replace(seen, late_enough=False)  # from now on the lock's lists are compared again, later
    # Where the list ended a belief or brought a missing answer, the next one may search under changed names.
    again = looks.looked(once, seen, NOW)
    twice = replace(again, nominees=once.nominees)
    if once.remote_id != before.remote_id:
        twice = replace(twice, left_codes=once.left_codes)  # it searches for what lost requests carried, too
    # In which order surplus ones are removed does not matter.
    assert replace(twice, extra_ids=tuple(sorted(twice.extra_ids))) == replace(
        once, extra_ids=tuple(sorted(once.extra_ids))
    )
    if once.nominees == seen.nominees and (once.extra_ids, once.left_codes) == (again.extra_ids, again.left_codes):
        assert not looks.contradicts(once, seen, NOW)


@settings(deadline=None, max_examples=300)
@given(looks_at())
def test_no_single_list_ends_the_belief_in_a_code_before_its_end(look: tuple[PinView, Sighting]) -> None:
    before, seen = look[0].observed, look[1]
    held, applied, pending = before.remote_id, before.applied, before.pending
    ended = applied.has_ended(NOW) if applied is not None else posts.has_ended(before.posts, held, NOW)
    removed = pending is not None and pending.op is Op.DELETE and pending.remote_id == held
    if held is not None and not ended and not removed and not before.not_found:
        assert held in looks.looked(before, seen, NOW).held


@settings(deadline=None, max_examples=200)
@given(observations(), contents())
def test_after_reading_the_content_is_known(seen: Observed, content: Content) -> None:
    after = looks.read(seen, content, NOW)
    known = None if seen.remote_id is not None and content.has_ended(NOW) else content  # else it is removed, not kept
    assert (after.applied, after.pending, after.held) == (known, None, seen.held)
    assert (after.omitted, after.not_found, after.must_read) == (False, False, False)


# -- lists ----------------------------------------------------------------------------------------------------------


def test_a_lost_post_that_is_listed_is_adopted_with_what_it_carried() -> None:
    lost = transitions.lost(Observed(pending=POST), UNTIL)
    assert looked(lost, 4) == replace(SET, remote_id=4)
    assert looked(lost) == Observed(late=lost.late)  # it may still land


def test_only_reading_tells_which_of_several_bodies_is_there() -> None:
    earlier = looked(transitions.lost(Observed(pending=POST), UNTIL))
    other = replace(POST, rev=4, content=replace(CONTENT, ends_at=NOW + 2 * DAY))
    lost = transitions.lost(transitions.prepared(earlier, other, NOW), UNTIL)
    after = looked(lost, 4)
    assert (after.remote_id, after.applied) == (4, None)
    assert after.late is not None  # one of the two is still out
    assert looked(transitions.lost(Observed(pending=POST), UNTIL), 4, 5).applied is None


def test_more_than_one_of_ours_are_surplus_and_the_known_one_stays() -> None:
    assert looked(SET, 5, 7, 9) == replace(SET, extra_ids=(5, 9))


def test_a_pin_that_outlived_its_end_is_surplus_and_one_that_did_not_has_lapsed() -> None:
    over = NOW + DAY
    assert looks.looked(SET, shown(7), over) == Observed(extra_ids=(7,), listed_at=over)
    assert looks.looked(SET, shown(), over) == Observed(lapsed=True, listed_at=over)


def test_a_closing_look_that_may_have_missed_a_put_forgets_the_content() -> None:
    late = Late(NOW - MINUTE, 2, 1, frozenset({Op.PUT}))
    assert looked(replace(SET, late=late), 7) == replace(SET, applied=None)


def test_a_list_that_differs_from_our_belief_contradicts_it_unless_an_answer_is_missing() -> None:
    assert looks.contradicts(SET, shown(), NOW)
    assert looks.contradicts(SET, shown(7, 8), NOW)
    assert looks.contradicts(Observed(), shown(7), NOW)
    assert not looks.contradicts(SET, shown(7), NOW)
    assert not looks.contradicts(replace(SET, pending=PUT), shown(), NOW)
    assert not looks.contradicts(SET, shown(credit=Credit.STALE), NOW)


# -- gone or not ----------------------------------------------------------------------------------------------------


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


# -- what a list says about creations -------------------------------------------------------------------------------


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
    assert looks.not_ours(foreign, 11).posts == (replace(MADE, absent=True),)
    over = replace(lost, late=replace(LOST_PUT, until=NOW, kinds=frozenset({Op.POST})))
    assert looks.looked(over, shown(nominees=(11,)), NOW).late is None


def test_only_a_lost_post_makes_us_search_while_an_answer_is_missing() -> None:
    lost = Observed(extra_ids=(8,), pending=replace(DELETE, remote_id=8), posts=(MADE,))
    after = looks.looked(lost, shown(nominees=(11,)), NOW)
    assert (after.nominees, after.pending, after.extra_ids) == ((), None, ())


# -- reading --------------------------------------------------------------------------------------------------------


def test_reading_settles_the_put_that_it_shows() -> None:
    lost = transitions.lost(replace(SET, pending=PUT), UNTIL)
    assert looks.read(lost, CONTENT, NOW) == SET
    other = replace(CONTENT, code="234289")
    assert looks.read(lost, other, NOW) == replace(SET, applied=other, late=lost.late)


def test_an_id_that_is_somebody_elses_is_no_longer_ours() -> None:
    held = replace(SET, pending=PUT, posts=(replace(MADE, id=7), MADE))
    assert looks.read_foreign(held) == Observed(must_look=True, posts=(MADE,))


def test_the_search_is_over_after_the_last_candidate() -> None:
    searching = Observed(pending=POST, nominees=(11, 12))
    assert looks.not_ours(searching, 11) == replace(searching, nominees=(12,))
    assert looks.not_ours(looks.not_ours(searching, 11), 12) == Observed()


# -- somebody else's hand ------------------------------------------------------------------------------------------

LOST_PUT = Late(UNTIL, 3, 1, frozenset({Op.PUT}))
ENDED = replace(CONTENT, ends_at=NOW + looks.CLOCKS_DIFFER)
GONE = Observed()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (SET, GONE, True),
        (SET, replace(SET, remote_id=9), True),  # removed and added again by hand
        (SET, SET, False),
        (SET, replace(SET, extra_ids=(9,)), False),
        (SET, replace(SET, omitted=True), False),  # one witness
        (replace(SET, must_look=True), GONE, True),  # a 404 asked for the look
        (replace(SET, applied=replace(CONTENT, ends_at=None)), GONE, True),  # a permanent one never expires
        (replace(SET, pending=DELETE), GONE, False),
        (replace(SET, late=Late(UNTIL, 3, 1, frozenset({Op.DELETE}))), GONE, False),
        (replace(SET, applied=None), GONE, False),
        (replace(SET, applied=ENDED), GONE, False),  # the lock's own doing, perhaps
        (Observed(), GONE, False),
    ],
)
def test_a_code_that_is_gone_though_it_should_be_there_shows_a_strangers_hand(
    before: Observed, after: Observed, told: bool
) -> None:
    assert looks.taken_away(before, after, NOW) is told


OTHER = replace(CONTENT, code="777123")


@pytest.mark.parametrize(
    ("seen", "content", "told"),
    [
        (SET, CONTENT, False),
        (SET, replace(CONTENT, code="604173"), True),
        (SET, replace(CONTENT, ends_at=None), True),
        (replace(SET, pending=replace(PUT, content=OTHER), late=LOST_PUT), CONTENT, False),
        (replace(SET, pending=replace(PUT, content=OTHER), late=LOST_PUT), replace(CONTENT, starts_at=None), True),
        (replace(SET, pending=replace(PUT, content=OTHER), late=LOST_PUT), OTHER, False),
        (replace(SET, pending=PUT, late=replace(LOST_PUT, count=2)), replace(CONTENT, code="604173"), False),
        (replace(SET, late=LOST_PUT), replace(CONTENT, code="604173"), False),  # a closing look: it may be the lost one
        (replace(SET, applied=None), CONTENT, False),
        (replace(SET, applied=ENDED), replace(CONTENT, ends_at=None), False),
    ],
)
def test_a_pin_that_says_what_was_never_sent_shows_a_strangers_hand(
    seen: Observed, content: Content, told: bool
) -> None:
    assert looks.rewritten(seen, content, NOW) is told


def test_a_lost_creation_is_not_denied_by_a_list_that_shows_something_like_it() -> None:
    """Two values were sent, both answers lost. One code is recognised; the lock says that it has the other value, too.
    So that one is still searched for when a third value is chosen."""
    made = (MADE, Post(NOW + MINUTE, None, CONTENT.ends_at))
    searching = Observed(exists=True, must_look=True, posts=made)
    seen = looks.looked(searching, shown(nominees=(31, 32), credit=Credit.PROVEN), NOW + HOUR)
    assert (seen.nominees, [post.absent for post in seen.posts]) == ((31, 32), [True, True])
    assert looks.looked(searching, shown(credit=Credit.PROVEN), NOW + HOUR).posts == ()
    adopted = looks.adopted(seen, 31, CONTENT, NOW + HOUR)
    rotated = transitions.rotated(replace(adopted, exists=True), "604173")
    assert rotated.remote_id == 31
    assert rotated.left_codes == {"604173"}


def test_a_former_value_under_a_changed_name_is_read_until_a_proven_list_shows_nothing_like_it() -> None:
    """Its POST was lost, the lock said that it has the value, and another value was chosen."""
    left = replace(SET, left_codes=frozenset({"604173"}))
    here = SET.remote_id
    assert here is not None
    seen = looks.looked(left, shown(here, nominees=(31,), credit=Credit.PROVEN), NOW)
    assert (seen.remote_id, seen.nominees, seen.left_codes) == (here, (31,), left.left_codes)
    found = looks.surplus(seen, 31, "604173")
    assert (found.remote_id, found.extra_ids, found.nominees, found.left_codes) == (here, (31,), (), left.left_codes)
    doubtful = looks.looked(left, shown(here, credit=Credit.DOUBTFUL), NOW)
    assert doubtful.left_codes == left.left_codes
    assert looks.looked(left, shown(here, credit=Credit.PROVEN), NOW).left_codes == frozenset()


def test_one_list_ends_the_belief_in_a_code_without_known_content_once_the_end_that_we_gave_it_came() -> None:
    over = Post(NOW - 3 * DAY, 7, NOW - MINUTE)
    lost = Observed(remote_id=7, posts=(over,))
    assert looks.looked(lost, shown(credit=Credit.DOUBTFUL), NOW).remote_id is None
    later = Observed(remote_id=7, posts=(replace(over, ends_at=NOW + MINUTE),))
    assert looks.looked(later, shown(credit=Credit.DOUBTFUL), NOW).omitted
