"""The values that decisions are made from: what is stored keeps its name, and no code is ever printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pins.core.pin_state import Blocked, Content, Late, Observed, Op, PendingWrite, State
from tests.support.facts import NOW, SET, WISH


def test_stored_names_never_change() -> None:
    assert [one.value for one in Op] == ["post", "put", "delete"]
    assert [one.value for one in State] == [
        "scheduled",
        "setting",
        "set",
        "changing",
        "removing",
        "removed",
        "in_doubt",
        "blocked",
    ]
    assert [one.value for one in Blocked] == ["value_refused", "value_taken", "created_often", "edited_again"]


@pytest.mark.parametrize(
    "holder",
    [
        WISH,
        SET,
        PendingWrite(Op.POST, 1, WISH.content, None),
        Late(NOW, 1, 1, frozenset({Op.POST}), frozenset({"481516"})),
        replace(SET, applied=None, left_codes=frozenset({"481516"})),
    ],
)
def test_no_code_is_printed(holder: object) -> None:
    assert "481516" not in repr(holder)


def test_of_a_lock_that_was_never_touched_nothing_is_known_or_doubted() -> None:
    fresh = Observed()
    assert fresh.held == frozenset()
    assert not any((fresh.must_look, fresh.must_read, fresh.omitted, fresh.not_found, fresh.exists, fresh.refused))
    assert not any((fresh.lapsed, fresh.start_refused, fresh.refusals, fresh.troubles, fresh.more_posts))
    assert (fresh.tried_rev, fresh.blocked_rev, fresh.hold_rev, fresh.blocked) == (0, 0, 0, "")
    assert Late(NOW, 1, 1, frozenset()).codes == frozenset()


def test_the_ids_that_are_ours() -> None:
    assert replace(SET, extra_ids=(8, 9)).held == {7, 8, 9}
    assert Observed(extra_ids=(8,)).held == {8}


def test_what_was_doubted_about_an_id_goes_with_it() -> None:
    doubted = replace(SET, must_read=True, omitted=True, not_found=True)
    assert doubted.let_go() == Observed(tried_rev=1)
    assert doubted.let_go(8) == Observed(remote_id=8, tried_rev=1)


def test_a_code_has_ended_at_the_moment_of_its_end() -> None:
    content = Content("481516", None, NOW)
    assert content.has_ended(NOW)
    assert not content.has_ended(NOW - timedelta(seconds=1))
    assert not replace(content, ends_at=None).has_ended(NOW)
