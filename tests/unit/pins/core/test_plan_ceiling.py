"""When nothing may be sent: the ceiling of creations, blocks, and the guest at the door."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pins.core import plan, transitions
from pins.core.pin_state import Blocked, Desired, Late, Observed, Op, PendingWrite, PinView, State
from pins.core.plan import (
    LISTED_JUST_NOW,
    LOOK_AGAIN,
    LOOK_AGAIN_AT_THE_DOOR,
    LOOK_FOR_LOST_POST,
    Block,
    Create,
    Look,
    Rotate,
    Step,
    Wait,
    next_step,
)
from pins.core.posts import Post
from tests.support.facts import NOW, WISH

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AT_THE_DOOR = replace(WISH, content=replace(WISH.content, starts_at=NOW - MINUTE))
SENT = (Post(NOW - 20 * MINUTE, None, None), Post(NOW - 10 * MINUTE, None, None))
OPENS = NOW + 40 * MINUTE
FULL = Observed(posts=SENT, tried_rev=1, listed_at=NOW)
BLOCKED = transitions.stopped(FULL, Blocked.CREATED_OFTEN, 1)


def step(desired: Desired, observed: Observed, now: datetime = NOW) -> Step:
    return next_step(PinView(desired, observed), now)


# -- the ceiling ----------------------------------------------------------------------------------------------------


def test_before_anybody_is_told_the_list_is_read_once_more() -> None:
    assert step(WISH, replace(FULL, listed_at=None)) == Look()
    assert step(WISH, replace(FULL, listed_at=NOW - LISTED_JUST_NOW)) == Look()
    assert step(WISH, replace(FULL, listed_at=NOW - LISTED_JUST_NOW + SECOND)) == Block(Blocked.CREATED_OFTEN)


def test_at_the_ceiling_tries_go_on_as_looks_until_it_opens() -> None:
    assert step(WISH, BLOCKED) == Wait(NOW + LOOK_AGAIN)
    assert step(WISH, BLOCKED, NOW + LOOK_AGAIN) == Look()
    assert step(WISH, replace(BLOCKED, listed_at=OPENS - MINUTE), OPENS - SECOND) == Wait(OPENS)
    assert step(WISH, BLOCKED, OPENS) == Create()
    assert plan.state_of(PinView(WISH, BLOCKED), NOW) is State.BLOCKED


def test_at_the_ceiling_the_door_is_watched_more_closely() -> None:
    assert step(AT_THE_DOOR, BLOCKED) == Wait(NOW + LOOK_AGAIN_AT_THE_DOOR)
    assert step(AT_THE_DOOR, BLOCKED, NOW + LOOK_AGAIN_AT_THE_DOOR) == Look()


def test_a_person_allows_one_more_and_only_one() -> None:
    allowed = transitions.retried(BLOCKED, NOW)
    assert step(WISH, allowed) == Create()
    post = PendingWrite(Op.POST, 1, WISH.content, None)
    again = transitions.lost(transitions.prepared(allowed, post, NOW), NOW + MINUTE)
    searched = replace(again, pending=None, listed_at=NOW)
    assert step(WISH, searched) == Block(Blocked.CREATED_OFTEN)


def test_another_wish_does_not_open_the_ceiling() -> None:
    changed = replace(WISH, rev=2)
    assert step(changed, BLOCKED) == Block(Blocked.CREATED_OFTEN)


def test_the_ceiling_hinders_no_change_and_no_removal() -> None:
    held = replace(FULL, remote_id=7, applied=replace(WISH.content, ends_at=NOW + DAY))
    assert step(WISH, held) == plan.Update(7)
    assert step(replace(WISH, wanted=False), held) == plan.Delete(7)


def test_a_code_that_is_on_the_lock_after_all_ends_the_block() -> None:
    there = replace(BLOCKED, remote_id=7, applied=WISH.content)
    assert step(WISH, there) == Wait(WISH.content.ends_at)
    assert plan.state_of(PinView(WISH, there), NOW) is State.SET


def test_a_permanent_code_at_the_ceiling_waits_for_looks_and_not_for_an_end() -> None:
    permanent = replace(WISH, content=replace(WISH.content, starts_at=None, ends_at=None))
    assert step(permanent, BLOCKED) == Wait(NOW + LOOK_AGAIN_AT_THE_DOOR)


# -- other blocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Blocked.VALUE_REFUSED, Blocked.EDITED_AGAIN])
def test_where_a_list_cannot_help_nothing_is_asked(reason: Blocked) -> None:
    stopped = transitions.stopped(Observed(tried_rev=1), reason, 1)
    for desired in (WISH, AT_THE_DOOR):
        assert step(desired, stopped) == Wait(WISH.content.ends_at)


def test_a_taken_value_is_looked_at_while_the_guest_is_at_the_door() -> None:
    stopped = transitions.stopped(Observed(tried_rev=1, listed_at=NOW), Blocked.VALUE_TAKEN, 1)
    assert step(WISH, stopped) == Wait(WISH.content.ends_at)
    assert step(AT_THE_DOOR, stopped) == Wait(NOW + LOOK_AGAIN_AT_THE_DOOR)
    assert step(AT_THE_DOOR, stopped, NOW + LOOK_AGAIN_AT_THE_DOOR) == Look()


def test_a_value_that_may_be_our_own_lost_post_is_looked_for_every_minute_at_the_door() -> None:
    late = Late(NOW + 10 * MINUTE, 1, 1, frozenset({Op.POST}), frozenset({WISH.content.code}))
    exists = Observed(exists=True, tried_rev=1, late=late, listed_at=NOW)
    known = replace(AT_THE_DOOR, disclosed=True)
    assert step(known, exists) == Wait(NOW + LOOK_FOR_LOST_POST)
    assert step(known, exists, NOW + LOOK_FOR_LOST_POST) == Look()
    assert step(replace(WISH, disclosed=True), exists) == Wait(late.until)
    assert step(AT_THE_DOOR, exists) == Rotate()  # nobody knows the value: another one is there sooner
