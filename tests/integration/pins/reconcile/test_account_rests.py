"""What makes an account rest, for how long, and what ends it: exact rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.models import OBSERVE_ONLY, AccountState, AccountTokens, Incident, LockState, Pin, RateBudget
from pins.reconcile import account_limits
from pins.reconcile.account_limits import WRITES_REST
from pins.tedee.errors import Cause
from rentals.models import Lock, LockAccount
from tests.support.house import KEY, House

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind = Incident.Kind


def state_of(account: LockAccount, **facts: Any) -> AccountState:
    return AccountState.objects.update_or_create(account=account, defaults=facts)[0]


def stored(account: LockAccount) -> AccountState:
    return AccountState.objects.get(account=account)


def another_account() -> LockAccount:
    return LockAccount.objects.create(name="Other", secret=KEY)


def still_open() -> list[tuple[str, object]]:
    rows = Incident.objects.filter(resolved_at=None).order_by("pk")
    return [(one.kind, one.account or one.lock) for one in rows]


# -- until when --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "rests"),
    [
        ({"paused_until": None}, False),
        ({"paused_until": timedelta()}, False),
        ({"paused_until": SECOND}, True),
        ({"paused_until": SECOND, "pause_cause": Cause.NETWORK.value}, True),
        ({"paused_until": SECOND, "pause_cause": WRITES_REST}, False),  # reads go on
    ],
)
def test_an_account_rests_until_its_moment_has_come(house: House, facts: dict[str, Any], rests: bool) -> None:
    now = timezone.now()
    until = now + facts["paused_until"] if facts["paused_until"] is not None else None
    state_of(house.account, **{**facts, "paused_until": until})
    assert account_limits.paused_until(house.account, now) == (until if rests else None)
    assert account_limits.paused_until(another_account(), now) is None


def refused(account: LockAccount, key: str) -> None:
    """All that follows from a key that was refused, and may not change anything either."""
    now = timezone.now()
    facts = {"paused_until": now + HOUR, "pause_cause": "unauthorized", "writes_refused": 2, "outages": 1}
    state_of(account, dead_key=key, **facts)
    for kind in (Kind.DEAD_KEY, Kind.NO_WRITE_SCOPE):
        Incident.open(kind, now, about=account)


@pytest.mark.parametrize("asks", ["a run", "the sweep"])
def test_another_key_ends_the_rest_of_its_account_and_what_hung_on_the_old_one(house: House, asks: str) -> None:
    now, other = timezone.now(), another_account()
    door, offline, attic = house.lock("Door"), house.lock("Offline"), house.lock("Attic")
    Lock.objects.filter(pk=attic.pk).update(account=other)
    LockState.objects.update(paused_until=now + HOUR, pause_cause=WRITES_REST)
    LockState.objects.filter(lock=offline).update(pause_cause="offline")
    for account in (house.account, other):  # they had the same key
        refused(account, account_limits.key_fingerprint(other))
    LockAccount.objects.filter(pk=house.account.pk).update(secret="a new key")
    house.account.refresh_from_db()
    if asks == "a run":
        assert account_limits.paused_until(house.account, now) is None
        assert account_limits.paused_until(other, now) == now + HOUR
    else:
        known = {one.account_id: one for one in account_limits.forgive_new_keys(now)}
        forgiven = known[house.account.pk]
        assert (forgiven.dead_key, forgiven.paused_until, forgiven.pause_cause) == ("", None, "")
        assert known[other.pk].paused_until == now + HOUR
    state = stored(house.account)
    assert (state.dead_key, state.paused_until, state.pause_cause, state.writes_refused) == ("", None, "", 0)
    assert state.outages == 1, "the new key is tried with one request first"
    assert (stored(other).dead_key != "", stored(other).writes_refused) == (True, 2)
    rests = dict(LockState.objects.values_list("lock", "pause_cause"))
    assert rests == {door.pk: "", offline.pk: "offline", attic.pk: WRITES_REST}
    assert LockState.objects.get(lock=door).paused_until is None
    # Whether it is accepted, its first answer says.
    theirs = [(Kind.DEAD_KEY, other), (Kind.NO_WRITE_SCOPE, other)]
    assert still_open() == [(Kind.DEAD_KEY, house.account), *theirs]


def test_a_refusal_that_came_since_the_row_was_read_stands(house: House) -> None:
    door, now = house.lock(), timezone.now()
    read = state_of(house.account, dead_key="of the old key", paused_until=now + HOUR)
    state_of(house.account, dead_key="of another one")
    assert account_limits.rests_until(door, read, now) is None
    assert (stored(house.account).dead_key, stored(house.account).paused_until) == ("of another one", now + HOUR)


def test_only_accounts_in_trouble_are_looked_at_by_the_sweep(house: House) -> None:
    state_of(house.account, outages=0, dead_key="")
    down = another_account()
    state_of(down, outages=2)
    assert [one.account_id for one in account_limits.forgive_new_keys(timezone.now())] == [down.pk]


def test_a_lock_that_was_forbidden_to_the_old_key_is_asked_with_the_new_one(house: House) -> None:
    now = timezone.now()
    door, same = house.lock("Door"), house.lock("Same")
    ours = account_limits.key_fingerprint(house.account)
    for lock, key in ((door, "of the old key"), (same, ours)):
        LockState.objects.filter(lock=lock).update(forbidden_key=key, paused_until=now + HOUR, pause_cause="forbidden")
    account_limits.forgive_new_locks(now)
    rows = {one.lock_id: (one.forbidden_key, one.paused_until) for one in LockState.objects.all()}
    assert rows == {door.pk: ("", None), same.pk: (ours, now + HOUR)}


# -- which locks have work ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "has_work"),
    [
        ({}, True),
        ({"paused_until": timedelta()}, True),
        ({"paused_until": SECOND}, False),
        ({"paused_until": HOUR, "pause_cause": OBSERVE_ONLY}, True),  # the account may be written to by now
        ({"paused_until": HOUR, "pause_cause": "budget"}, False),
        ({"paused_until": 5 * MINUTE - 15 * SECOND, "pause_cause": "budget"}, True),  # a sweep later it may be paid
        ({"paused_until": 5 * MINUTE - 14 * SECOND, "pause_cause": "budget"}, False),
        ({"paused_until": SECOND, "pause_cause": "offline"}, False),
        ({"lease_until": timedelta()}, True),
        ({"lease_until": SECOND}, False),
        ({"lease_until": MINUTE}, False),
        ({"lease_until": MINUTE + SECOND}, True),  # it was taken before the clock stepped back
    ],
)
def test_a_lock_that_rests_or_is_in_a_run_has_no_work(
    house: House, settings: Settings, facts: dict[str, Any], has_work: bool
) -> None:
    settings.SWEEP_SECONDS = 15
    door, now = house.lock(), timezone.now()
    house.lock("Idle")
    house.stay(house.flat(door), DAY, DAY)
    moments = {name: now + value for name, value in facts.items() if isinstance(value, timedelta)}
    LockState.objects.filter(lock=door).update(**{**facts, **moments})
    assert list(account_limits.with_work(now)) == ([door] if has_work else [])


def test_while_an_account_is_observed_its_resting_locks_have_no_work(house: House) -> None:
    door, now = house.lock(), timezone.now()
    house.stay(house.flat(door), DAY, DAY)
    LockAccount.objects.update(observe_only=True)
    LockState.objects.update(paused_until=now + HOUR, pause_cause=OBSERVE_ONLY)
    assert not account_limits.with_work(now).exists()


@pytest.mark.parametrize("why", ["a code", "a comparison", "added again"])
def test_work_is_a_code_or_a_comparison_that_is_due_or_a_lock_without_its_codes(house: House, why: str) -> None:
    door, now = house.lock(), timezone.now()
    house.lock("Idle")
    LockState.objects.update(device_id=None)
    house.stay(house.flat(door), DAY, DAY)
    Pin.objects.update(next_try_at=now + (timedelta() if why == "a code" else SECOND))
    if why == "a comparison":
        LockState.objects.filter(lock=door).update(audit_at=now)
    if why == "added again":
        LockState.objects.filter(lock=door).update(device_id=door.device_id + 1)
    assert list(account_limits.with_work(now)) == [door]
    LockState.objects.update(device_id=door.device_id, audit_at=now + SECOND)
    Pin.objects.update(next_try_at=now + SECOND)
    assert list(account_limits.with_work(now).filter(pk=door.pk)) == []


@pytest.mark.parametrize(
    ("cutoff_in", "able"),
    [(None, ["Near", "Far", "Calm"]), (DAY, ["Near"]), (9 * DAY, ["Near", "Far"]), (-HOUR, ["Near", "Far", "Calm"])],
    ids=["plenty", "rationed to the near", "to both", "to none of them"],
)
def test_where_requests_are_rationed_a_lock_that_may_not_spend_keeps_no_probe(
    house: House, cutoff_in: timedelta | None, able: list[str]
) -> None:
    now, locks = timezone.now(), {name: house.lock(name) for name in ("Near", "Far", "Calm")}
    for name, deadline in (("Near", HOUR), ("Far", 5 * DAY)):
        house.stay(house.flat(locks[name], name=name), 9 * DAY, DAY)
        Pin.objects.filter(lock=locks[name]).update(next_try_at=now, deadline_at=now + deadline)
    LockState.objects.filter(lock=locks["Calm"]).update(audit_at=now)
    cutoff = now + cutoff_in if cutoff_in is not None else None
    RateBudget.objects.update_or_create(key=house.account.budget_key, defaults={"cutoff_at": cutoff})
    assert account_limits.able_to_probe(house.account, now) == {locks[name].pk for name in able}
    assert account_limits.able_to_probe(another_account(), now) == set()


# -- refused keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cause", "told"),
    [
        (LockAccount.Kind.PERSONAL_KEY, "unauthorized", Kind.DEAD_KEY),
        (LockAccount.Kind.OAUTH, "connection", Kind.CONNECTION_ENDED),
    ],
)
def test_a_refused_key_stops_its_account_and_is_told_once(house: House, kind: str, cause: str, told: str) -> None:
    other, now = another_account(), timezone.now()
    state_of(other)
    house.account.kind = kind
    for _ in range(2):
        assert account_limits.key_refused(house.account, HOUR, now, 17) == now + HOUR
    state = stored(house.account)
    assert (state.paused_until, state.pause_cause, state.outages, state.probed_lock) == (now + HOUR, cause, 1, 17)
    assert state.dead_key == account_limits.key_fingerprint(house.account)
    assert still_open() == [(told, house.account)]
    assert (stored(other).dead_key, stored(other).outages) == ("", 0)


def test_a_key_is_told_from_another_one_and_a_connection_stays_the_same_when_its_tokens_are_renewed(
    house: House,
) -> None:
    of_key = account_limits.key_fingerprint
    other = LockAccount.objects.create(name="Other", secret="another-key")
    assert of_key(house.account) == of_key(another_account()) != of_key(other)
    other.kind = LockAccount.Kind.OAUTH
    without = of_key(other)
    house.account = other
    house.cloud.add_key("unused", "unused")
    house.connect()
    connected = of_key(other)
    assert connected != without
    AccountTokens.objects.update(access_token="renewed")
    assert of_key(other) == connected
    house.connect()
    assert of_key(other) != connected


# -- the cloud out of reach --------------------------------------------------------------------------------------------


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rest is drawn, the longest comes out."""
    monkeypatch.setattr(random, "uniform", lambda least, most: most)


