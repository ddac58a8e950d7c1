"""Codes that appear on a lock while a creation of ours is missing: whose they are, whatever they are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pins.core import interpret, looks, transitions
from pins.core.interpret import Response
from pins.core.pin_state import Content, Late, Observed, Op, PinView, Twin
from pins.core.plan import Create, Delete, Read, next_step
from pins.core.posts import Post, read_ends, unseen_ends, write_ends
from pins.core.witness import Credit, Sighting, sighting
from pins.tedee.errors import PinExists
from pins.tedee.messages import ListedPin, PinListing, Recurrence
from tests.support.answers import REFERENCE, deleting, meaning, posting, remote
from tests.support.facts import NOW, SET, WISH

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CODE, ENDS = WISH.content.code, WISH.content.ends_at
GATE = "Garden gate"
OTHER = replace(WISH, content=replace(WISH.content, code="604173", ends_at=NOW + 5 * DAY))
#: Another value was chosen for the guest; a lost creation may have left the first one, which ends with the old stay.
ROTATED = replace(SET, applied=OTHER.content, left_codes=frozenset({CODE}), left_ends=frozenset({ENDS}))


def shown(
    *pins: tuple[int, str], suspects: tuple[int, ...] = (), credit: Credit = Credit.PROVEN, held: int | None = 7
) -> Sighting:
    """What a list shows that is not late enough to end a search; 9 is another guest's."""
    listing = PinListing(1, tuple(ListedPin(one, name) for one, name in pins))
    seen = sighting(
        listing,
        credit,
        reference=REFERENCE,
        sent_alias=f"Anna 03-08 Mar #{REFERENCE}",
        held=held,
        taken=frozenset({9}),
        suspects=frozenset(suspects),
    )
    return replace(seen, late_enough=False)


def after_reading(observed: Observed, content: Content, name: str = GATE) -> Observed:
    return meaning(replace(observed, nominees=(30,)), Read(30), remote(name, content, remote_id=30), OTHER).observed


# -- who is suspected --------------------------------------------------------------------------------------------------


def test_a_suspect_is_read_whatever_it_is_called_unless_it_is_known_to_be_anothers() -> None:
    seen = shown((7, GATE), (9, GATE), (30, GATE), (31, "Cleaner"), suspects=(7, 9, 30))
    assert (seen.nominees, seen.renamed, seen.ours) == ((30,), True, ())


def test_what_nothing_showed_is_suspected_from_the_first_creation_on() -> None:
    first = posting()
    assert first.suspected_at == NOW
    lost = transitions.lost(first, NOW + MINUTE)
    again = replace(lost, pending=None, suspected_at=NOW - MINUTE)
    assert posting(again).suspected_at == NOW - MINUTE
    found = replace(SET, suspected_at=NOW - DAY)  # a creation of long ago
    assert posting(found).suspected_at == NOW


@pytest.mark.parametrize(
    ("observed", "misses"),
    [
        (Observed(), False),
        (SET, False),
        (posting(), True),
        (replace(SET, late=Late(NOW, 1, 1, frozenset({Op.POST}))), True),
        (replace(SET, late=Late(NOW, 1, 1, frozenset({Op.PUT, Op.DELETE}))), False),
        (deleting(), False),
        (replace(SET, left_codes=frozenset({CODE})), True),
        (replace(SET, posts=(Post(NOW, None, ENDS),)), True),
        (replace(SET, posts=(Post(NOW, 7, ENDS),)), False),
    ],
)
def test_when_a_creation_is_missing(observed: Observed, *, misses: bool) -> None:
    assert observed.misses_a_creation is misses
    since = transitions.search_over(replace(observed, suspected_at=NOW)).suspected_at
    assert since == (NOW if misses else None)


def test_who_told_a_person_goes_on_watching() -> None:
    told = replace(SET, twins=(Twin(30, GATE),), suspected_at=NOW)
    assert transitions.search_over(told) == told
    assert transitions.search_over(SET) == SET


def test_a_list_answers_for_all_that_it_shows() -> None:
    later = NOW + MINUTE
    assert looks.looked(replace(ROTATED, suspected_at=NOW), shown((7, GATE)), later).suspected_at == later
    assert looks.looked(ROTATED, shown((7, GATE)), later).suspected_at is None
    quiet = replace(ROTATED, suspected_at=NOW, listed_at=NOW)
    assert not looks.contradicts(quiet, shown((7, f"Anna #{REFERENCE}")), later)
    assert looks.contradicts(quiet, shown((7, f"Anna #{REFERENCE}"), (30, GATE), suspects=(30,)), later)


# -- whose it is -------------------------------------------------------------------------------------------------------


