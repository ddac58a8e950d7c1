"""A run as a batch: what it read stands until somebody else stores something, and what it took goes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose, Usage, remaining
from pins.core.pin_state import State
from pins.desired import disclosure, grants
from pins.incidents import sweep_checks
from pins.models import AccessGrant, Incident, LockState, Pin, PinAttempt, RateBudget
from pins.reconcile import account_limits, by_hand, request_budget, sweep
from pins.reconcile.endings import Endings
from pins.simulator.messages import Reply, Request
from rentals.models import Booking, Lock, LockAccount, Property
from tests.support.house import House, pin_of
from tests.support.people import operator
from tests.support.reconciling import after_answer, assert_one_right_pin, during, methods

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def full_flat(house: House, door: Lock, stays: int) -> list[Booking]:
    return [
        house.stay(house.flat(door, name=f"Flat {number}"), (number + 1) * DAY, DAY, name=f"Guest {number}")
        for number in range(stays)
    ]


def left(house: House) -> int:
    usage = Usage.from_json(RateBudget.objects.get(key=house.account.budget_key).usage)
    return remaining(usage, request_budget.rules(), timezone.now())


# -- what is stored ----------------------------------------------------------------------------------------------


def test_every_writer_raises_a_revision(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    house.settle()
    seen = {(pin_of(booking, door).desired_rev, pin_of(booking, door).observed_rev)}
    flat = booking.property

    def look_back() -> None:
        flat.issue_ahead_days -= 1
        flat.save()

    for action in (
        lambda: by_hand.try_now([pin_of(booking, door).pk], timezone.now()),
        lambda: by_hand.look_now(door.pk, timezone.now()),
        house.settle,
        look_back,
        lambda: grants.rotate(AccessGrant.objects.get().pk, timezone.now()),
    ):
        action()
        pin = pin_of(booking, door)
        assert (pin.desired_rev, pin.observed_rev) not in seen, "a run would store over this"
        seen.add((pin.desired_rev, pin.observed_rev))


def test_an_answer_is_kept_although_a_person_acts_while_it_is_under_way(house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    after_answer(house, "POST", lambda: by_hand.try_now([pin_of(booking, door).pk], timezone.now()))
    house.settle()
    assert_one_right_pin(house, booking, door)
    assert methods() == ["post"]


def test_a_wish_that_changes_between_two_requests_is_sent_as_it_is_now(house: House) -> None:
    door = house.lock()
    first, second = full_flat(house, door, 2)

    def extend() -> None:
        second.check_out += HOUR
        second.save()

    after_answer(house, "POST", extend)
    house.settle()
    assert_one_right_pin(house, first, door)
    assert_one_right_pin(house, second, door)
    assert methods() == ["post", "post"], "the old wish was never sent"


def test_a_code_is_shown_while_the_next_request_is_prepared(house: House) -> None:
    """The disclosure changes the grant alone: what the run read of it before must not undo that."""
    door = house.lock()
    _, second = full_flat(house, door, 2)
    grant = AccessGrant.objects.get(booking=second)
    shown: list[str] = []
    user = operator()
    during(house, "POST", lambda: shown.append(disclosure.reveal(grant.pk, timezone.now(), user=user, address="")))
    house.settle()
    grant.refresh_from_db()
    assert shown == [grant.code]
    assert grant.disclosed_at is not None
    assert_one_right_pin(house, second, door)


# -- what may be sent --------------------------------------------------------------------------------------------


def test_an_account_that_becomes_observe_only_between_two_requests_gets_no_more_changes(house: House) -> None:
    door = house.lock()
    full_flat(house, door, 3)
    after_answer(house, "POST", lambda: LockAccount.objects.update(observe_only=True))
    house.run(door)
    assert methods() == ["post"]


def test_a_lock_that_moves_to_another_account_gets_nothing_from_the_old_key(house: House) -> None:
    door = house.lock()
    full_flat(house, door, 3)
    other = LockAccount.objects.create(name="Other", kind="personal_key", secret="other-key")
    after_answer(house, "POST", lambda: Lock.objects.update(account=other))
    house.run(door)
    assert methods() == ["post"]


def test_a_lock_that_is_switched_off_without_a_signal_gets_no_new_code_but_loses_old_ones(house: House) -> None:
    door = house.lock()
    _, leaving = full_flat(house, door, 2)
    house.settle()
    fresh = house.stay(house.flat(door, name="Fresh"), HOUR, HOUR)
    leaving.status = Booking.Status.CANCELLED
    leaving.save()
    Lock.objects.update(is_active=False)
    house.run(door)
    assert methods() == ["post", "post", "delete"]
    following = pin_of(fresh, door).next_try_at
    assert following is not None
    assert following > timezone.now()


# -- what was taken in advance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [1, 4, 5, 6, 13])
def test_the_budget_holds_exactly_what_was_sent(house: House, codes: int) -> None:
    door = house.lock()
    full_flat(house, door, codes)
    house.settle()
    assert left(house) == request_budget.rules().limit - codes


def test_what_a_run_did_not_send_goes_back(house: House) -> None:
    door = house.lock()
    full_flat(house, door, 5)
    house.cloud.script(door.device_id, ["POST:ok", "POST:offline"])
    house.run(door)
    assert methods() == ["post", "post"]
    assert left(house) == request_budget.rules().limit - 2


def test_a_429_of_another_lock_stops_what_was_taken_in_advance(house: House) -> None:
    door = house.lock()
    full_flat(house, door, 5)
    after_answer(house, "POST", lambda: request_budget.rate_limited(house.account, 600.0, timezone.now()))
    house.run(door)
    assert methods() == ["post"]


def test_a_new_cutoff_stops_what_was_taken_in_advance(house: House, settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT = 30
    door, near = house.lock("Far"), house.lock("Near")
    full_flat(house, door, 5)

    def scarcity() -> None:
        for number in range(40):
            house.stay(house.flat(near, name=f"Near {number}"), HOUR + number * MINUTE, HOUR)
        sweep.ration(timezone.now())

    after_answer(house, "POST", scarcity)
    house.run(door)
    assert methods() == ["post"], "the nearer arrivals need what is left"


def test_nothing_is_taken_in_advance_where_little_is_left(house: House, settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT = 20
    for _ in range(16):
        request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, timezone.now(), timezone.now())
    door = house.lock()
    full_flat(house, door, 5)
    seen: list[int] = []

    def count(request: Request, reply: Reply) -> None:
        seen.append(left(house))

    house.transport.on_request = count
    house.run(door)
    assert seen == [3, 2], "each request was taken alone, down to the tenth that nearer deadlines keep"


def test_a_block_ends_with_its_slot(house: House, clock: time_machine.Traveller, settings: Settings) -> None:
    """A slot is a sixtieth of the window. What was booked in one must not be sent, and counted, in another."""
    settings.TEDEE_RATE_WINDOW = 60
    door = house.lock()
    full_flat(house, door, 4)
    sent: list[int] = []

    def wait(request: Request, reply: Reply) -> None:
        clock.shift(timedelta(seconds=2))
        sent.append(left(house))

    house.transport.on_request = wait
    house.settle()
    usage = Usage.from_json(RateBudget.objects.get().usage)
    assert max(usage.counts) == 1
    assert sum(usage.counts) == 4


# -- what ends ---------------------------------------------------------------------------------------------------


def test_incidents_end_with_the_run_that_put_things_right(house: House) -> None:
    door = house.lock()
    first, second = full_flat(house, door, 2)
    for booking in (first, second):
        Incident.open(Incident.Kind.CODE_LATE, timezone.now(), about=pin_of(booking, door))
    Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door)
    Incident.open(Incident.Kind.NO_ROOM, timezone.now(), about=door)
    house.run(door)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_an_incident_that_opens_again_in_the_same_run_stays_open(house: House) -> None:
    """First a code fits, then the keypad is full: the end of the earlier trouble must not swallow the new one."""
    door = house.lock()
    full_flat(house, door, 2)
    Incident.open(Incident.Kind.NO_ROOM, timezone.now(), about=door)
    house.cloud.script(door.device_id, ["POST:ok", "POST:412"])
    house.run(door)
    assert Incident.objects.filter(kind=Incident.Kind.NO_ROOM, resolved_at=None).exists()


def test_a_run_that_dies_before_its_end_leaves_no_incident_open_for_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = house.lock()
    (booking,) = full_flat(house, door, 1)
    kinds = (Incident.Kind.CODE_LATE, Incident.Kind.VALUE_TAKEN, Incident.Kind.CREATED_OFTEN)
    for kind in kinds:
        Incident.open(kind, timezone.now(), about=pin_of(booking, door))

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Endings, "write", die)
    with pytest.raises(SystemExit):
        house.run(door)
    assert pin_of(booking, door).state == State.SET
    sweep_checks.check(timezone.now())
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_faults_of_other_locks_are_refuted_by_each_answer(house: House) -> None:
    """A run that knows its account from its beginning must not miss what other locks noted meanwhile."""
    door = house.lock()
    full_flat(house, door, 3)

    def others_fail() -> None:
        for lock_id in (901, 902):
            account_limits.cloud_failed(house.account, lock_id, timezone.now(), first=True)

    after_answer(house, "POST", others_fail)
    house.run(door)
    assert account_limits.cloud_failed(house.account, 903, timezone.now(), first=True) is None


def test_a_lock_marked_offline_during_its_run_is_well_after_the_next_answer(house: House) -> None:
    door = house.lock()
    full_flat(house, door, 3)
    after_answer(house, "POST", lambda: LockState.objects.update(offline_since=timezone.now()))
    house.run(door)
    assert LockState.objects.get(lock=door).offline_since is None
    assert PinAttempt.objects.count() == 3
    assert Pin.objects.filter(state=State.SET).count() == 3
    assert Property.objects.count() == 3