def fail(house: House, *lock_ids: int, first: bool = True) -> list[object]:
    now = timezone.now()
    return [account_limits.cloud_failed(house.account, one, now, first=first) for one in lock_ids]


@pytest.mark.usefixtures("longest")
def test_faults_of_three_locks_within_a_minute_are_an_outage(house: House, clock: time_machine.Traveller) -> None:
    begun = timezone.now()
    assert fail(house, 1) == [None]
    clock.shift(MINUTE)
    assert fail(house, 2, 2) == [None, None]
    assert fail(house, 3) == [timezone.now() + 5 * SECOND]
    state = stored(house.account)
    assert (state.outages, state.probed_lock, state.pause_cause) == (1, 3, "network")
    assert state.paused_until == timezone.now() + 5 * SECOND
    assert [lock for lock, _ in state.recent_faults] == [1, 2, 3]
    assert state.recent_faults[0][1] == begun.timestamp()


def test_faults_that_lie_further_apart_are_none(house: House, clock: time_machine.Traveller) -> None:
    fail(house, 1)
    clock.shift(MINUTE + SECOND)
    assert fail(house, 2, 3) == [None, None]
    assert [lock for lock, _ in stored(house.account).recent_faults] == [2, 3], "the old one is forgotten"
    assert (stored(house.account).outages, stored(house.account).paused_until) == (0, None)


