"""Properties and locks out of one installation and into another, and what people hand in by mistake."""

from __future__ import annotations

import csv
import io
import json
from datetime import time, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from pins.desired import drift
from pins.models import AccessGrant, Pin
from rentals.admin import import_export_pages
from rentals.models import Lock, LockAccount, Property, PropertyAccess
from tests.support.house import KEY, House
from tests.support.people import staff

pytestmark = pytest.mark.django_db

PROPERTIES, LOCKS = "/admin/rentals/property/", "/admin/rentals/lock/"
HEAD = "name,time zone,check-in,check-out,days ahead,code length,minutes early,minutes late,active,locks"
ROW = "Attic,Europe/Warsaw,15:00,11:00,30,6,0,0,yes,"
DAY = timedelta(days=1)


@pytest.fixture
def host(client: Client, clock: time_machine.Traveller) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


def export(host: Client, where: str, form: str = "csv") -> bytes:
    answer = host.post(f"{where}export/", {"format": str(["csv", "json"].index(form))})
    assert answer.status_code == 200
    assert f".{form}" in answer["Content-Disposition"]
    return bytes(answer.content)


def look(host: Client, where: str, data: bytes | str, name: str = "table.csv") -> Any:
    raw = data.encode() if isinstance(data, str) else data
    answer = host.post(f"{where}import/", {"import_file": SimpleUploadedFile(name, raw), "resource": "0"})
    assert answer.status_code == 200
    return answer


def complaints(answer: Any) -> list[tuple[int | None, str, str]]:
    """Row, column and text of each complaint; those about the file itself come without a row."""
    assert "confirm_form" not in answer.context
    found = [(one.row, one.column, one.text) for one in answer.context["complaints"]]
    assert ("Nothing is imported: fix the file first" in answer.content.decode()) is bool(found)
    return found


def sure(host: Client, where: str, answer: Any) -> str:
    """Press “Yes, import all of it”, and what is said then."""
    form = answer.context["confirm_form"]
    done = host.post(f"{where}process_import/", {one.html_name: one.value() for one in form})
    assert done.status_code == 302
    return str(list(get_messages(done.wsgi_request))[-1].message)


def table(*rows: str) -> str:
    return "\n".join([HEAD, *rows])


def facts() -> list[Any]:
    """All that an export carries."""
    return [
        [
            (
                *(one.name, one.timezone, one.check_in_time, one.check_out_time, one.issue_ahead_days),
                *(one.code_length, one.early_minutes, one.late_minutes, one.is_active),
                sorted(lock.device_id for lock in one.locks.all()),
            )
            for one in Property.objects.order_by("name")
        ],
        list(
            Lock.objects.order_by("device_id").values_list(
                "device_id", "serial_number", "name", "account__name", "is_active", "pin_capacity"
            )
        ),
    ]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_out_and_into_an_empty_installation_and_all_is_equal(host: Client, house: House, form: str) -> None:
    front, side = house.lock("Front door"), house.lock("=Side; door, “old”")
    bare = Lock.objects.create(account=house.account, device_id=777, name="Żółte drzwi", is_active=False)
    house.flat(front, side, name="Old Town 3", issue_ahead_days=14, early_minutes=30)
    house.flat(front, bare, name="-Łódź, 2nd floor", timezone="America/New_York", check_in_time=time(16, 30))
    house.flat(name="'quoted", is_active=False, code_length=8, late_minutes=15, check_out_time=time(10, 0, 30))
    Lock.objects.filter(pk=side.pk).update(pin_capacity=80)
    before = facts()
    properties, locks = export(host, PROPERTIES, form), export(host, LOCKS, form)
    assert KEY.encode() not in properties + locks
    # Another installation: its locks are fetched, and are called as Tedee calls them.
    known = list(Lock.objects.values_list("device_id", "serial_number"))
    Property.objects.all().delete()
    Lock.objects.all().delete()
    for device_id, serial_number in known:
        Lock.objects.create(
            account=house.account, device_id=device_id, serial_number=serial_number, name=f"Lock {device_id}"
        )
    assert "3 changed" in sure(host, LOCKS, look(host, LOCKS, locks, f"locks.{form}"))
    assert "3 new" in sure(host, PROPERTIES, look(host, PROPERTIES, properties, f"p.{form}"))
    assert facts() == before
    # The same once more changes nothing and offers nothing.
    for where, data in ((LOCKS, locks), (PROPERTIES, properties)):
        again = look(host, where, data, f"again.{form}")
        assert "confirm_form" not in again.context
        assert "There is nothing to import." in again.content.decode()


def test_a_cell_never_begins_like_a_formula(host: Client, house: House) -> None:
    house.flat(name='=HYPERLINK("http://evil.test")')
    assert b"\"'=HYPERLINK(" in export(host, PROPERTIES)


