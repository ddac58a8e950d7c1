"""An id that the lock gave to another PIN: whoever knew a PIN under it learns that this one is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pins.core import transitions
from pins.core.interpret import for_reused_id
from pins.core.pin_state import Observed, PinView
from pins.core.plan import FRESH_END, Delete, Look, listed_too_long_ago, next_step
from pins.core.posts import Post
from tests.support.answers import LATE, deleting
from tests.support.facts import NOW, SET, WISH

SECOND = timedelta(seconds=1)
GONE = replace(WISH, wanted=False)
MADE = Post(NOW, 8, NOW)


def after(observed: Observed) -> Observed:
    """What a PIN knows after the id 8 was given to another one."""
    told = for_reused_id(PinView(GONE, observed), 8, NOW)
    assert told is not None
    assert not told.changed_in_app
    return told.observed


def test_a_surplus_pin_is_gone_and_never_deleted_by_its_former_id() -> None:
    learned = after(Observed(extra_ids=(8, 9), posts=(MADE,)))
    assert (learned.extra_ids, learned.posts) == ((9,), ())
    assert next_step(PinView(GONE, learned), NOW) == Look()
    lost = transitions.lost(deleting(Observed(extra_ids=(8,)), 8), NOW + LATE)
    assert (after(lost).held, after(lost).pending) == (frozenset(), None)
    assert for_reused_id(PinView(WISH, replace(SET, extra_ids=(9,))), 8, NOW) is None


def test_a_pin_that_was_kept_stays_known_when_a_surplus_one_is_gone() -> None:
    learned = after(replace(SET, extra_ids=(8,)))
    assert (learned.remote_id, learned.applied, learned.extra_ids) == (7, SET.applied, ())


def test_a_pin_that_may_have_been_ours_is_not_read_any_more() -> None:
    learned = after(Observed(exists=True, nominees=(8, 9), posts=(replace(MADE, id=None),)))
    assert (learned.nominees, len(learned.posts)) == ((9,), 1)


def test_a_surplus_id_is_as_fresh_as_the_list_that_showed_it() -> None:
    shown = replace(SET, extra_ids=(8,), listed_at=NOW)
    assert next_step(PinView(WISH, shown), NOW) == Delete(8)
    assert not listed_too_long_ago(shown, 8, NOW + FRESH_END)
    assert listed_too_long_ago(shown, 8, NOW + FRESH_END + SECOND)
    assert listed_too_long_ago(replace(shown, listed_at=None), 8, NOW)
    assert not listed_too_long_ago(shown, 7, NOW + FRESH_END + SECOND)
