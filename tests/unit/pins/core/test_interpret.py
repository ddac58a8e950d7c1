"""What an answer means: every kind of request against every kind of answer, and whom a failure concerns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from pins.core import transitions
from pins.core.interpret import Response, scope_of
from pins.core.pin_state import Observed, Op, PendingWrite
from pins.core.plan import Create, Delete, Look, Read, Request, Update
from pins.core.posts import Post
from pins.core.retry import Scope
from pins.core.witness import Credit
from pins.tedee.errors import (
    BadRequest,
    DeviceBusy,
    DeviceOffline,
    DeviceTimeout,
    Forbidden,
    NetworkFault,
    NoRoom,
    PinExists,
    PinNotFound,
    RateLimited,
    ServerFault,
    TedeeError,
    Unauthorized,
)
from pins.tedee.messages import PinListing
from tests.support.answers import LATE, deleting, meaning, posting
from tests.support.facts import NOW, SET, WISH

HOUR = timedelta(hours=1)


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
    surplus = transitions.prepared(replace(SET, extra_ids=(9,)), PendingWrite(Op.DELETE, 1, None, 9), NOW)
    observed = meaning(surplus, Delete(9), Response(error=PinNotFound(404))).observed
    assert (observed.remote_id, observed.must_look) == (7, True)


def test_a_surplus_pin_that_is_gone_is_not_deleted_again_and_again() -> None:
    surplus = deleting(replace(SET, extra_ids=(9,)), 9)
    told = meaning(surplus, Delete(9), Response(error=PinNotFound(404))).observed
    shown = meaning(told, Look(), Response(listing=PinListing(1, ())), credit=Credit.DOUBTFUL).observed
    assert 9 not in shown.extra_ids


# -- refusals of the name ------------------------------------------------------------------------------------------


def test_a_refused_name_is_shortened_and_the_value_is_innocent() -> None:
    told = meaning(posting(), Create(), Response(error=BadRequest(400, about="alias")))
    assert told.shorten_alias
    assert (told.observed.refused, told.observed.start_refused, told.observed.posts) == (False, False, ())
    assert told.observed.hold_until is not None


@pytest.mark.parametrize("about", ["", "value"])
def test_a_refusal_of_something_else_leaves_the_name(about: Literal["", "value"]) -> None:
    told = meaning(posting(), Create(), Response(error=BadRequest(400, about=about)))
    assert (told.shorten_alias, told.observed.refused) == (False, True)


def test_a_name_is_shortened_once() -> None:
    refusal = Response(error=BadRequest(400, about="alias"))
    short = meaning(posting(), Create(), refusal, alias_is_short=True, alias="#7F3K2Q Anna")
    assert (short.shorten_alias, short.observed.refused) == (False, True)
    # Another lock of the account learned it while this request was under way: the value is still innocent.
    long = meaning(posting(), Create(), refusal, alias_is_short=True)
    assert long.observed.refused is False


# -- creations that were refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        BadRequest(400),
        BadRequest(400, about="alias"),
        Forbidden(403),
        PinExists(406),
        DeviceBusy(409),
        NoRoom(412),
        DeviceOffline(428),
        RateLimited(429),
    ],
)
def test_a_certain_refusal_never_counts_as_a_creation(error: TedeeError) -> None:
    observed = Observed()
    for _ in range(6):
        observed = meaning(posting(observed), Create(), Response(error=error)).observed
    assert observed.posts == ()


@pytest.mark.parametrize("error", [DeviceTimeout(408), ServerFault(503), NetworkFault()])
def test_a_lost_answer_counts_as_a_creation(error: TedeeError) -> None:
    assert meaning(posting(), Create(), Response(error=error)).observed.posts == (
        Post(NOW, None, WISH.content.ends_at),
    )


@pytest.mark.parametrize("credit", [Credit.PROVEN, Credit.UNPROVEN])
def test_a_value_that_exists_brings_a_lost_creation_back_once(credit: Credit) -> None:
    """The list did not show it, but the lock says that it has the value: so it is there, however often we ask."""
    lost = meaning(posting(), Create(), Response(error=DeviceTimeout(408))).observed
    observed = meaning(lost, Look(), Response(listing=PinListing(1, ())), credit=credit).observed
    for _ in range(4):
        observed = meaning(posting(observed), Create(), Response(error=PinExists(406))).observed
        assert [(post.id, post.absent) for post in observed.posts] == [(None, False)]


# -- successes of writes, and a 404 that is not Tedee's --------------------------------------------------------------


def test_a_changed_pin_says_what_was_sent() -> None:
    longer = replace(WISH, content=replace(WISH.content, ends_at=NOW + 72 * HOUR))
    changing = transitions.prepared(SET, PendingWrite(Op.PUT, 1, longer.content, 7), NOW)
    assert meaning(changing, Update(7), Response(status=204), longer).observed == replace(SET, applied=longer.content)


def test_a_removed_pin_is_gone_and_a_removed_surplus_leaves_the_other() -> None:
    assert meaning(deleting(), Delete(7), Response(status=204)).observed == Observed(tried_rev=1)
    surplus = replace(SET, extra_ids=(8, 9))
    assert meaning(deleting(surplus, 8), Delete(8), Response(status=204)).observed == replace(SET, extra_ids=(9,))


def test_a_201_without_an_id_leaves_the_attempt_open() -> None:
    sent = posting()
    assert meaning(sent, Create(), Response(status=201)).observed == sent


ASTRAY = Response(error=ServerFault(404))


def test_a_404_of_a_gateway_makes_us_look_and_is_a_witness_only_after_a_list() -> None:
    asked = meaning(SET, Read(7), ASTRAY)
    assert (asked.observed, asked.changed_in_app) == (replace(SET, must_look=True), False)
    omitted = replace(SET, omitted=True)
    told = meaning(omitted, Read(7), ASTRAY)
    assert (told.observed.remote_id, told.changed_in_app) == (None, True)


def test_after_a_404_of_a_gateway_to_a_nominee_the_others_are_asked_first() -> None:
    searching = replace(Observed(), exists=True, nominees=(11, 12))
    assert meaning(searching, Read(11), ASTRAY).observed == replace(searching, nominees=(12, 11), read_failures=1)


@pytest.mark.parametrize("step", [Update(7), Delete(7)])
def test_a_404_of_a_gateway_to_a_change_is_a_lost_answer(step: Request) -> None:
    before = (
        deleting()
        if isinstance(step, Delete)
        else transitions.prepared(SET, PendingWrite(Op.PUT, 1, WISH.content, 7), NOW)
    )
    observed = meaning(before, step, ASTRAY).observed
    assert observed.remote_id == 7
    assert observed.pending is not None
    assert observed.pending.in_doubt


def test_another_503_to_a_read_teaches_nothing() -> None:
    assert meaning(SET, Read(7), Response(error=ServerFault(503))).observed == SET
