"""Importing locks: serial numbers decide, names are kept, nothing is deleted, and every trouble is one clear line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from pins.core.pin_state import State
from pins.models import Incident, LockState, RateBudget
from pins.reconcile import inventory
from pins.simulator.cloud import Cloud
from pins.tedee.errors import Forbidden
from rentals.models import Lock, LockAccount
from tests.integration.conftest import START
from tests.support.house import KEY, House, pin_of
from tests.support.real_cloud import close_clients, listening_cloud

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def cloud(settings: Settings) -> Iterator[Cloud]:
    with listening_cloud(settings) as cloud:
        yield cloud


def account(name: str = "Office", secret: str = KEY) -> LockAccount:
    return LockAccount.objects.create(name=name, secret=secret)


def sync(*arguments: str) -> str:
    out = io.StringIO()
    call_command("sync_locks", *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def failed_sync(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("sync_locks", *arguments, stdout=out, stderr=out, no_color=True)
    assert refused.value.returncode == 1
    return out.getvalue() + str(refused.value)


def test_new_locks_arrive_with_what_tedee_knows_of_them_and_what_a_guest_would_stumble_over(cloud: Cloud) -> None:
    cloud.add_lock("Entrance", "S-1", battery_level=81, time_zone="Europe/Warsaw")
    cloud.add_lock("Cellar", "S-2", keypad=None, bridge_id=None, connected=None)
    account()

    told = sync()

    entrance, cellar = Lock.objects.get(serial_number="S-1"), Lock.objects.get(serial_number="S-2")
    assert (entrance.name, entrance.has_keypad, entrance.has_bridge, entrance.is_connected) == (
        "Entrance",
        True,
        True,
        True,
    )
    assert (entrance.battery_level, entrance.time_zone) == (81, "Europe/Warsaw")
    assert (cellar.has_keypad, cellar.has_bridge) == (False, False)
    assert "no keypad: guests cannot enter a code" in told
    assert "no bridge: codes cannot be set from afar" in told
    assert "[1/1] Office" in told
    assert KEY not in told


def test_a_second_import_changes_nothing_and_keeps_a_name_that_a_person_gave(cloud: Cloud) -> None:
    cloud.add_lock("Entrance", "S-1")
    account()
    sync()
    Lock.objects.update(name="Front door, Old Town 3")

    assert "as before" in sync()
    assert Lock.objects.get().name == "Front door, Old Town 3"


def test_a_lock_that_vanished_is_told_and_left_alone(cloud: Cloud) -> None:
    here = account()
    Lock.objects.create(account=here, device_id=77, name="Garage", serial_number="S-9")
    assert "“Garage” is known here, but the account no longer shows it" in sync()
    assert Lock.objects.filter(name="Garage").exists()


def test_a_lock_entered_by_hand_is_recognised_by_its_device_id_and_gets_its_serial_number(cloud: Cloud) -> None:
    device = cloud.add_lock("Entrance", "S-1").id
    Lock.objects.create(account=account(), device_id=device, name="My door")
    sync()
    assert Lock.objects.get().serial_number == "S-1"


def test_a_lock_added_again_keeps_its_row_and_gets_all_its_codes_on_the_new_device() -> None:
    with time_machine.travel(START, tick=False):
        house = House()
        door = house.lock()
        booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
        house.settle()
        assert len(house.ours(door)) == 1
        again = house.cloud.add_lock("Door", "again")
        house.cloud.locks_by_id.pop(door.device_id)
        again.serial_number = door.serial_number

        found = inventory.fetch(house.account, timezone.now(), clients=house.client)
        assert found.moved_lock_ids == {door.pk}
        house.settle()

        door.refresh_from_db()
        assert door.device_id == again.id
        assert len(house.ours(door)) == 1
        assert pin_of(booking, door).state == State.SET
        assert LockState.objects.get(lock=door).device_id == again.id


def test_a_device_id_that_now_belongs_to_another_lock_is_never_taken_for_the_old_one(cloud: Cloud) -> None:
    device = cloud.add_lock("Attic", "S-2").id
    old = Lock.objects.create(account=account(), device_id=device, name="Cellar", serial_number="S-1")
    told = sync()
    old.refresh_from_db()
    assert (old.name, old.serial_number) == ("Cellar", "S-1")
    assert "has the device id of “Cellar”, another lock" in told


def test_the_first_of_two_accounts_keeps_a_lock_that_both_see(cloud: Cloud) -> None:
    cloud.add_lock("Entrance", "S-1")
    first, second = account("A"), account("B")
    told = sync()
    assert Lock.objects.get().account == first
    assert "already here through the account “A”, which keeps it" in told
    assert "left alone" in sync("--account", str(second.pk))


def test_one_account_by_name_or_id(cloud: Cloud) -> None:
    account("A")
    chosen = account("B", "wrong")
    Lock.objects.all().delete()
    assert "[1/1] A" in sync("--account", "A")
    assert "refuses the access key" in failed_sync("--account", str(chosen.pk))
    assert "no account “C”. Known accounts: A (" in failed_sync("--account", "C")
    account("A")
    assert "2 accounts are called “A”" in failed_sync("--account", "A")


def test_without_accounts_it_says_where_to_add_one() -> None:
    assert "Add one in the admin" in failed_sync()


def test_a_dead_key_is_one_clear_line_and_the_other_accounts_are_imported(cloud: Cloud) -> None:
    cloud.add_lock("Entrance", "S-1")
    account("A", "wrong-key")
    account("B")
    told = failed_sync()
    assert "A: Tedee refuses the access key" in told
    assert "Not imported: A." in told
    assert "wrong-key" not in told
    assert Lock.objects.get().account.name == "B"
    assert Incident.objects.filter(kind=Incident.Kind.DEAD_KEY, resolved_at=None).count() == 1


def test_a_new_key_that_works_ends_the_incident(cloud: Cloud) -> None:
    here = account("A", "wrong-key")
    failed_sync()
    close_clients()
    here.secret = KEY
    here.save()
    sync()
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_an_unreachable_cloud_is_one_clear_line() -> None:
    account()
    assert "Office: The Tedee cloud cannot be reached" in failed_sync()


def test_requests_are_taken_from_the_budget_and_never_beyond_it(cloud: Cloud, settings: Settings) -> None:
    cloud.add_lock("Entrance", "S-1")
    settings.TEDEE_RATE_LIMIT = 3
    here = account()
    sync()
    row = RateBudget.objects.get(key=here.budget_key)
    assert sum(row.usage["counts"]) == 2
    assert "The requests of this hour are used up" in failed_sync()
    assert len(cloud.journal.requests) == 2


def test_strange_answers_are_stored_as_far_as_they_fit(cloud: Cloud) -> None:
    cloud.add_lock("N" * 300, "S-1", battery_level=250, time_zone="Z" * 90)
    account()
    sync()
    lock = Lock.objects.get()
    assert (len(lock.name), lock.battery_level, len(lock.time_zone)) == (120, None, 64)


def test_a_key_of_another_kind_or_without_the_right_is_told_apart(cloud: Cloud) -> None:
    one = account("A")
    LockAccount.objects.filter(pk=one.pk).update(kind=LockAccount.Kind.OAUTH)
    told = failed_sync()
    assert "A: Tedee does not accept the connection of the account. Press “Connect with Tedee” on its page" in told
    assert "portal.tedee.com" not in told
    for kind in LockAccount.Kind:
        assert "Device.Read and Device.ReadWrite" in inventory.explain(Forbidden(403), kind)