def test_the_export_is_what_the_list_shows(host: Client, house: House) -> None:
    house.flat(name="River room")
    house.flat(name="Attic")
    answer = host.post(f"{PROPERTIES}export/?q=river", {"format": "0"})
    assert b"River room" in answer.content
    assert b"Attic" not in answer.content
    page = host.get(f"{PROPERTIES}export/?q=river").content.decode()
    assert "1 property, as the list is searched and filtered" in page
    assert "/static/rentals/admin.css" in page
    assert "/admin/rentals/property/export/?q=river" in host.get(f"{PROPERTIES}?q=river").content.decode()


def test_an_export_asks_as_much_for_many_as_for_few(
    host: Client, house: House, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        house.flat(house.lock(), house.lock(), name=f"Flat {number}")
    for where in (PROPERTIES, LOCKS):
        with django_assert_max_num_queries(9):
            export(host, where)


def test_a_look_changes_nothing_and_wakes_nobody(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="Attic")
    booking = house.stay(flat, 2 * DAY, DAY)
    house.settle()
    before = facts()
    answer = look(host, PROPERTIES, table("Attic,Europe/Warsaw,16:00,11:00,30,6,0,0,yes,", "New one" + ROW[5:]))
    page = answer.content.decode()
    assert "2 properties: 1 new, 1 changed." in page
    assert [(one.column, one.before, one.after) for one in answer.context["changes"][0].diff] == [
        ("check-in", "15:00", "16:00"),
        ("locks", door.serial_number, ""),
    ]
    assert len(answer.context["changes"][1].diff) == 10
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
    row = f"Attic,Europe/Warsaw,16:00,11:00,30,6,0,0,yes,{side.serial_number}"
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
    ("data", "message"),
    [
        (b"", "The file is empty."),
        (b"   \n  \n", "The file has no rows."),
        (HEAD.encode(), "The file has no rows."),
        (b"<!doctype html><html><body>Log in</body></html>", "This is a web page, not a table."),
        (b"PK\x03\x04\x14\x00\x06\x00", "This is a spreadsheet. Save it as “CSV UTF-8”"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "This is a spreadsheet."),
        (bytes(range(256)) * 20, "The file is not text in UTF-8."),
        (b"name\x00,time zone\nx,y", "The file is not a table"),
        ("name,zone\nŁódź,Europe/Warsaw".encode("cp1250"), "The file is not text in UTF-8."),
        (b'name,time zone\n"Attic,Europe/Warsaw\n' + b"x" * 200_000, "a line of it cannot be read"),
        (b"name,colour\nAttic,red", "The column “colour” is not known."),
        (b"name,colour,size\nAttic,red,big", "The columns “colour”, “size” are not known."),
        (b"name|time zone\nAttic|UTC", "Separate them by commas, semicolons or tabs."),
        (b'[{"name": "Attic", "time zone": "UTC"}]', "This is JSON. Give the file a name that ends in .json."),
        (b"name,name\nAttic,Attic", "The column “name” is there more than once. Keep one of each."),
        (
            b"time zone,active\nEurope/Warsaw,yes",
            "The column “name” is missing, by which each row is recognised. Add it",
        ),
        (b"name,time zone\nAttic,Europe/Warsaw,and more", "Row 2 has 3 cells, but there are 2 columns."),
        (b"name,time zone\nAttic", "Row 2 has 1 cell, but there are 2 columns. Look there for a missing separator"),
        (b"\n\nname,time zone\n\nAttic", "Row 5 has 1 cell"),
        (b"x" * 600_000, "The file is larger than 500 kB."),
        (b"name,time zone\n" + b"A,UTC\n" * 2001, "There are 2001 rows."),
    ],
)
def test_files_that_are_no_table(host: Client, data: bytes, message: str) -> None:
    found = complaints(look(host, PROPERTIES, data))
    assert any(message in text for _, _, text in found), found
    assert not Property.objects.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "not a list of rows"),
        (b"[]", "not a list of rows"),
        (b"[1, 2]", "not a list of rows"),
        (b'[{"name": "Attic"', "The file is not JSON."),
        (b"[" * 100_000, "The file is not JSON."),
        (b"name,time zone\nAttic,UTC", "The file is not JSON. If it is CSV, give it a name that ends in .csv."),
        (b'[{"name": {"a": 1}}]', "Row 1, “name”: it is not one value."),
        (b'[{"name": "A", "time zone": "UTC"}, {"name": "B"}]', "Row 2 has other columns than the first."),
    ],
)
def test_json_that_is_no_table(host: Client, data: bytes, message: str) -> None:
    assert message in complaints(look(host, PROPERTIES, data, "t.json"))[0][2]


