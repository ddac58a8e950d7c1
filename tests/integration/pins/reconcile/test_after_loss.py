"""Yesterday's backup is restored and released while codes are on locks: nothing doubled, nothing lost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from pins.core import budget
from pins.core.alias import new_reference
from pins.core.pin_state import State
from pins.desired import drift
from pins.models import Delivery, Incident, InstallationKey, LockState, NotificationChannel, Pin, PinAttempt, RateBudget
from pins.reconcile import clock_steps, request_budget, sweep
from rentals.models import Booking, Lock, LockAccount, Property
from tests.support.booking_actions import cancel, change
from tests.support.house import House, pin_of
from tests.support.loss import bring_back, saved
from tests.support.observe_only import writes
from tests.support.reconciling import assert_one_right_pin

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return House(audits=True)


def release(house: House) -> None:
    account = LockAccount.objects.get(pk=house.account.pk)
    account.observe_only = False
    account.save()


def on_lock(house: House, lock: Lock) -> dict[str, str]:
    """Value by name, of every code that is on the lock."""
    return {pin.alias: pin.body.value for pin in house.cloud.pins(lock.device_id)}


def shown(lock: Lock) -> bool:
    return Incident.objects.filter(kind=Incident.Kind.STRAY_CODE, lock=lock, resolved_at=None).exists()


def restored(house: House, clock: time_machine.Traveller, backup: bytes, *, observed_for: timedelta) -> None:
    """The backup is back, and time passes before a person releases it."""
    before = len(writes(house))
    bring_back(backup)
    house.live(clock, observed_for)
    drift.repair(timezone.now())
    house.live(clock, MINUTE)
    assert len(writes(house)) == before, "a restored installation wrote to a lock before anybody released it"


@pytest.mark.parametrize("observed_for", [MINUTE, 3 * HOUR], ids=["released at once", "released later"])
def test_yesterdays_backup_brings_back_exactly_the_codes_that_should_be_there(
    house: House, clock: time_machine.Traveller, observed_for: timedelta
) -> None:
    door, gate = house.lock("Door"), house.lock("Gate")
    flat, annex = house.flat(door, gate), house.flat(gate, name="Annex")
    kept = house.stay(flat, 2 * DAY, 2 * DAY, "Kept Guest")
    gone = house.stay(flat, 5 * DAY, 2 * DAY, "Gone Guest")
    moved = house.stay(annex, 3 * DAY, 2 * DAY, "Moved Guest")
    house.stay(annex, 40 * DAY, 2 * DAY, "Later Guest")
    house.live(clock, HOUR)
    backup = saved()

    clock.shift(HOUR)
    cancel(gone)
    change(moved, check_out=moved.check_out + DAY)
    fresh = house.stay(flat, 8 * DAY, 3 * DAY, "Fresh Guest")
    unknown = house.stay(annex, 12 * DAY, 3 * DAY, "Unknown Guest")
    foreign = house.cloud.add_foreign_pin(gate.device_id, alias="Cleaner", value="847291")
    house.live(clock, HOUR)
    told = pin_of(fresh, door).grant.code
    left = pin_of(unknown, gate).grant.code
    assert set(on_lock(house, door).values()) == {pin_of(kept, door).grant.code, told}
    clock.shift(DAY - 2 * HOUR)

    restored(house, clock, backup, observed_for=observed_for)
    assert not Booking.objects.filter(guest_name__in=["Fresh Guest", "Unknown Guest"]).exists()
    # The calendars are read again: a stay comes back, another one is gone, a third one has its new dates.
    again = house.stay(
        Property.objects.get(name="Flat"), fresh.check_in, fresh.check_out - fresh.check_in, "Fresh Guest"
    )
    change(Booking.objects.get(pk=moved.pk), check_out=moved.check_out + DAY)
    release(house)
    posts_before = len([one for one in house.cloud.journal.changes if one.action == "created" and not one.foreign])
    house.live(clock, 3 * HOUR)

    assert pin_of(again, door).grant.code == told
    for booking, lock in ((kept, door), (kept, gate), (gone, door), (gone, gate), (moved, gate)):
        assert_one_right_pin(house, booking, lock)
    for lock in (door, gate):
        assert pin_of(again, lock).state == State.SET
        assert list(on_lock(house, lock).values()).count(told) == 1
    assert not shown(door)
    assert shown(gate)
    assert left in on_lock(house, gate).values()  # a person decides
    assert foreign in house.cloud.pins(gate.device_id)
    assert len(house.cloud.pins(door.device_id)) == 3
    assert len(house.cloud.pins(gate.device_id)) == 6  # kept, gone, moved, again, the stray, the cleaner's
    posts = [one for one in house.cloud.journal.changes if one.action == "created" and not one.foreign][posts_before:]
    assert len(posts) == 2  # the code that was taken off both locks, and nothing else


def test_the_list_of_each_lock_is_read_before_the_first_change(house: House, clock: time_machine.Traveller) -> None:
    doors = [house.lock(f"Door {number}") for number in range(4)]
    for number, door in enumerate(doors):
        house.stay(house.flat(door, name=f"Flat {number}"), (4 - number) * DAY, DAY, f"Guest {number}")
    backup = saved()  # no code is set yet
    house.live(clock, HOUR)
    assert len(writes(house)) == 4
    clock.shift(2 * HOUR)
    bring_back(backup)
    release(house)
    house.live(clock, 2 * HOUR)
    assert len(writes(house)) == 4  # all were found
    for door in doors:
        assert Pin.objects.get(lock=door).state == State.SET
        assert not LockState.objects.get(lock=door).look_first
        assert not shown(door)


def test_a_lock_that_does_not_answer_gets_no_code_before_it_was_looked_at(
    house: House, clock: time_machine.Traveller
) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    house.stay(house.flat(door), DAY, DAY)
    house.stay(house.flat(other, name="Other"), DAY, DAY)
    backup = saved()
    bring_back(backup)
    house.cloud.set_always(door.device_id, 503)
    release(house)
    house.live(clock, 10 * MINUTE)
    assert on_lock(house, door) == {}
    assert len(on_lock(house, other)) == 1


def test_a_released_account_in_the_middle_of_a_run_is_looked_at_first(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    backup = saved()
    bring_back(backup)
    LockAccount.objects.update(observe_only=False)  # without a signal
    house.live(clock, 10 * MINUTE)
    assert_one_right_pin(house, booking, door)


def test_half_of_the_requests_count_as_spent(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    bring_back(saved())
    row = RateBudget.objects.get(key=house.account.budget_key)
    left = budget.remaining(budget.Usage.from_json(row.usage), request_budget.rules(), timezone.now())
    assert left == settings.TEDEE_RATE_LIMIT // 2
    assert LockAccount.objects.get().observe_only


def test_an_id_that_the_lock_gave_to_somebody_else_is_not_deleted(clock: time_machine.Traveller) -> None:
    """Since the backup our code ended, and the lock gave its id to a code of the owner."""
    house = House(audits=True, id_reuse=True)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, 2 * HOUR)
    house.live(clock, HOUR)
    backup = saved()
    (ours,) = house.ours(door)
    house.live(clock, 4 * HOUR)
    assert house.cloud.pins(door.device_id) == []
    foreign = house.cloud.add_foreign_pin(door.device_id, alias="Owner")
    assert foreign.id == ours.id
    bring_back(backup)
    release(house)
    house.live(clock, 3 * HOUR)
    assert [pin.alias for pin in house.cloud.pins(door.device_id)] == ["Owner"]
    assert pin_of(booking, door).state == State.REMOVED


def test_the_nearest_arrivals_come_first_where_few_requests_are_left(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 8
    far, near = house.lock("Far"), house.lock("Near")
    house.stay(house.flat(far, name="Far"), 9 * DAY, DAY)
    house.stay(house.flat(near, name="Near"), 5 * HOUR, DAY)
    bring_back(saved())
    release(house)
    assert sweep.due_locks(timezone.now())[0] == near.pk
    house.live(clock, 10 * MINUTE)
    assert len(on_lock(house, near)) == 1
    assert on_lock(house, far) == {}
    assert LockState.objects.get(lock=far).look_first
    house.live(clock, 2 * HOUR)
    assert len(on_lock(house, far)) == 1


def test_something_urgent_does_not_wait_for_the_turn_of_its_lock(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 8
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 9 * DAY, DAY)
    bring_back(saved())
    release(house)
    house.live(clock, 2 * MINUTE)
    assert on_lock(house, door) == {}
    house.stay(Property.objects.get(), MINUTE, DAY, "Now Here")
    house.run(door)
    assert any(name.startswith("Now ") for name in on_lock(house, door))


def test_what_the_backup_says_of_a_code_is_not_believed_and_nobody_is_accused(
    house: House, clock: time_machine.Traveller
) -> None:
    """The stay was extended and shortened again by people since the backup: the lock has a period that nobody knows."""
    door = house.lock()
    booking = house.stay(house.flat(door), 9 * DAY, 2 * DAY)
    house.live(clock, HOUR)
    backup = saved()
    change(booking, check_out=booking.check_out + DAY)
    house.live(clock, HOUR)
    bring_back(backup)
    assert pin_of(booking, door).state == State.IN_DOUBT  # and so says the board
    release(house)
    house.live(clock, 2 * HOUR)
    assert_one_right_pin(house, booking, door)
    assert not Incident.objects.filter(kind=Incident.Kind.CHANGED_IN_APP).exists()


def test_nothing_that_was_seen_of_a_lock_is_believed(house: House, clock: time_machine.Traveller) -> None:
    """Nor that it rests, nor that a run of then has it."""
    house.stay(house.flat(house.lock()), DAY, DAY)
    house.live(clock, HOUR)
    now = timezone.now()
    seen: dict[str, Any] = {
        **dict.fromkeys(("lease_until", "dispatched_at", "paused_until"), now + HOUR),
        **dict.fromkeys(("list_proven_at", "looked_at", "full_list_at", "audited_at"), now - HOUR),
        **dict.fromkeys(("list_version", "audited_version"), 7),
        "lease_owner": uuid.uuid4(),
        "pause_cause": "busy",
        "foreign_pins": 1,
        "foreign_names": ["Cleaner"],
        "strangers_since": {"7": 0.0},
        "read_since": [7],
        "version_counts": True,
    }
    LockState.objects.update(**seen)
    forgotten: dict[str, Any] = {
        "lease_owner": None,
        "lease_until": None,
        "dispatched_at": None,
        "paused_until": None,
        "pause_cause": "",
        "list_version": None,
        "list_proven_at": None,
        "looked_at": None,
        "full_list_at": None,
        "audited_version": None,
        "foreign_pins": 0,
        "foreign_names": [],
        "strangers_since": None,
        "read_since": [],
        "audited_at": None,
        "version_counts": None,
    }
    assert seen.keys() == forgotten.keys()
    bring_back(saved())
    assert LockState.objects.values(*forgotten).get() == forgotten
    assert LockState.objects.values_list("look_first", "audit_at").get() == (True, now)


def test_a_message_that_waited_is_not_sent(house: House, clock: time_machine.Traveller) -> None:
    channel = NotificationChannel.objects.create(name="Anna", target="anna@example.com")
    now = timezone.now()
    Delivery.objects.create(
        channel=channel, key="incident:7:opened", event="incident.opened", happened_at=now, expires_at=now + DAY
    )
    backup = saved()
    clock.shift(HOUR)
    bring_back(backup)
    assert Delivery.objects.values_list("state", "ended_at").get() == (Delivery.State.DROPPED, timezone.now())
    assert NotificationChannel.objects.get().listens_from == timezone.now()


def test_a_guest_of_the_next_hours_does_not_wait_for_the_other_half_of_the_requests(
    house: House, clock: time_machine.Traveller
) -> None:
    """The code was on the lock when the backup was made, and is gone. Nobody may believe that it is there."""
    door = house.lock("Door")
    stay = house.stay(house.flat(door), 2 * HOUR, 2 * DAY)
    house.live(clock, MINUTE)
    backup = saved()
    (pin,) = house.cloud.pins(door.device_id)
    house.cloud.remove_pin(door.device_id, pin.id)
    bring_back(backup)
    release(house)
    house.live(clock, 5 * MINUTE)
    assert_one_right_pin(house, stay, door)


def test_many_unknown_codes_are_read_although_many_of_these_requests_fail(
    house: House, clock: time_machine.Traveller
) -> None:
    """Nothing is sent to the lock before all of them were read, whoever stands at its door."""
    door, key = house.lock(), InstallationKey.load()
    backup = saved()
    for _ in range(12):
        house.cloud.add_foreign_pin(door.device_id, alias=f"Guest 01-02 Mar #{new_reference(key)}")
    house.cloud.add_foreign_pin(door.device_id, alias="Cleaner")
    bring_back(backup)
    stay = house.stay(house.flat(door), 10 * MINUTE, DAY)
    release(house)
    house.cloud.script(door.device_id, ["ok", "ok", "ok", "GET:timeout_lost"] * 5)
    house.live(clock, 5 * MINUTE)
    assert_one_right_pin(house, stay, door)
    assert shown(door)
    assert PinAttempt.objects.filter(op="get", outcome="done", pin=None).count() == 12
    assert LockState.objects.get(lock=door).read_since == []


def test_a_lock_waits_half_a_minute_where_no_request_could_be_paid(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """Half of the requests count as spent; a comparison that is cut short goes on as soon as there are more."""
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 20, 60
    door, key = house.lock(), InstallationKey.load()
    backup = saved()
    for _ in range(12):
        house.cloud.add_foreign_pin(door.device_id, alias=f"Guest 01-02 Mar #{new_reference(key)}")
    bring_back(backup)
    stay = house.stay(house.flat(door), 10 * MINUTE, DAY)
    release(house)
    house.live(clock, 4 * MINUTE)
    assert_one_right_pin(house, stay, door)


def test_which_codes_the_backup_knew_does_not_hang_on_a_clock(house: House, clock: time_machine.Traveller) -> None:
    """After the restore the clock stood a day behind, and what had been done seemed to be of tomorrow."""
    door = house.lock()
    stay = house.stay(house.flat(door), 2 * DAY, DAY)
    backup = saved()
    house.live(clock, HOUR)
    (made,) = house.ours(door)
    house.cloud.change_pin(door.device_id, made.id, alias="Guest on the left")
    bring_back(backup)
    assert clock_steps.forget(timezone.now() - DAY)
    clock_steps.forget(timezone.now())
    release(house)
    house.live(clock, 3 * HOUR)
    assert on_lock(house, door) == {"Guest on the left": pin_of(stay, door).grant.code}
    assert pin_of(stay, door).state == State.SET


@pytest.mark.parametrize("backup_when", ["before it was made", "with another id", "before it was moved"])
def test_a_code_that_was_renamed_since_the_backup_is_known_by_its_value(
    house: House, clock: time_machine.Traveller, settings: Settings, backup_when: str
) -> None:
    """Only a person's name stands on the lock, under an id that the backup does not know; the guest knows the value."""
    settings.AUDIT_SECONDS = 1800
    door = house.lock()
    house.cloud.add_foreign_pin(door.device_id, alias="Cleaner", value="847291")
    house.cloud.add_foreign_pin(door.device_id, alias="Owner", value="518274")
    stay = house.stay(house.flat(door), DAY, HOUR)
    backup = saved() if backup_when == "before it was made" else b""
    house.live(clock, HOUR)
    backup = backup or saved()
    told = pin_of(stay, door).grant.code
    if backup_when != "before it was made":
        house.cloud.remove_pin(door.device_id, house.ours(door)[0].id)
        house.live(clock, 2 * HOUR)  # it was made anew
    if backup_when == "before it was moved":
        change(stay, check_out=stay.check_out + DAY)
        house.live(clock, HOUR)
    (made,) = house.ours(door)
    house.cloud.change_pin(door.device_id, made.id, alias="Guest on the left")
    bring_back(backup)
    release(house)
    house.live(clock, 3 * HOUR)
    pin = pin_of(stay, door)
    others = {"Cleaner": "847291", "Owner": "518274"}
    # The name that a person gave it stays until something else of it changes.
    name = pin.alias if backup_when == "before it was moved" else "Guest on the left"
    assert on_lock(house, door) == others | {name: told}
    (held,) = [one for one in house.cloud.pins(door.device_id) if one.id == pin.remote_id]
    assert (pin.state, held.body.start, held.body.end) == (State.SET, pin.grant.starts_at, pin.grant.ends_at)
    assert pin.grant.code == told
    clock.shift(3 * DAY)
    house.live(clock, HOUR)
    assert on_lock(house, door) == others


