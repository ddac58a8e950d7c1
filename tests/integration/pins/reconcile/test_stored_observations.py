"""How what was observed gets into the rows: never over what somebody else stored, and each attempt with its outcome."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.interpret import PreparedAttempt, Response
from pins.core.pin_state import State
from pins.core.plan import Create, Delete, Read, Request
from pins.models import LockState, Pin, PinAttempt, ValueClaim
from pins.reconcile import observations
from pins.tedee.errors import DeviceBusy, DeviceTimeout, PinNotFound, TedeeError
from rentals.models import Lock
from tests.support.booking_actions import cancel, change, requests_sent
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin, during

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def set_on(house: House, lock: Lock, name: str = "Flat") -> Pin:
    booking = house.stay(house.flat(lock, name=name), DAY, DAY)
    house.settle()
    return noted(pin_of(booking, lock))


def noted(pin: Pin) -> Pin:
    pin.note_read()
    return pin


def again(pin: Pin) -> Pin:
    return Pin.objects.select_related("grant").get(pk=pin.pk)


def taken_off(pin: Pin) -> Pin:
    """Its stay is off, and it is known to be gone."""
    assert pin.grant.booking is not None
    cancel(pin.grant.booking)
    gone = noted(again(pin))
    gone.remote_id, gone.applied_known, gone.posts = None, False, []
    return gone


def claims() -> int:
    return ValueClaim.objects.filter(released_at=None).count()


# -- rows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile", ["nothing", "a wish", "an observation"])
def test_a_row_is_stored_only_if_neither_side_was_stored_since_it_was_read(house: House, meanwhile: str) -> None:
    pin, other = set_on(house, house.lock()), set_on(house, house.lock("Gate"), "Other")
    if meanwhile == "a wish":
        Pin.objects.filter(pk=pin.pk).update(desired_rev=pin.desired_rev + 1)
    if meanwhile == "an observation":
        Pin.objects.filter(pk=pin.pk).update(observed_rev=pin.observed_rev + 1)
    before, read_rev = again(pin), pin.observed_rev
    pin.must_read = True
    with transaction.atomic():
        stored = observations.save_if_unchanged(pin, timezone.now())
    assert stored is (meanwhile == "nothing")
    after = again(pin)
    assert (after.must_read, after.observed_rev) == (stored, before.observed_rev + stored)
    assert after.next_try_at == (timezone.now() if stored else before.next_try_at)
    assert pin.observed_rev == read_rev + stored
    assert again(other).observed_rev == other.observed_rev
    assert (pin.changed_columns() == {}) is stored


@pytest.mark.parametrize("holds", [True, False])
def test_what_must_hold_besides_is_asked_by_the_same_statement(house: House, holds: bool) -> None:
    pin = set_on(house, house.lock())

    def is_set() -> Q:
        return Q(state=State.SET if holds else State.REMOVED)

    pin.last_cause = "busy"
    assert observations.store_if_unchanged(pin, is_set) is holds
    assert again(pin).last_cause == ("busy" if holds else "")


def test_what_was_stored_once_is_no_change_the_next_time(house: House) -> None:
    pin = set_on(house, house.lock())
    pin.must_read = True
    observations.save_observed(pin, timezone.now())
    assert pin.changed_columns() == {}
    assert again(pin).observed_rev == pin.observed_rev
    Pin.objects.filter(pk=pin.pk).update(must_read=False)
    pin.last_cause = "busy"
    assert observations.store_if_unchanged(pin)
    assert not again(pin).must_read, "it is as somebody else left it"


def test_an_answer_that_nothing_overtook_is_stored_without_reading_its_row_again(house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    with CaptureQueriesContext(connection) as asked:
        house.run(door)
    assert house.statuses() == {201: 1}
    alone = 'WHERE "pins_pin"."id" ='
    assert not [one["sql"] for one in asked if one["sql"].startswith("SELECT") and alone in one["sql"]]


def test_an_answer_is_not_lost_because_the_wish_changed_meanwhile(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    during(house, "POST", lambda: change(booking, check_out=booking.check_out + HOUR))
    house.run(door)
    assert requests_sent() == ["post", "put"], "the code is known, and follows the wish"
    booking.refresh_from_db()
    assert_one_right_pin(house, booking, door)


def test_an_answer_to_a_request_that_another_run_took_over_teaches_nothing(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)

    def take_over() -> None:
        Pin.objects.update(op_token=uuid.uuid4(), observed_rev=F("observed_rev") + 1)
        LockState.objects.update(lease_owner=uuid.uuid4())

    during(house, "POST", take_over)
    house.run(door)
    pin = pin_of(booking, door)
    assert (pin.remote_id, pin.op) == (None, "post")
    assert PinAttempt.objects.get().outcome == "done", "but what became of it is on record"


@pytest.mark.parametrize("way", ["alone", "together", "if unchanged"])
def test_a_value_that_is_nowhere_any_more_is_free_for_others(house: House, way: str) -> None:
    """In each of the ways in which a row is stored."""
    pin, other = set_on(house, house.lock()), set_on(house, house.lock("Gate"), "Other")
    gone, now = taken_off(pin), timezone.now()
    assert claims() == 2
    with transaction.atomic():
        if way == "alone":
            observations.save_observed(gone, now)
        elif way == "together":
            observations.save_all_observed([gone, noted(again(other))], now)
        else:
            assert observations.save_if_unchanged(gone, now)
    assert list(ValueClaim.objects.filter(released_at=now).values_list("grant", flat=True)) == [gone.grant_id]
    assert claims() == 1
    assert again(pin).state == State.REMOVED
    assert again(other).state == State.SET


def test_many_rows_are_stored_together_each_with_what_changed_in_it(house: House) -> None:
    one, two = set_on(house, house.lock()), set_on(house, house.lock("Gate"), "Other")
    one.must_look, two.last_cause = True, "busy"
    observations.save_all_observed([one, two], timezone.now())
    for pin, facts in ((one, (True, "", State.IN_DOUBT)), (two, (False, "busy", State.SET))):
        stored = again(pin)
        assert (stored.must_look, stored.last_cause, stored.state) == facts
        assert stored.observed_rev == pin.observed_rev
        assert pin.changed_columns() == {}
    assert again(one).next_try_at == timezone.now()


@pytest.mark.parametrize(("step", "confirmed"), [("POST:timeout_applied", 0), ("POST:409", 0), ("", 1)])
def test_only_a_change_that_the_lock_confirmed_is_counted(house: House, step: str, confirmed: int) -> None:
    """By that count the version of its next list is judged."""
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.cloud.script(door.device_id, [step, "GET:503"] if step else [])
    house.run(door)
    state = LockState.objects.get(lock=door)
    assert (state.confirmed_since, state.confirmed_since_audit) == (confirmed, confirmed)


# -- attempts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "error", "outcome", "cause"),
    [
        (Create(), None, "done", ""),
        (Create(), DeviceBusy(409, "abc"), "refused", "busy"),
        (Create(), DeviceTimeout(408, "abc"), "lost", "timeout"),
        (Delete(7), PinNotFound(404, "abc"), "done", "not_found"),  # as good as its success
        (Read(7), PinNotFound(404, "abc"), "refused", "not_found"),
    ],
)
def test_each_attempt_keeps_what_became_of_it(
    house: House, step: Request, error: TedeeError | None, outcome: str, cause: str
) -> None:
    pin, now = set_on(house, house.lock()), timezone.now()
    row = PinAttempt.objects.create(pin=pin, op=PinAttempt.Kind.POST, started_at=now - MINUTE)
    other = PinAttempt.objects.create(pin=pin, op=PinAttempt.Kind.POST, started_at=now - MINUTE)
    attempt = PreparedAttempt(pin.pk, 1, step, row.token, 1, None, now)
    status = error.status if error is not None else 201
    observations.close_attempt(attempt, Response(error=error, status=status, correlation_id="abc"), now)
    row.refresh_from_db()
    assert (row.outcome, row.status, row.cause, row.correlation_id) == (outcome, status, cause, "abc")
    assert row.finished_at == now
    other.refresh_from_db()
    assert (other.outcome, other.finished_at) == ("", None)
