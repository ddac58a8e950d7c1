"""Who came, from the activity of the locks: read sparingly, and said no more certainly than the cloud does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.arrival import AWAITED, LATER
from pins.core.budget import KEPT_FROM_CHECKS
from pins.models import (
    DoorEntry,
    Incident,
    LockActivity,
    LockState,
    Pin,
    RateBudget,
)
from pins.reconcile import account_limits, activity, request_budget
from pins.status import arrivals
from pins.tedee.auth import for_kind
from pins.tedee.client import TedeeClient
from rentals.models import Booking, Lock, LockAccount, Property
from tests.support.activity import asked, code, enter, said, set_cloud, tick
from tests.support.booking_actions import open_incidents
from tests.support.house import House
from tests.support.staff import works

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def test_the_first_unlock_is_known_within_a_quarter_of_an_hour(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller
) -> None:
    clock.move_to(stay.check_in)
    assert tick(house) == 1
    assert said(stay) == ["no code used, as of 15:00 CET"]
    clock.shift(HOUR)
    assert enter(house, door, code(stay)) == 61
    clock.shift(AWAITED)
    assert tick(house) == 1
    assert said(stay) == ["first unlock probably 16:00 CET"]
    enter(house, door, code(stay))
    clock.shift(LATER)
    tick(house)
    assert said(stay) == ["first unlock probably 16:00 CET"]


@pytest.mark.parametrize("form", ["plain", "utc", "offset", "seconds", "milliseconds"])
@pytest.mark.parametrize("names", ["none", "alias", "owner"])
def test_whatever_the_lines_look_like(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller, form: str, names: str
) -> None:
    set_cloud(house, activity_dates=form, activity_names=names, activity_twice=True, ids_as_text=True)
    clock.move_to(stay.check_in + HOUR)
    for event in (32, 999, 0):
        house.cloud.add_activity(door.device_id, event)
    enter(house, door, code(stay))
    tick(house)
    assert said(stay) == [f"first unlock {'' if names == 'alias' else 'probably '}16:00 CET"]


def test_lines_that_cannot_be_read_cost_only_themselves(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller
) -> None:
    clock.move_to(stay.check_in + HOUR)
    enter(house, door, code(stay))
    for broken in ({"id": None}, {"event": "often"}, {"deviceId": None}, {"date": object}):
        house.cloud.add_activity(door.device_id, 61)
        house.cloud.activity[-1].update({name: value for name, value in broken.items() if name != "date"})
    tick(house)
    assert said(stay) == ["first unlock probably 16:00 CET"]
    set_cloud(house, activity_dates="broken")
    clock.shift(LATER)
    enter(house, door, code(stay))
    assert tick(house) == 1
    assert DoorEntry.objects.filter(at__gt=stay.check_in + 2 * HOUR).count() == 0


def test_too_early_and_a_wrong_code(house: House, door: Lock, stay: Booking, clock: time_machine.Traveller) -> None:
    clock.move_to(stay.check_in - HOUR)
    assert enter(house, door, code(stay)) == 75
    tick(house)
    assert said(stay) == ["probably tried before the time, 14:00 CET"]
    clock.move_to(stay.check_in + 5 * MINUTE)
    for _ in range(3):
        assert enter(house, door, "739164") == 62
        clock.shift(2 * MINUTE)
    clock.shift(AWAITED)
    tick(house)
    assert said(stay)[0] == "probably a wrong code 3 times, 15:09 CET"
    enter(house, door, code(stay))
    clock.shift(AWAITED)
    tick(house)
    assert said(stay) == ["first unlock probably 15:26 CET"]


def test_a_line_that_comes_late_is_told_late(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller
) -> None:
    set_cloud(house, activity_lag=2 * 3600.0)
    clock.move_to(stay.check_in + MINUTE)
    enter(house, door, code(stay))
    tick(house)
    assert said(stay)[0].startswith("no code used")
    for _ in range(9):
        clock.shift(AWAITED)
        tick(house)
    assert said(stay) == ["first unlock probably 15:01 CET"]


def test_nothing_is_said_of_a_guest_who_shares_the_door_unless_the_cloud_names_them(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller
) -> None:
    other = house.stay(house.flat(door, name="Upstairs"), 4 * HOUR, DAY, "Jan Kowal")
    house.settle()
    clock.move_to(stay.check_in + HOUR)
    enter(house, door, code(other))
    tick(house)
    assert said(stay)[0].startswith("somebody came, perhaps this guest")
    assert said(other)[0].startswith("somebody came, perhaps this guest")
    set_cloud(house, activity_names="alias")
    clock.shift(AWAITED)
    enter(house, door, code(other))
    clock.shift(MINUTE)
    tick(house)
    assert said(other) == ["first unlock 16:15 CET"]
    assert said(stay)[0].startswith("somebody came, perhaps this guest")


def test_a_cleaner_within_their_hours_is_not_taken_for_the_guest(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller
) -> None:
    cleaner = works(flat, weekdays=127)
    house.settle()
    clock.move_to(stay.check_in + HOUR)
    enter(house, door, cleaner.code)
    tick(house)
    assert said(stay)[0].startswith("somebody came, perhaps this guest")


# -- sparing -----------------------------------------------------------------------------------------------------------


def test_unused_it_asks_for_nothing(house: House, flat: Property, clock: time_machine.Traveller) -> None:
    stay = house.stay(flat, HOUR, 3 * DAY)
    house.settle()
    sent = len(house.cloud.journal.requests)
    for _ in range(48):
        clock.shift(HOUR)
        assert tick(house) == 0
    assert len(house.cloud.journal.requests) == sent
    assert not LockActivity.objects.exists()
    assert not RateBudget.objects.exclude(usage={}).count() or asked(house) == 0
    assert said(stay) == []
    assert arrivals.sentences(stay, timezone.now()) == []


def test_only_for_stays_that_run_or_begin_within_hours(
    house: House, door: Lock, flat: Property, clock: time_machine.Traveller
) -> None:
    stay = house.stay(flat, DAY, DAY)
    idle = house.lock("Idle")
    house.flat(idle, name="Empty")
    house.settle()
    assert tick(house) == 0
    clock.move_to(stay.check_in - 4 * HOUR + MINUTE)
    assert tick(house) == 1
    clock.move_to(stay.check_out + MINUTE)
    assert tick(house) == 0
    assert not LockActivity.objects.filter(lock=idle).exists()


def test_a_day_costs_few_requests(house: House, door: Lock, stay: Booking, clock: time_machine.Traveller) -> None:
    clock.move_to(stay.check_in - 5 * HOUR)
    for quarter in range(24 * 4):
        clock.shift(AWAITED)
        if timezone.now() >= stay.check_in + 2 * HOUR and quarter % 4 == 0:
            enter(house, door, code(stay))
        tick(house)
    assert 10 < asked(house) <= 8 + 12 + 7, "eight before, twelve until the guest came, then every three hours"


def test_a_stay_that_is_entered_for_now_is_read_at_once(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller
) -> None:
    clock.move_to(stay.check_in + MINUTE)
    enter(house, door, code(stay))
    tick(house)
    clock.shift(MINUTE)
    assert tick(house) == 0
    house.stay(house.flat(door, name="Upstairs"), timedelta(), DAY, "Jan Kowal")
    house.settle()
    clock.shift(MINUTE)
    assert tick(house) == 1


def test_never_before_a_door(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller, settings: Settings
) -> None:
    clock.move_to(stay.check_in)
    Pin.objects.update(next_try_at=timezone.now())
    assert tick(house) == 0, "its own request comes first"
    Pin.objects.update(next_try_at=None)
    LockState.objects.update(paused_until=timezone.now() + MINUTE)
    assert tick(house) == 0
    LockState.objects.update(paused_until=None)
    RateBudget.objects.update(cutoff_at=timezone.now())
    assert tick(house) == 0, "the sweep rations what is left"
    RateBudget.objects.update(cutoff_at=None)
    clock.shift(activity.FAILED)
    settings.TEDEE_RATE_LIMIT = 40
    budget = request_budget.locked_budget(house.account.budget_key)
    assert tick(house) == 1
    LockActivity.objects.update(due_at=None)
    while asked(house) < 40 and tick(house):
        LockActivity.objects.update(due_at=None)
    assert asked(house) <= 40 * (1 - KEPT_FROM_CHECKS)
    assert budget.key
    assert "there was no answer, or no request to spare" in " ".join(arrivals.sentences(stay, timezone.now()))


def test_others_that_wait_at_other_doors_are_paid_first(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 20
    clock.move_to(stay.check_in)
    flats = [house.flat(house.lock(f"Door {number}"), name=f"Flat {number}") for number in range(12)]
    for flat in flats:
        house.stay(flat, 20 * DAY, DAY)
    assert tick(house) == 0
    house.settle()
    assert asked(house) == 0


def test_two_workers_read_once(house: House, door: Lock, stay: Booking, clock: time_machine.Traveller) -> None:
    clock.move_to(stay.check_in)
    LockActivity.objects.create(lock=door, rest_until=timezone.now() + activity.TURN)
    assert tick(house) == 0
    clock.shift(activity.TURN + MINUTE)
    assert tick(house) == 1


# -- where it cannot be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_the_right_is_told_and_nothing_else_suffers(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller, status: int
) -> None:
    set_cloud(house, activity_status=status)
    clock.move_to(stay.check_in)
    assert tick(house) == 0
    assert open_incidents() == ["no_activity"]
    assert Incident.objects.get().account == house.account
    assert account_limits.paused_until(house.account, timezone.now()) is None
    clock.shift(30 * MINUTE)
    tick(house)
    assert asked(house) == 1, "once an hour"
    page = " ".join(arrivals.sentences(stay, timezone.now()))
    assert "The activity of Door cannot be read at present: Tedee refuses it." in page
    set_cloud(house, activity_status=200)
    clock.shift(HOUR)
    assert tick(house) == 1
    assert open_incidents() == []
    assert "cannot be read" not in " ".join(arrivals.sentences(stay, timezone.now()))


def test_switched_off_nobody_is_asked_to_do_anything(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller
) -> None:
    set_cloud(house, activity_status=403)
    clock.move_to(stay.check_in)
    tick(house)
    LockAccount.objects.update(reads_activity=False)
    tick(house)
    assert open_incidents() == []


def test_one_forbidden_lock_of_several(
    house: House, door: Lock, flat: Property, stay: Booking, clock: time_machine.Traveller
) -> None:
    clock.move_to(stay.check_in)
    tick(house)
    gate = house.lock("Gate")
    house.stay(house.flat(gate, name="Upstairs"), timedelta(), DAY, "Jan Kowal")
    house.settle()
    house.cloud.lock(gate.device_id).forbidden = True
    clock.shift(MINUTE)
    tick(house)
    assert Incident.objects.get(kind="no_activity", resolved_at=None).lock == gate


@pytest.mark.parametrize("fault", ["no server", "503", "429"])
def test_an_outage_is_waited_for(
    house: House, door: Lock, stay: Booking, clock: time_machine.Traveller, fault: str
) -> None:
    clock.move_to(stay.check_in)
    if fault == "503":
        set_cloud(house, activity_status=503)
    if fault == "429":
        set_cloud(house, rate_limit=1)
        house.client(house.account).activity(door.device_id)  # that was the one
    clients = _nobody if fault == "no server" else house.client
    assert activity.read_due(timezone.now(), clients) == 0
    assert open_incidents() == []
    assert "there was no answer, or no request to spare" in " ".join(arrivals.sentences(stay, timezone.now()))
    set_cloud(house, activity_status=200, rate_limit=0)
    clock.shift(2 * HOUR)
    assert tick(house) == 1


def _nobody(account: LockAccount) -> TedeeClient:
    return TedeeClient("http://127.0.0.1:9/api/v37", for_kind(account.kind, account.secret))
