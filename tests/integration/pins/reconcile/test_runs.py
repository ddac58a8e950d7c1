"""A run of one lock: when it has nothing to do, what it reports, and when it ends although work is left."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from celery.signals import task_postrun, task_prerun
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from config import log_context
from pins.core.budget import Purpose
from pins.core.pin_state import State
from pins.models import OBSERVE_ONLY, AccountState, Incident, LockState, Pin, PinAttempt
from pins.reconcile import after_loss, request_budget, run
from pins.reconcile.account_limits import LEASE, WRITES_REST
from pins.reconcile.leases import CROWDED_PAUSE
from pins.reconcile.run import FOREIGN_PINS_KNOWN, Report
from rentals.models import Lock
from tests.support.booking_actions import open_incidents
from tests.support.due_codes import due_codes
from tests.support.house import House, pin_of
from tests.support.observe_only import watch
from tests.support.reconciling import after_answer, methods
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

MICROSECOND, SECOND, MINUTE = timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AUDIT_IN = timedelta(days=3650)


def with_codes(house: House, count: int) -> Lock:
    door = house.lock()
    for number in range(count):
        house.stay(house.flat(door, name=f"Flat {number}"), (number + 1) * DAY, DAY)
    return door


# -- a run that has nothing to do --------------------------------------------------------------------------------


def test_a_lock_that_is_gone_has_no_work(house: House) -> None:
    assert run.reconcile_lock(4711, clients=house.client) == Report(None, 0, None)


def test_a_lock_without_codes_rests_until_it_is_compared(house: House) -> None:
    door, now = house.lock(), timezone.now()
    alarm = now + HOUR
    LockState.objects.update(dispatched_at=alarm)
    assert house.run(door) == Report(now + AUDIT_IN, 0, alarm)
    LockState.objects.update(audit_at=None)
    assert house.run(door) == Report(None, 0, alarm)
    LockState.objects.all().delete()
    assert house.run(door) == Report(None, 0, None)


@pytest.mark.parametrize(("later", "requests"), [(timedelta(0), 1), (MICROSECOND, 0)])
def test_work_is_begun_at_its_moment_and_not_before(house: House, later: timedelta, requests: int) -> None:
    door, now = with_codes(house, 1), timezone.now()
    Pin.objects.update(next_try_at=now + later)
    assert house.run(door).requests == requests


def test_the_first_of_a_lock_s_codes_and_its_comparison_says_when_there_is_work(house: House) -> None:
    door, now = house.lock(), timezone.now()
    due_codes(door, 3)
    for place, pin in enumerate(Pin.objects.all()):
        Pin.objects.filter(pk=pin.pk).update(next_try_at=now + (place + 2) * HOUR)
    assert house.run(door).next_at == now + 2 * HOUR
    LockState.objects.update(audit_at=now + HOUR)
    assert house.run(door).next_at == now + HOUR


def test_a_lock_with_a_run_is_left_to_that_run(house: House) -> None:
    door, now = with_codes(house, 1), timezone.now()
    LockState.objects.update(lease_owner=uuid.uuid4(), lease_until=now + LEASE)
    assert house.run(door) == Report(None, 0, None)
    LockState.objects.update(lease_until=now)
    assert house.run(door).requests == 1


def test_where_as_many_requests_are_under_way_as_the_account_may_have_a_run_comes_back_soon(
    house: House, settings: Settings
) -> None:
    settings.TEDEE_MAX_IN_FLIGHT = 1
    door, other, now = with_codes(house, 1), house.lock("Other"), timezone.now()
    busy = {"lease_owner": uuid.uuid4(), "lease_until": now + LEASE, "rate_key": house.account.budget_key}
    LockState.objects.filter(lock=other).update(**busy)
    report = house.run(door)
    assert report.requests == 0
    assert report.next_at is not None
    assert CROWDED_PAUSE[0] <= (report.next_at - now) / SECOND <= CROWDED_PAUSE[1]


# -- a lock that rests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "sent"),
    [
        ("offline", 0),
        ("", 0),
        (request_budget.BUDGET_SPENT, 1),
        (OBSERVE_ONLY, 1),
        (WRITES_REST, 1),
        (after_loss.LOOK_FIRST, 1),
    ],
)
def test_a_lock_that_rests_is_left_alone_unless_its_reason_may_be_over(house: House, cause: str, sent: int) -> None:
    door, now = with_codes(house, 1), timezone.now()
    alarm, until = now + 2 * MINUTE, now + MINUTE
    LockState.objects.update(paused_until=until, pause_cause=cause, dispatched_at=alarm)
    report = house.run(door)
    assert report.requests == sent
    assert report.alarm_at == alarm
    if not sent:
        assert report.next_at == until


@pytest.mark.parametrize(("lock_rests", "account_rests"), [(MINUTE, HOUR), (HOUR, MINUTE), (HOUR, None), (None, HOUR)])
def test_a_lock_rests_as_long_as_it_or_its_account_does(
    house: House, lock_rests: timedelta | None, account_rests: timedelta | None
) -> None:
    door, now = with_codes(house, 1), timezone.now()
    if lock_rests is not None:
        LockState.objects.update(paused_until=now + lock_rests, pause_cause="offline")
    if account_rests is not None:
        AccountState.objects.update(paused_until=now + account_rests, pause_cause="network")
    assert house.run(door) == Report(now + HOUR, 0, None)


@pytest.mark.parametrize("account", [False, True])
def test_a_rest_ends_at_its_moment(house: House, account: bool) -> None:
    door, now = with_codes(house, 1), timezone.now()
    if account:
        AccountState.objects.update(paused_until=now, pause_cause="network")
    else:
        LockState.objects.update(paused_until=now, pause_cause="offline")
    assert house.run(door).requests == 1


@pytest.mark.parametrize("ago", [timedelta(0), MINUTE])
def test_a_message_that_finds_nothing_to_do_costs_two_statements(house: House, ago: timedelta) -> None:
    """Also where the lock rested before: a rest that is over is no work. The mark, and the lock with all that it is
    judged by."""
    door, now = with_codes(house, 1), timezone.now()
    later = now + HOUR
    Pin.objects.update(next_try_at=later)
    LockState.objects.update(paused_until=now - ago, pause_cause="offline")
    with CaptureQueriesContext(connection) as captured:
        assert house.run(door) == Report(later, 0, None)
    assert len(statements(captured)) == 2


# -- what a run reports ------------------------------------------------------------------------------------------


def test_a_run_reports_what_it_sent_and_when_there_is_work_again(house: House) -> None:
    door = with_codes(house, 2)
    alarm = timezone.now() + HOUR
    LockState.objects.update(dispatched_at=alarm)
    assert house.run(door) == Report(timezone.now() + 2 * DAY, 2, alarm)  # the end of the first stay


def test_after_a_fault_the_rest_of_the_lock_says_when_to_go_on(house: House) -> None:
    door = with_codes(house, 2)
    house.cloud.script(door.device_id, ["POST:offline"])
    report = house.run(door)
    state = LockState.objects.get()
    assert report == Report(state.paused_until, 1, None)
    assert state.paused_until is not None
    assert state.paused_until > timezone.now()


def test_a_comparison_counts_beside_the_changes_before_it(house: House) -> None:
    door = with_codes(house, 2)
    LockState.objects.update(audit_at=timezone.now())
    assert house.run(door).requests == 5
    assert methods() == ["post", "post", "list", "get", "get"], "what is new there is read once"
    assert LockState.objects.values_list("paused_until", "pause_cause").get() == (None, "")


def test_a_refused_change_and_the_question_whether_the_key_may_read_are_two_requests(house: House) -> None:
    door = with_codes(house, 2)
    house.cloud.script(door.device_id, ["POST:ok", "POST:403"])
    assert house.run(door).requests == 3
    assert methods() == ["post", "post", "list"]


def test_a_spent_budget_rests_the_lock_for_five_minutes(house: House, settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT = 1
    door, now = with_codes(house, 1), timezone.now()
    request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, now, now)
    assert house.run(door) == Report(now + 5 * MINUTE, 0, None)
    assert LockState.objects.values_list("paused_until", "pause_cause").get() == (now + 5 * MINUTE, "budget")


def test_where_nothing_may_be_written_reads_go_on_and_are_searched_for_every_five_minutes(house: House) -> None:
    door, now = with_codes(house, 3), timezone.now()
    watch(house.account)
    doubtful = Pin.objects.order_by("deadline_at").last()
    assert doubtful is not None
    Pin.objects.filter(pk=doubtful.pk).update(must_look=True)
    assert house.run(door) == Report(now + 5 * MINUTE, 1, None)
    assert methods() == ["list"]
    assert LockState.objects.values_list("paused_until", "pause_cause").get() == (now + 5 * MINUTE, OBSERVE_ONLY)


def test_a_refusal_for_lack_of_room_gives_the_place_to_a_guest_of_today_in_the_same_run(
    clock: time_machine.Traveller,
) -> None:
    house = House(capacity=1)
    door = house.lock()
    house.stay(house.flat(door, name="Far"), 5 * DAY, DAY)
    house.settle()
    near = house.stay(house.flat(door, name="Near"), 5 * HOUR, DAY)
    house.run(door)
    assert methods() == ["post", "post", "delete", "post"]
    assert pin_of(near, door).state == State.SET


class InATask:
    """What Celery's signals say of a task that the caller runs itself."""

    name = "a task"
    request = SimpleNamespace(is_eager=True)


