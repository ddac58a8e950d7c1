"""Statements that are composed once and run many times.

Django composes a statement anew each time it is used. For the few that a run sends, most of them with every request,
that takes more processor time than anything else a run does. So these are written as querysets in which a `Slot` stands
for each value that changes, and what Django makes of them is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Generic, ParamSpec, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery

Row = TypeVar("Row")
Given = ParamSpec("Given")
Made = TypeVar("Made")


class Slot(Expression):
    """A place for a value that is named when the statement is run. Used in a queryset like a value; `field` says how
    the database wants it."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: Any, **__: Any) -> tuple[str, Any]:
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
            cursor.execute(self.sql, _filled(self.parameters, values))
            return int(cursor.rowcount)

    def finds(self, values: Mapping[str, Any]) -> bool:
        """Whether a statement that was composed by `question` finds a row."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, _filled(self.parameters, values))
            return cursor.fetchone() is not None

    def number(self, values: Mapping[str, Any]) -> int:
        """What a statement that was composed by `count` counts."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, _filled(self.parameters, values))
            return int(cursor.fetchone()[0])


class Rows(Generic[Row]):
    """What a queryset reads, composed once: models, with what they select beside them, or values."""

    def __init__(self, rows: QuerySet[Any, Row]) -> None:
        self._rows = rows
        self._composed = rows.query.get_compiler(connection=connection)
        self._sql, self._parameters = self._composed.as_sql()

    def read(self, values: Mapping[str, Any]) -> list[Row]:
        """Run it with a value for each slot."""
        # The copies belong to this call, and to the connection of this thread. Django's own code makes the rows.
        compiler, query = copy(self._composed), copy(self._rows.query)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        bound = self._sql, tuple(_filled(self._parameters, values))
        compiler.as_sql = lambda *_, **__: bound
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        rows = type(self._rows)(self._rows.model, query)
        for name in ("_iterable_class", "_fields"):
            setattr(rows, name, getattr(self._rows, name))
        return list(rows)


def _filled(parameters: Iterable[Any], values: Mapping[str, Any]) -> list[Any]:
    return [
        one.output_field.get_db_prep_save(values[one.name], connection) if isinstance(one, Slot) else one
        for one in parameters
    ]


def kept(compose: Callable[Given, Made]) -> Callable[Given, Made]:
    """Decorates what composes a statement: called once for each kind of database and each of its arguments, which say
    in what statements differ that are alike otherwise."""

    @lru_cache(maxsize=512)
    def composed(_vendor: str, *args: Given.args, **kwargs: Given.kwargs) -> Made:
        return compose(*args, **kwargs)

    @wraps(compose)
    def of_this_database(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        return composed(connection.vendor, *args, **kwargs)  # type: ignore[arg-type]  # all can be keys

    return of_this_database


def update(rows: QuerySet[Any], changes: Mapping[str, Any]) -> Statement:
    """`rows.update(**changes)`."""
    query: Any = rows.query.chain(UpdateQuery)
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