def test_a_lock_that_fails_on_and_on_proves_no_outage(house: House) -> None:
    fail(house, 1, 2)
    assert fail(house, 3, first=False) == [None]
    assert [lock for lock, _ in stored(house.account).recent_faults] == [1, 2]


@pytest.mark.usefixtures("longest")
def test_in_an_outage_every_fault_counts_and_each_lock_is_tried_soon(
    house: House, clock: time_machine.Traveller
) -> None:
    fail(house, 1, 2, 3)
    clock.shift(2 * MINUTE)
    now = timezone.now()
    waits = [5, 5, 5, 15, 30, 60, 120, 120]  # three locks were tried; then they become rarer
    assert fail(house, *[1] * len(waits), first=False) == [now + wait * SECOND for wait in waits]
    state = stored(house.account)
    assert (state.outages, state.probed_lock) == (1 + len(waits), 1)
    assert [lock for lock, _ in state.recent_faults] == [2, 3, 1], "the newest last"


def test_a_probe_comes_after_half_of_the_rest_at_the_earliest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, most: least)
    assert fail(house, 1, 2, 3)[-1] == timezone.now() + 2.5 * SECOND


@pytest.mark.usefixtures("longest")
def test_fifty_locks_are_remembered_and_one_that_failed_again_is_among_them(house: House) -> None:
    fail(house, *range(1, 51))
    fail(house, 1, 51)
    assert [lock for lock, _ in stored(house.account).recent_faults] == [*range(3, 51), 1, 51]


