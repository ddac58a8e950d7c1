"""A migrated SQLite file, made once for all workers of pytest-xdist and for every stack of processes.

Running all migrations takes four seconds, and copying what they made takes none.
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


def put(database: Path, migrate: Callable[[], None]) -> None:
    """Leave a migrated database at this path: a copy, or for the first who asks what `migrate` makes there.

    `migrate` must close its connections, so that everything is in the one file. Whoever asks meanwhile waits.
    """
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
