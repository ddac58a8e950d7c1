"""Files and rows that cannot be imported, named one by one."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from rentals.models import Property
from tests.support.house import House
from tests.support.tables import HEAD, PROPERTIES, ROW, cells, complaints, look, sure, table

pytestmark = pytest.mark.django_db


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
        (b"name|time zone\nAttic|UTC", "Separate cells by commas, semicolons or tabs."),
        (b'[{"name": "Attic", "time zone": "UTC"}]', "This is JSON. Give the file a name that ends in .json."),
        (b"name,name\nAttic,Attic", "The column “name” is there more than once. Keep one of each."),
        (
            b"time zone,active\nEurope/Warsaw,yes",
            "The column “name” is missing. It identifies each row: add it",
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


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        (cells(time_zone="Warsav"), "time zone", "“Warsav” is not a time zone. Use a name such as Europe/Warsaw"),
        (cells(time_zone="../../etc/passwd"), "time zone", "is not a time zone"),
        (cells(time_zone=""), "time zone", "cannot be blank"),
        (cells(name=""), "name", "It is empty. Each row needs it."),
        (cells(name="x" * 300), "name", "at most 120 characters"),
        (cells(name="At\x07tic"), "name", "It contains a character that cannot be shown"),
        (cells(days_ahead="many"), "days ahead", "“many” is not a whole number"),
        (cells(days_ahead="-3"), "days ahead", "“-3” is not a whole number"),
        (cells(days_ahead="9" * 400), "days ahead", "is not a whole number"),
        (cells(days_ahead="400"), "days ahead", "less than or equal to 365"),
        (cells(code_length="4"), "code length", "greater than or equal to 5"),
        (cells(minutes_late="99999"), "minutes late", "less than or equal to 1440"),
        (cells(active="perhaps"), "active", "“perhaps” is neither yes nor no."),
        (cells(active=""), "active", "It is empty. Write yes or no, or remove the column from the file."),
        (cells(days_ahead=""), "days ahead", "It is empty. Write a whole number, or remove"),
        (cells(minutes_early="30.5"), "minutes early", "“30.5” is not a whole number"),
        (ROW.replace("15:00", ""), "check-in", "It is empty. Write a time such as 15:00, or remove"),
        (ROW.replace("15:00", "3pm"), "check-in", "“3pm” is not a time such as 15:00."),
        (cells(locks='"A-1, A-2"'), "locks", "Separate serial numbers by | and nothing else."),
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
    assert found == [(1, "name", "It contains a character that cannot be shown.")]


def test_a_row_that_went_wrong_as_a_whole_is_named_without_a_column(host: Client, house: House) -> None:
    answer = look(host, PROPERTIES, table(cells(name="One")))
    for _ in range(2):
        house.flat(name="One")
    assert sure(host, PROPERTIES, answer).startswith("Nothing was imported. Row 2, name: Several properties")
