"""What goes out comes back equal, carries no formulas, and shows each person the own rows only."""

from __future__ import annotations

import csv
import io
import itertools
import json
from datetime import time
from typing import Any

import pytest
from django.test import Client

from rentals.models import Lock, Property, PropertyAccess
from tests.support.house import KEY, House
from tests.support.people import staff
from tests.support.tables import HEAD, LOCKS, PROPERTIES, ROW, complaints, export, facts, look, sure

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("form", ["csv", "json"])
def test_out_and_into_an_empty_installation_and_all_is_equal(host: Client, house: House, form: str) -> None:
    front, side = house.lock("Front door"), house.lock("=Side; door, “old”")
    bare = Lock.objects.create(account=house.account, device_id=777, name="Żółte drzwi", is_active=False)
    house.flat(front, side, name="Old Town 3", issue_ahead_days=14, early_minutes=30)
    house.flat(front, bare, name="-Łódź, 2nd floor", timezone="America/New_York", check_in_time=time(16, 30))
    house.flat(
        name="'quoted",
        is_active=False,
        code_length=8,
        codes_from_phone=True,
        late_minutes=15,
        check_out_time=time(10, 0, 30),
    )
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


#: What stands before a formula in a cell, where a spreadsheet trims cells or another separator splits them.
_BEFORE = ("", " ", "\u3000", "Flat;", "Flat; ", "Flat;\u00a0", ";;", "Flat;'", 'Flat;"', "'", "' ", '"', '" ')
_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def test_no_cell_begins_like_a_formula_in_any_program(host: Client, house: House) -> None:
    """Read with each separator that programs take, and with spaces trimmed, a formula stands behind an apostrophe."""
    for number, (before, sign) in enumerate(itertools.product(_BEFORE, _SIGNS)):
        house.flat(name=f'{before}{sign}HYPERLINK("http://evil.test/{number}")')
    names = {one.name.strip() for one in Property.objects.all()}
    assert len(names) == len(_BEFORE) * len(_SIGNS)
    written = export(host, PROPERTIES)
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(written.decode("utf-8-sig")), delimiter=separator):
            for cell in row:
                assert not cell.strip('" \u00a0\u3000').startswith(_SIGNS), (separator, cell)
    Property.objects.all().delete()
    sure(host, PROPERTIES, look(host, PROPERTIES, written, "p.csv"))
    assert {one.name for one in Property.objects.all()} == names


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
