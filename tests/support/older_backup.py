"""Turns a backup of today into one that an earlier version made: its tables, its migrations, its rows.

`main` takes from the command line: the backup, where to, and the last migrations of then, of pins and of rentals. It
needs a database of its own.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path


def main() -> None:
    import django

    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor
    from django.utils import timezone

    from rentals.backup import archive, rows
    from tests.support import old_rows

    source, to, pins, rentals = sys.argv[1:]
    opened = archive.Archive(io.BytesIO(Path(source).read_bytes()), field_keys=settings.FIELD_ENCRYPTION_KEYS)
    call_command("migrate", verbosity=0, interactive=False)
    with transaction.atomic():
        opened.load(rows.tables(apps), connection, lambda *_: None)
    made = old_rows.all_rows()
    connection.close()
    connection.settings_dict["NAME"] = str(Path(to).with_suffix(".then"))

    executor = MigrationExecutor(connection)
    others = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in ("pins", "rentals")]
    targets = [*others, ("pins", pins), ("rentals", rentals)]
    executor.migrate(targets)
    then = executor.loader.project_state(targets).apps
    old_rows.fill(then, made)
    with Path(to).open("wb") as file:
        key = settings.FIELD_ENCRYPTION_KEYS[0]
        archive.write(file, rows.tables(then), connection, timezone.now(), lambda *_: None, field_key=key)