def test_codes_of_others_are_not_read_where_nothing_is_missing(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    cleaner = house.cloud.add_foreign_pin(door.device_id, alias="Cleaner")
    house.stay(house.flat(door), 2 * DAY, 2 * DAY)
    gone = house.stay(Property.objects.get(), 9 * DAY, DAY, "Gone Guest")
    house.live(clock, HOUR)
    cancel(gone)
    house.live(clock, HOUR)
    bring_back(saved())
    release(house)
    house.stay(Property.objects.get(), 5 * DAY, DAY, "Since Then")  # it has no code yet, and had none
    house.live(clock, HOUR)
    assert not [one for one in house.cloud.journal.requests if one.path.endswith(f"/pin/{cleaner.id}")]


def test_one_request_that_fails_in_the_first_comparison_does_not_keep_guests_waiting(
    house: House, clock: time_machine.Traveller
) -> None:
    """Codes of others are read in it, each of which may be answered by a lock that is busy."""
    door = house.lock()
    for number in range(4):
        house.cloud.add_foreign_pin(door.device_id, alias=f"Owner {number}")
    stay = house.stay(house.flat(door), 2 * DAY, 2 * DAY)
    clock.shift(MINUTE)
    bring_back(saved())
    release(house)
    house.cloud.script(door.device_id, ["GET:ok", "GET:ok", "GET:busy"])
    house.stay(Property.objects.get(), MINUTE, DAY, "Now Here")  # so that it is compared at once
    house.live(clock, 2 * MINUTE)
    assert_one_right_pin(house, stay, door)