def test_what_is_logged_during_a_request_names_the_code_that_it_is_about(house: House) -> None:
    door = with_codes(house, 1)
    LockState.objects.update(audit_at=timezone.now())
    seen: list[object] = []
    house.transport.on_request = lambda *_: seen.append(log_context.current().get("pin_id"))
    task_prerun.send(sender=InATask, task_id="an id", kwargs={"lock_id": door.pk})
    try:
        house.run(door)
    finally:
        task_postrun.send(sender=InATask)
    pin = Pin.objects.get().pk
    assert (methods(), seen) == (["post", "list", "get"], [pin, None, pin])


def test_where_a_backup_is_restored_during_a_run_the_list_comes_before_the_next_change(house: House) -> None:
    door = with_codes(house, 2)
    after_answer(house, "POST", lambda: LockState.objects.update(look_first=True))
    house.run(door)
    sent = methods()
    assert (sent[0], sent[1], sent[-1]) == ("post", "list", "post")
    assert sent.count("post") == 2
    assert not LockState.objects.get().look_first


def test_a_restored_lock_that_cannot_be_compared_rests_for_half_a_minute_at_least(house: House) -> None:
    door, now = with_codes(house, 1), timezone.now()
    LockState.objects.update(look_first=True, audit_at=now)
    house.cloud.script(door.device_id, ["GET:400"])
    report = house.run(door)
    state = LockState.objects.get()
    assert (methods(), state.look_first, state.pause_cause) == (["list"], True, after_loss.LOOK_FIRST)
    assert state.paused_until is not None
    assert now + 30 * SECOND <= state.paused_until <= now + 5 * MINUTE
    assert report.next_at == state.paused_until


