"""Re-encrypting stored values with the first of the configured keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, models, router

from rentals.fields import EncryptedTextField, UndecryptableValue, is_current, rewrap

BATCH = 500


@dataclass(frozen=True)
class Column:
    """One encrypted column."""

    model: type[models.Model]
    field: EncryptedTextField

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"


@dataclass(frozen=True)
class Tally:
    """What a run did in one column."""

    rewritten: int = 0
    current: int = 0  # already encrypted with the first key
    overtaken: int = 0  # changed meanwhile by another writer, who used the first key
    unreadable: int = 0  # opens with no key; left as it is


def encrypted_columns() -> Iterator[Column]:
    """Every encrypted column of every installed model."""
    for model in apps.get_models():
        if model._meta.proxy or not model._meta.managed:
            continue
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield Column(model, field)


def stored_values(column: Column, *, after: Any = None, limit: int = BATCH) -> list[tuple[Any, str]]:
    """(primary key, ciphertext) of the next rows in the order of the key; empty values are left out.

    Plain SQL, because reading through the field would decrypt.
    """
    connection = connections[router.db_for_read(column.model)]
    quote = connection.ops.quote_name
    meta = column.model._meta
    key, name = quote(_key_column(column)), quote(column.field.column or "")
    where = f"{name} IS NOT NULL AND {name} <> ''" + (f" AND {key} > %s" if after is not None else "")
    sql = f"SELECT {key}, {name} FROM {quote(meta.db_table)} WHERE {where} ORDER BY {key} LIMIT {int(limit)}"  # noqa: S608 - quoted names of our own models
    with connection.cursor() as cursor:
        cursor.execute(sql, [after] if after is not None else [])
        return list(cursor.fetchall())


def rotate(column: Column) -> Iterator[Tally]:
    """Re-encrypt the column batch by batch; yields the running tally after each batch.

    Each row is written only if its ciphertext is still the one that was read (compare-and-set), and without `save()`:
    for everybody else the row has not changed.
    """
    tally = Tally()
    last: Any = None
    while rows := stored_values(column, after=last):
        last = rows[-1][0]
        for key, stored in rows:
            tally = _add(tally, _rotate_row(column, key, stored))
        yield tally


def _key_column(column: Column) -> str:
    return column.model._meta.pk.column or ""


def _rotate_row(column: Column, key: Any, stored: str) -> str:
    if is_current(stored):
        return "current"
    try:
        fresh = rewrap(stored)
    except UndecryptableValue:
        return "unreadable"
    connection = connections[router.db_for_write(column.model)]
    quote = connection.ops.quote_name
    meta = column.model._meta
    name = quote(column.field.column or "")
    sql = f"UPDATE {quote(meta.db_table)} SET {name} = %s WHERE {quote(_key_column(column))} = %s AND {name} = %s"  # noqa: S608 - quoted names of our own models
    with connection.cursor() as cursor:
        cursor.execute(sql, [fresh, key, stored])
        return "rewritten" if cursor.rowcount == 1 else "overtaken"


def _add(tally: Tally, what: str) -> Tally:
    counts = {**tally.__dict__, what: getattr(tally, what) + 1}
    return Tally(**counts)
