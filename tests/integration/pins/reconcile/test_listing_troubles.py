"""The hourly list of locks when something is wrong: refused, out of reach, short of requests, locks that are gone."""

from __future__ import annotations

import logging
from datetime import timedelta

import httpx
import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose
from pins.models import AccountState, Incident, LockState
from pins.reconcile import listing, request_budget
from pins.simulator.messages import Request
from pins.tedee.errors import Cause
from rentals.models import Lock, LockAccount
from tests.support.booking_actions import open_incidents
from tests.support.house import KEY, House
from tests.support.incidents import review
from tests.support.listing import list_now, live_by_ticks, to_its_moment
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind = Incident.Kind


def asked(house: House) -> int:
    return len(house.cloud.journal.requests)


def cut_off(house: House, sent: list[str] | None = None) -> None:
    """From now on the cloud cannot be reached."""

    def refuse(request: Request) -> None:
        if sent is not None:
            sent.append(request.path)
        raise httpx.ConnectError("unreachable")

    house.transport.on_send = refuse


def test_a_failure_is_logged_and_asked_again_soon_and_then_an_hour_later(
    house: House, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    house.lock()
    read_at = to_its_moment(clock, house.account)
    listing.list_due_accounts(read_at, clients=house.client)
    sent: list[str] = []
    cut_off(house, sent)
    with caplog.at_level(logging.INFO):
        live_by_ticks(house, clock, 2 * HOUR)
    assert len(sent) in (3, 4)  # two moments, of which each is open for two ticks
    assert "listing_failed" in caplog.text
    assert AccountState.objects.get().listed_at == read_at  # when it was read, and not when it failed
    house.transport.on_send = None
    list_now(house, clock)
    assert AccountState.objects.get().listed_at == timezone.now()


def test_where_the_cloud_is_out_of_reach_one_account_waits_for_it_and_not_all(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each could wait until its deadline, and the worker's thread with them."""
    for n in range(3):
        Lock.objects.create(
            account=LockAccount.objects.create(name=f"Office {n}", secret=KEY), device_id=n + 1, name="Door"
        )
    monkeypatch.setattr(listing, "turn_of", lambda account_id, now: now)
    sent: list[str] = []
    cut_off(house, sent)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert len(sent) == 1


def test_a_dead_key_rests_the_account_with_one_incident_and_one_request(
    house: House, clock: time_machine.Traveller
) -> None:
    house.lock()
    house.cloud.set_key_revoked("demo", True)
    list_now(house, clock)
    assert asked(house) == 1
    assert open_incidents() == [Kind.DEAD_KEY]
    clock.shift(listing.TICK)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert asked(house) == 1  # it rests
    house.cloud.set_key_revoked("demo", False)
    list_now(house, clock)
    assert open_incidents() == []


def test_a_key_that_nobody_can_decrypt_does_not_keep_the_others_from_being_read(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = LockAccount.objects.create(name="Broken", secret=KEY)
    Lock.objects.create(account=broken, device_id=1, name="Attic")
    house.account.delete()
    house.account = LockAccount.objects.create(name="Office", secret=KEY)
    house.lock()
    with connection.cursor() as cursor:  # past the field, which would encrypt it
        cursor.execute("UPDATE rentals_lockaccount SET secret = 'nonsense' WHERE id = %s", [broken.pk])
    monkeypatch.setattr(listing, "turn_of", lambda account_id, now: now)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert AccountState.objects.get(account=house.account).listed_at == timezone.now()


def test_a_scarce_budget_is_left_to_the_codes(house: House, clock: time_machine.Traveller, settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT = 10
    house.lock()
    moment = to_its_moment(clock, house.account)
    for _ in range(5):
        assert request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, moment, moment) is None
    listing.list_due_accounts(moment, clients=house.client)
    assert asked(house) == 0
    assert AccountState.objects.get().listed_at is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_the_same_moment_ask_once(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    moment = to_its_moment(clock, house.account)
    lists = [lambda: listing.list_due_accounts(moment, clients=house.client)] * 4
    at_once(lists)
    assert len([record for record in house.cloud.journal.requests if record.path.endswith("/my/lock")]) == 1


def remove(house: House, lock: Lock) -> None:
    del house.cloud.locks_by_id[lock.device_id]


def test_a_lock_that_is_gone_is_told_while_codes_are_planned_for_it(
    house: House, clock: time_machine.Traveller
) -> None:
    door, spare = house.lock("Door"), house.lock("Spare")
    house.stay(house.flat(door), 5 * DAY, DAY)
    house.settle()
    assert review() == {}
    kept = dict(house.cloud.locks_by_id)
    remove(house, door)
    remove(house, spare)
    list_now(house, clock)
    assert review() == {Kind.LOCK_UNKNOWN: Incident.Severity.WARNING}
    assert Incident.objects.get().lock == door
    house.cloud.locks_by_id.update(kept)
    list_now(house, clock)
    assert review() == {}


def test_a_list_that_lags_behind_is_not_believed_alone(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list may be old or cut into pages: the connections of the missing locks are asked for."""
    doors = [house.lock(f"Door {n}") for n in range(30)]
    house.stay(house.flat(*doors), 5 * DAY, DAY)
    house.settle()
    to_its_moment(clock, house.account)
    before = asked(house)
    hidden = dict(house.cloud.locks_by_id)
    house.cloud.locks_by_id.clear()

    def show_again(request: Request) -> None:
        if request.path.endswith("/my/lock/sync"):
            house.cloud.locks_by_id.update(hidden)

    house.transport.on_send = show_again
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert review() == {}
    assert asked(house) - before == 3  # the list, the connections, the keys


def test_a_lock_without_permission_is_told_once(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 5 * DAY, DAY)
    house.settle()
    house.cloud.set_forbidden(door.device_id, True)
    house.stay(flat, 8 * DAY, DAY)
    house.settle()
    list_now(house, clock)
    assert review() == {Kind.NO_PERMISSION: Incident.Severity.WARNING}


def test_a_lock_that_is_listed_and_yet_answers_that_it_is_unknown_stays_an_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.stay(house.flat(door), 5 * DAY, DAY)
    house.settle()
    LockState.objects.filter(lock=door).update(pause_cause=Cause.NOT_FOUND.value, paused_until=timezone.now() + DAY)
    Incident.open(Kind.LOCK_UNKNOWN, timezone.now(), about=door)
    list_now(house, clock)
    assert open_incidents() == [Kind.LOCK_UNKNOWN]
