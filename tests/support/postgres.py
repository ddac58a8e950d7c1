"""A PostgreSQL server of the tests' own, from the binaries that the system has installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import migrated

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: the newest of Debian's, else what PATH has."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if debian:
        return max(debian, key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class TemporaryPostgres:
    """A fresh cluster on a loopback port, without durability; as another user when the tests run as root.

    `settings` are further ones of the server, such as `synchronous_commit=on`: then what was committed outlives
    `stop_at_once`. `inside` is a folder for it that is open to other users.
    """

    def __init__(self, binaries: Path, *, settings: str = "", inside: Path = Path("/tmp")) -> None:
        self._binaries = binaries
        # Not in pytest's temporary folder: that one is closed to other users.
        self._folder = Path(tempfile.mkdtemp(prefix="turnkey-postgres-", dir=inside))
        self._data = self._folder / "data"
        self._user = _server_user()
        self._port = _free_port()
        usual = "listen_addresses=127.0.0.1 unix_socket_directories= max_connections=200 "
        usual += "fsync=off synchronous_commit=off full_page_writes=off"
        self._options = f"-p {self._port} " + " ".join(f"-c {one}" for one in [*usual.split(), *settings.split()])

    def __enter__(self) -> str:
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._run(
            *("initdb", "-D", str(self._data), "-U", "turnkey", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        )
        self.start()
        return f"postgres://turnkey@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RuntimeError."""
        log = self._folder / "log"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-t", "60", "-l", str(log), "-o", self._options, "start")

    def stop_at_once(self) -> None:
        """As when its machine is switched off: nothing is finished, and the next start recovers."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    @property
    def runs(self) -> bool:
        return (self._data / "postmaster.pid").exists() and self._asked("pg_ctl", "-D", str(self._data), "status") == 0

    def __exit__(self, *failure: object) -> None:
        if self.runs:
            self.stop_at_once()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        if self._asked(program, *arguments):
            raise RuntimeError(f"{program} failed:\n{(self._folder / 'output').read_text(errors='replace')}")

    def _asked(self, program: str, *arguments: str) -> int:
        """Run one of the server's programs; answers its exit status."""
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with (self._folder / "output").open("ab") as output:
            done = subprocess.run(
                [str(self._binaries / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self._user,
                group=pwd.getpwnam(self._user).pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                cwd=self._folder,
                env=os.environ | {"HOME": str(self._folder)},
                timeout=120,
            )
        return done.returncode


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root; None means: as the user of the tests."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise RuntimeError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def as_default_database(url: str) -> Iterator[BaseDatabaseWrapper]:
    """A new database at this URL, migrated, in place of the one that the tests of this run use."""
    import environ
    from django.core.management import call_command
    from django.db import connections

    before = connections["default"]
    settings = (
        before.settings_dict | environ.Env.db_url_config(url) | {"OPTIONS": {}, "TEST": before.settings_dict["TEST"]}
    )
    replaced, connections.settings["default"] = connections.settings["default"], settings
    made = connections["default"] = connections.create_connection("default")

    def migrate() -> None:
        call_command("migrate", verbosity=0)
        made.close()

    try:
        migrated.put_at(url, migrate)
        yield made
    finally:
        made.close()
        connections["default"] = before
        connections.settings["default"] = replaced
