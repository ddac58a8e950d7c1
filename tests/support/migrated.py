"""A migrated database, made once and copied for whoever needs one: workers of pytest-xdist, stacks of processes.

Running all migrations takes five seconds of processor time, and copying what they made takes none. On SQLite there is
one for the whole session, on PostgreSQL one on each server.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

#: The folder that all processes of one test session share; `tests/conftest.py` sets it before workers start.
FOLDER: Final = "TURNKEY_TESTS_SHARED"
#: The database on a server of PostgreSQL that others are copied from.
TEMPLATE: Final = "migrated"


def put_at(url: str, migrate: Callable[[], object]) -> None:
    """Leave a migrated database at this URL, in place of what is there. `migrate` as in `put`."""
    file = url.removeprefix("sqlite:///")
    if file != url:
        put(Path(file), migrate)
    else:
        _put_on_postgres(url, migrate)


def put(database: Path, migrate: Callable[[], object]) -> None:
    """Leave a migrated database at this path: a copy, or for the first who asks what `migrate` makes there.

    `migrate` must close its connections, so that everything is in the one file. Whoever asks meanwhile waits.
    """
    for part in ("-wal", "-shm"):  # of what was there before
        Path(f"{database}{part}").unlink(missing_ok=True)
    folder = Path(os.environ[FOLDER])
    template = folder / "migrated.sqlite3"
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            migrate()
            shutil.copyfile(database, unfinished := template.with_suffix(".part"))
            unfinished.rename(template)
            return
    shutil.copyfile(template, database)


def _put_on_postgres(url: str, migrate: Callable[[], object]) -> None:
    import psycopg

    server, _, name = url.partition("?")[0].rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {TEMPLATE}" if found else ""))
        if not found:
            migrate()
            admin.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE {name}")
