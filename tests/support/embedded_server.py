"""The embedded broker, started by a test; the product's supervisor starts its own from the same command line."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from config.broker import answers
from pins.stack.embedded import EmbeddedServerFailed, command, prepare_socket
from pins.stack.lifetime import end_with_parent

START_SECONDS = 10


class EmbeddedServer:
    """A server for the length of a `with` block."""

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

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """SIGSTOP: it accepts connections and answers nothing, until the block ends."""
        if self._process is None:
            raise EmbeddedServerFailed("there is no server that could sleep")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