def test_the_ends_of_what_was_lost_are_kept_with_its_value() -> None:
    lost = transitions.lost(posting(), NOW - MINUTE)
    given_up = looks.looked(lost, shown((31, "Cleaner"), held=None), NOW)
    assert (given_up.left_codes, given_up.left_ends, given_up.posts) == (frozenset({CODE}), frozenset({ENDS}), ())
    over = looks.looked(replace(given_up, pending=None), replace(shown((31, "Cleaner")), late_enough=True), NOW)
    assert (over.left_codes, over.left_ends) == (frozenset(), frozenset())

    moved = replace(WISH, content=replace(WISH.content, ends_at=NOW + 9 * DAY))
    refused = meaning(posting(lost, moved.content), Create(), Response(error=PinExists(406)), moved).observed
    assert refused.left_ends >= {ENDS}
    unlisted = replace(lost, pending=None, late=None, exists=True, posts=(Post(NOW, None, ENDS),))
    assert transitions.rotated(unlisted, CODE).left_ends == {ENDS}
    assert transitions.rotated(replace(unlisted, posts=()), CODE).left_ends == frozenset()
    assert transitions.moved_to_new_device(replace(ROTATED, suspected_at=NOW, twins=(Twin(30, GATE),))) == (
        transitions.moved_to_new_device(SET)
    )


@pytest.mark.parametrize("ends_at", [ENDS, None])
def test_a_former_value_with_the_end_that_was_lost_is_ours_and_one_too_many(ends_at: None) -> None:
    before = replace(ROTATED, left_ends=frozenset({ends_at}))
    after = after_reading(before, replace(WISH.content, ends_at=ends_at))
    assert (after.extra_ids, after.twins, after.left_codes, after.nominees) == ((30,), (), frozenset({CODE}), ())
    assert next_step(PinView(OTHER, replace(after, listed_at=NOW)), NOW) == Delete(30)


def test_a_cloud_that_cuts_seconds_off_shows_the_end_that_was_lost() -> None:
    exact = NOW + DAY + timedelta(seconds=59)
    before = replace(ROTATED, left_ends=frozenset({exact}))
    cut = replace(WISH.content, ends_at=exact.replace(second=0))
    assert after_reading(before, cut).extra_ids == (30,)


def test_a_value_of_ours_with_other_times_is_left_alone_and_told() -> None:
    other = replace(WISH.content, ends_at=NOW + 7 * DAY)
    after = after_reading(ROTATED, other, "Gate 481516")
    assert (after.extra_ids, after.remote_id, after.nominees) == ((), 7, ())
    assert after.twins == (Twin(30, "Gate \N{BULLET}\N{BULLET}\N{BULLET}\N{BULLET}"),)
    assert after_reading(after, other, "Cellar").twins == (Twin(30, "Cellar"),)
    over = replace(WISH.content, ends_at=NOW)
    assert after_reading(ROTATED, over).twins == ()
    assert after_reading(ROTATED, replace(other, code="111222")).twins == ()


def test_what_was_told_is_over_when_the_code_is_gone() -> None:
    told = replace(SET, twins=(Twin(30, GATE), Twin(31, GATE)))
    mine = (7, f"Anna #{REFERENCE}")
    assert looks.looked(told, shown(mine, (30, GATE)), NOW).twins == (Twin(30, GATE),)
    assert looks.looked(told, shown(mine, credit=Credit.DOUBTFUL), NOW).twins == told.twins
    named = looks.looked(told, shown(mine, (30, f"Anna #{REFERENCE}"), (31, GATE)), NOW)
    assert (named.twins, named.extra_ids) == ((Twin(31, GATE),), (30,))


def test_a_surplus_code_without_our_name_is_read_again_before_it_is_removed() -> None:
    """Its removal was refused, and a list came. Its id may be another's by now."""
    found = after_reading(ROTATED, WISH.content)
    again = looks.looked(found, shown((7, f"Anna #{REFERENCE}"), (30, GATE), suspects=(30,)), NOW)
    assert (again.extra_ids, again.nominees) == ((), (30,))
    assert after_reading(again, WISH.content).extra_ids == (30,)
    assert after_reading(again, replace(WISH.content, code="111222")).extra_ids == ()


def test_a_pin_that_waits_for_nothing_learns_of_a_suspect_from_any_list() -> None:
    seen = shown((7, f"Anna #{REFERENCE}"), (30, GATE), suspects=(30,))
    learned = interpret.for_listed(PinView(OTHER, ROTATED), seen, NOW)
    assert learned is not None
    assert next_step(PinView(OTHER, learned.observed), NOW) == Read(30)


def test_ends_come_back_from_the_database_as_they_were() -> None:
    ends = frozenset({ENDS, None, NOW})
    assert read_ends(write_ends(ends)) == ends
    assert write_ends(frozenset({ENDS, NOW})) == sorted([NOW.timestamp(), (NOW + 2 * DAY).timestamp()])
    assert unseen_ends((Post(NOW, None, ENDS), Post(NOW, 7, NOW), Post(NOW, None, None))) == {ENDS, None}


def test_times_of_the_day_alone_prove_nothing_against_value_and_end() -> None:
    """Somebody let it open on weekends only: it is still ours."""
    weekends = Recurrence(96)
    assert after_reading(ROTATED, replace(WISH.content, recurrence=weekends)).extra_ids == (30,)
