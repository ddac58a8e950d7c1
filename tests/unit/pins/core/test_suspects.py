"""Codes that appear on a lock while a creation of ours is missing: whose they are, whatever they are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pins.core import interpret, looks, nominees, transitions
from pins.core.interpret import Response
from pins.core.pin_state import Content, Late, Observed, Op, PinView, Twin
from pins.core.plan import Create, Delete, Read, Update, next_step
from pins.core.posts import Post, read_ends, write_ends
from pins.core.witness import Credit, Sighting, sighting
from pins.tedee.errors import (
    BadRequest,
    DeviceBusy,
    DeviceTimeout,
    NetworkFault,
    PinExists,
    PinNotFound,
    ServerFault,
    TedeeError,
)
from pins.tedee.messages import ListedPin, PinListing, Recurrence
from tests.support.answers import REFERENCE, deleting, meaning, posting, putting, remote
from tests.support.facts import NOW, SET, WISH

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CODE, ENDS = WISH.content.code, WISH.content.ends_at
GATE = "Garden gate"
FOREIGN = replace(WISH.content, code="111222")
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
    assert lost.left_ends == {ENDS}
    given_up = looks.looked(lost, shown((31, "Cleaner"), held=None), NOW)
    assert (given_up.left_codes, given_up.left_ends, given_up.posts) == (frozenset({CODE}), frozenset({ENDS}), ())
    over = looks.looked(given_up, replace(shown((31, "Cleaner"), held=None), late_enough=True), NOW)
    assert (over.left_codes, over.left_ends) == (frozenset(), frozenset())
    moved = replace(WISH.content, ends_at=NOW + 9 * DAY)
    assert transitions.lost(posting(given_up, moved), NOW).left_ends == {ENDS, moved.ends_at}
    assert transitions.lost(putting(), NOW).left_ends == frozenset()
    assert transitions.search_over(replace(SET, left_ends=frozenset({ENDS}), suspected_at=NOW)) == SET
    known = replace(ROTATED, suspected_at=NOW, twins=(Twin(30, GATE),), read_failures=2)
    assert transitions.moved_to_new_device(known) == transitions.moved_to_new_device(SET)


def test_the_lock_has_a_value_that_was_drawn_by_chance_so_all_that_others_have_there_is_read_once() -> None:
    """It may be ours from before a restore, or from a creation that nobody remembers."""
    refused = meaning(posting(), Create(), Response(error=PinExists(406))).observed
    assert (refused.suspected_at, refused.exists) == (transitions.LONG_AGO, True)
    assert transitions.search_over(refused) == refused
    listed = looks.looked(refused, shown((30, GATE), (31, "Cleaner"), suspects=(30, 31), held=None), NOW)
    assert (listed.nominees, listed.suspected_at) == ((30, 31), NOW)
    assert meaning(replace(listed, exists=True), Read(30), remote(GATE, remote_id=30)).observed.remote_id == 30
    changed = meaning(putting(), Update(7), Response(error=PinExists(406))).observed
    assert changed.suspected_at is None


def test_a_former_value_with_the_end_that_was_lost_is_ours_and_one_too_many() -> None:
    after = after_reading(ROTATED, WISH.content)
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
    assert after_reading(ROTATED, FOREIGN).twins == ()
    assert after.suspected_at == NOW


@pytest.mark.parametrize(("starts_at", "is_ours"), [(OTHER.content.starts_at, True), (NOW, False), (None, False)])
def test_where_neither_has_an_end_the_start_must_be_the_same_too(starts_at: datetime | None, is_ours: bool) -> None:
    """Somebody's own code, of people who work there and always have one, may have these digits."""
    before = replace(ROTATED, left_ends=frozenset({None}))
    after = after_reading(before, replace(WISH.content, starts_at=starts_at, ends_at=None))
    assert (after.extra_ids, after.twins) == (((30,), ()) if is_ours else ((), (Twin(30, GATE),)))


def test_what_was_told_is_read_after_each_list_until_it_is_something_else() -> None:
    mine = (7, f"Anna #{REFERENCE}")
    told = replace(ROTATED, twins=(Twin(30, GATE),), suspected_at=NOW)
    for seen in (shown(mine, (30, GATE)), shown(mine), shown(mine, credit=Credit.DOUBTFUL)):
        listed = looks.looked(told, seen, NOW)
        assert (listed.twins, listed.nominees, listed.left_codes) == (told.twins, (30,), told.left_codes)
    still = meaning(listed, Read(30), remote("Cellar", replace(WISH.content, ends_at=NOW + 7 * DAY), remote_id=30))
    assert (still.observed.twins, still.observed.nominees) == ((Twin(30, "Cellar"),), ())
    for answer in (remote(GATE, replace(WISH.content, code="111222"), remote_id=30), Response(error=PinNotFound(404))):
        over = meaning(listed, Read(30), answer).observed
        assert (over.twins, over.nominees, over.remote_id) == ((), (), 7)
    named = looks.looked(told, shown(mine, (30, f"Anna #{REFERENCE}")), NOW)
    assert (named.twins, named.extra_ids, named.nominees) == ((), (30,), ())
    alone = replace(told, remote_id=None, applied=None)
    mended = meaning(replace(alone, nominees=(30,)), Read(30), remote(GATE, remote_id=30)).observed
    assert (mended.remote_id, mended.twins) == (30, ())


# -- one that cannot be read -------------------------------------------------------------------------------------------

SUSPECTS = replace(ROTATED, nominees=(30, 31))


@pytest.mark.parametrize("error", [ServerFault(200), BadRequest(400), PinNotFound(404)])
def test_one_that_will_never_say_what_it_is_is_passed_over(error: TedeeError) -> None:
    assert meaning(SUSPECTS, Read(30), Response(error=error)).observed.nominees == (31,)


@pytest.mark.parametrize("error", [ServerFault(404), ServerFault(502), DeviceTimeout(408), NetworkFault()])
def test_after_trouble_the_others_are_read_first_and_it_is_passed_over_in_the_end(error: TedeeError) -> None:
    observed = SUSPECTS
    for _ in range(nominees.MOST_READ_FAILURES - 1):
        observed = meaning(observed, Read(30), Response(error=error)).observed
        assert observed.nominees == (31, 30)
        assert not observed.must_look
    observed = meaning(observed, Read(30), Response(error=error)).observed
    assert (observed.nominees, observed.read_failures) == ((31,), 0)


def test_an_answer_ends_the_count() -> None:
    failed = replace(SUSPECTS, read_failures=nominees.MOST_READ_FAILURES - 1)
    assert meaning(failed, Read(30), remote(GATE, FOREIGN, remote_id=30)).observed.read_failures == 0
    assert meaning(failed, Read(30), Response(error=DeviceBusy(409))).observed == failed


def test_what_a_list_leaves_out_is_still_to_be_read_unless_the_list_proved_itself() -> None:
    mine = (7, f"Anna #{REFERENCE}")
    assert looks.looked(SUSPECTS, shown(mine, credit=Credit.DOUBTFUL), NOW).nominees == (30, 31)
    assert looks.looked(SUSPECTS, shown(mine), NOW).nominees == ()


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


def test_times_of_the_day_alone_prove_nothing_against_value_and_end() -> None:
    """Somebody let it open on weekends only: it is still ours."""
    weekends = Recurrence(96)
    assert after_reading(ROTATED, replace(WISH.content, recurrence=weekends)).extra_ids == (30,)