def cells(**changes: str) -> str:
    row = dict(zip(HEAD.split(","), ROW.split(","), strict=True)) | {k.replace("_", " "): v for k, v in changes.items()}
    return ",".join(row[one] for one in HEAD.split(","))


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        (cells(time_zone="Warsav"), "time zone", "“Warsav” is not a time zone. Use a name such as Europe/Warsaw"),
        (cells(time_zone="../../etc/passwd"), "time zone", "is not a time zone"),
        (cells(time_zone=""), "time zone", "cannot be blank"),
        (cells(name=""), "name", "It is empty. Each row needs it."),
        (cells(name="x" * 300), "name", "at most 120 characters"),
        (cells(name="At\x07tic"), "name", "a character in it that cannot be shown"),
        (cells(days_ahead="many"), "days ahead", "“many” is not a whole number"),
        (cells(days_ahead="-3"), "days ahead", "“-3” is not a whole number"),
        (cells(days_ahead="9" * 400), "days ahead", "is not a whole number"),
        (cells(days_ahead="400"), "days ahead", "less than or equal to 365"),
        (cells(code_length="4"), "code length", "greater than or equal to 5"),
        (cells(minutes_late="99999"), "minutes late", "less than or equal to 1440"),
        (cells(active="perhaps"), "active", "“perhaps” is neither yes nor no."),
        (cells(active=""), "active", "It is empty. Write yes or no, or take the column out of the file."),
        (cells(days_ahead=""), "days ahead", "It is empty. Write a whole number, or take"),
        (cells(minutes_early="30.5"), "minutes early", "“30.5” is not a whole number"),
        (ROW.replace("15:00", ""), "check-in", "It is empty. Write a time such as 15:00, or take"),
        (ROW.replace("15:00", "3pm"), "check-in", "“3pm” is not a time such as 15:00."),
        (cells(locks='"A-1, A-2"'), "locks", "Between two serial numbers stands |, and nothing else."),
        (cells(locks="12345-UNKNOWN"), "locks", "There is no lock with the serial number 12345-UNKNOWN."),
        (cells(locks="device:99"), "locks", "There is no lock with the serial number device:99"),
        (cells(locks="device:" + "9" * 40), "locks", "There is no lock"),
    ],
)
def test_rows_that_cannot_be(host: Client, row: str, column: str, message: str) -> None:
    good = cells(name="Good one")
    found = complaints(look(host, PROPERTIES, table(good, row)))
    assert len(found) == 1
    assert found[0][:2] == (3, column)  # as a spreadsheet counts
    assert message in found[0][2]
    assert not Property.objects.exists()  # the good row neither


def test_all_that_is_wrong_with_a_row_is_said_at_once(host: Client) -> None:
    row = cells(locks="nope", active="maybe").replace("15:00", "3 in the afternoon").replace("11:00", "25:00")
    found = complaints(look(host, PROPERTIES, table(row)))
    assert {column for _, column, _ in found} == {"check-in", "check-out", "active", "locks"}
    page = look(host, PROPERTIES, table(row)).content.decode()
    assert "“25:00” is not a time such as 15:00." in page
    assert "Traceback" not in page


def test_names_that_are_there_twice(host: Client, house: House) -> None:
    found = complaints(look(host, PROPERTIES, table(ROW, cells(name="Other"), ROW)))
    assert [(row, text) for row, _, text in found] == [
        (row, "“Attic” is in more than one row. Keep one.") for row in (2, 4)
    ]
    house.flat(name="Attic")
    house.flat(name="Attic")
    (found_here,) = complaints(look(host, PROPERTIES, table(ROW)))
    assert "Several properties are called “Attic”" in found_here[2]


def test_semicolons_capitals_and_the_mark_of_utf8_are_understood(host: Client) -> None:
    text = "\ufeff\r\n" + "\r\n".join(
        (HEAD.replace(",", ";").replace("time zone", "Time_Zone "), ROW.replace(",", ";"), "")
    )
    sure(host, PROPERTIES, look(host, PROPERTIES, text))
    assert Property.objects.get().timezone == "Europe/Warsaw"


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


def test_names_from_a_file_are_shown_and_not_run(host: Client) -> None:
    rows = [dict(zip(HEAD.split(","), ROW.split(","), strict=True)) | {"name": "<script>alert(1)</script>"}]
    page = look(host, PROPERTIES, json.dumps(rows), "t.json").content.decode()
    assert "<script>alert(1)" not in page
    bad = [rows[0] | {"time zone": "<img src=x onerror=alert(1)>"}]
    assert "<img src=x" not in look(host, PROPERTIES, json.dumps(bad), "t.json").content.decode()


