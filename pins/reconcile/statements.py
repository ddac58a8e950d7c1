"""Statements that are composed once and run many times.

Django composes a statement anew each time it is used. For the few that a run sends with every request, that takes more
processor time than anything else a run does. So these are written as querysets in which a `Slot` stands for each value
that changes, and what Django makes of them is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery


class Slot(Expression):
    """A place for a value that is named when the statement is run. Used in a queryset like a value; `field` says how
    the database wants it."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: Any) -> tuple[str, list[Any]]:
        return "%s", [self]


def slot(name: str, model: type[Model], column: str | None = None) -> Slot:
    """For a value of this column of a model, by default the one of the same name."""
    return Slot(name, cast("Field[Any, Any]", model._meta.get_field(column or name)))


@dataclass(frozen=True)
class Statement:
    """Composed SQL, and its parameters: values, or slots for them."""

    sql: str
    parameters: tuple[Any, ...]

    def run(self, values: Mapping[str, Any]) -> int:
        """Run it with a value for each slot. Returns how many rows were changed, or found."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self._values(values))
            return cursor.rowcount

    def finds(self, values: Mapping[str, Any]) -> bool:
        """Whether a statement that was composed by `question` finds a row."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self._values(values))
            return cursor.fetchone() is not None

    def number(self, values: Mapping[str, Any]) -> int:
        """What a statement that was composed by `count` counts."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self._values(values))
            return int(cursor.fetchone()[0])

    def _values(self, values: Mapping[str, Any]) -> list[Any]:
        return [self._value(one, values) for one in self.parameters]

    @staticmethod
    def _value(one: Any, values: Mapping[str, Any]) -> Any:
        return one.output_field.get_db_prep_save(values[one.name], connection) if isinstance(one, Slot) else one


def update(rows: QuerySet[Any], changes: Mapping[str, Any]) -> Statement:
    """`rows.update(**changes)`."""
    query = rows.query.chain(UpdateQuery)
    query.add_update_values(changes)
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    return Statement(sql, tuple(parameters))


def question(rows: QuerySet[Any]) -> Statement:
    """`rows.exists()`."""
    sql, parameters = rows.query.exists().get_compiler(connection=connection).as_sql()
    return Statement(sql, tuple(parameters))


def count(rows: QuerySet[Any]) -> Statement:
    """`rows.count()`, also of a slice."""
    sql, parameters = rows.values("pk").query.get_compiler(connection=connection).as_sql()
    return Statement(f"SELECT COUNT(*) FROM ({sql}) counted", tuple(parameters))  # noqa: S608 - no value is in it


def insert(row: Model) -> Statement:
    """A new row, in whose attributes slots may stand. What has a default that is computed needs one."""
    query = InsertQuery(type(row))
    query.insert_values([field for field in row._meta.concrete_fields if not field.primary_key], [row])
    ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
    return Statement(sql, tuple(parameters))
