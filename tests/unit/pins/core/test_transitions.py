"""What each answer teaches about one PIN, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings

from pins.core import looks, nominees, transitions
from pins.core.pin_state import Blocked, Late, Observed, Op, PendingWrite
from pins.core.posts import Post, closed_until
from pins.core.witness import Credit, Sighting
from tests.support.facts import NOW, observations, pending_writes
from tests.support.looks import CONTENT, DAY, DELETE, HOUR, MADE, POST, PUT, SET, UNTIL

# -- laws over everything -------------------------------------------------------------------------------------------

LESSONS: dict[str, Callable[[Observed], Observed]] = {
    "updated": transitions.updated,
    "deleted": lambda seen: transitions.deleted(seen, seen.remote_id),
    "missing": lambda seen: looks.missing(seen, NOW),
    "refused_existing": transitions.refused_existing,
    "refused_value": lambda seen: transitions.refused_value(seen, NOW),
    "not_applied": transitions.not_applied,
    "rested": lambda seen: transitions.rested(seen, UNTIL, 2),
    "stopped": lambda seen: transitions.stopped(seen, Blocked.VALUE_TAKEN, 2),
    "rotated": lambda seen: transitions.rotated(seen, "482913"),
    "retried": lambda seen: transitions.retried(seen, NOW),
    "waits_for_list": lambda seen: transitions.waits_for_list(seen, UNTIL, 2, NOW),
    "not_ours": lambda seen: nominees.not_ours(seen, 11),
    "read_foreign": looks.read_foreign,
    "forget_late": lambda seen: transitions.forget_late(seen, NOW),
    "lost": lambda seen: transitions.lost(seen, UNTIL),
}


# Each of these draws what is known once for all lessons: drawing costs a hundred times what is asked of it.


@settings(deadline=None, max_examples=100)
@given(observations())
def test_no_answer_but_201_and_a_list_makes_an_id_ours(seen: Observed) -> None:
    assert {name for name, lesson in LESSONS.items() if not lesson(seen).held <= seen.held} == set()


@settings(deadline=None, max_examples=100)
@given(observations())
def test_a_change_that_may_still_land_is_forgotten_only_when_seen_or_over(seen: Observed) -> None:
    def what_may_land(late: Late | None) -> tuple[object, ...] | None:
        return None if late is None else (late.until, late.rev, late.count, late.kinds)

    for name in set(LESSONS) - {"forget_late", "lost", "not_ours"}:
        assert what_may_land(LESSONS[name](seen).late) == what_may_land(seen.late), name


@settings(deadline=None, max_examples=100)
@given(observations())
def test_an_attempt_under_way_or_in_doubt_stays_so_without_an_answer(seen: Observed) -> None:
    for name in ("rested", "stopped", "rotated", "retried", "forget_late", "waits_for_list"):
        after = LESSONS[name](seen)
        kept = (after.pending, after.must_look, after.remote_id)
        assert kept == (seen.pending, seen.must_look, seen.remote_id), name


@settings(deadline=None, max_examples=200)
@given(observations(), pending_writes())
def test_a_lost_answer_erases_nothing(seen: Observed, attempt: PendingWrite) -> None:
    sent = transitions.prepared(seen, replace(attempt, in_doubt=False), NOW)
    after = transitions.lost(sent, UNTIL)
    more = 0 if attempt.op is Op.POST else seen.more_posts
    posted = attempt.content is not None and attempt.op is Op.POST
    ends = {attempt.content.ends_at} if posted and attempt.content is not None else set()
    rest = replace(sent, pending=None, late=None, more_posts=more, left_ends=sent.left_ends | ends)
    assert replace(after, pending=None, late=None) == rest
    assert after.pending == replace(attempt, in_doubt=True)
    assert after.late is not None
    assert after.late.until >= UNTIL
    assert after.late.rev <= attempt.rev
    assert attempt.op in after.late.kinds
    assert after.late.count == (seen.late.count if seen.late is not None else 0) + 1
    if attempt.op is Op.POST and attempt.content is not None:
        assert attempt.content.code in after.late.codes
    assert transitions.lost(after, UNTIL + DAY) == after  # reported twice, counted once


@given(observations())
def test_a_new_device_begins_with_a_look_and_no_old_verdicts(seen: Observed) -> None:
    after = transitions.moved_to_new_device(seen)
    assert (after.held, after.applied, after.pending, after.late) == (frozenset(), None, None, None)
    assert after.must_look
    assert (after.blocked, after.exists, after.refused, after.hold_until) == ("", False, False, None)
    assert (after.extra_ids, after.nominees, after.posts, after.left_codes) == ((), (), (), frozenset())
    assert (after.list_doubted_at, after.start_refused, after.lapsed, after.refusals) == (None, False, False, 0)
    assert (after.must_read, after.omitted, after.not_found, after.troubles) == (False, False, False, 0)


# -- answers to a change --------------------------------------------------------------------------------------------


def test_prepared_leaves_a_trace_and_drops_old_verdicts() -> None:
    seen = Observed(exists=True, refused=True, omitted=True, not_found=True, nominees=(11,))
    after = transitions.prepared(seen, POST, NOW, alias="Anna #7F3K2Q")
    assert (after.pending, after.tried_rev, after.exists, after.refused) == (POST, 3, False, False)
    assert (after.omitted, after.not_found, after.nominees) == (False, False, ())
    assert (after.sent_alias, after.posts) == ("Anna #7F3K2Q", (MADE,))
    removal = transitions.prepared(seen, DELETE, NOW)
    assert removal.exists  # a removal is no new try of the value
    assert (removal.sent_alias, removal.posts, removal.omitted) == ("", (), False)
    change = transitions.prepared(replace(seen, more_posts=1), PUT, NOW, alias="Anna #7F3K2Q")
    assert (change.sent_alias, change.posts, change.more_posts) == ("Anna #7F3K2Q", (), 1)


def test_a_persons_permission_is_used_up_by_the_first_creation_beyond_the_ceiling() -> None:
    for posts in ((MADE, MADE), (MADE, MADE, MADE), (MADE,) * 6):
        blocked = transitions.stopped(Observed(posts=posts), Blocked.CREATED_OFTEN, 3)
        once = transitions.retried(blocked, NOW)
        assert closed_until(posts, (), NOW, more=once.more_posts) is None
        assert closed_until((*posts, MADE), (), NOW, more=once.more_posts) is not None  # one, and not two
        sent = transitions.prepared(once, POST, NOW)
        for after in (transitions.created(sent, 9), transitions.lost(sent, UNTIL)):
            assert after.more_posts == 0
    other = transitions.retried(transitions.stopped(Observed(posts=(MADE, MADE)), Blocked.VALUE_TAKEN, 3), NOW)
    assert other.more_posts == 0


def test_a_refusal_gives_a_persons_permission_back() -> None:
    """The lock was busy, or its bridge offline: nothing was created."""
    once = transitions.retried(transitions.stopped(Observed(posts=(MADE,) * 4), Blocked.CREATED_OFTEN, 3), NOW)
    sent = transitions.prepared(once, POST, NOW)
    for after in (transitions.not_applied(sent), transitions.refused_value(sent, NOW)):
        assert closed_until(after.posts, (), NOW, more=after.more_posts) is None
    changed = transitions.lost(transitions.prepared(replace(SET, more_posts=1), PUT, NOW), UNTIL)
    assert changed.more_posts == 1


def test_a_creation_is_remembered_with_its_id_until_it_is_removed_or_was_refused() -> None:
    sent = transitions.prepared(Observed(), POST, NOW)
    made = transitions.created(sent, 9)
    assert made.posts == (replace(MADE, id=9),)
    assert transitions.deleted(replace(made, pending=DELETE), 9).posts == ()
    assert transitions.lost(sent, UNTIL).posts == (MADE,)
    assert transitions.not_applied(sent).posts == ()
    assert transitions.refused_value(sent, NOW).posts == ()
    assert transitions.refused_existing(sent).posts == ()
    changing = transitions.prepared(replace(SET, posts=(MADE,)), PUT, NOW)
    for after in (transitions.not_applied(changing), transitions.refused_value(changing, NOW)):
        assert after.posts == (MADE,)  # a refused change says nothing about an earlier creation


def test_after_a_stale_list_the_pin_rests() -> None:
    after = transitions.waits_for_list(Observed(must_look=True), UNTIL, 3, NOW)
    assert after == Observed(must_look=True, hold_until=UNTIL, hold_rev=3, listed_at=NOW)


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


def test_a_406_after_a_post_may_be_our_own_after_a_put_it_is_not() -> None:
    anything = Observed(exists=True, must_look=True, suspected_at=transitions.LONG_AGO)
    assert transitions.refused_existing(Observed(pending=POST)) == anything
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
    taken = transitions.rotated(Observed(late=late, exists=True, refusals=1, lapsed=True), "482913")
    assert taken == Observed(late=replace(late, codes=frozenset()), refusals=2)
    refused = transitions.rotated(Observed(late=late, refused=True, refusals=1), "482913")
    assert refused == Observed(late=late, refusals=1)


def test_a_value_that_the_lock_has_after_a_lost_post_is_searched_for_even_if_lists_lag() -> None:
    late = Late(NOW, POST.rev, 1, frozenset({Op.POST}), frozenset({"481516"}))
    sent = Observed(pending=POST, late=late, posts=(Post(NOW - HOUR, None, UNTIL), Post(NOW, None, UNTIL)))
    exists = transitions.refused_existing(sent)
    lagging = Sighting((), renamed=False, nominees=(), listed=frozenset({3}), credit=Credit.PROVEN)
    seen = looks.looked(exists, lagging, NOW)
    assert (seen.posts, seen.late, seen.exists) == ((), None, True)
    assert transitions.rotated(seen, "481516").left_codes == {"481516"}
    assert transitions.refused_existing(replace(sent, late=None)).left_codes == frozenset()


def test_a_value_given_up_whose_post_was_lost_may_be_ours_that_the_lock_has() -> None:
    late = Late(UNTIL, 3, 1, frozenset({Op.POST}), frozenset({"481516"}))
    taken = transitions.rotated(Observed(late=late, exists=True), "481516")
    assert taken.left_codes == {"481516"}
    assert transitions.rotated(Observed(late=late, refused=True), "481516").left_codes == frozenset()
    assert transitions.moved_to_new_device(taken).left_codes == frozenset()
    unseen = Observed(exists=True, posts=(Post(NOW, None, UNTIL),))  # it can land no more, and no list showed it
    assert transitions.rotated(unseen, "481516").left_codes == {"481516"}
    assert transitions.rotated(Observed(exists=True, posts=(Post(NOW, 7, UNTIL),)), "481516").left_codes == frozenset()


def test_a_code_without_a_beginning_has_no_past_start() -> None:
    always = replace(POST, content=replace(CONTENT, starts_at=None))
    assert transitions.refused_value(Observed(pending=always), NOW) == Observed(refused=True, refusals=1)


def test_lost_changes_are_forgotten_when_they_can_land_no_more_and_no_answer_is_missing() -> None:
    late = Late(NOW, 3, 1, frozenset({Op.PUT}))
    assert transitions.forget_late(replace(SET, late=late), NOW) == SET
    for kept in (replace(SET, late=replace(late, until=UNTIL)), replace(SET, late=late, pending=PUT)):
        assert transitions.forget_late(kept, NOW) == kept


def test_what_a_lost_creation_carried_is_kept_when_it_is_forgotten_unseen() -> None:
    other = "777123"
    late = Late(NOW, 3, 2, frozenset({Op.POST}), frozenset({CONTENT.code, other}))
    assert transitions.forget_late(replace(SET, late=late), NOW).left_codes == {other}
    unseen = transitions.forget_late(Observed(late=late, left_codes=frozenset({"234289"})), NOW)
    assert unseen == Observed(left_codes=frozenset({CONTENT.code, other, "234289"}))


def test_a_new_attempt_starts_without_the_verdicts_on_the_last_one() -> None:
    judged = replace(SET, omitted=True, not_found=True, exists=True, refused=True, nominees=(11,), sent_alias="old")
    removing = transitions.prepared(judged, DELETE, NOW)
    assert removing == replace(judged, pending=DELETE, tried_rev=3, omitted=False, not_found=False)
    changing = transitions.prepared(judged, PUT, NOW, alias="new")
    assert changing == replace(removing, pending=PUT, exists=False, refused=False, sent_alias="new")
    creating = transitions.prepared(judged, POST, NOW, alias="new")
    assert creating == replace(changing, pending=POST, nominees=(), posts=(MADE,), suspected_at=NOW)
