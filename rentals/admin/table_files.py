"""Files with tables, CSV and JSON, to rows and back: as spreadsheets write them, and as people damage them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import tablib
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export.formats.base_formats import CSV, JSON

from rentals.tables.exchange import TableError

_DELIMITERS = (",", ";", "\t")  # many spreadsheets write semicolons


def text_of(data: bytes | str) -> str:
    """The text of a file in UTF-8. Raises `TableError` for other files."""
    if isinstance(data, str):
        return data
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TableError(_("This is a spreadsheet. Save it as “CSV UTF-8” and import that file."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TableError(_("The file is not text in UTF-8. In a spreadsheet, save it as “CSV UTF-8”.")) from None
    if "\x00" in text:
        raise TableError(_("The file is not a table: it has bytes that are not text."))
    if text.lstrip()[:1] == "<":
        raise TableError(_("This is a web page, not a table. Download the file itself."))
    return text


class TableAsCsv(CSV):  # type: ignore[misc]
    def create_dataset(self, in_stream: bytes | str, **kwargs: Any) -> Any:
        text = text_of(in_stream)
        if text.lstrip()[:1] in ("[", "{"):
            raise TableError(_("This is JSON. Give the file a name that ends in .json."))
        head = text.lstrip("\r\n").partition("\n")[0]
        delimiter = max(_DELIMITERS, key=head.count)
        try:
            lines = [
                (number, row)
                for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1)
                if any(cell.strip() for cell in row)
            ]
        except csv.Error:
            raise TableError(_("The file is not a table: a line of it cannot be read.")) from None
        if len(lines) < 2:
            raise TableError(_("The file has no rows. The first line names the columns, the others are rows."))
        headers = [_header(one) for one in lines[0][1]]
        while headers and not headers[-1]:
            headers.pop()  # spreadsheets write empty columns behind the last
        found = tablib.Dataset(headers=headers)
        for number, row in lines[1:]:
            cells, rest = row[: len(headers)], row[len(headers) :]
            if len(cells) < len(headers) or any(cell.strip() for cell in rest):
                said = ngettext(
                    "Row {row} has {number} cell, but there are {columns} columns. Look there for a missing separator "
                    "or quotation mark.",
                    "Row {row} has {number} cells, but there are {columns} columns. Look there for a missing separator "
                    "or quotation mark.",
                    len(row),
                )
                raise TableError(said.format(row=number, number=len(row), columns=len(headers)))
            found.append(cells)
        found.lines = [number for number, _row in lines[1:]]  # as a spreadsheet counts: the columns' names are row 1
        return found

    def export_data(self, dataset: Any, **kwargs: Any) -> str:
        """With the mark by which spreadsheets know UTF-8."""
        return "\ufeff" + str(super().export_data(dataset, **kwargs))


class TableAsJson(JSON):  # type: ignore[misc]
    def create_dataset(self, in_stream: bytes | str, **kwargs: Any) -> Any:
        try:
            rows = json.loads(text_of(in_stream))
        except (ValueError, RecursionError):
            raise TableError(_("The file is not JSON. If it is CSV, give it a name that ends in .csv.")) from None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise TableError(_("The file is not a list of rows, each with the columns by name."))
        headers = [_header(one) for one in rows[0]]
        found = tablib.Dataset(headers=headers)
        for number, row in enumerate(rows, 1):
            cells = {_header(name): value for name, value in row.items()}
            if list(cells) != headers and set(cells) != set(headers):
                raise TableError(_("Row {row} has other columns than the first.").format(row=number))
            if nested := [name for name in headers if isinstance(cells[name], (dict, list))]:
                said = _("Row {row}, “{column}”: it is not one value.")
                raise TableError(said.format(row=number, column=nested[0][:40]))
            found.append([_cell(cells[name]) for name in headers])
        found.lines = list(range(1, len(rows) + 1))
        return found


def _header(name: Any) -> str:
    """`Time_Zone ` is `time zone`."""
    return " ".join(str(name).replace("_", " ").lower().split())


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
