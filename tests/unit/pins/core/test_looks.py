"""What looking teaches about one PIN: lists, and PINs that were read."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from pins.core import looks, nominees, posts, transitions
from pins.core.pin_state import Content, Late, Observed, Op, PinView
from pins.core.posts import Post
from pins.core.witness import Credit, Sighting
from tests.support.facts import NOW, contents, looks_at, observations
from tests.support.looks import (
    CONTENT,
    DAY,
    HOUR,
    MADE,
    MINUTE,
    POST,
    PUT,
    SET,
    UNTIL,
    after_lost_post,
    looked,
    shown,
)


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


@settings(deadline=None, max_examples=200)
@given(looks_at())
def test_after_a_list_what_is_listed_is_ours_or_waits_to_be_read(look: tuple[PinView, Sighting]) -> None:
    before, seen = look[0].observed, look[1]
    after = looks.looked(before, seen, NOW)
    assert not after.must_look
    assert after.listed_at == NOW
    told = {one.id for one in after.twins}
    if not seen.credit.shows_absence:
        told |= set(before.nominees) - seen.listed
    assert set(after.nominees) <= {*seen.nominees, *told}
    if set(after.nominees) - {one.id for one in after.twins}:
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


def test_a_lost_post_that_is_listed_is_adopted_with_what_it_carried() -> None:
    lost = transitions.lost(Observed(pending=POST), UNTIL)
    ends = frozenset({CONTENT.ends_at})
    assert looked(lost, 4) == replace(SET, remote_id=4, left_ends=ends)
    assert looked(lost) == Observed(late=lost.late, left_ends=ends)  # it may still land


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
    assert nominees.not_ours(searching, 11) == replace(searching, nominees=(12,))
    assert nominees.not_ours(nominees.not_ours(searching, 11), 12) == Observed()


def test_a_lost_creation_is_not_denied_by_a_list_that_shows_something_like_it() -> None:
    """Two values were sent, both answers lost. One code is recognised; the lock says that it has the other value, too.
    So that one is still searched for when a third value is chosen."""
    made = (MADE, Post(NOW + MINUTE, None, CONTENT.ends_at))
    searching = Observed(exists=True, must_look=True, posts=made)
    seen = looks.looked(searching, shown(nominees=(31, 32), credit=Credit.PROVEN), NOW + HOUR)
    assert (seen.nominees, [post.absent for post in seen.posts]) == ((31, 32), [True, True])
    assert looks.looked(searching, shown(credit=Credit.PROVEN), NOW + HOUR).posts == ()
    adopted = nominees.adopted(seen, 31, CONTENT, NOW + HOUR)
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
    found = nominees.surplus(seen, 31, "604173")
    assert (found.remote_id, found.extra_ids, found.nominees, found.left_codes) == (here, (31,), (), left.left_codes)
    doubtful = looks.looked(left, shown(here, credit=Credit.DOUBTFUL), NOW)
    assert doubtful.left_codes == left.left_codes
    assert looks.looked(left, shown(here, credit=Credit.PROVEN), NOW).left_codes == frozenset()


def test_a_block_outlives_a_list_only_while_it_is_about_the_same_pin() -> None:
    blocked = replace(SET, blocked="edited_again", blocked_rev=3)
    assert looked(blocked, 7) == blocked
    assert looked(replace(blocked, remote_id=None, applied=None), 9).blocked == ""