def test_serial_numbers_are_for_those_who_may_see_locks(client: Client, house: House) -> None:
    door = house.lock("Front door")
    house.flat(door, name="Attic")
    for permissions, sees in (
        (("view_property",), False),
        (("view_property", "view_lock"), True),
        (("view_property", "change_lock"), True),
    ):
        client.force_login(staff("-".join(permissions), *permissions))
        for form in ("csv", "json"):
            written = export(client, PROPERTIES, form).decode()
            assert "Attic" in written
            assert (door.serial_number in written, "locks" in written) == (sees, sees)
        assert ("minutes late, active, locks." in client.get(f"{PROPERTIES}export/").content.decode()) is sees


def test_who_may_not_see_locks_does_not_choose_them_by_import(client: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="Attic")
    client.force_login(staff("editor", "add_property", "change_property"))
    for known in (door.serial_number, "nothing-here", ""):  # the answer tells nothing of which locks there are
        (found,) = complaints(look(client, PROPERTIES, table(cells(locks=known))))
        assert found[2] == "The column “locks” is not for you to see or set. Leave that out of the file."
    without = "name,time zone,check-in\nAttic,Europe/Warsaw,17:00"
    answer = look(client, PROPERTIES, without)
    assert door.serial_number not in answer.content.decode()
    assert "locks" not in answer.context["columns"]
    assert sure(client, PROPERTIES, answer) == "Imported: 1 property: 1 changed."
    assert list(flat.locks.all()) == [door]


def test_restricted_people_export_their_own_only(client: Client, house: House) -> None:
    mine, shared, other = house.lock("Mine"), house.lock("Entrance"), house.lock("Other")
    own = house.flat(mine, shared, name="Attic")
    house.flat(other, shared, name="Cellar")
    someone = staff("someone", "view_property", "view_lock")
    PropertyAccess.objects.create(user=someone).properties.set([own])
    client.force_login(someone)
    for form in ("csv", "json"):
        for query in ("", "?q=", "?q=Other", "?all="):
            for where in (PROPERTIES, LOCKS):
                answer = client.post(f"{where}export/{query}", {"format": str(["csv", "json"].index(form))})
                written = getattr(answer, "content", b"").decode()
                assert not [one for one in ("Cellar", "Other", other.serial_number) if one in written]
        assert "Attic" in export(client, PROPERTIES, form).decode()
        assert shared.serial_number in export(client, LOCKS, form).decode()
    assert client.get(f"{PROPERTIES}import/").status_code == client.get(f"{LOCKS}import/").status_code == 403


def test_empty_lines_are_passed_over_and_counted(host: Client) -> None:
    """The row that is named is the row that a spreadsheet shows."""
    found = complaints(
        look(host, PROPERTIES, f"{HEAD}\n\n{ROW}\n,,,,,,,,,\n{cells(name='Two', time_zone='Nowhere')}\n")
    )
    assert [(row, column) for row, column, _ in found] == [(5, "time zone")]
    rows = [{"name": "One", "time zone": "UTC"}, {"name": "Two", "time zone": "Nowhere"}]
    assert complaints(look(host, PROPERTIES, json.dumps(rows), "t.json"))[0][0] == 2
    assert not Property.objects.exists()


def test_a_letter_that_no_database_takes_is_told(host: Client) -> None:
    found = complaints(look(host, PROPERTIES, r'[{"name": "\ud800", "time zone": "UTC"}]', "t.json"))
    assert found == [(1, "name", "There is a character in it that cannot be shown.")]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_names_like_formulas_and_quotations_go_out_and_come_back(host: Client, house: House, form: str) -> None:
    """What a spreadsheet would run goes out as text, and what differs by the sign of that alone stays two."""
    named = ("=1+1", "'=1+1", "''=1+1", "+A", "-A", "@A", "'A", "A", '"A', "A,B;C")
    for name in named:
        house.flat(house.lock(), name=name)
    Lock.objects.filter(pk=house.lock().pk).update(serial_number="=2+2")
    Property.objects.get(name="A").locks.add(Lock.objects.get(serial_number="=2+2"))
    before = facts()
    for where in (PROPERTIES, LOCKS):
        written = export(host, where, form)
        if form == "csv":
            starts = {cell[:1] for row in csv.reader(io.StringIO(written.decode("utf-8-sig"))) for cell in row}
            assert not starts & set("=+-@")
        again = look(host, where, written, f"t.{form}")
        assert "There is nothing to import." in again.content.decode(), complaints(again)
    assert facts() == before


def test_a_row_that_went_wrong_as_a_whole_is_named_without_a_column(host: Client, house: House) -> None:
    answer = look(host, PROPERTIES, table(cells(name="One")))
    for _ in range(2):
        house.flat(name="One")
    assert sure(host, PROPERTIES, answer).startswith("Nothing was imported. Row 2, name: Several properties")
