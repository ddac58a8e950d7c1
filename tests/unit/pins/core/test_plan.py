"""The plan, one case after the other. Its laws are in `test_plan_laws`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from pins.core import looks, plan, transitions
from pins.core.pin_state import Blocked, Desired, Late, Observed, Op, PendingWrite, PinView, State
from pins.core.plan import Block, Create, Delete, Look, Read, Rotate, Step, Update, Wait, next_step
from pins.core.witness import Credit, Sighting
from pins.tedee.messages import Recurrence
from tests.support.facts import NOW, SET, WISH

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def step(desired: Desired = WISH, observed: Observed | None = None, now: datetime = NOW) -> Step:
    return next_step(PinView(desired, observed or Observed()), now)


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


# -- permanent codes, weekdays and hours --------------------------------------------------------------------------

PERMANENT = replace(WISH, content=replace(WISH.content, starts_at=None, ends_at=None))
WEEKDAYS = replace(WISH, content=replace(WISH.content, recurrence=Recurrence(31, time(9), time(17))))


def test_the_life_of_a_permanent_code() -> None:
    there = replace(SET, applied=PERMANENT.content)
    assert step(PERMANENT) == Create()
    assert step(PERMANENT, there) == Wait(None)
    assert step(PERMANENT, there, NOW + 10_000 * DAY) == Wait(None)
    assert plan.state_of(PinView(PERMANENT, there), NOW + 10_000 * DAY) is State.SET
    assert step(replace(PERMANENT, wanted=False), there) == Delete(7)
    assert step(WISH, there) == Update(7)  # it gets an end
    assert step(PERMANENT, SET) == Update(7)  # it loses its end
    assert step(replace(PERMANENT, admitted=False)) == Wait(NOW + plan.ASK_FOR_ROOM)


@pytest.mark.parametrize("recurrence", [None, Recurrence(48), Recurrence(31, time(9), time(18))])
def test_other_weekdays_or_hours_are_put(recurrence: Recurrence | None) -> None:
    applied = replace(WEEKDAYS.content, recurrence=recurrence)
    assert step(WEEKDAYS, replace(SET, applied=applied)) == Update(7)
    assert step(WEEKDAYS, replace(SET, applied=WEEKDAYS.content)) == Wait(WISH.content.ends_at)


# -- witnesses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("doubt", [{"omitted": True}, {"must_read": True}])
def test_a_doubted_code_is_read_before_anything_is_done(doubt: dict[str, bool]) -> None:
    doubted = replace(SET, **doubt)  # type: ignore[arg-type]
    assert step(observed=doubted) == Read(7)
    assert step(replace(WISH, wanted=False), doubted) == Read(7)
    assert step(observed=replace(doubted, extra_ids=(8,))) == Read(7)  # which of them is there?
    assert step(observed=replace(doubted, must_look=True)) == Look()


def test_what_may_be_ours_is_read_before_a_second_code_is_made() -> None:
    assert step(observed=Observed(nominees=(11, 12))) == Read(11)
    lost = PendingWrite(Op.POST, 1, WISH.content, None, in_doubt=True)
    assert step(observed=Observed(nominees=(11,), pending=lost)) == Read(11)


def test_after_a_check_out_the_lock_is_not_asked_for_each_expired_code() -> None:
    over = NOW + 2 * DAY + plan.FRESH_END
    assert step(observed=SET, now=over) == Look()
    assert step(observed=looks.looked(SET, Sighting((), False, (), frozenset(), Credit.UNPROVEN), over), now=over) == (
        Wait(None)
    )


MAY_LAND = Late(NOW + HOUR, 1, 1, frozenset({Op.POST}))
LOST = PendingWrite(Op.POST, 1, WISH.content, None, in_doubt=True)
UNWANTED, NO_ROOM = replace(WISH, wanted=False), replace(WISH, admitted=False)


@pytest.mark.parametrize(
    ("desired", "observed", "state"),
    [
        (replace(WISH, issue_at=NOW + SECOND), Observed(), State.SCHEDULED),
        (replace(WISH, issue_at=NOW + SECOND), Observed(tried_rev=1), State.SCHEDULED),  # the window was made shorter
        (replace(WISH, issue_at=NOW), Observed(tried_rev=1), State.SETTING),
        (WISH, Observed(), State.SCHEDULED),  # nothing was sent so far
        (WISH, Observed(pending=replace(LOST, in_doubt=False)), State.SETTING),
        (WISH, replace(SET, pending=PendingWrite(Op.PUT, 1, WISH.content, 7)), State.CHANGING),
        (WISH, replace(SET, pending=PendingWrite(Op.DELETE, 1, None, 7)), State.REMOVING),
        (WISH, SET, State.SET),
        (WISH, replace(SET, late=MAY_LAND), State.SET),  # it can only say the same again
        (WISH, replace(SET, extra_ids=(8,)), State.CHANGING),  # “set” beside a surplus code
        (WISH, replace(SET, late=replace(MAY_LAND, rev=0)), State.CHANGING),  # the former wish may still land
        (WISH, replace(SET, blocked="value_taken", blocked_rev=1), State.SET),
        (WISH, replace(SET, applied=None), State.CHANGING),
        (replace(WISH, rev=2, content=replace(WISH.content, code="234289")), SET, State.CHANGING),
        (WISH, replace(SET, must_look=True), State.IN_DOUBT),
        (WISH, replace(SET, omitted=True), State.IN_DOUBT),
        (WISH, Observed(pending=LOST), State.IN_DOUBT),
        (UNWANTED, Observed(pending=LOST), State.IN_DOUBT),
        (WISH, Observed(blocked="value_taken", blocked_rev=1), State.BLOCKED),
        (WISH, Observed(blocked="value_taken", blocked_rev=0), State.SCHEDULED),  # it concerned another wish
        (UNWANTED, SET, State.REMOVING),
        (UNWANTED, Observed(extra_ids=(8,)), State.REMOVING),
        (UNWANTED, Observed(late=MAY_LAND), State.REMOVING),
        (UNWANTED, Observed(late=replace(MAY_LAND, kinds=frozenset({Op.DELETE}))), State.REMOVED),
        (UNWANTED, Observed(), State.REMOVED),
        (NO_ROOM, Observed(), State.SCHEDULED),
        (NO_ROOM, SET, State.REMOVING),
        (replace(NO_ROOM, content=replace(WISH.content, ends_at=NOW)), Observed(), State.REMOVED),
        (replace(NO_ROOM, wanted=False), Observed(), State.REMOVED),
    ],
)
def test_the_state_that_people_see(desired: Desired, observed: Observed, state: State) -> None:
    assert plan.state_of(PinView(desired, observed), NOW) is state


def test_a_surplus_code_that_no_list_has_shown_for_a_while_is_looked_for_before_it_goes() -> None:
    surplus = replace(SET, extra_ids=(8,), listed_at=NOW)
    assert not plan.listed_too_long_ago(surplus, 8, NOW + 2 * MINUTE)
    assert plan.listed_too_long_ago(surplus, 8, NOW + 2 * MINUTE + SECOND)
    assert plan.listed_too_long_ago(replace(surplus, listed_at=None), 8, NOW)
    assert not plan.listed_too_long_ago(replace(surplus, listed_at=None), 7, NOW)
