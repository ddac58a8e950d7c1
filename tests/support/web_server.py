"""The web server alone, as a process: the command of `manage.py run` on a migrated SQLite file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pins.stack import processes
from pins.stack.lifetime import end_with_parent
from tests.support import migrated
from tests.support.paths import ROOT
from tests.support.waiting import until


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What it and commands beside it are started with; the database is in `folder`, and there is no broker."""
    return {
        **os.environ,
        "TURNKEY_ENV_FILE": "",
        "TURNKEY_VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'turnkey.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **more,
    }


def manage(settings: dict[str, str], *command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=settings, check=True)


@contextmanager
def running(settings: dict[str, str], folder: Path) -> Iterator[int]:
    """Its loopback port. The database is migrated before anything else."""
    port = processes.free_port()
    migrated.put(folder / "turnkey.sqlite3", lambda: manage(settings, "migrate", "--verbosity", "0"))
    server = subprocess.Popen(
        processes.web(f"127.0.0.1:{port}").command,
        cwd=ROOT,
        env=settings,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - system calls only
    )
    try:
        until(lambda: processes.accepts(f"127.0.0.1:{port}"), "the web server to listen", 60)
        yield port
    finally:
        server.terminate()
        server.wait(30)
