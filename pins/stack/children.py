"""One child process: how it is started, how its lines reach the terminal, how it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pins.stack.lifetime import end_with_parent
from rentals.plain_text import shown_lines

COLOURS = {"broker": 35, "simulator": 36, "worker": 32, "beat": 33, "web": 34}


@dataclass(frozen=True)
class ChildPlan:
    """What to run and how to treat it."""

    name: str
    command: list[str]
    stop_order: int  # lower ends first (see `processes`)
    grace_seconds: float = 10.0  # between asking and killing
    death_signal: signal.Signals = signal.SIGKILL  # what it gets when the supervisor is killed
    before_start: Callable[[], None] = lambda: None  # clears what an earlier life left; may raise StackFailed
    is_ready: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict)
    noise: re.Pattern[str] | None = None  # lines of no use to a person; kept for the last lines only


class Terminal:
    """Lines of many processes on one stream, each whole and with the name of its sender."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._colours = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._gone = False

    def line(self, text: str, sender: str = "") -> None:
        head = f"{sender:<9} | " if sender else ""
        if head and self._colours:
            head = f"\x1b[{COLOURS.get(sender, 37)}m{head}\x1b[0m"
        with self._lock:
            if self._gone:
                return
            try:
                self._stream.write(f"{head}{shown_lines(text)}\n")
                self._stream.flush()
            except (OSError, ValueError):
                # The terminal was closed. The pipes must still be drained, or a child would block at a write.
                self._gone = True


class Child:
    """A process of a plan, running or ended."""

    def __init__(self, plan: ChildPlan, terminal: Terminal, directory: Path) -> None:
        self.plan = plan
        self.started_at = time.monotonic()
        self.last_lines: deque[str] = deque(maxlen=12)
        self._terminal = terminal
        self._process = subprocess.Popen(
            plan.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(plan.environment),
            # Ctrl-C must reach the supervisor alone: it ends the children in the right order.
            start_new_session=True,
            preexec_fn=end_with_parent(plan.death_signal),  # noqa: PLW1509 - two system calls, looked up beforehand
        )
        self._reader = threading.Thread(target=self._read, name=f"lines of {plan.name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        with self._process.stdout as pipe:
            for raw in pipe:
                text = raw.decode("utf-8", "replace").rstrip()
                if text:
                    self.last_lines.append(text)
                    if self.plan.noise is None or not self.plan.noise.search(text):
                        self._terminal.line(text, self.plan.name)

    def ask_to_stop(self) -> None:
        if self.status is None:
            self._process.terminate()

    def kill(self) -> None:
        """End the process and everything it started."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds; then its last lines are printed."""
        try:
            self._process.wait(timeout=max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(timeout=1)
        return True


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
