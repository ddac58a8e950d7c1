"""The machines of a run: two databases that can be hurt, a clock that can be set, and a disk that can be full."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg

from tests.support.postgres import TemporaryPostgres, find_binaries


class NotHere(Exception):
    """This machine cannot do it; the message says what is missing."""


class Disk:
    """A file system of its own, so that it can be full; needs root. Without, a folder that never is."""

    def __init__(self, megabytes: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="turnkey-fire-", dir="/tmp"))
        self.folder.chmod(0o755)
        size = f"size={megabytes}m,mode=0755"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", self.folder], capture_output=True)
        self.can_be_full = mounted.returncode == 0
        self._filler = self.folder / "filler"

    def fill(self) -> None:
        """Not a byte is left. Raises NotHere."""
        if not self.can_be_full:
            raise NotHere("a file system of its own cannot be mounted (root is needed): the disk was never full")
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * (1 << 20))
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 512)

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        if self.can_be_full:
            subprocess.run(["umount", "-l", self.folder], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class MachineClock:
    """The clock of every process but the lock cloud's and the database server's. It steps; what counts seconds since
    the start of the machine goes on, as on a real one. `step_clock.c` does it, so a C compiler is needed."""

    def __init__(self, folder: Path) -> None:
        self._library, self._file = folder / "step_clock.so", folder / "clock"
        self._file.write_bytes(struct.pack("q", 0))
        compiler = shutil.which("cc")
        source = Path(__file__).with_name("step_clock.c")
        command = [compiler or "cc", "-shared", "-fPIC", "-O1", "-o", str(self._library), str(source)]
        self._works = compiler is not None and subprocess.run(command, capture_output=True).returncode == 0

    @property
    def environment(self) -> dict[str, str]:
        """For the processes whose clock this is."""
        return {"LD_PRELOAD": str(self._library), "STEP_CLOCK_FILE": str(self._file)} if self._works else {}

    def step(self, days: int) -> None:
        """So many days from the true time. Raises NotHere."""
        if not self._works:
            raise NotHere("there is no C compiler (Debian: gcc, libc6-dev): no clock stepped")
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("q", days * 86_400))


class Database(ABC):
    """A database server, or a file. `url` is known inside the `with` block."""

    name: str
    url: str

    def __init__(self) -> None:
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def hold(self, seconds: float) -> None:
        """Let every writer wait for so long; returns after that."""

    def stop_at_once(self) -> None:
        raise NotHere(f"{self.name} has no server that could stop")

    def use_all_connections(self) -> contextlib.AbstractContextManager[str]:
        raise NotHere(f"{self.name} has no limit of connections")

    def hang(self) -> contextlib.AbstractContextManager[str]:
        """Somebody has rows of some locks in a transaction, and never lets go."""
        raise NotHere(f"{self.name} has no rows to hold: who hangs holds all writers, see database_slow")

    def fill_disk(self) -> None:
        self.disk.fill()

    def revive(self) -> None:
        """After a fault: the disk has room again, and the server runs."""
        self.disk.free()

    disk: Disk


class Sqlite(Database):
    """A file on a disk of its own."""

    name = "sqlite"

    def _open(self) -> None:
        self.disk = Disk(megabytes=96)
        self._closing.callback(self.disk.close)
        self._path = self.disk.folder / "turnkey.sqlite3"
        self.url = f"sqlite:///{self._path}"

    def fill_disk(self) -> None:
        # Room that SQLite has already is no room on the disk: its log of writes is emptied, and begins anew.
        with contextlib.closing(sqlite3.connect(self._path, timeout=5)) as connection:
            for _ in range(2):
                self.disk.fill()
                try:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                except sqlite3.OperationalError as error:
                    # What the log holds makes the database grow, and has no room: nothing is left to be emptied.
                    if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                        raise
                    return

    def hold(self, seconds: float) -> None:
        with contextlib.closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")


class Postgres(Database):
    """A server whose commits outlive its death, on a disk of its own."""

    name = "postgres"
    CONNECTIONS: Final = 120
    LONGEST_PAUSE: Final = 8  # for which a process may do nothing in a transaction, in seconds; 30 as it is usually set

    def _open(self) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise NotHere("PostgreSQL is not installed (initdb was not found)")
        self.disk = Disk(megabytes=320)
        self._closing.callback(self.disk.close)
        self.disk.folder.chmod(0o777)
        settings = f"synchronous_commit=on max_connections={self.CONNECTIONS} max_wal_size=96MB min_wal_size=32MB"
        self._server = TemporaryPostgres(binaries, settings=settings, inside=self.disk.folder)
        server = self._closing.enter_context(self._server).rpartition("/")[0]
        pause = f"-c idle_in_transaction_session_timeout={self.LONGEST_PAUSE}s"
        self.url = f"{server}/turnkey?options={quote(pause)}"  # made with its tables by whoever starts the scene

    def hold(self, seconds: float) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE pins_pin IN EXCLUSIVE MODE")  # one only: two would end in deadlocks
            time.sleep(seconds)

    @contextlib.contextmanager
    def hang(self) -> Iterator[str]:
        with contextlib.closing(psycopg.connect(self.url)) as other:
            busiest = "SELECT lock_id FROM pins_lockstate ORDER BY dispatched_at DESC NULLS LAST LIMIT 3"
            locks = [lock for (lock,) in other.execute(f"{busiest} FOR UPDATE SKIP LOCKED").fetchall()]
            other.execute("SELECT id FROM pins_pin WHERE lock_id = ANY(%s) FOR UPDATE SKIP LOCKED", [locks])
            yield f"a process that hangs has the rows of {len(locks)} locks and of their codes"
            with contextlib.suppress(psycopg.errors.IdleInTransactionSessionTimeout):
                other.execute("SELECT 1")
                raise AssertionError("nobody ended a transaction in which nothing happened any more")

    def stop_at_once(self) -> None:
        self._server.stop_at_once()

    def revive(self) -> None:
        super().revive()
        if not self._server.runs:
            self._server.start()

    @contextlib.contextmanager
    def use_all_connections(self) -> Iterator[str]:
        """Others hold every connection; ours are cut."""
        with ExitStack() as held:
            first = held.enter_context(contextlib.closing(psycopg.connect(self.url, autocommit=True)))
            count = 1
            for _ in range(3):  # whoever was quicker than we is cut too
                first.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND application_name <> 'others' AND pid <> pg_backend_pid()"
                )
                with contextlib.suppress(psycopg.OperationalError):
                    while True:
                        others = psycopg.connect(self.url, application_name="others", autocommit=True)
                        held.callback(others.close)
                        count += 1
            yield f"{count} of {self.CONNECTIONS} connections held by others"


def database(name: str) -> Database:
    """By its name; ValueError for another."""
    kinds = {kind.name: kind for kind in (Sqlite, Postgres)}
    if name not in kinds:
        raise ValueError(f"there is no database {name!r}; there are {', '.join(kinds)}")
    return kinds[name]()
