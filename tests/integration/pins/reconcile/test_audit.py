"""Comparing what a lock holds with what we believe: hands in the lock app, and what they leave behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.pin_state import State
from pins.models import Incident, LockState, Pin, PinAttempt
from pins.simulator.devices import SimPin
from rentals.models import Booking, Lock, Property
from tests.support.house import House, pin_of
from tests.support.reconciling import after_answer, assert_one_right_pin

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return House(audits=True)


@pytest.fixture(autouse=True)
def _often(settings: Settings) -> None:
    settings.AUDIT_SECONDS = 15


def arrived(house: House, clock: time_machine.Traveller, begins: timedelta = DAY) -> tuple[Lock, Booking, SimPin]:
    """A lock, a stay and its code, set and compared once."""
    door = house.lock()
    booking = house.stay(house.flat(door), begins, 5 * DAY)
    house.live(clock, MINUTE)
    (remote,) = house.ours(door)
    return door, booking, remote


def requests_in(house: House, clock: time_machine.Traveller, span: timedelta) -> int:
    before = house.requests
    house.live(clock, span)
    return house.requests - before


def test_a_quiet_lock_costs_one_request_per_period(house: House, clock: time_machine.Traveller) -> None:
    arrived(house, clock)
    assert requests_in(house, clock, 10 * MINUTE) <= 40
    assert set(PinAttempt.objects.filter(pin=None).values_list("status", flat=True)) <= {200, 304}


def test_a_code_that_somebody_deleted_is_set_again_with_the_same_value(
    house: House, clock: time_machine.Traveller
) -> None:
    door, booking, remote = arrived(house, clock)
    code = pin_of(booking, door).grant.code
    house.cloud.remove_pin(door.device_id, remote.id)
    house.live(clock, MINUTE)

    assert_one_right_pin(house, booking, door)
    assert pin_of(booking, door).grant.code == code
    assert Incident.objects.filter(kind=Incident.Kind.CHANGED_IN_APP, pin=pin_of(booking, door)).exists()


@pytest.mark.parametrize(
    "narrowed",
    [
        {"end": timedelta(days=-2)},
        {"start": timedelta(hours=5)},
        {"week_days": 3},
        {"day_start": time(8), "day_end": time(12)},
        {"value": "482913"},
    ],
    ids=["end", "start", "weekdays", "hours", "value"],
)
def test_a_code_that_somebody_changed_is_corrected_once(
    house: House, clock: time_machine.Traveller, narrowed: dict[str, object]
) -> None:
    door, booking, remote = arrived(house, clock)
    change_by_hand(house, door, remote, narrowed)
    house.live(clock, MINUTE)
    assert_one_right_pin(house, booking, door)
    assert Incident.objects.filter(kind=Incident.Kind.CHANGED_IN_APP).count() == 1

    change_by_hand(house, door, remote, narrowed)
    house.live(clock, 5 * MINUTE)
    pin = pin_of(booking, door)
    assert (pin.state, pin.blocked) == (State.BLOCKED, "edited_again")
    assert PinAttempt.objects.filter(op="put").count() == 1


def change_by_hand(house: House, door: Lock, remote: SimPin, fields: dict[str, object]) -> None:
    body = remote.body
    changes: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, timedelta):
            changes[name] = getattr(body, name) + value
        elif isinstance(value, time):
            changes[name] = timezone.now().replace(hour=value.hour, minute=0, second=0, microsecond=0)
        else:
            changes[name] = value
    house.cloud.change_pin(door.device_id, remote.id, **changes)


def test_a_code_that_begins_later_is_read_only_when_it_matters(house: House, clock: time_machine.Traveller) -> None:
    """Somebody adds a code of their own: only ours of the next two days may have been narrowed in a way that hurts."""
    door, _, _ = arrived(house, clock, begins=10 * DAY)
    before = PinAttempt.objects.filter(op="get").count()
    house.cloud.add_foreign_pin(door.device_id)
    house.live(clock, MINUTE)
    assert PinAttempt.objects.filter(op="get").count() == before
    assert LockState.objects.get(lock=door).foreign_pins == 1


@pytest.mark.parametrize("narrowed", [{"start": timedelta(hours=5)}, {"week_days": 3}, {"value": "482913"}])
def test_a_code_that_somebody_changed_long_before_the_stay_is_corrected_before_the_guest_comes(
    house: House, clock: time_machine.Traveller, settings: Settings, narrowed: dict[str, object]
) -> None:
    """The list shows no trace of it, and nothing else of the lock changes any more."""
    settings.AUDIT_SECONDS = 86_400
    door, booking, remote = arrived(house, clock, begins=10 * DAY)
    house.live(clock, 2 * DAY)
    change_by_hand(house, door, remote, narrowed)
    house.live(clock, 5 * DAY)
    assert PinAttempt.objects.filter(op="get").count() == 0
    house.live(clock, 2 * DAY)
    assert_one_right_pin(house, booking, door)
    assert Incident.objects.filter(kind=Incident.Kind.CHANGED_IN_APP).count() == 1
    assert PinAttempt.objects.filter(op="get").count() == 1
    house.live(clock, 12 * HOUR)
    assert PinAttempt.objects.filter(op="get").count() <= 2  # our own correction is no change by others


def test_a_stray_of_ours_goes_when_it_is_over_comes_home_when_it_fits_and_is_shown_otherwise(
    house: House, clock: time_machine.Traveller
) -> None:
    door, booking, remote = arrived(house, clock)
    twin = replace(remote.body, alias="Guest 01-02 Jan #" + stray_reference())
    Pin.objects.filter(lock=door).update(remote_id=None, applied_known=False, next_try_at=None)  # as an old backup says
    house.cloud.remove_pin(door.device_id, remote.id)
    house.cloud.add_foreign_pin(door.device_id, alias=twin.alias, value=twin.value, start=twin.start, end=twin.end)
    now = timezone.now()
    over = "Guest 01-02 Feb #" + stray_reference()
    house.cloud.settings = replace(house.cloud.settings, expiry_lag=90 * DAY.total_seconds())
    house.cloud.add_foreign_pin(door.device_id, alias=over, start=now - 3 * DAY, end=now - DAY)
    unknown = "Guest 01-02 Mar #" + stray_reference()
    house.cloud.add_foreign_pin(door.device_id, alias=unknown, start=now, end=now + 9 * DAY)
    house.live(clock, 2 * MINUTE)

    left = {pin.alias for pin in house.cloud.pins(door.device_id)}
    assert over not in left
    assert unknown in left
    assert pin_of(booking, door).state == State.SET
    assert len([pin for pin in house.cloud.pins(door.device_id) if pin.body.value == twin.value]) == 1
    assert Incident.objects.filter(kind=Incident.Kind.STRAY_CODE, lock=door, resolved_at=None).exists()


def stray_reference() -> str:
    from pins.core.alias import new_reference
    from pins.models import InstallationKey

    return new_reference(InstallationKey.load())


def test_a_foreign_code_is_never_touched(house: House, clock: time_machine.Traveller) -> None:
    door, _, _ = arrived(house, clock)
    foreign = house.cloud.add_foreign_pin(door.device_id, alias="Cleaner #1")
    house.live(clock, 5 * MINUTE)
    assert foreign in house.cloud.pins(door.device_id)


def test_once_a_week_the_whole_list_is_asked_for(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """“Not changed” only says that the version is the one we named."""
    settings.AUDIT_SECONDS = 86_400
    door, booking, remote = arrived(house, clock, begins=20 * DAY)
    house.live(clock, 2 * DAY)
    house.stay(booking.property, 2 * DAY, DAY)  # the version is seen to count our changes
    house.live(clock, 2 * DAY)
    house.cloud.settings = replace(house.cloud.settings, list_version="stuck")
    house.cloud.remove_pin(door.device_id, remote.id)
    house.live(clock, DAY)
    assert house.ours(door) == []  # nobody can know
    house.live(clock, 6 * DAY)
    assert_one_right_pin(house, booking, door)


def test_an_audit_waits_while_the_budget_is_half_spent_unless_a_guest_is_near(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.AUDIT_SECONDS = 3600
    settings.TEDEE_RATE_LIMIT = 4
    near, far = house.lock("Near"), house.lock("Far")
    house.stay(house.flat(near), 20 * HOUR, DAY)
    house.stay(house.flat(far, name="Far"), 9 * DAY, DAY)
    house.live(clock, 10 * MINUTE)
    LockState.objects.update(audit_at=timezone.now())
    house.live(clock, 10 * MINUTE)
    assert LockState.objects.get(lock=near).audited_at is not None
    assert LockState.objects.get(lock=far).audited_at is None
    house.live(clock, 3 * HOUR)
    assert LockState.objects.get(lock=far).audited_at is not None


def test_a_list_that_was_read_in_between_hides_no_change(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """Another stay's answer is lost, so the list is read, with the version that the hand in the app made."""
    settings.AUDIT_SECONDS = 3600
    door = house.lock()
    flat = house.flat(door)
    booking = house.stay(flat, DAY, 5 * DAY)
    house.live(clock, 2 * HOUR)
    (remote,) = house.ours(door)
    house.cloud.change_pin(door.device_id, remote.id, week_days=3)
    house.cloud.script(door.device_id, ["POST:timeout_lost"])
    house.stay(flat, 10 * DAY, DAY)
    house.live(clock, 10 * MINUTE)
    assert PinAttempt.objects.filter(op="list", pin__isnull=False).exists()
    house.live(clock, HOUR)
    assert_one_right_pin(house, booking, door)


