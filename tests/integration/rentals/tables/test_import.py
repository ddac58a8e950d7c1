"""What an import does, after a look and by those who may."""

from __future__ import annotations

import io
from datetime import time, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from pins.desired import drift
from pins.models import AccessGrant, Pin
from rentals.admin import import_export_pages
from rentals.models import Lock, LockAccount, Property
from tests.support.house import House
from tests.support.people import staff
from tests.support.tables import LOCKS, PROPERTIES, ROW, cells, complaints, export, facts, look, sure, table

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_look_changes_nothing_and_wakes_nobody(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="Attic")
    booking = house.stay(flat, 2 * DAY, DAY)
    house.settle()
    before = facts()
    answer = look(host, PROPERTIES, table("Attic,Europe/Warsaw,16:00,11:00,30,6,no,0,0,yes,", "New one" + ROW[5:]))
    page = answer.content.decode()
    assert "2 properties: 1 new, 1 changed." in page
    assert [(one.column, one.before, one.after) for one in answer.context["changes"][0].diff] == [
        ("check-in", "15:00", "16:00"),
        ("locks", door.serial_number, ""),
    ]
    assert len(answer.context["changes"][1].diff) == 11
    assert "Nothing is done yet." in page
    assert facts() == before
    assert Pin.objects.get(grant__booking=booking).wanted
    assert not LogEntry.objects.exists()


def test_what_is_imported_reaches_the_locks(host: Client, house: House) -> None:
    front, side = house.lock("Front"), house.lock("Side")
    flat = house.flat(front, name="Attic")
    booking = house.stay(flat, 2 * DAY, DAY)
    booking.follows_property_times = True
    booking.check_in, booking.check_out = (
        flat.check_in_on(booking.arrival_date),
        flat.check_out_on(booking.departure_date),
    )
    booking.save()
    house.settle()
    code = AccessGrant.objects.get().code
    row = f"Attic,Europe/Warsaw,16:00,11:00,30,6,no,0,0,yes,{side.serial_number}"
    assert sure(host, PROPERTIES, look(host, PROPERTIES, table(row))) == "Imported: 1 property: 1 changed."
    assert drift.repair(timezone.now()) == set()
    house.settle()
    assert house.ours(front) == []
    (pin,) = house.ours(side)
    booking.refresh_from_db()
    assert (pin.value, pin.body.start) == (code, booking.check_in)
    assert booking.check_in.astimezone(flat.zone).time() == time(16)
    said = LogEntry.objects.get().change_message
    assert said == "Changed by import of a file. check-in: 15:00 → 16:00. locks: changed."


@pytest.mark.django_db(transaction=True)
def test_an_import_waits_once_for_a_broker_that_is_out_of_reach(
    host: Client, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    doors = [house.lock() for _ in range(3)]
    for number, door in enumerate(doors):
        house.stay(house.flat(door, name=f"Flat {number}"), 2 * DAY, DAY)
    house.settle()
    answer = look(host, LOCKS, "\n".join(["serial number,active", *(f"{door.serial_number},no" for door in doors)]))
    caplog.clear()
    sure(host, LOCKS, answer)
    assert caplog.text.count("broker_unreachable") == 1


def test_a_lock_that_is_switched_off_by_import_loses_our_codes(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), 2 * DAY, DAY)
    house.settle()
    sure(host, LOCKS, look(host, LOCKS, f"serial number,active\n{door.serial_number},no"))
    house.settle()
    assert house.ours(door) == []
    assert Lock.objects.get().name == "Door"  # a column that is missing leaves its field alone


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("NEW-1,Door,Office,yes,100", "never adds one: press “Fetch locks”"),
        ("device:99999,Door,Office,yes,100", "never adds one"),
        ("{known},,Office,yes,100", "cannot be blank"),
        ("{known},Door,Nobody's,yes,100", "There is no lock account called “Nobody's”."),
        ("{known},Door,Twin,yes,100", "Several lock accounts are called “Twin”."),
        ("{known},Door,Office,yes,lots", "“lots” is not a whole number"),
    ],
)
def test_locks_are_changed_and_never_made(host: Client, house: House, row: str, message: str) -> None:
    known = house.lock().serial_number
    for _ in range(2):
        LockAccount.objects.create(name="Twin", secret="twin-key")
    head = "serial number,name,account,active,room for codes\n"
    (found,) = complaints(look(host, LOCKS, head + row.format(known=known)))
    assert message in found[2]
    assert Lock.objects.count() == 1
    (strange,) = complaints(look(host, LOCKS, f"serial number,device id,secret\n{known},5,x"))
    assert "“device id”, “secret”" in strange[2]