# -- a run that ends early ---------------------------------------------------------------------------------------


@pytest.fixture
def _goes_on() -> Iterator[None]:
    yield
    run.stopping.clear()


@pytest.mark.usefixtures("_goes_on")
def test_a_process_that_was_asked_to_end_finishes_the_request_under_way_and_begins_no_other(house: House) -> None:
    door = with_codes(house, 3)
    after_answer(house, "POST", run.stopping.set)
    report = house.run(door)
    assert (report.requests, report.next_at) == (1, timezone.now())
    assert house.run(door).requests == 0
    run.stopping.clear()
    assert house.run(door).requests == 2


@pytest.mark.parametrize(("seconds", "sent"), [(19.9, 4), (20.0, 3), (59.0, 2)])
def test_a_run_of_a_busy_lock_ends_after_a_minute(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, seconds: float, sent: int
) -> None:
    """Each request takes so long. Then other locks have their turn, and this one goes on in another run."""
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: timezone.now().timestamp()))
    door = with_codes(house, 5)
    house.transport.on_request = lambda *_: clock.shift(timedelta(seconds=seconds))
    report = house.run(door)
    assert (report.requests, report.next_at) == (sent, Pin.objects.exclude(state=State.SET).earliest("pk").next_try_at)
    assert LockState.objects.get().lease_until is None


