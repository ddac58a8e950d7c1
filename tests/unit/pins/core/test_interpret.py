"""What an answer means: every kind of request against every kind of answer, and whom a failure concerns."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core import interpret, transitions
from pins.core.interpret import PreparedAttempt, Response, for_listed, for_pin, for_reused_id, scope_of
from pins.core.pin_state import Content, Desired, Late, Observed, Op, PendingWrite, PinView
from pins.core.plan import Create, Delete, Look, Read, Request, Update
from pins.core.retry import Scope
from pins.tedee.errors import (
    BadRequest,
    DeviceBusy,
    Forbidden,
    NetworkFault,
    PinExists,
    PinNotFound,
    ServerFault,
    TedeeError,
    Unauthorized,
)
from pins.tedee.messages import ListedPin, PinListing, Recurrence, RemotePin
from tests.support.facts import NOW, SET, WISH, ids, views

REFERENCE = "7F3K2Q"
ALIAS = f"Anna 03-08 Mar #{REFERENCE}"
LATE = timedelta(minutes=10)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def posting() -> Observed:
    return transitions.prepared(Observed(), PendingWrite(Op.POST, 1, WISH.content, None))


def deleting() -> Observed:
    return transitions.prepared(SET, PendingWrite(Op.DELETE, 1, None, 7))


def meaning(observed: Observed, step: Request, response: Response, desired: Desired = WISH) -> interpret.Meaning:
    attempt = PreparedAttempt(1, 1, step, uuid.UUID(int=1), desired.rev, None, NOW + HOUR)
    return for_pin(PinView(desired, observed), attempt, response, reference=REFERENCE, now=NOW, late=LATE, jitter=1.0)


def listing(*aliases: str) -> Response:
    return Response(listing=PinListing(1, tuple(ListedPin(7 + at, alias) for at, alias in enumerate(aliases))))


def remote(alias: str = ALIAS, content: Content = WISH.content, *, recurrence: Recurrence | None = None) -> Response:
    return Response(remote=RemotePin(7, alias, content.code, content.starts_at, content.ends_at, recurrence))


# -- whom a failure concerns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "error", "scope"),
    [
        (Delete(7), PinNotFound(404), Scope.PIN),
        (Read(7), PinNotFound(404), Scope.PIN),
        (Create(), PinNotFound(404), Scope.LOCK),  # Tedee does not know the lock
        (Look(), PinNotFound(404), Scope.LOCK),
        (Create(), DeviceBusy(409), Scope.LOCK),
        (Create(), Forbidden(403), Scope.LOCK),
        (Look(), Unauthorized(401), Scope.ACCOUNT),
        (Update(7), PinExists(406), Scope.PIN),
    ],
)
def test_whom_a_failure_concerns(step: Request, error: TedeeError, scope: Scope) -> None:
    assert scope_of(step, error) is scope


# -- answers to writes -------------------------------------------------------------------------------------------


def test_a_created_pin_holds_what_was_sent() -> None:
    observed = meaning(posting(), Create(), Response(created_id=7)).observed
    assert (observed.remote_id, observed.applied, observed.pending) == (7, WISH.content, None)


@pytest.mark.parametrize("error", [ServerFault(503), NetworkFault()])
def test_a_lost_answer_leaves_the_attempt_in_doubt(error: TedeeError) -> None:
    observed = meaning(posting(), Create(), Response(error=error)).observed
    assert observed.pending is not None
    assert observed.pending.in_doubt
    assert observed.late is not None
    assert observed.late.until == NOW + LATE
    assert observed.hold_until is None  # the lock rests, not the PIN


def test_a_lost_answer_to_a_look_teaches_nothing() -> None:
    doubtful = replace(SET, must_look=True)
    assert meaning(doubtful, Look(), Response(error=ServerFault(503))).observed == doubtful


def test_a_busy_lock_did_not_apply_the_write_and_the_pin_does_not_rest() -> None:
    observed = meaning(posting(), Create(), Response(error=DeviceBusy(409))).observed
    assert observed.pending is None
    assert observed.hold_until is None


@pytest.mark.parametrize("error", [BadRequest(400), PinExists(406)])
def test_a_refusal_of_the_value_makes_the_pin_rest(error: TedeeError) -> None:
    observed = meaning(posting(), Create(), Response(error=error)).observed
    assert observed.refused or observed.exists
    assert observed.hold_until is not None
    assert observed.hold_until > NOW
    assert (observed.hold_rev, observed.troubles) == (WISH.rev, 1)


def test_no_rest_outlasts_the_stay() -> None:
    ending = replace(WISH, content=replace(WISH.content, ends_at=NOW + timedelta(milliseconds=100)))
    observed = meaning(posting(), Create(), Response(error=PinExists(406)), ending).observed
    assert observed.hold_until == ending.content.ends_at


def test_a_404_to_a_delete_after_the_end_is_its_success() -> None:
    over = replace(WISH, content=replace(WISH.content, ends_at=NOW - HOUR))
    gone = replace(deleting(), applied=over.content)
    observed = meaning(gone, Delete(7), Response(error=PinNotFound(404)), over).observed
    assert (observed.remote_id, observed.hold_until, observed.must_look) == (None, None, False)


def test_a_404_before_the_end_wants_a_look_and_a_rest() -> None:
    observed = meaning(deleting(), Delete(7), Response(error=PinNotFound(404))).observed
    assert observed.remote_id == 7
    assert observed.must_look
    assert observed.hold_until is not None


def test_a_404_to_the_delete_of_a_surplus_pin_wants_a_look() -> None:
    surplus = transitions.prepared(replace(SET, extra_ids=(9,)), PendingWrite(Op.DELETE, 1, None, 9))
    observed = meaning(surplus, Delete(9), Response(error=PinNotFound(404))).observed
    assert (observed.remote_id, observed.must_look) == (7, True)


# -- answers to looks --------------------------------------------------------------------------------------------


def test_a_list_without_our_pin_tells_of_another_hand() -> None:
    told = meaning(SET, Look(), listing("Cleaner", "Anna 03-08 Mar"))
    assert (told.observed.remote_id, told.changed_in_app) == (None, True)


def test_a_list_that_explains_itself_tells_of_nobody() -> None:
    late = Late(NOW + HOUR, 1, 1, frozenset({Op.DELETE}))
    assert not meaning(replace(SET, late=late), Look(), listing("Cleaner")).changed_in_app
    assert not meaning(SET, Look(), listing("Cleaner"), replace(WISH, wanted=False)).changed_in_app
    assert not meaning(SET, Look(), listing(ALIAS)).changed_in_app


def test_a_list_finds_what_a_lost_post_made() -> None:
    lost = transitions.lost(posting(), NOW + LATE)
    observed = meaning(lost, Look(), listing(ALIAS, "Cleaner")).observed
    assert (observed.remote_id, observed.applied, observed.pending) == (7, WISH.content, None)


def test_a_read_pin_that_somebody_edited_is_known_as_it_is() -> None:
    edited = replace(WISH.content, ends_at=NOW + DAY)
    told = meaning(replace(SET, must_look=False), Read(7), remote(content=edited))
    assert (told.observed.applied, told.changed_in_app) == (edited, True)


def test_a_pin_that_somebody_restricted_does_not_say_what_we_wish() -> None:
    told = meaning(SET, Read(7), remote(recurrence=Recurrence(weekdays=48)))
    assert told.observed.applied == replace(WISH.content, starts_at=None)
    assert told.changed_in_app


def test_an_id_that_reads_as_somebody_elses_wants_a_look() -> None:
    told = meaning(SET, Read(7), remote("Cleaner"))
    assert (told.observed.applied, told.observed.must_look, told.changed_in_app) == (None, True, True)


# -- the lock's other PINs ---------------------------------------------------------------------------------------


def test_a_list_teaches_only_pins_that_look_or_are_believed_elsewhere() -> None:
    assert for_listed(PinView(WISH, SET), [7], NOW) is None
    assert for_listed(PinView(WISH, replace(SET, must_look=True)), [7], NOW) is not None
    moved = for_listed(PinView(WISH, SET), [9], NOW)
    assert moved is not None
    assert (moved.observed.remote_id, moved.changed_in_app) == (9, True)


def test_an_id_that_is_given_again_was_lost_before() -> None:
    assert for_reused_id(PinView(WISH, SET), 8, NOW) is None
    lost = for_reused_id(PinView(WISH, SET), 7, NOW)
    assert lost is not None
    assert (lost.observed.applied, lost.observed.must_look, lost.changed_in_app) == (None, True, True)


@settings(max_examples=200)
@given(views, st.lists(ids, unique=True, max_size=3))
def test_nobody_is_blamed_for_a_pin_that_should_not_be_there(view: PinView, ours: list[int]) -> None:
    told = for_listed(view, ours, NOW)
    if told is not None and told.changed_in_app:
        assert view.desired.is_live(NOW)
        assert view.observed.remote_id not in ours
        assert view.observed.pending is None
