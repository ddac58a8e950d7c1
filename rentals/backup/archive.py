"""The lines of a backup, each a value of JSON: what it is, then table by table, then how many rows there were.

{"turnkey": 1, "made_at": ..., "database": ..., "migrations": [[app, name], ...], "tables": {table: rows}}
{"table": ..., "columns": [...]}
[value, ...]                                a row, in the order of the columns
{"rows": ..., "of": table}
{"complete": rows of all tables}
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from rentals.backup import rows
from rentals.backup.envelope import BackupError, DamagedError, Opened, Sealed

#: Told of each table: its name, the rows so far, and of how many.
Progress = Callable[[str, int, int], None]
Models = Mapping[str, type[models.Model]]


@dataclass(frozen=True)
class About:
    """What a backup says of itself."""

    made_at: datetime  # UTC
    database: str
    migrations: frozenset[tuple[str, str]]
    tables: dict[str, int]


def write(
    file: BinaryIO, found: Models, connection: BaseDatabaseWrapper, now: datetime, progress: Progress, **key: str
) -> int:
    """Write all tables as they are at one moment, while others go on writing. Returns the number of rows.

    `key`: `field_key` or `passphrase`.
    """
    sealed = Sealed(file, **key)
    total = 0
    with _one_moment(connection), io.TextIOWrapper(gzip.GzipFile(fileobj=sealed, mode="wb"), encoding="utf-8") as text:

        def line(value: object) -> None:
            text.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")

        chosen = {name: model for name, model in found.items() if name not in rows.LEFT_OUT}
        using = connection.alias
        counts = {name: model._base_manager.using(using).count() for name, model in chosen.items()}
        applied = sorted(MigrationRecorder(connection).applied_migrations())
        line(
            {
                "turnkey": 1,
                "made_at": now.isoformat(),
                "database": connection.vendor,
                "migrations": applied,
                "tables": counts,
            }
        )
        for name, model in chosen.items():
            line({"table": name, "columns": list(rows.columns(model))})
            number = 0
            for number, row in enumerate(rows.read(model, using), start=1):
                line(row)
                if number % rows.BATCH == 0:
                    progress(name, number, counts[name])
            line({"rows": number, "of": name})
            progress(name, number, counts[name])
            total += number
        line({"complete": total})
    sealed.finish()
    return total


@contextmanager
def _one_moment(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """All that is read within is of one moment, and nobody who writes has to wait."""
    if connection.in_atomic_block:  # the caller's transaction decides
        yield
        return
    # On SQLite our transactions begin as writers, one at a time; a reader in WAL mode keeps nobody waiting.
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        mode = connection.transaction_mode  # type: ignore[attr-defined]  # of SQLite's wrapper
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        with transaction.atomic(using=connection.alias):
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]


class Archive:
    """A backup that was opened. Read it once, from the beginning to the end."""

    def __init__(self, file: BinaryIO, *, field_keys: Iterable[str] = (), passphrase: str = "") -> None:
        """Raises `BackupError`: it opens with none of these keys, or is no backup."""
        opened = Opened(file, field_keys=field_keys, passphrase=passphrase)
        self._lines = _lines(io.BufferedReader(opened))
        self.about = _about(next(self._lines, None))

    def load(self, found: Models, connection: BaseDatabaseWrapper, progress: Progress) -> int:
        """Replace all that the tables hold. Returns the number of rows.

        The caller holds a transaction. Raises `BackupError`; then it must be rolled back.
        """
        rows.clear(found.values(), connection)
        total = 0
        for line in self._lines:
            if "complete" in line:
                if line["complete"] != total or next(self._lines, None) is not None:
                    raise DamagedError
                break
            total += self._load_table(line, found, connection, progress)
        else:
            raise DamagedError
        rows.settle(found.values(), connection)
        return total

    def _load_table(self, head: Any, found: Models, connection: BaseDatabaseWrapper, progress: Progress) -> int:
        name, expected = head["table"], self.about.tables[head["table"]]
        model = found.get(name)
        unknown = {*head["columns"]} - {*rows.columns(model)} if model is not None else {name}
        if model is None or unknown:
            raise BackupError(
                f"The backup has {', '.join(sorted(unknown))} in {name}, which this version of Turnkey does not know. "
                "Nothing was changed. Install the version that made the backup."
            )
        table, number = rows.Table(model, head["columns"], connection), 0
        ended: dict[str, Any] | None = None
        while ended is None:
            batch: list[list[rows.Value]] = []
            for line in islice(self._lines, rows.BATCH):
                if isinstance(line, dict):
                    ended = line
                    break
                batch.append(line)
            if not batch and ended is None:
                raise DamagedError
            if batch:
                table.insert(batch)
            number += len(batch)
            progress(name, number, expected)
        stored = model._base_manager.using(connection.alias).count()
        if not ended["rows"] == expected == number == stored:
            raise DamagedError
        return number


def _lines(file: BinaryIO) -> Iterator[Any]:
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as plain:
            for line in plain:
                yield json.loads(line)
        if file.read(1):
            raise DamagedError
    except (EOFError, OSError, ValueError) as error:
        raise DamagedError from error


def _about(line: Any) -> About:
    if not isinstance(line, dict) or "turnkey" not in line:
        raise DamagedError
    if line["turnkey"] != 1:
        raise BackupError("A newer version of Turnkey made this backup. Install that version, then restore it.")
    migrations = frozenset((app, name) for app, name in line["migrations"])
    return About(datetime.fromisoformat(line["made_at"]), line["database"], migrations, line["tables"])
