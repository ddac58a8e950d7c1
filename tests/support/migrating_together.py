"""Brings many databases to the migrations of today, each in Django's own order, and prepares each step once for all.

Nearly all the time of a migration goes into models: around each operation Django makes the classes of all tables that
hang together anew. They depend on the migrations that were applied, and on nothing in a database. So databases that
have applied the same ones take the next one together.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration, RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_IN_HASTE = "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
#: The migrations that were applied, as apps and names.
Applied = frozenset[tuple[str, str]]


def use(database: Path) -> None:
    """From now on this is the database. Nothing waits for the disk: nobody needs it after a loss of power."""
    connection.close()
    connection.settings_dict["NAME"] = str(database)
    connection.settings_dict["OPTIONS"]["init_command"] = _IN_HASTE


def at(database: Path, modules: dict[str, str]) -> MigrationExecutor:
    """From now on this is the database, and these are its migrations (as in MIGRATION_MODULES)."""
    use(database)
    settings.MIGRATION_MODULES = modules
    return MigrationExecutor(connection)


@dataclass(eq=False)
class _Crowd:
    """Databases that have applied the same migrations. What Django does with them from there is that of `executor`."""

    executor: MigrationExecutor
    applied: Applied
    databases: list[Path] = field(default_factory=list)
    state: ProjectState | None = None

    def next(self) -> Migration | None:
        whole = self.executor.migration_plan(self.executor.loader.graph.leaf_nodes(), clean_start=True)
        return next((one for one, _ in whole if (one.app_label, one.name) not in self.applied), None)


def bring_to_today(databases: Iterable[Path], empty: Collection[Path]) -> dict[Path, Exception]:
    """Bring them up to date. Returns those that could not be, and why.

    Those that are `empty`, without rows in our tables, and have become the same, would do the same from there: one of
    them goes on, and the others become its copies.
    """
    failed: dict[Path, Exception] = {}
    twins: dict[Path, Path] = {}
    crowds: dict[tuple[Applied, Applied], _Crowd] = {}
    for database in databases:
        executor = at(database, {})
        executor.loader.check_consistent_history(connection)
        known = frozenset(executor.loader.graph.nodes)  # with a squashed migration, or with those that it replaces
        applied = known & frozenset(executor.loader.applied_migrations)
        crowds.setdefault((known, applied), _Crowd(executor, applied)).databases.append(database)
    while crowds:
        # The one that is furthest behind: nobody can come to where it is any more.
        known, applied = min(crowds, key=lambda key: len(key[1]))
        crowd = crowds.pop((known, applied))
        step = crowd.next()
        taken = _step(crowd, step) if step is not None else _end(crowd)
        failed |= taken
        crowd.databases = [one for one in crowd.databases if one not in taken]
        _find_twins(crowd, empty, twins)
        if step is None or not crowd.databases:
            continue
        crowd.applied |= {(step.app_label, step.name)}
        there = crowds.setdefault((known, crowd.applied), crowd)
        if there is not crowd:
            there.databases += crowd.databases
            there.state = crowd.state
    connection.close()
    for twin, other in reversed(twins.items()):  # the other one may have found one later
        if other in failed:
            failed[twin] = failed[other]
        shutil.copyfile(other, twin)
    return failed


def _find_twins(crowd: _Crowd, empty: Collection[Path], twins: dict[Path, Path]) -> None:
    connection.close()
    first: dict[object, Path] = {}
    for database in crowd.databases:
        if database in empty and (other := first.setdefault(_tables_of(database), database)) != database:
            twins[database] = other
    crowd.databases = [one for one in crowd.databases if one not in twins]


def _tables_of(database: Path) -> object:
    with closing(sqlite3.connect(database)) as opened:
        return frozenset(opened.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def _step(crowd: _Crowd, migration: Migration) -> dict[Path, Exception]:
    """Apply one migration to each database. Returns what failed."""
    executor = crowd.executor
    if crowd.state is None:
        crowd.state = executor._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined]
    state, prepared = crowd.state, _Prepared(migration, crowd.state)
    return _each(crowd, lambda: executor.apply_migration(state, prepared))


def _end(crowd: _Crowd) -> dict[Path, Exception]:
    return _each(crowd, crowd.executor.check_replacements)


def _each(crowd: _Crowd, act: Callable[[], object]) -> dict[Path, Exception]:
    failed: dict[Path, Exception] = {}
    for database in crowd.databases:
        use(database)
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the others are tried, too
            failed[database] = error
    return failed


class _Prepared(Migration):
    """A migration with the states around each of its operations. `state` is taken to its end."""

    def __init__(self, migration: Migration, state: ProjectState) -> None:
        super().__init__(migration.name, migration.app_label)
        self.replaces = migration.replaces  # type: ignore[misc]  # Django makes it one's own, too
        assert migration.atomic, "an operation outside of the migration's transaction: see Migration.apply"
        self._steps: list[tuple[Operation, ProjectState, ProjectState]] = []
        state.apps  # noqa: B018 - made before the first operation, as Django does
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(self.app_label, state)
            if isinstance(operation, RunPython):  # it would make all models anew for each database
                before.clear_delayed_apps_cache()
                before.is_delayed = False
            self._steps.append((operation, before, state.clone()))

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        for operation, before, after in self._steps:
            operation.database_forwards(self.app_label, schema_editor, before, after)
        return project_state