def unchanged(house: House, lock: Lock) -> None:
    """The guest is at the door."""


def not_yet(house: House, lock: Lock) -> None:
    Pin.objects.update(deadline_at=timezone.now() + SECOND)


def resting(house: House, lock: Lock) -> None:
    Pin.objects.update(next_try_at=timezone.now() + SECOND)


def called_off(house: House, lock: Lock) -> None:
    Pin.objects.update(wanted=False)


def of_another_account(house: House, lock: Lock) -> None:
    Lock.objects.filter(pk=lock.pk).update(account=another_account())


@pytest.mark.usefixtures("longest")
@pytest.mark.parametrize(
    ("case", "wait"),
    [
        (unchanged, MINUTE),
        (not_yet, 2 * MINUTE),
        (resting, 2 * MINUTE),
        (called_off, 2 * MINUTE),
        (of_another_account, 2 * MINUTE),
    ],
)
def test_while_a_guest_waits_at_a_door_of_the_account_it_rests_a_minute_at_most(
    house: House, case: Callable[[House, Lock], None], wait: timedelta
) -> None:
    door = house.lock()
    house.stay(house.flat(door), timedelta(), DAY)
    Pin.objects.update(deadline_at=timezone.now(), next_try_at=timezone.now())
    case(house, door)
    state_of(house.account, outages=20)
    assert fail(house, door.pk) == [timezone.now() + wait]


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", [{"outages": 3}, {"recent_faults": [[1, 1.0]]}, {"dead_key": "a key"}], ids=["outage", "faults", "key"]
)
def test_an_answer_ends_outage_and_refusal_of_its_account(house: House, trouble: dict[str, Any]) -> None:
    now, other = timezone.now(), another_account()
    rest = {"paused_until": now + HOUR, "pause_cause": "network"}
    for account in (house.account, other):
        state_of(account, **trouble, **rest)
        for kind in (Kind.DEAD_KEY, Kind.CONNECTION_ENDED, Kind.NO_WRITE_SCOPE):
            Incident.open(kind, now, about=account)
    account_limits.answered(house.account, now)
    state = stored(house.account)
    assert (state.outages, state.recent_faults, state.dead_key) == (0, [], "")
    assert (state.paused_until, state.pause_cause) == (None, "")
    assert stored(other).paused_until == now + HOUR
    assert [kind for kind, about in still_open() if about == house.account] == [Kind.NO_WRITE_SCOPE]
    assert len(still_open()) == 4


def test_an_answer_does_not_let_a_key_write_that_may_not(house: House) -> None:
    now = timezone.now()
    state_of(house.account, outages=1, dead_key="k", paused_until=now + HOUR, pause_cause=WRITES_REST)
    Incident.open(Kind.DEAD_KEY, now, about=house.account)
    account_limits.answered(house.account, now)
    state = stored(house.account)
    assert (state.outages, state.dead_key, state.paused_until, state.pause_cause) == (0, "k", now + HOUR, WRITES_REST)
    assert still_open() == [(Kind.DEAD_KEY, house.account)]


def test_an_answer_to_an_account_that_is_well_asks_once_and_writes_nothing(house: House) -> None:
    with CaptureQueriesContext(connection) as asked:
        account_limits.answered(house.account, timezone.now())
    assert len(asked) == 1
