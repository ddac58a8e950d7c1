"""Each hour one list of locks per account: what it costs, and what is learned from it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins import tasks
from pins.models import AccountState, LockState, RateBudget
from pins.reconcile import inventory, listing
from pins.tedee.errors import Cause
from rentals.models import Booking, Lock, LockAccount
from tests.support.house import KEY, House
from tests.support.listing import list_now, live_by_ticks, requested, to_its_moment
from tests.support.real_cloud import listening_cloud
from tests.support.waking import collected_over_a_request

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIST = "/my/lock"


def test_a_day_costs_one_request_an_hour_and_one_for_the_key(house: House, clock: time_machine.Traveller) -> None:
    house.lock("Door"), house.lock("Cellar")
    live_by_ticks(house, clock, DAY)
    (of_lists,) = [count for path, count in requested(house).items() if path.endswith(LIST)]
    assert of_lists == 24
    assert len(house.cloud.journal.requests) == 25
    assert sum(RateBudget.objects.get().usage["counts"]) <= 2  # an hour's


def test_a_hundred_accounts_are_spread_over_the_hour(house: House, clock: time_machine.Traveller) -> None:
    for n in range(100):
        account = LockAccount.objects.create(name=f"Office {n}", secret=KEY)
        made = house.cloud.add_lock(f"Door {n}")
        Lock.objects.create(account=account, device_id=made.id, name=made.name, serial_number=made.serial_number)
    moments = [listing.turn_of(pk, timezone.now()) for pk in LockAccount.objects.values_list("pk", flat=True)]
    assert max(Counter(moment.replace(second=0, microsecond=0) for moment in moments).values()) <= 3
    live_by_ticks(house, clock, HOUR)
    assert AccountState.objects.filter(listed_at__isnull=False).count() == 100
    lists = Counter(record.at for record in house.cloud.journal.requests if record.path.endswith(LIST))
    assert sum(lists.values()) in range(100, 100 + 8)  # those of the first minutes come twice
    assert max(lists.values()) <= 8  # two minutes of at most three, and a few that come twice


def test_a_tick_with_nothing_due_is_one_query_however_many_locks_there_are(
    house: House, clock: time_machine.Traveller
) -> None:
    for n in range(20):
        house.lock(f"Door {n}")
    list_now(house, clock)
    clock.shift(10 * MINUTE)
    with CaptureQueriesContext(connection) as asked:
        assert listing.list_due_accounts(timezone.now(), clients=house.client) == set()
    assert len(asked) == 1


def test_accounts_without_locks_are_not_asked(house: House, clock: time_machine.Traveller) -> None:
    list_now(house, clock)
    assert not house.cloud.journal.requests


def test_facts_of_known_locks_are_renewed_and_nothing_else(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock("Door")
    Lock.objects.filter(pk=door.pk).update(name="Front door")
    house.cloud.add_lock("A new one")
    remote = house.cloud.lock(door.device_id)
    remote.battery_level, remote.keypad, remote.time_zone = 14, None, "Europe/Lisbon"
    house.account.observe_only = True  # reading is allowed
    house.account.save()
    list_now(house, clock)
    door.refresh_from_db()
    assert (door.name, door.battery_level, door.has_keypad, door.is_connected, door.time_zone) == (
        "Front door",
        14,
        False,
        True,
        "Europe/Lisbon",
    )
    assert Lock.objects.count() == 1  # a person adds locks
    assert AccountState.objects.get().listed_at == timezone.now()


def test_the_last_known_level_stays_while_an_offline_lock_tells_none(
    house: House, clock: time_machine.Traveller
) -> None:
    """Its battery may be the reason why it is offline."""
    door = house.lock()
    house.cloud.lock(door.device_id).battery_level = 7
    list_now(house, clock)
    house.cloud.set_connected(door.device_id, False)
    list_now(house, clock)
    door.refresh_from_db()
    assert (door.is_connected, door.battery_level) == (False, 7)


def test_a_listing_does_not_rewrite_what_bookings_need(house: House, clock: time_machine.Traveller) -> None:
    """It is an observation: `Lock.save` would announce every stay of its properties."""
    door = house.lock()
    house.stay(house.flat(door), 2 * DAY, DAY)
    house.cloud.lock(door.device_id).battery_level = 44
    to_its_moment(clock, house.account)
    with CaptureQueriesContext(connection) as asked:
        listing.list_due_accounts(timezone.now(), clients=house.client)
    assert not [query for query in asked if Booking._meta.db_table in query["sql"]]
    assert Lock.objects.get().battery_level == 44


def test_a_lock_listed_as_connected_rests_no_longer(house: House, clock: time_machine.Traveller) -> None:
    door, other = house.lock("Door"), house.lock("Cellar")
    until = timezone.now() + DAY
    for lock, cause in ((door, Cause.OFFLINE), (other, Cause.SERVER)):
        LockState.objects.filter(lock=lock).update(paused_until=until, pause_cause=cause.value)
    Lock.objects.update(is_connected=False)
    assert list_now(house, clock) == {door.pk}
    assert LockState.objects.get(lock=door).paused_until is None
    assert LockState.objects.get(lock=other).paused_until == until  # a rest with another cause stands


def test_a_lock_added_again_is_followed_and_gets_its_codes(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), 2 * DAY, DAY)
    house.settle()
    again = house.cloud.readd_lock(door.device_id)
    assert list_now(house, clock) == {door.pk}
    house.settle()
    door.refresh_from_db()
    assert door.device_id == again
    assert len(house.ours(door)) == 1


def test_what_a_person_fetched_a_moment_ago_is_not_asked_again(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    moment = to_its_moment(clock, house.account)
    clock.move_to(moment - MINUTE)
    inventory.fetch(house.account, timezone.now(), clients=house.client)
    before = len(house.cloud.journal.requests)
    clock.move_to(moment)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert len(house.cloud.journal.requests) == before


def test_a_lost_tick_loses_no_hour_and_a_missed_moment_waits_for_the_next(
    house: House, clock: time_machine.Traveller
) -> None:
    """After an outage of the worker not all accounts ask at once."""
    house.lock()
    moment = to_its_moment(clock, house.account, later=listing.TURN)
    assert listing.list_due_accounts(moment, clients=house.client) == set()
    assert not house.cloud.journal.requests
    to_its_moment(clock, house.account, later=listing.TURN - SECOND)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert AccountState.objects.get().listed_at == timezone.now()


def test_the_task_wakes_the_locks_that_have_something_to_do(clock: time_machine.Traveller, settings: Settings) -> None:
    with listening_cloud(settings) as cloud:
        account = LockAccount.objects.create(name="Office", secret=KEY)
        made = cloud.add_lock("Door")
        door = Lock.objects.create(account=account, device_id=made.id, name="Door", serial_number=made.serial_number)
        cloud.readd_lock(made.id)
        to_its_moment(clock, account)
        with collected_over_a_request() as asked_for:
            tasks.list_locks.apply(throw=True)
    assert asked_for == [door.pk]