def test_a_list_that_was_read_in_between_hides_no_stray(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """Another stay's answer is lost, so a run reads the list that shows the stray first. “Not changed” since then."""
    settings.AUDIT_SECONDS = 3600
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, DAY, 5 * DAY)
    house.live(clock, 2 * HOUR)
    house.stay(flat, 20 * DAY, DAY)  # the version is seen to count our changes
    house.live(clock, 2 * HOUR)
    unknown = "Guest 01-02 Mar #" + stray_reference()
    house.cloud.add_foreign_pin(door.device_id, alias=unknown, start=timezone.now(), end=timezone.now() + 9 * DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.stay(flat, 10 * DAY, DAY)
    house.live(clock, 10 * MINUTE)
    assert PinAttempt.objects.filter(op="list", pin__isnull=False).exists()
    house.live(clock, 2 * HOUR)
    assert Incident.objects.filter(kind=Incident.Kind.STRAY_CODE, lock=door, resolved_at=None).exists()


def test_at_the_default_a_quiet_lock_costs_one_request_a_day(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.AUDIT_SECONDS = 86_400
    locks = [house.lock(f"Door {number}") for number in range(8)]
    for lock in locks:
        house.stay(house.flat(lock, name=lock.name), 20 * DAY, DAY)
    house.live(clock, DAY)  # the codes are set, and each lock was compared for the first time
    assert requests_in(house, clock, 5 * DAY) <= 5 * len(locks)
    assert not LockState.objects.filter(audited_at=None).exists()


def test_the_list_of_a_comparison_that_was_overtaken_teaches_nothing(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """The worker froze with the list in its hands; another run set a code that this list cannot know."""
    settings.AUDIT_SECONDS = 86_400
    door, _, _ = arrived(house, clock)
    LockState.objects.update(audit_at=timezone.now(), list_version=None)
    later: list[Booking] = []

    def freeze() -> None:
        clock.shift(2 * MINUTE)
        LockState.objects.update(audit_at=timezone.now() + DAY)  # the run that takes over has something else to do
        later.append(house.stay(Property.objects.get(), 9 * DAY, DAY))
        house.run(door)
        assert pin_of(later[0], door).state == State.SET

    after_answer(house, "GET", freeze)
    house.run(door)
    pin = pin_of(later[0], door)
    assert (pin.state, pin.omitted) == (State.SET, False)
    assert not PinAttempt.objects.filter(outcome="").exists()
