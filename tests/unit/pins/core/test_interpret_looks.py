"""What looking means: a list, a PIN that was read, an id that is gone, and whose hand it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given, settings

from pins.core import transitions
from pins.core.interpret import SECOND_HAND, STALE_REST, Response, for_listed, for_reused_id
from pins.core.pin_state import Blocked, Content, Late, Observed, Op, PinView, State
from pins.core.plan import Look, Read, Update, Wait, next_step, state_of
from pins.core.witness import Credit, Sighting
from pins.tedee.errors import PinNotFound
from pins.tedee.messages import Recurrence, RemotePin
from tests.support.answers import ALIAS, LATE, deleting, listing, meaning, posting, putting, remote, seen
from tests.support.facts import NOW, SET, WISH, looks_at

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NOT_FOUND = Response(error=PinNotFound(404))
EDITED = replace(WISH.content, ends_at=NOW + DAY)


# -- two witnesses ---------------------------------------------------------------------------------------------------


def test_one_list_without_our_pin_makes_us_ask_for_it_and_blames_nobody() -> None:
    told = meaning(SET, Look(), listing(), credit=Credit.DOUBTFUL)
    assert (told.observed.remote_id, told.changed_in_app) == (7, False)
    assert next_step(PinView(WISH, told.observed), NOW) == Read(7)


def test_a_list_and_then_a_404_tell_of_another_hand() -> None:
    omitted = meaning(SET, Look(), listing(), credit=Credit.DOUBTFUL).observed
    told = meaning(omitted, Read(7), NOT_FOUND)
    assert (told.observed.remote_id, told.changed_in_app) == (None, True)


def test_a_404_and_then_a_list_tell_of_another_hand() -> None:
    asked = meaning(SET, Read(7), NOT_FOUND).observed
    assert (asked.remote_id, asked.must_look) == (7, True)
    told = meaning(asked, Look(), listing())
    assert (told.observed.remote_id, told.changed_in_app) == (None, True)


@pytest.mark.parametrize("before", [replace(SET, omitted=True), replace(SET, not_found=True)])
def test_a_witness_that_was_asked_before_our_last_write_counts_no_more(before: Observed) -> None:
    for after in (putting(before), deleting(before)):
        assert (after.omitted, after.not_found) == (False, False)


def test_after_its_end_a_list_alone_is_believed() -> None:
    over = replace(WISH, content=replace(WISH.content, ends_at=NOW - HOUR))
    told = meaning(replace(SET, applied=over.content), Look(), listing(), over)
    assert (told.observed.remote_id, told.observed.omitted, told.changed_in_app) == (None, False, False)


def test_a_disappearance_that_explains_itself_tells_of_nobody() -> None:
    omitted = replace(SET, omitted=True)
    late = Late(NOW + HOUR, 1, 1, frozenset({Op.DELETE}))
    assert not meaning(replace(omitted, late=late), Read(7), NOT_FOUND).changed_in_app
    assert not meaning(omitted, Read(7), NOT_FOUND, replace(WISH, wanted=False)).changed_in_app
    assert not meaning(SET, Look(), listing(ALIAS)).changed_in_app


def test_a_list_that_is_older_than_our_writes_teaches_nothing_and_another_is_asked_for() -> None:
    doubtful = replace(SET, must_look=True)
    after = meaning(doubtful, Look(), listing(), credit=Credit.STALE).observed
    assert replace(after, hold_until=None, hold_rev=0, listed_at=None) == doubtful
    view = PinView(WISH, after)
    assert next_step(view, NOW) == Wait(NOW + STALE_REST)
    assert next_step(view, NOW + STALE_REST) == Look()


def test_a_stale_list_teaches_other_pins_nothing_either() -> None:
    response = listing()
    assert response.listing is not None
    view = PinView(WISH, replace(SET, must_look=True))
    assert for_listed(view, seen(SET, response.listing, Credit.STALE), NOW) is None
    assert for_listed(view, seen(SET, response.listing, Credit.DOUBTFUL), NOW) is not None


def test_a_pin_that_is_read_although_a_list_lacks_it_is_there() -> None:
    omitted = meaning(SET, Look(), listing(), credit=Credit.DOUBTFUL).observed
    told = meaning(omitted, Read(7), remote())
    assert replace(told.observed, listed_at=None, list_doubted_at=None) == SET
    assert state_of(PinView(WISH, told.observed), NOW) is State.SET
    # The next such list is no reason to read it again at once.
    again = meaning(told.observed, Look(), listing(), credit=Credit.DOUBTFUL).observed
    assert isinstance(next_step(PinView(WISH, again), NOW), Wait)


# -- lists that find ours --------------------------------------------------------------------------------------------


def test_a_list_finds_what_a_lost_post_made() -> None:
    lost = transitions.lost(posting(), NOW + LATE)
    observed = meaning(lost, Look(), listing(ALIAS, "Cleaner")).observed
    assert (observed.remote_id, observed.applied, observed.pending) == (7, WISH.content, None)


def test_a_list_teaches_only_pins_that_look_or_are_believed_elsewhere() -> None:
    there = Sighting((7,), False, (), frozenset({7}), Credit.PROVEN)
    assert for_listed(PinView(WISH, SET), there, NOW) is None
    assert for_listed(PinView(WISH, replace(SET, must_look=True)), there, NOW) is not None
    elsewhere = for_listed(PinView(WISH, SET), Sighting((9,), False, (), frozenset({9}), Credit.DOUBTFUL), NOW)
    assert elsewhere is not None
    # Both are ours until the one that we know is asked for.
    assert (elsewhere.observed.held, elsewhere.changed_in_app) == (frozenset({7, 9}), False)
    assert next_step(PinView(WISH, elsewhere.observed), NOW) == Read(7)
    moved = meaning(elsewhere.observed, Read(7), NOT_FOUND)
    assert (moved.observed.remote_id, moved.changed_in_app) == (9, True)


def test_an_id_that_is_given_again_was_lost_before() -> None:
    assert for_reused_id(PinView(WISH, SET), 8, NOW) is None
    lost = for_reused_id(PinView(WISH, SET), 7, NOW)
    assert lost is not None
    after = lost.observed
    assert (after.remote_id, after.applied, after.must_look, lost.changed_in_app) == (None, None, True, True)


@settings(deadline=None, max_examples=200)
@given(looks_at())
def test_nobody_is_blamed_for_a_pin_that_should_not_be_there(look: tuple[PinView, Sighting]) -> None:
    view, shown = look
    told = for_listed(view, shown, NOW)
    if told is not None and told.changed_in_app:
        assert view.desired.is_live(NOW)
        assert view.observed.remote_id not in shown.ours
        assert view.observed.pending is None


# -- names that a cloud changes --------------------------------------------------------------------------------------

SEARCHING = transitions.lost(posting(), NOW + LATE)
CUT = ALIAS[:13]
LOST_POST = Late(NOW + LATE, 1, 1, frozenset({Op.POST}), frozenset({WISH.content.code}))
FOUND = meaning(SEARCHING, Look(), listing(CUT)).observed


def test_a_name_that_may_be_ours_is_read_before_anything_is_concluded() -> None:
    assert FOUND.remote_id is None
    assert FOUND.pending == SEARCHING.pending
    assert next_step(PinView(WISH, FOUND), NOW) == Read(7)


def test_value_and_period_prove_that_it_is_ours() -> None:
    adopted = meaning(FOUND, Read(7), remote(CUT)).observed
    assert (adopted.remote_id, adopted.applied, adopted.pending, adopted.nominees) == (7, WISH.content, None, ())
    assert [post.id for post in adopted.posts] == [7]


@pytest.mark.parametrize(
    "foreign", [replace(WISH.content, code="604173"), EDITED, replace(WISH.content, code="604173", ends_at=None)]
)
def test_a_foreign_pin_with_a_similar_name_is_never_adopted(foreign: Content) -> None:
    after = meaning(FOUND, Read(7), remote(CUT, foreign)).observed
    assert after.held == frozenset()
    assert (after.nominees, after.pending) == ((), None)


def test_the_wished_value_under_a_changed_name_is_never_one_too_many() -> None:
    beside = replace(SET, nominees=(11,))
    assert meaning(beside, Read(11), remote(CUT, remote_id=11)).observed == SET


def test_a_pin_that_vanished_before_it_was_read_is_not_ours() -> None:
    after = meaning(FOUND, Read(7), NOT_FOUND).observed
    assert (after.held, after.nominees) == (frozenset(), ())


def test_nobody_is_nominated_while_no_code_is_missing() -> None:
    assert meaning(SET, Look(), listing(ALIAS, CUT)).observed.nominees == ()
    assert meaning(replace(Observed(), must_look=True), Look(), listing(CUT)).observed.nominees == ()


def test_our_id_under_a_changed_name_is_ours_by_its_value() -> None:
    told = meaning(SET, Read(7), remote("Cleaner"))
    assert (told.observed, told.changed_in_app) == (SET, False)
    assert told.alias_shown == "Cleaner"


def test_our_id_under_a_cut_name_is_ours_by_the_value_that_we_wish() -> None:
    unknown = replace(SET, applied=None)  # a late PUT may have changed it
    told = meaning(unknown, Read(7), remote(CUT))
    assert (told.observed, told.changed_in_app) == (SET, False)


def test_what_was_asked_for_is_what_was_read() -> None:
    """A cloud that shows another number in the PIN itself must not make us ask forever."""
    assert meaning(FOUND, Read(7), remote(CUT, EDITED, remote_id=0)).observed.nominees == ()
    assert meaning(replace(SET, must_read=True), Read(7), remote(remote_id=0)).observed == SET


def test_a_similar_name_of_somebody_else_does_not_lead_in_circles() -> None:
    """The wish has changed since a POST was lost, and its last moment has come: one look closes the matter."""
    changed = replace(WISH, rev=2)
    observed = replace(Observed(), late=replace(LOST_POST, until=NOW), exists=True, tried_rev=2)
    for _ in range(6):
        step = next_step(PinView(changed, observed), NOW)
        if not isinstance(step, Look | Read):
            break
        answer = listing(CUT) if isinstance(step, Look) else remote(CUT, EDITED)
        observed = meaning(observed, step, answer, changed).observed
    else:
        raise AssertionError("it looks and reads without end")


def test_an_id_that_reads_as_somebody_elses_wants_a_look() -> None:
    told = meaning(SET, Read(7), remote("Cleaner", replace(WISH.content, code="604173")))
    assert (told.observed.applied, told.observed.must_look, told.changed_in_app) == (None, True, True)


def test_our_id_under_a_name_that_says_nothing_is_read() -> None:
    after = meaning(SET, Look(), listing("Cleaner")).observed
    assert (after.remote_id, after.applied, after.omitted) == (7, WISH.content, False)
    assert next_step(PinView(WISH, after), NOW) == Read(7)


# -- edited in the Tedee app -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edited",
    [
        EDITED,
        replace(WISH.content, code="604173"),
        replace(WISH.content, starts_at=NOW - DAY),
        replace(WISH.content, ends_at=None),
        replace(WISH.content, recurrence=Recurrence(48)),
    ],
)
def test_a_pin_that_somebody_edited_is_known_as_it_is_told_and_corrected(edited: Content) -> None:
    told = meaning(SET, Read(7), remote(content=edited))
    assert (told.observed.applied, told.changed_in_app) == (edited, True)
    assert next_step(PinView(WISH, told.observed), NOW) == Update(7)


def test_a_second_hand_within_a_day_is_not_fought() -> None:
    once = meaning(SET, Read(7), remote(content=EDITED)).observed
    corrected = transitions.updated(putting(once))
    assert (corrected.blocked, corrected.edited_at) == ("", NOW)
    twice = meaning(corrected, Read(7), remote(content=EDITED))
    assert (twice.observed.blocked, twice.changed_in_app) == (Blocked.EDITED_AGAIN, True)
    view = PinView(WISH, twice.observed)
    assert isinstance(next_step(view, NOW), Wait)
    assert state_of(view, NOW) is State.BLOCKED
    # A person, or another wish, lets it be corrected.
    assert next_step(PinView(WISH, transitions.retried(twice.observed, NOW)), NOW) == Update(7)
    assert next_step(PinView(replace(WISH, rev=2), twice.observed), NOW) == Update(7)


def test_a_hand_after_a_day_is_the_first_one_again() -> None:
    before = replace(SET, edited_at=NOW - SECOND_HAND)
    assert meaning(before, Read(7), remote(content=EDITED)).observed.blocked == ""
    before = replace(SET, edited_at=NOW - SECOND_HAND + SECOND)
    assert meaning(before, Read(7), remote(content=EDITED)).observed.blocked == Blocked.EDITED_AGAIN


def test_after_a_persons_decision_the_next_hand_is_the_first_one() -> None:
    decided = transitions.retried(replace(SET, edited_at=NOW), NOW)
    assert meaning(decided, Read(7), remote(content=EDITED)).observed.blocked == ""


# -- what a cloud shows in other words -------------------------------------------------------------------------------


def test_a_cloud_that_cuts_seconds_off_says_the_same() -> None:
    exact = replace(WISH.content, starts_at=NOW + timedelta(seconds=42), ends_at=NOW + DAY + timedelta(seconds=17))
    wish, held = replace(WISH, content=exact), replace(SET, applied=exact, must_read=True)
    cut = replace(exact, starts_at=NOW, ends_at=NOW + DAY)
    told = meaning(held, Read(7), remote(content=cut), wish)
    assert (told.observed, told.changed_in_app) == (replace(held, must_read=False), False)
    # A lost PUT is recognised in the same way, and so is a PIN that was found under a changed name.
    pending = transitions.lost(putting(SET, exact), NOW + LATE)
    assert meaning(pending, Read(7), remote(content=cut), wish).observed.applied == exact
    nominated = replace(transitions.lost(posting(content=exact), NOW + LATE), nominees=(7,))
    assert meaning(nominated, Read(7), remote(CUT, cut), wish).observed.applied == exact
    # A whole minute is somebody's hand.
    other = replace(cut, ends_at=NOW + DAY - timedelta(minutes=1))
    assert meaning(held, Read(7), remote(content=other), wish).changed_in_app


@pytest.mark.parametrize(
    ("wished", "shown"),
    [
        (None, {"weekDays": 127, "dayStartTime": "2027-03-03T00:00:00.000Z", "dayEndTime": "2027-03-03T23:59:00.000Z"}),
        (
            Recurrence(48),
            {"weekDays": 48, "dayStartTime": None, "dayEndTime": "2027-03-03T23:59:59Z"},
        ),
        (
            Recurrence(31, time(9), time(17)),
            {"weekDays": 31, "dayStartTime": "0001-01-01T09:00:00Z", "dayEndTime": "0001-01-01T17:00:00Z"},
        ),
    ],
)
def test_default_hours_that_are_read_back_say_the_same(wished: Recurrence | None, shown: dict[str, object]) -> None:
    permanent = Content("481516", None, None, wished)
    wish, held = replace(WISH, content=permanent), replace(SET, applied=permanent)
    answer = RemotePin.from_json({"id": 7, "alias": ALIAS, "pin": "481516", **shown})
    told = meaning(held, Read(7), Response(remote=answer), wish)
    assert (told.observed, told.changed_in_app) == (held, False)
    assert next_step(PinView(wish, told.observed), NOW) == Wait(None)
