"""Is a backup older or newer than this program? By the migrations that its database had.

An older one is first turned into one of today: its rows go into an SQLite file with the tables of then, that file is
migrated as any database is on an upgrade, and its rows are written as a new backup. So there is one way from then to
now, and the true database sees only rows of today, in one transaction.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from rentals.backup import rows
from rentals.backup.archive import About, Archive, Progress
from rentals.backup.envelope import BackupError


def is_of_today(about: About) -> bool:
    """Whether its rows fit the tables of this program. Raises `BackupError` when it is newer."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    unknown = sorted(about.migrations - set(loader.disk_migrations))
    if unknown:
        app, name = unknown[-1]
        raise BackupError(
            f"A newer version of Turnkey made this backup: it knows {app}.{name}, which this one does not. "
            "Nothing was changed. Install that version or a newer one, then restore it."
        )
    return set(loader.graph.nodes) <= about.migrations


def bring_to_today(path: Path, to: Path, passphrase_file: str = "") -> None:
    """Turn an older backup into one of today, at `to`, encrypted with the first field key.

    A process of its own does it, with its own database. Raises `BackupError` with the last words of that process.
    """
    told = {
        "DATABASE_URL": f"sqlite:///{to.with_suffix('.sqlite3')}",
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SECRET_KEY": settings.SECRET_KEY,
    }
    environment = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in told} | told
    command = [sys.executable, "manage.py", "restore", str(path.absolute()), "--older", str(to)]
    command += ["--passphrase-file", str(Path(passphrase_file).absolute())] if passphrase_file else []
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, check=False, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise BackupError(f"The older backup could not be brought to this version: {' '.join(last)}")


def load_older(archive: Archive, progress: Progress) -> None:
    """Into a new and empty database: make the tables of then, take the rows, migrate to today."""
    executor = MigrationExecutor(connection)
    targets = _leaves(executor.loader, archive.about.migrations)
    executor.migrate(targets)
    then = executor.loader.project_state(targets).apps
    with transaction.atomic():
        archive.load(rows.tables(then), connection, progress)
    call_command("migrate", interactive=False, verbosity=0)


def _leaves(loader: MigrationLoader, applied: frozenset[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of the applied migrations those that no other of the same app follows."""
    there = [node for node in loader.graph.nodes if node in applied]
    followed = {
        parent.key for node in there for parent in loader.graph.node_map[node].parents if parent.key[0] == node[0]
    }
    return sorted(node for node in there if node not in followed)
