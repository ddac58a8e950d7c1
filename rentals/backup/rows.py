"""Rows as values of JSON, so that what SQLite held can go into PostgreSQL, and back.

Encrypted columns are neither decrypted nor encrypted. Nothing is saved by `save()`: no signal is sent.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ExpressionWrapper, F

from rentals.fields import Ciphertext, EncryptedTextField

#: Rows that are read or written at once.
BATCH = 500
#: Whoever was logged in logs in again: a copy on another machine must not know sessions.
LEFT_OUT = frozenset({"django_session"})

Value = None | bool | int | float | str | list[Any] | dict[str, Any]


def tables(apps: Apps) -> dict[str, type[models.Model]]:
    """Every table that models have, by its name, with those of many-to-many relations."""
    found = apps.get_models(include_auto_created=True)
    return {model._meta.db_table: model for model in found if model._meta.managed and not model._meta.proxy}


def columns(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    """The columns of a table, by their names."""
    return {field.column: field for field in model._meta.local_concrete_fields if field.column}


def read(model: type[models.Model], using: str) -> Iterator[list[Value]]:
    """The rows in the order of their keys, each in the order of `columns`."""
    fields = list(columns(model).values())
    stored: list[Any] = [
        ExpressionWrapper(F(field.attname), models.TextField())
        if isinstance(field, EncryptedTextField)
        else field.attname
        for field in fields
    ]
    # Expressions need names of their own beside the names of fields.
    named = {f"stored_{place}": one for place, one in enumerate(stored) if not isinstance(one, str)}
    names = [one if isinstance(one, str) else f"stored_{place}" for place, one in enumerate(stored)]
    rows = model._base_manager.using(using).annotate(**named).order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=BATCH):
        yield [_written(field, value) for field, value in zip(fields, row, strict=True)]


def _written(field: models.Field[Any, Any], value: Any) -> Value:
    if value is None or isinstance(field, EncryptedTextField | models.JSONField):
        return value  # type: ignore[no-any-return]  # the database's own JSON
    value = field.get_prep_value(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode("ascii")  # as `BinaryField.to_python` reads it
    if isinstance(value, uuid.UUID | decimal.Decimal):
        return str(value)
    if not isinstance(value, str | int | float):
        raise TypeError(f"{field}: a {type(value).__name__} has no form in a backup yet")
    return value


class Table:
    """Where rows go. `names`: the columns in the order in which values come."""

    def __init__(self, model: type[models.Model], names: Sequence[str], connection: BaseDatabaseWrapper) -> None:
        known = columns(model)
        quote = connection.ops.quote_name
        self._fields = [known[name] for name in names]
        self._connection = connection
        columns_, places = ", ".join(map(quote, names)), ", ".join(["%s"] * len(names))
        self._sql = f"INSERT INTO {quote(model._meta.db_table)} ({columns_}) VALUES ({places})"  # noqa: S608 - quoted names of our own models

    def insert(self, rows: Iterable[Sequence[Value]]) -> None:
        """Write rows as they are."""
        ready = [[self._stored(field, value) for field, value in zip(self._fields, row, strict=True)] for row in rows]
        with self._connection.cursor() as cursor:
            cursor.executemany(self._sql, ready)

    def _stored(self, field: models.Field[Any, Any], value: Value) -> Any:
        if isinstance(field, EncryptedTextField):
            value = Ciphertext(value) if value else value
        elif value is not None and not isinstance(field, models.JSONField):
            value = field.to_python(value)
        return field.get_db_prep_save(value, self._connection)


def clear(models_: Iterable[type[models.Model]], connection: BaseDatabaseWrapper) -> None:
    """Delete every row. In a transaction: relations are checked at its end."""
    with connection.cursor() as cursor:
        for model in models_:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608 - a name of our own


def settle(models_: Iterable[type[models.Model]], connection: BaseDatabaseWrapper) -> None:
    """After rows came with their keys: check relations, and let the next key be a new one. Raises IntegrityError."""
    connection.check_constraints()
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models_)):
            cursor.execute(statement)
