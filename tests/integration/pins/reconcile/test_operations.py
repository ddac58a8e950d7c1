"""Budget, outages, room on the keypad, incidents: many locks and accounts together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins import retention, tasks
from pins.core.pin_state import State
from pins.incidents import sweep_checks
from pins.models import AccessGrant, AccountState, Incident, LockState, Pin, PinAttempt
from pins.reconcile import connectivity, leases, sweep
from rentals.models import Booking
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_the_budget_is_never_exceeded_and_goes_to_the_nearest_arrivals(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 5, 3600
    flat = house.flat(house.lock())
    stays = [house.stay(flat, timedelta(hours=9 - n), HOUR) for n in range(8)]  # 2 to 9 hours from now

    house.live(clock, 10 * MINUTE)
    # A tenth, here one request, is kept for deadlines within four hours, and those come first.
    assert house.requests == 4
    set_now = {pin.grant.booking_id for pin in Pin.objects.filter(state=State.SET).select_related("grant")}
    nearest = sorted(stays, key=lambda stay: stay.check_in)[: len(set_now)]
    assert set_now == {stay.pk for stay in nearest}

    house.live(clock, HOUR + 2 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 8


def test_scarcity_leaves_the_budget_to_what_is_due_first(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 10
    near, far = house.lock("Near"), house.lock("Far")
    for n in range(8):
        house.stay(house.flat(near, name=f"N{n}"), HOUR + n * MINUTE, HOUR)
        house.stay(house.flat(far, name=f"F{n}"), 5 * DAY + n * HOUR, HOUR)
    leases.acquire(near)  # makes the row of the budget, and keeps the nearer work from being done first
    sweep.ration(timezone.now())
    house.run(far)
    assert house.requests == 2  # ten requests left, eight of them for the nearer arrivals

    LockState.objects.update(lease_until=None)
    house.run(near)
    assert Pin.objects.filter(lock=near, state=State.SET).count() == 8


def test_a_429_rests_the_whole_account_until_the_window_begins(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_WINDOW = 600  # what we believe of the limit is far too high
    house = House(rate_limit=3, rate_window=600.0)
    locks = [house.lock(f"Door {n}") for n in range(6)]
    house.stay(house.flat(*locks), HOUR, DAY)
    house.live(clock, 30 * SECOND)
    assert house.statuses() == {201: 3, 429: 1}

    house.live(clock, 25 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 6
    assert house.statuses()[429] <= 3  # at most one in each window


def test_an_outage_of_the_cloud_is_met_with_single_probes(house: House, clock: time_machine.Traveller) -> None:
    locks = [house.lock(f"Door {n}") for n in range(8)]
    house.stay(house.flat(*locks), 5 * DAY, DAY)
    house.cloud.set_faults("html_error=1")
    house.live(clock, 10 * MINUTE)
    during_outage = PinAttempt.objects.count()
    assert during_outage < 25  # eight locks on their own schedule would have sent about 50
    assert AccountState.objects.get().outages

    house.cloud.set_faults("")
    house.live(clock, 20 * MINUTE)
    assert Pin.objects.filter(state=State.SET).count() == 8
    assert AccountState.objects.get().outages == 0


def test_a_key_without_permission_rests_the_lock_until_there_is_another_key(
    house: House, clock: time_machine.Traveller
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    booking = house.stay(house.flat(door, cellar), 2 * DAY, 5 * DAY)
    house.cloud.set_forbidden(door.device_id, True)
    house.live(clock, MINUTE)
    assert house.statuses() == {201: 1, 403: 1}
    assert pin_of(booking, cellar).state == State.SET  # the other lock is not concerned
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.NO_PERMISSION

    house.cloud.set_forbidden(door.device_id, False)
    house.cloud.add_key("fresh-key", "fresh")
    house.account.secret = "fresh-key"
    house.account.save()
    house.live(clock, 10 * SECOND)
    assert pin_of(booking, door).state == State.SET
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_an_account_has_so_many_requests_under_way_and_no_more(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_MAX_IN_FLIGHT = 2
    locks = [house.lock(f"Door {n}") for n in range(3)]
    first, second = leases.acquire(locks[0]), leases.acquire(locks[1])
    assert isinstance(first, leases.Lease)
    assert isinstance(second, leases.Lease)
    assert leases.acquire(locks[0]) == leases.Taken(None)  # one run per lock
    assert isinstance(leases.acquire(locks[2]), leases.Taken)

    leases.release(first)
    assert isinstance(leases.acquire(locks[2]), leases.Lease)

    clock.shift(leases.LEASE)  # a dead worker's lease ends by itself
    assert not leases.renew(second)
    assert isinstance(leases.acquire(locks[1]), leases.Lease)


def test_offline_locks_are_watched_with_one_request_and_go_on_when_they_are_back(
    house: House, clock: time_machine.Traveller
) -> None:
    locks = [house.lock(f"Door {n}") for n in range(3)]
    house.stay(house.flat(*locks), 5 * DAY, DAY)
    for lock in locks:
        house.cloud.set_connected(lock.device_id, False)
    house.live(clock, 10 * MINUTE)
    assert set(house.statuses()) == {428}
    # Wherever the last random pause ended: they rest for another while.
    LockState.objects.update(paused_until=timezone.now() + 20 * MINUTE)
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == set()
    asked = len(house.cloud.journal.requests)
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == set()
    assert len(house.cloud.journal.requests) == asked  # nobody arrives soon: no hurry

    clock.shift(connectivity.UNHURRIED)
    house.cloud.set_connected(locks[0].device_id, True)
    before = len(house.cloud.journal.requests)
    back = connectivity.locks_back_online(timezone.now(), clients=house.client)
    assert len(house.cloud.journal.requests) == before + 1
    assert back == {locks[0].pk}
    house.run(locks[0])
    assert len(house.ours(locks[0])) == 1


def test_the_nearest_arrivals_have_the_keypads_room(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    door.pin_capacity = 8  # five places are kept free
    door.save()
    flat = house.flat(door)
    far = [house.stay(flat, (10 + n) * DAY, DAY) for n in range(4)]
    house.live(clock, MINUTE)
    assert [pin_of(stay, door).state for stay in far] == ["set", "set", "set", "scheduled"]
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.TOO_MANY_CODES

    AccessGrant.objects.filter(booking=far[2]).update(disclosed_at=timezone.now())
    near = house.stay(flat, DAY, DAY)  # takes the place of the furthest code that nobody was told
    house.live(clock, MINUTE)
    assert [pin_of(stay, door).state for stay in far] == ["set", "scheduled", "set", "scheduled"]
    assert pin_of(near, door).state == State.SET
    assert len(house.ours(door)) == 3

    near.delete()
    house.live(clock, 2 * MINUTE)
    assert [pin_of(stay, door).state for stay in far] == ["set", "set", "set", "scheduled"]


def test_a_code_that_is_late_is_an_incident_until_it_is_there(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.cloud.set_connected(door.device_id, False)
    booking = house.stay(house.flat(door), 3 * HOUR, DAY)
    house.live(clock, 15 * MINUTE)
    sweep_checks.check(timezone.now())
    sweep_checks.check(timezone.now())
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.CODE_LATE

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_code_that_stays_after_check_out_is_an_incident_until_it_is_gone(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, HOUR)
    house.settle()
    house.cloud.set_connected(door.device_id, False)
    clock.move_to(booking.check_out)
    house.live(clock, 15 * MINUTE)
    sweep_checks.check(timezone.now())
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.CODE_STAYS

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 2 * HOUR)
    sweep_checks.check(timezone.now())
    assert house.ours(door) == []
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_one_list_confirms_many_removals_long_after_their_end(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    for n in range(6):
        house.stay(flat, n * HOUR, HOUR)
    house.settle()
    clock.shift(2 * DAY)  # nothing of ours ran for two days
    before = house.requests
    house.settle()
    assert house.requests == before + 1
    assert {pin.state for pin in Pin.objects.all()} == {State.REMOVED}


def test_the_sweep_wakes_the_most_urgent_locks_first_and_each_once(house: House, clock: time_machine.Traveller) -> None:
    later, sooner = house.lock("Later"), house.lock("Sooner")
    house.stay(house.flat(later), 5 * DAY, DAY)
    house.stay(house.flat(sooner), DAY, DAY)
    assert sweep.due_locks(timezone.now()) == [sooner.pk, later.pk]

    for lock in (later, sooner):
        LockState.objects.update_or_create(lock=lock, defaults={"dispatched_at": timezone.now()})
    assert sweep.due_locks(timezone.now()) == []
    clock.shift(46 * SECOND)  # the message was lost
    assert sweep.due_locks(timezone.now()) == [sooner.pk, later.pk]


def test_a_broker_out_of_reach_loses_nothing(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    tasks.wake_locks([door.pk])  # must not raise: it runs after the commit of somebody's save
    assert sweep.due_locks(timezone.now()) == [door.pk]


def test_old_records_are_purged_only_when_their_codes_are_gone(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, HOUR, HOUR)
    house.settle()
    clock.shift(200 * DAY)
    assert retention.purge_grants(timezone.now()) == 0  # nobody has confirmed the removal yet
    house.settle()
    assert retention.purge_grants(timezone.now()) == 1
    assert not Pin.objects.exists()
    assert Booking.objects.count() == 1
