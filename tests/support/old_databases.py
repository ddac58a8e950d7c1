"""Makes a database with the migrations of each commit that changed one, migrates it to those of today, and compares.

Then it does the same with rows in all tables, which must come through.

`python -m tests.support.old_databases FOLDER` writes its databases into FOLDER and prints one line a commit: its hash
and `ok`, or what differs or was lost. A process of its own, because it exchanges the migrations under Django's feet.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import migrating_together
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


@cache
def content(blob: str) -> str:
    return git("cat-file", "blob", blob)


def write(files: frozenset[tuple[str, str]], package: Path) -> dict[str, str]:
    """Write migrations below `package`; returns what MIGRATION_MODULES must be."""
    for app in APPS:
        (package / app).mkdir(parents=True)
        (package / app / "__init__.py").touch()
    (package / "__init__.py").touch()
    for path, blob in files:
        (package / path.split("/")[0] / Path(path).name).write_text(content(blob))
    return {app: f"{package.name}.{app}" for app in APPS}


def migrate(database: Path, modules: dict[str, str], apps: set[str] | None = None) -> Path:
    """Bring a database up to date with these migrations, for all apps or some."""
    from django.db import connection

    executor = migrating_together.at(database, modules)
    executor.loader.check_consistent_history(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if apps is None or node[0] in apps])
    connection.close()  # whoever copies the file must find everything in it
    return database


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


@dataclass(frozen=True)
class Upgrade:
    """The databases of a commit, which are to be brought to today: an empty one, and one with rows."""

    commit: str
    empty: Path
    full: Path
    filled: dict[str, int]  # rows by table
    unfilled: list[str]  # tables that should have some

    def said(self, today: dict[str, Any], relied_on: list[Any]) -> str:
        """`ok`, or what differs or was lost on the way."""
        for found in (tables_of(self.empty), tables_of(self.full)):
            differing = sorted(table for table in today.keys() | found.keys() if today.get(table) != found.get(table))
            if differing:
                return f"differs in {', '.join(differing)}"
        if self.unfilled:
            return f"could not fill {', '.join(self.unfilled)}"
        return (self._lost(relied_on) if self.filled else "") or "ok"  # before there were tables nothing was filled

    def _lost(self, relied_on: list[Any]) -> str:
        from django.db import connection

        from tests.support import old_rows

        migrating_together.use(self.full)
        there = connection.introspection.table_names()
        with connection.cursor() as cursor:
            for name, number in self.filled.items():
                if name in there and cursor.execute(f"SELECT count(*) FROM {name}").fetchone()[0] != number:
                    return f"lost rows of {name}"
        connection.check_constraints()
        return "" if old_rows.what_people_rely_on() == relied_on else "codes, stays or keys are not what they were"


def begin(commit: str, then: Path, modules: dict[str, str], made: old_rows.Rows) -> Upgrade:
    """Copies of the database of a commit, one of them filled."""
    from tests.support import old_rows

    full = copy(then, then.with_name(f"{commit}-rows.sqlite3"))
    loader = migrating_together.at(full, modules).loader
    apps = loader.project_state(loader.graph.leaf_nodes()).apps
    filled = old_rows.fill(apps, made)
    unfilled = [name for name in old_rows.needed(apps) if name not in filled]
    return Upgrade(commit, copy(then, then.with_name(f"{commit}-now.sqlite3")), full, filled, unfilled)


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
    new = copy(others, folder / "new.sqlite3")
    today = tables_of(migrate(new, {}))
    migrate(copy(new, folder / "seeded.sqlite3"), {})
    made_rows, relied_on = old_rows.portfolio(), old_rows.what_people_rely_on()
    made: dict[frozenset[tuple[str, str]], Path] = {frozenset(): others}
    upgrades = []
    for commit in commits():
        files = files_of(commit)
        # A commit that only added migrations begins where the one before it ended.
        begun = max((known for known in made if known <= files), key=len)
        then = folder / f"{commit}-then.sqlite3"
        try:
            modules = write(files, folder / f"migrations_{commit}")
            made[files] = migrate(copy(made[begun], then), modules)
            upgrades.append(begin(commit, then, modules, made_rows))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the other commits are tried, too
            print(commit, f"{type(error).__name__}: {error}", flush=True)
    empty = {one.empty for one in upgrades}
    failed = migrating_together.bring_to_today([*empty, *(one.full for one in upgrades)], empty)
    for one in upgrades:
        try:
            if wrong := failed.get(one.empty) or failed.get(one.full):
                raise wrong
            print(one.commit, one.said(today, relied_on), flush=True)
        except Exception as error:  # noqa: BLE001 - as above
            print(one.commit, f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
