"""Tables out of the admin and into it."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from rentals.models import Lock, Property

PROPERTIES, LOCKS = "/admin/rentals/property/", "/admin/rentals/lock/"
HEAD = (
    "name,time zone,check-in,check-out,days ahead,code length,codes from phone,minutes early,minutes late,active,locks"
)
ROW = "Attic,Europe/Warsaw,15:00,11:00,30,6,no,0,0,yes,"


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
                *(one.code_length, one.codes_from_phone, one.early_minutes, one.late_minutes, one.is_active),
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


def cells(**changes: str) -> str:
    row = dict(zip(HEAD.split(","), ROW.split(","), strict=True)) | {k.replace("_", " "): v for k, v in changes.items()}
    return ",".join(row[one] for one in HEAD.split(","))
