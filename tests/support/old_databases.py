"""Makes a database with the migrations of each commit that changed one, migrates it to those of today, and compares.

Then it does the same with rows in all tables, which must come through.

`python -m tests.support.old_databases FOLDER` writes its databases into FOLDER and prints one line a commit: its hash
and `ok`, or what differs or was lost. A process of its own, because it exchanges the migrations under Django's feet.

Most ways to today meet: a database that has become what another one was, with the same migrations and the same tables,
would do the same from there, and is not brought further.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.support import old_rows

APPS = ("pins", "rentals")


def git(*arguments: str) -> str:
    """What git prints. Raises `CalledProcessError`."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def commits() -> Iterator[str]:
    """Each commit that changed a migration, the oldest first, without those whose migrations an earlier commit had.

    Of the line that people install from: a branch gives its migrations their numbers when it is merged.
    """
    folders = [f"{app}/migrations" for app in APPS]
    seen = set()
    for commit in git("log", "--first-parent", "--reverse", "--format=%h", "--", *folders).split():
        trees = git("ls-tree", commit, *folders)
        if trees not in seen:
            seen.add(trees)
            yield commit


def files_of(commit: str) -> frozenset[tuple[str, str]]:
    """The migrations of a commit, as paths and blobs."""
    lines = git("ls-tree", commit, *[f"{app}/migrations/" for app in APPS]).splitlines()
    return frozenset((line.split()[3], line.split()[2]) for line in lines)


def write(files: frozenset[tuple[str, str]], package: Path) -> dict[str, str]:
    """Write migrations below `package`; returns what MIGRATION_MODULES must be."""
    for app in APPS:
        (package / app).mkdir(parents=True)
        (package / app / "__init__.py").touch()
    (package / "__init__.py").touch()
    for path, blob in files:
        (package / path.split("/")[0] / Path(path).name).write_text(git("cat-file", "blob", blob))
    return {app: f"{package.name}.{app}" for app in APPS}


def migrate(
    database: Path, modules: dict[str, str], apps: set[str] | None = None, watch: Callable[..., None] | None = None
) -> Path:
    """Bring a database up to date with these migrations, for all apps or some. `watch` is told of each."""
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    connection.close()
    connection.settings_dict["NAME"] = str(database)
    settings.MIGRATION_MODULES = modules
    executor = MigrationExecutor(connection, watch)
    executor.loader.check_consistent_history(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if apps is None or node[0] in apps])
    return database


class _Met(Exception):
    """A database has become what another one was."""


class ToToday:
    """Brings databases to the migrations of today, each only as far as none was before."""

    def __init__(self) -> None:
        self._known: dict[frozenset[tuple[str, ...]], dict[str, Any]] = {}

    def bring(self, database: Path) -> dict[str, Any]:
        """The tables that a database has then."""
        passed: list[frozenset[tuple[str, ...]]] = []

        def watch(action: str, *about: Any) -> None:
            if action != "apply_success":
                return
            passed.append(_state_of(database))
            if passed[-1] in self._known:
                raise _Met

        try:
            tables = tables_of(migrate(database, {}, watch=watch))
        except _Met:
            tables = self._known[passed[-1]]
        self._known |= dict.fromkeys(passed, tables)
        return tables


def _state_of(database: Path) -> frozenset[tuple[str, ...]]:
    """All that migrations depend on while no table of ours has rows: which were applied, and how tables were made."""
    with closing(sqlite3.connect(database)) as connection:
        applied = connection.execute("SELECT app, name FROM django_migrations").fetchall()
        made = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        return frozenset([*applied, *made])


def tables_of(database: Path) -> dict[str, Any]:
    """The tables of our apps: columns, whether they may be empty, indexes, foreign keys, and named constraints."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: (
                {(name, not_null) for _, name, _, not_null, *_ in connection.execute(f"PRAGMA table_info({table})")},
                {
                    (is_unique, tuple(row[2] for row in connection.execute(f"PRAGMA index_info({name})")))
                    for _, name, is_unique, *_ in connection.execute(f"PRAGMA index_list({table})")
                },
                {row[2:5] for row in connection.execute(f"PRAGMA foreign_key_list({table})")},
                set(re.findall(r'CONSTRAINT "(\w+)"', sql)),
            )
            for table, sql in found
            if table.startswith(tuple(f"{app}_" for app in APPS))
        }


def upgrade_with_rows(database: Path, modules: dict[str, str], made: old_rows.Rows, relied_on: list[Any]) -> str:
    """Fill a database of a commit, bring it to today, and say what was lost; empty: nothing."""
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from tests.support import old_rows

    connection.close()
    connection.settings_dict["NAME"] = str(database)
    settings.MIGRATION_MODULES = modules
    loader = MigrationExecutor(connection).loader
    then = loader.project_state(loader.graph.leaf_nodes()).apps
    filled = old_rows.fill(then, made)
    if missing := [name for name in old_rows.needed(then) if name not in filled]:
        return f"could not fill {', '.join(missing)}"
    migrate(database, {})
    if not filled:
        return ""  # of before there were tables
    there = connection.introspection.table_names()
    with connection.cursor() as cursor:
        for name, number in filled.items():
            if name in there and cursor.execute(f"SELECT count(*) FROM {name}").fetchone()[0] != number:
                return f"lost rows of {name}"
    connection.check_constraints()
    return "" if old_rows.what_people_rely_on() == relied_on else "codes, stays or keys are not what they were"


def copy(database: Path, to: Path) -> Path:
    shutil.copy(database, to)
    return to


def main(folder: Path) -> None:
    import django.apps

    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'unused.sqlite3'}"
    django.setup()
    from tests.support import old_rows

    sys.path.insert(0, str(folder))
    others = (
        folder / "others.sqlite3"
    )  # the tables of all other apps, made once and copied: that saves most of the time
    migrate(others, {}, {config.label for config in django.apps.apps.get_app_configs()} - set(APPS))
    to_today = ToToday()
    today = to_today.bring(copy(others, folder / "new.sqlite3"))
    seeded = copy(folder / "new.sqlite3", folder / "seeded.sqlite3")
    migrate(seeded, {})
    made_rows, relied_on = old_rows.portfolio(), old_rows.what_people_rely_on()
    made: dict[frozenset[tuple[str, str]], Path] = {frozenset(): others}
    for commit in commits():
        files = files_of(commit)
        # A commit that only added migrations begins where the one before it ended.
        begun = max((known for known in made if known <= files), key=len)
        before, after = (folder / f"{commit}-{when}.sqlite3" for when in ("then", "now"))
        try:
            migrate(copy(made[begun], before), write(files, folder / f"migrations_{commit}"))
            made[files] = before
            found = to_today.bring(copy(before, after))
            modules = {app: f"migrations_{commit}.{app}" for app in APPS}
            lost = upgrade_with_rows(copy(before, folder / f"{commit}-rows.sqlite3"), modules, made_rows, relied_on)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the other commits are tried, too
            print(commit, f"{type(error).__name__}: {error}", flush=True)
            continue
        differing = sorted(table for table in today.keys() | found.keys() if today.get(table) != found.get(table))
        said = f"differs in {', '.join(differing)}" if differing else lost or "ok"
        print(commit, said, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
