"""What the hourly list of locks ends and opens, and how far it is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import time_machine
from django.utils import timezone

from pins.models import AccountState, Incident, LockState, Pin, RateBudget
from pins.reconcile import connectivity, listing
from pins.simulator.messages import Request
from pins.tedee.errors import Cause
from rentals.models import Lock, LockAccount
from tests.support.booking_actions import open_incidents
from tests.support.house import KEY, House
from tests.support.listing import list_now, requested, to_its_moment

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind = Incident.Kind
LIST, SYNC = "/my/lock", "/my/lock/sync"


def needed(house: House, name: str) -> Lock:
    """A lock for which a code is planned."""
    lock = house.lock(name)
    house.stay(house.flat(lock, name=name), 5 * DAY, DAY)
    return lock


def remove(house: House, *locks: Lock) -> None:
    for lock in locks:
        del house.cloud.locks_by_id[lock.device_id]


def answers(house: House, path: str, respond: Callable[[], httpx.Response]) -> None:
    """From now on requests for this path are answered so."""
    carry = house.transport.handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        return respond() if request.url.path.endswith(path) else carry(request)

    house.transport.handle_request = handle  # type: ignore[method-assign]


def status(code: int) -> Callable[[], httpx.Response]:
    said = {"result": None, "success": False, "errorMessages": [""], "statusCode": code}
    return lambda: httpx.Response(code, json=said)


def asked(house: House, path: str) -> int:
    return sum(count for name, count in requested(house).items() if name.endswith(path))


def unknown_locks() -> list[Lock | None]:
    return [one.lock for one in Incident.objects.filter(kind=Kind.LOCK_UNKNOWN, resolved_at=None).order_by("lock")]


# -- locks that are listed ---------------------------------------------------------------------------------------------


def test_a_lock_that_is_listed_again_ends_that_it_was_unknown_and_nothing_else(
    house: House, clock: time_machine.Traveller
) -> None:
    door, gone = house.lock("Door"), house.lock("Gone")
    before = timezone.now()
    for lock in (door, gone):
        Incident.open(Kind.LOCK_UNKNOWN, before - DAY, about=lock)
        Incident.resolve(before - HOUR, about=lock, kinds=(Kind.LOCK_UNKNOWN,))
        Incident.open(Kind.LOCK_UNKNOWN, before, about=lock)
    Incident.open(Kind.NO_KEYPAD, before, about=door)
    remove(house, gone)
    list_now(house, clock)
    (ended,) = Incident.objects.filter(resolved_at=timezone.now())
    assert (ended.kind, ended.lock, ended.opened_at) == (Kind.LOCK_UNKNOWN, door, before)
    assert Incident.objects.filter(resolved_at=before - HOUR).count() == 2


# -- locks that are not ------------------------------------------------------------------------------------------------


def test_of_the_locks_that_are_gone_those_are_told_for_which_a_code_is_planned(
    house: House, clock: time_machine.Traveller
) -> None:
    gone, forbidden, other, off = (needed(house, name) for name in ("Gone", "Forbidden", "Other", "Off"))
    needed(house, "There")
    idle = house.lock("Idle")
    Incident.open(Kind.NO_PERMISSION, timezone.now(), about=forbidden)
    Incident.open(Kind.NO_PERMISSION, timezone.now(), about=other)
    Incident.resolve(timezone.now(), about=other, kinds=(Kind.NO_PERMISSION,))
    Incident.open(Kind.BATTERY_LOW, timezone.now(), about=other)
    Lock.objects.filter(pk=off.pk).update(is_active=False)
    remove(house, gone, forbidden, other, off, idle)
    list_now(house, clock)
    assert unknown_locks() == [gone, other]
    Pin.objects.update(next_try_at=None)
    Incident.objects.all().delete()
    list_now(house, clock)
    assert unknown_locks() == []


@pytest.mark.parametrize(("code", "is_believed"), [(403, True), (404, True), (401, False), (500, False)])
def test_a_refusal_to_tell_of_missing_locks_agrees_with_the_list_and_a_failure_says_nothing(
    house: House, clock: time_machine.Traveller, code: int, is_believed: bool
) -> None:
    gone = needed(house, "Gone")
    house.lock("There")
    remove(house, gone)
    answers(house, SYNC, status(code))
    list_now(house, clock)
    assert unknown_locks() == ([gone] if is_believed else [])
    assert AccountState.objects.get().listed_at == timezone.now(), "the list itself was read"
    assert (Kind.DEAD_KEY in open_incidents()) is (code == 401)


def test_where_all_are_listed_their_connections_are_not_asked_for(house: House, clock: time_machine.Traveller) -> None:
    needed(house, "Door")
    list_now(house, clock)
    assert (asked(house, LIST), asked(house, SYNC)) == (1, 0)


def test_no_more_missing_locks_are_asked_for_than_one_request_holds(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectivity, "MOST_IDS", 2)
    locks = [needed(house, name) for name in "ABC"]
    house.lock("There")
    remove(house, *locks)
    list_now(house, clock)
    assert unknown_locks() == locks[:2], "of the others nothing is known"


def test_without_a_request_to_spare_nothing_is_concluded_from_the_list_alone(
    house: House, clock: time_machine.Traveller
) -> None:
    gone = needed(house, "Gone")
    house.lock("There")
    remove(house, gone)
    moment = to_its_moment(clock, house.account)

    def spend_all(_: Request) -> None:
        RateBudget.objects.update(usage={"start": moment.timestamp(), "counts": [10**6]})

    house.transport.on_send = spend_all
    listing.list_due_accounts(moment, clients=house.client)
    assert asked(house, SYNC) == 0
    assert unknown_locks() == []


# -- what it costs, and when it fails ----------------------------------------------------------------------------------


def test_each_page_of_a_list_is_taken_from_the_budget(house: House, clock: time_machine.Traveller) -> None:
    house.cloud.settings = replace(house.cloud.settings, page_base=0, page_size=2)
    for name in "ABC":
        house.lock(name)
    list_now(house, clock)
    assert asked(house, LIST) == 3
    assert sum(RateBudget.objects.get().usage["counts"]) == 3 + 1, "and one for the end of the key"


@pytest.mark.parametrize("code", [401, 403, 500, 429])
def test_a_list_that_failed_was_not_read_and_wakes_nobody(
    house: House, clock: time_machine.Traveller, code: int
) -> None:
    house.lock()
    read_at = timezone.now() - 2 * HOUR
    AccountState.objects.update(listed_at=read_at)
    answers(house, LIST, status(code))
    assert list_now(house, clock) == set()
    state = AccountState.objects.get()
    assert state.listed_at == read_at
    assert open_incidents() == ([Kind.DEAD_KEY] if code == 401 else [])
    assert state.paused_until == (timezone.now() + 5 * MINUTE if code == 401 else None)


def test_a_failure_other_than_of_the_network_keeps_no_other_account_from_being_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "turn_of", lambda account_id, now: now)
    house.lock()
    house.cloud.set_key_revoked("demo", True)
    house.cloud.add_key("another-key", "another")
    other = LockAccount.objects.create(name="Other", secret="another-key")
    made = house.cloud.add_lock("Attic")
    Lock.objects.create(account=other, device_id=made.id, name="Attic", serial_number=made.serial_number)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert AccountState.objects.get(account=other).listed_at == timezone.now()
    assert AccountState.objects.get(account=house.account).listed_at is None


def test_an_account_that_rests_is_not_asked_and_its_turn_is_not_taken(
    house: House, clock: time_machine.Traveller
) -> None:
    house.lock()
    AccountState.objects.update(paused_until=timezone.now() + DAY)
    list_now(house, clock)
    assert asked(house, LIST) == 0
    assert AccountState.objects.get().listed_at is None


def test_what_the_list_shows_ends_a_refused_key(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    AccountState.objects.update(outages=2, recent_faults=[[1, 1.0]])
    list_now(house, clock)
    assert (AccountState.objects.get().outages, AccountState.objects.get().recent_faults) == (0, [])


def test_locks_back_online_and_added_again_are_woken_whichever_account_has_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "turn_of", lambda account_id, now: now)
    back, again, attic = house.lock("Back"), house.lock("Again"), house.lock("Attic")
    house.lock("Calm")
    Lock.objects.filter(pk=attic.pk).update(account=LockAccount.objects.create(name="Other", secret=KEY))
    LockState.objects.filter(lock=back).update(paused_until=timezone.now() + DAY, pause_cause=Cause.OFFLINE.value)
    for lock in (again, attic):
        house.cloud.readd_lock(lock.device_id)
    assert listing.list_due_accounts(timezone.now(), clients=house.client) == {back.pk, again.pk, attic.pk}


def test_each_account_is_read_once_an_hour_at_its_own_second(clock: time_machine.Traveller, house: House) -> None:
    now = timezone.now()
    for account_id in (1, 2, 7):
        turn = listing.turn_of(account_id, now)
        assert now - HOUR < turn <= now
        assert listing.turn_of(account_id, turn) == turn
        assert listing.turn_of(account_id, turn + HOUR - SECOND) == turn
        assert listing.turn_of(account_id, turn + HOUR) == turn + HOUR
    assert len({listing.turn_of(account_id, now) for account_id in range(1, 100)}) == 99
