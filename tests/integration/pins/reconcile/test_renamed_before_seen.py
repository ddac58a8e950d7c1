"""A creation whose answer was lost lands late, and somebody renames its code before any list has shown it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.alias import new_reference
from pins.core.pin_state import State
from pins.models import AccessGrant, Incident, InstallationKey, LockState, Pin, PinAttempt
from pins.simulator.devices import SimPin
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NAME = "Garden gate"
Kind = Incident.Kind


@pytest.fixture(autouse=True)
def _lands_later_than_promised(settings: Settings) -> None:
    settings.LATE_SECONDS = 60


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return House(audits=True, list_lag=90.0, late_seconds=1.0)


@pytest.fixture
def door(house: House, clock: time_machine.Traveller) -> Lock:
    """A lock with a guest, whose list was compared, and has codes of others."""
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY, name="Earlier")
    for name in ("Cleaner", "Neighbour"):
        house.cloud.add_foreign_pin(door.device_id, alias=name)
    compared(house, clock)
    return door


def compared(house: House, clock: time_machine.Traveller) -> None:
    house.live(clock, 5 * MINUTE)
    LockState.objects.update(audit_at=timezone.now())
    house.live(clock, 5 * MINUTE)


def stay(house: House, door: Lock) -> Booking:
    flat = door.properties.get() if door.properties.exists() else house.flat(door)
    return house.stay(flat, 4 * DAY, 2 * DAY)


def lands_and_is_renamed(
    house: House,
    door: Lock,
    clock: time_machine.Traveller,
    *,
    before: Callable[[], None] = lambda: None,
    **changes: object,
) -> SimPin:
    """Every creation is lost until one has landed. `before`: what happens while nobody knows of it."""
    house.cloud.script(door.device_id, ["POST:late"])
    there = {pin.id for pin in house.cloud.pins(door.device_id)}
    for _ in range(120):
        house.live(clock, SECOND)
        for pin in house.cloud.pins(door.device_id):
            if pin.id not in there:
                house.cloud.change_pin(door.device_id, pin.id, alias=NAME, **changes)
                before()
                return next(one for one in house.cloud.pins(door.device_id) if one.id == pin.id)
    raise AssertionError("it did not land")


def names(house: House, door: Lock) -> list[str]:
    return sorted(pin.alias for pin in house.cloud.pins(door.device_id) if "#" not in pin.alias)


def values_are_those_of_the_stays(house: House, door: Lock) -> bool:
    ours = [pin.value for pin in house.cloud.pins(door.device_id) if pin.alias not in ("Cleaner", "Neighbour")]
    asked = Pin.objects.filter(wanted=True, lock=door).values_list("grant__code", flat=True)
    return sorted(ours) == sorted(asked)


def reads() -> int:
    return PinAttempt.objects.filter(op="get").count()


def test_its_guest_has_one_code(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    booking = stay(house, door)
    lands_and_is_renamed(house, door, clock)
    house.live(clock, 3 * HOUR)
    assert values_are_those_of_the_stays(house, door)
    assert pin_of(booking, door).state == State.SET
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_it_is_removed_when_the_stay_has_moved(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    booking = stay(house, door)

    def move() -> None:
        booking.check_out += DAY
        booking.save()

    lands_and_is_renamed(house, door, clock, before=move)
    house.live(clock, 3 * HOUR)
    assert values_are_those_of_the_stays(house, door)
    assert pin_of(booking, door).state == State.SET


@pytest.mark.parametrize("trouble", ["busy", "offline", "timeout_lost", "timeout_applied", "late"])
def test_it_is_removed_although_its_removal_meets_trouble(
    house: House, door: Lock, clock: time_machine.Traveller, trouble: str
) -> None:
    """Its name says nothing to the list that is read before the next try."""
    booking = stay(house, door)
    lands_and_is_renamed(house, door, clock)
    house.cloud.script(door.device_id, [f"DELETE:{trouble}", f"DELETE:{trouble}"])
    house.live(clock, 3 * HOUR)
    assert values_are_those_of_the_stays(house, door)
    assert pin_of(booking, door).state == State.SET


def test_it_is_removed_when_the_stay_is_cancelled(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    booking = stay(house, door)

    def cancel() -> None:
        booking.status = Booking.Status.CANCELLED
        booking.save()

    lands_and_is_renamed(house, door, clock, before=cancel)
    house.live(clock, 3 * HOUR)
    assert names(house, door) == ["Cleaner", "Neighbour"]
    assert values_are_those_of_the_stays(house, door)


def test_a_guest_who_knows_the_code_keeps_it(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    booking = stay(house, door)
    AccessGrant.objects.filter(booking=booking).update(disclosed_at=timezone.now())
    code = pin_of(booking, door).grant.code
    lands_and_is_renamed(house, door, clock)
    house.live(clock, 3 * HOUR)
    assert pin_of(booking, door).grant.code == code
    assert pin_of(booking, door).state == State.SET
    assert values_are_those_of_the_stays(house, door)


def looked_at_again(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    """Its lists lag behind, so that the second one surely shows what is there."""
    for _ in range(2):
        clock.shift(2 * MINUTE)
        full_list_is_due(door)
        house.live(clock, MINUTE)


def full_list_is_due(door: Lock) -> None:
    LockState.objects.filter(lock=door).update(audit_at=timezone.now(), list_version=None, audited_version=None)


@pytest.mark.parametrize(
    "cure",
    [
        lambda house, door, landed: house.cloud.remove_pin(door.device_id, landed.id),
        lambda house, door, landed: house.cloud.change_pin(door.device_id, landed.id, value="918273"),
    ],
    ids=["removed", "other digits"],
)
def test_with_other_times_it_is_left_alone_and_a_person_is_told(
    house: House, door: Lock, clock: time_machine.Traveller, cure: Callable[[House, Lock, SimPin], None]
) -> None:
    booking = stay(house, door)
    landed = lands_and_is_renamed(house, door, clock, end=timezone.now() + 9 * DAY)
    house.live(clock, 3 * HOUR)
    assert NAME in names(house, door)
    told = Incident.objects.get(kind=Kind.SECOND_CODE, resolved_at=None)
    assert told.pin == pin_of(booking, door)
    assert pin_of(booking, door).state == State.SET
    asked = reads()
    looked_at_again(house, door, clock)
    assert reads() - asked <= 4, "once for each list, and ours"
    assert Incident.objects.get(kind=Kind.SECOND_CODE, resolved_at=None) == told

    cure(house, door, landed)
    looked_at_again(house, door, clock)
    assert not Incident.objects.filter(kind=Kind.SECOND_CODE, resolved_at=None).exists()
    assert LockState.objects.get(lock=door).foreign_pins == len(house.cloud.pins(door.device_id)) - 2
    looked_at_again(house, door, clock)
    assert not Incident.objects.filter(kind=Kind.SECOND_CODE, resolved_at=None).exists()


def test_on_a_lock_that_nobody_has_listed_before(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    for number in range(9):
        house.cloud.add_foreign_pin(door.device_id, alias=f"Tenant {number}")
    clock.shift(2 * MINUTE)
    booking = stay(house, door)
    landed = lands_and_is_renamed(house, door, clock)
    house.live(clock, 3 * HOUR)
    assert len(house.cloud.pins(door.device_id)) == 10
    assert pin_of(booking, door).state == State.SET
    assert landed.value not in {pin.value for pin in house.cloud.pins(door.device_id)} or (
        landed.value == pin_of(booking, door).grant.code
    )
    assert reads() <= 11, "each once, when the lock says that it has the value"


def test_codes_that_others_add_meanwhile_are_read_once_and_stay(
    house: House, door: Lock, clock: time_machine.Traveller
) -> None:
    booking = stay(house, door)
    added: list[SimPin] = []

    def add() -> None:
        added.extend(house.cloud.add_foreign_pin(door.device_id, alias=f"Tenant {number}") for number in range(3))

    lands_and_is_renamed(house, door, clock, before=add)
    before = [pin for pin in house.cloud.pins(door.device_id) if pin.alias.startswith("Tenant")]
    asked = reads()
    house.live(clock, 3 * HOUR)
    assert [pin for pin in house.cloud.pins(door.device_id) if pin.alias.startswith("Tenant")] == before
    assert pin_of(booking, door).state == State.SET
    assert reads() - asked <= 8, "each once, and ours"


@pytest.mark.parametrize("moved", [False, True])
def test_it_is_found_when_the_first_list_proved_itself_and_the_lock_was_out_of_reach(
    clock: time_machine.Traveller, settings: Settings, moved: bool
) -> None:
    """The creation was accounted for as far as lists tell: nothing but its digits and its end is left of it."""
    settings.LATE_SECONDS = 600
    house = House(audits=True, late_seconds=700.0)
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY, name="Earlier")
    compared(house, clock)
    house.cloud.script(door.device_id, ["POST:late", "ok", *["POST:offline"] * 40])
    booking = house.stay(door.properties.get(), 4 * DAY, 2 * DAY)
    there = {pin.id for pin in house.cloud.pins(door.device_id)}
    for _ in range(800):
        house.live(clock, SECOND)
        landed = [pin for pin in house.cloud.pins(door.device_id) if pin.id not in there]
        if landed:
            break
    house.cloud.change_pin(door.device_id, landed[0].id, alias=NAME)
    if moved:
        booking.check_out += DAY
        booking.save()
    house.live(clock, 3 * HOUR)
    assert values_are_those_of_the_stays(house, door)
    assert pin_of(booking, door).state == State.SET
    assert not Incident.objects.filter(kind=Kind.SECOND_CODE).exists()


@pytest.mark.parametrize("answer", ["GET:html_404", "GET:server_error", "GET:drop_lost"])
def test_it_is_found_although_reading_it_meets_trouble(
    house: House, door: Lock, clock: time_machine.Traveller, answer: str
) -> None:
    booking = stay(house, door)
    AccessGrant.objects.filter(booking=booking).update(disclosed_at=timezone.now())
    lands_and_is_renamed(house, door, clock)
    house.live(clock, 4 * MINUTE)
    house.cloud.script(door.device_id, ["ok", answer, answer])
    house.live(clock, 3 * HOUR)
    assert pin_of(booking, door).state == State.SET
    assert values_are_those_of_the_stays(house, door)


def test_a_comparison_that_does_not_come_to_its_end_makes_nothing_new_twice(
    house: House, door: Lock, clock: time_machine.Traveller
) -> None:
    """Another stray cannot be read, so that the lock is compared again and again."""
    stay(house, door)
    stray = f"Guest 01-02 Mar #{new_reference(InstallationKey.load())}"

    def others_come() -> None:
        for name in ("A", stray):
            house.cloud.add_foreign_pin(door.device_id, alias=name)

    lands_and_is_renamed(house, door, clock, before=others_come)
    house.live(clock, 2 * MINUTE)
    asked = reads()
    for _ in range(4):
        full_list_is_due(door)
        house.cloud.script(door.device_id, ["ok", "GET:server_error", "GET:server_error", "GET:server_error"])
        house.live(clock, 7 * MINUTE)
        house.cloud.desk._scripts.clear()
    once = PinAttempt.objects.filter(op="get", outcome="done", pin__isnull=False).values_list("remote_id", flat=True)
    (foreign,) = [pin.id for pin in house.cloud.pins(door.device_id) if pin.alias == "A"]
    assert list(once).count(foreign) <= 1
    assert reads() > asked
