"""Rows for a database of an earlier commit: those of a portfolio of today, as far as the tables of then can hold them.

A column that went since gets its default, or what its kind calls nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.apps import apps as today
from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection, models, transaction

from pins.models import AccessGrant
from rentals.backup import rows
from rentals.models import Booking, LockAccount

#: Without rows in these a database proves nothing.
NEEDED = ("rentals_property", "rentals_lockaccount", "rentals_lock", "rentals_booking", "pins_accessgrant", "pins_pin")


def needed(then: Apps) -> list[str]:
    """Those that were there."""
    return [name for name in NEEDED if name in rows.tables(then)]


Rows = dict[str, tuple[list[str], list[list[Any]]]]


def portfolio() -> Rows:
    """Made in the connected database, which has the tables of today."""
    call_command("seed_portfolio", properties=3, locks=4, bookings=25, seed=3, verbosity=0, stdout=_Nowhere())
    return all_rows()


def all_rows() -> Rows:
    """Of our tables, in the connected database."""
    found = rows.tables(today)
    return {
        name: (list(rows.columns(model)), list(rows.read(model, "default")))
        for name, model in found.items()
        if model._meta.app_label in ("rentals", "pins")
    }


def fill(then: Apps, made: Rows) -> dict[str, int]:
    """Put the rows into the connected database, whose tables are those of `then`. Returns how many each table got."""
    counts: dict[str, int] = {}
    with transaction.atomic():
        for name, model in rows.tables(then).items():
            if model._meta.app_label not in ("rentals", "pins") or name not in made or not made[name][1]:
                continue
            names, values = made[name]
            known = rows.columns(model)
            kept = [column for column in known if column in names]
            lacking = [field for column, field in known.items() if column not in names]
            whole = [[dict(zip(names, row, strict=True))[column] for column in kept] for row in values]
            neutral = [_nothing(field) for field in lacking]
            table = rows.Table(model, [*kept, *(str(field.column) for field in lacking)], connection)
            table.insert([*row, *[make() for make in neutral]] for row in whole)
            counts[name] = len(values)
        connection.check_constraints()
    return counts


def _nothing(field: models.Field[Any, Any]) -> Any:
    """A function that makes a value for a column that is not there today."""
    if field.null:
        return lambda: None
    if field.has_default():
        return lambda: rows._written(field, field.get_default())
    if isinstance(field, models.UUIDField):
        return lambda: str(uuid.uuid4())
    if isinstance(field, models.DateTimeField):
        return lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC).isoformat()
    if isinstance(field, models.IntegerField | models.BooleanField):
        return lambda: 0
    if isinstance(field, models.JSONField):
        return list
    return str


def what_people_rely_on() -> list[Any]:
    """Of the connected database, with the tables of today: who may enter when and with which code."""
    grants = AccessGrant.objects.order_by("pk")
    return [
        [(one.pk, one.code, one.starts_at, one.ends_at, one.reference) for one in grants],
        list(Booking.objects.order_by("pk").values_list("pk", "guest_name", "check_in", "check_out", "status")),
        [(one.pk, one.secret) for one in LockAccount.objects.order_by("pk")],
    ]


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...
