"""Rows whose period shares a moment with another one, found by an index however much is past or yet to come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Value
from django.db.models.sql.compiler import SQLCompiler


class During(Func):
    """True for rows of which some moment of the half-open period lies in `[since, until]` (aware).

    Two ordinary indexes would each read half of the table: everything that is over, or everything that is to come. So
    PostgreSQL has an index over the period itself (made by migrations), and is asked for it here. SQLite is for small
    installations and compares.
    """

    def __init__(self, starts: str, ends: str, since: datetime, until: datetime) -> None:
        moments = [Value(moment, output_field=models.DateTimeField()) for moment in (since, until)]
        super().__init__(F(starts), F(ends), *moments, output_field=models.BooleanField())

    def copy(self) -> During:
        copied: During = super(Func, self).copy()
        copied.source_expressions = self.source_expressions[:]
        copied.extra = self.extra.copy()
        return copied

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        starts, ends, since, until = (compiler.compile(one) for one in self.source_expressions)
        sql = f"({starts[0]} <= {until[0]} AND {ends[0]} > {since[0]})"
        return sql, [*starts[1], *until[1], *ends[1], *since[1]]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> tuple[str, list[Any]]:
        starts, ends, since, until = (compiler.compile(one) for one in self.source_expressions)
        sql = f"(tstzrange({starts[0]}, {ends[0]}) && tstzrange({since[0]}, {until[0]}, '[]'))"
        return sql, [*starts[1], *ends[1], *since[1], *until[1]]