def test_what_went_wrong_since_the_look_stops_all_of_it(host: Client, house: House) -> None:
    door = house.lock()
    answer = look(host, PROPERTIES, table(cells(name="One"), cells(name="Two", locks=door.serial_number)))
    door.delete()
    said = sure(host, PROPERTIES, answer)
    assert said.startswith("Nothing was imported. Row 3, locks: There is no lock with the serial number")
    assert not Property.objects.exists()
    assert not LogEntry.objects.exists()


def test_the_file_between_look_and_action_cannot_be_forged_and_grows_old(
    host: Client, clock: time_machine.Traveller
) -> None:
    answer = look(host, PROPERTIES, table(ROW))
    fields = {one.html_name: one.value() for one in answer.context["confirm_form"]}
    for forged in (
        {},
        {"import_file_name": "passwd"},
        {"import_file_name": "../../../../etc/passwd"},
        {"import_file_name": fields["import_file_name"][:-2]},
        {"format": "7"},
        {"format": "x"},
        {"resource": "9"},
    ):
        sent = fields | forged if forged else {}
        done = host.post(f"{PROPERTIES}process_import/", sent)
        assert done.status_code == 302
        assert "Nothing was imported" in str(list(get_messages(done.wsgi_request))[-1].message)
    clock.shift(import_export_pages._PATIENCE + 1)
    assert "over an hour old" in sure(host, PROPERTIES, answer)
    assert host.get(f"{PROPERTIES}process_import/").status_code == 405
    assert not Property.objects.exists()


def test_who_may_import_and_export(client: Client, clock: time_machine.Traveller) -> None:
    nobody, viewer = staff("nobody", "view_lock"), staff("viewer", "view_property")
    changer, both = staff("changer", "change_property"), staff("both", "change_property", "add_property")
    for user, may_export, may_import in (
        (nobody, False, False),
        (viewer, True, False),
        (changer, True, False),
        (both, True, True),
    ):
        client.force_login(user)
        assert client.get(f"{PROPERTIES}export/").status_code == (200 if may_export else 403)
        assert client.get(f"{PROPERTIES}import/").status_code == (200 if may_import else 403)
        file = {"import_file": io.BytesIO(table(ROW).encode()), "resource": "0"}
        assert client.post(f"{PROPERTIES}import/", file).status_code == (200 if may_import else 403)
        assert client.post(f"{PROPERTIES}process_import/", {}).status_code == (302 if may_import else 403)
        if may_export:
            page = client.get(PROPERTIES).content.decode()
            assert "/property/export/" in page
            assert ("/property/import/" in page) == may_import


def test_the_history_of_an_import_tells_no_serial_number(host: Client, house: House) -> None:
    door, other = house.lock(), house.lock()
    flat = house.flat(door)
    rows = export(host, PROPERTIES).decode().replace(door.serial_number, other.serial_number)
    sure(host, PROPERTIES, look(host, PROPERTIES, rows.replace("15:00", "16:00")))
    assert flat.locks.get() == other
    host.force_login(staff("keeper", "view_property"))
    page = host.get(f"{PROPERTIES}{flat.pk}/history/").content.decode()
    assert "15:00 → 16:00" in page
    assert "locks: changed" in page
    assert door.serial_number not in page
    assert other.serial_number not in page


def test_who_may_not_see_locks_does_not_choose_them_by_import(client: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="Attic")
    client.force_login(staff("editor", "add_property", "change_property"))
    for known in (door.serial_number, "nothing-here", ""):  # the answer tells nothing of which locks there are
        (found,) = complaints(look(client, PROPERTIES, table(cells(locks=known))))
        assert found[2] == "The column “locks” is not open to you. Remove that from the file."
    without = "name,time zone,check-in\nAttic,Europe/Warsaw,17:00"
    answer = look(client, PROPERTIES, without)
    assert door.serial_number not in answer.content.decode()
    assert "locks" not in answer.context["columns"]
    assert sure(client, PROPERTIES, answer) == "Imported: 1 property: 1 changed."
    assert list(flat.locks.all()) == [door]