# -- what a crashed run left -------------------------------------------------------------------------------------


def test_a_request_without_an_answer_is_in_doubt_and_may_land_for_a_while(house: House, settings: Settings) -> None:
    door, now = with_codes(house, 2), timezone.now()
    started, asked = Pin.objects.order_by("pk")
    token = uuid.uuid4()
    PinAttempt.objects.create(pin=started, op="post", started_at=now - MINUTE)
    PinAttempt.objects.create(lock=door, op="list", started_at=now - MINUTE)
    Pin.objects.filter(pk=started.pk).update(op="post", op_token=token, op_rev=1, op_code=started.grant.code)
    run.stopping.set()  # only what comes before the first step
    try:
        house.run(door)
    finally:
        run.stopping.clear()
    pin = Pin.objects.get(pk=started.pk)
    assert (pin.op_in_doubt, pin.state, pin.late_kinds) == (True, State.IN_DOUBT, "post")
    assert pin.late_until == now + settings.LATE_SECONDS * SECOND
    assert pin.op_token not in (token, None)
    assert set(PinAttempt.objects.values_list("outcome", "finished_at", "cause")) == {("lost", now, "crash")}
    assert Pin.objects.get(pk=asked.pk).op_in_doubt is False


def test_only_requests_to_this_lock_that_are_open_were_left(house: House) -> None:
    door, other, now = house.lock("Door"), house.lock("Other"), timezone.now()
    due_codes(door, 1)
    PinAttempt.objects.create(lock=other, op="list", started_at=now)
    done: dict[str, Any] = {"outcome": "done", "finished_at": now - HOUR}
    PinAttempt.objects.create(lock=door, op="list", started_at=now - HOUR, **done)
    house.run(door)
    assert PinAttempt.objects.get(lock=other).outcome == PinAttempt.Outcome.OPEN
    assert PinAttempt.objects.get(lock=door).finished_at == now - HOUR


@pytest.mark.parametrize(("ago", "is_known"), [(FOREIGN_PINS_KNOWN - MICROSECOND, True), (HOUR, False)])
def test_for_an_hour_after_a_look_the_codes_of_others_take_room(house: House, ago: timedelta, is_known: bool) -> None:
    door = with_codes(house, 2)
    Lock.objects.update(pin_capacity=8)  # five places are kept free
    LockState.objects.update(foreign_pins=2, looked_at=timezone.now() - ago, device_id=door.device_id)
    house.run(door)
    assert Pin.objects.filter(state=State.SET).count() == (1 if is_known else 2)
    assert open_incidents() == ([Incident.Kind.TOO_MANY_CODES] if is_known else [])


def test_a_new_lock_gets_a_moment_of_its_own_in_which_it_is_compared(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    """Also if that comes while its first run still works."""
    settings.AUDIT_SECONDS = 1
    house = House(audits=True)
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    house.transport.on_request = lambda *_: clock.shift(2 * SECOND)
    house.run(door)
    assert methods()[:2] == ["post", "list"]
    assert pin_of(booking, door).state == State.SET
    audit_at = LockState.objects.get().audit_at
    assert audit_at is not None
    assert audit_at > timezone.now()
