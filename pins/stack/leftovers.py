"""One stack per folder, and nothing left over from the one before.

Where the kernel cannot end children with their parent (see `lifetime`), a file lists the running children; the next
start ends those that a killed supervisor left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self, TextIO

from config.paths import private_dir


class AlreadyRunning(Exception):
    """Another stack uses this folder; the message names its process."""


class InstanceLock:
    """Held while a stack runs in a folder. The kernel releases it however the process ends.

    Entering raises AlreadyRunning when another stack holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        private_dir(self._path.parent)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        file = os.fdopen(handle, "r+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = file.read().strip() or "unknown"
            file.close()
            raise AlreadyRunning(
                f"Turnkey already runs here (process {holder}). Stop it first: Ctrl-C in its terminal, or kill {holder}"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return self

    def __exit__(self, *failure: object) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


class PidFile:
    """The children of the stack that holds the folder: name, process id and command line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pids: dict[str, int]) -> None:
        content = {name: {"pid": pid, "command": command_line(pid)} for name, pid in pids.items()}
        self._path.write_text(json.dumps(content), encoding="utf-8")

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End the children of a stack that was killed; returns their names. Call under the instance lock.

        An id may belong to another program by now: only a process with the same command line is ended.
        """
        try:
            recorded = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        ended = []
        for name, facts in recorded.items():
            command = facts["command"]
            if command and command_line(facts["pid"]) == command:
                _end(facts["pid"], command)
                ended.append(name)
        self.clear()
        return ended


def command_line(pid: int) -> str:
    """The command line of a process; empty when there is no process with this id."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        pass  # no such process, or no /proc on this system
    try:
        found = subprocess.run(
            ["ps", "-p", str(pid), "-o", "command="], check=False, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def _end(pid: int, command: str) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except OSError:
            return
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if command_line(pid) != command:
                return
            time.sleep(0.05)
