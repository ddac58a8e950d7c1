"""Room for looking at passwords.

One look takes a processor for a good part of a second, on purpose. Where many come at once, from many addresses, they
must not have all processors and all threads: the others serve pages, calendars and health checks. Browsers from which
people logged in before (`config.people.devices`) have a room of their own, since strangers may fill the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from config.people.throttle import Wait

#: In one process: looks at one moment, and requests that wait for their turn; of its threads eight by default.
AT_ONCE: Final = 1
WAITING: Final = 2
#: Seconds that a request waits, and that a refused one is asked to wait.
PATIENCE: Final = 3.0
_COME_BACK: Final = 5


class Room:
    """So many look at once, and so many more wait."""

    def __init__(self) -> None:
        self.inside = threading.BoundedSemaphore(AT_ONCE)
        self.queue = threading.BoundedSemaphore(AT_ONCE + WAITING)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Look at a password within this. Raises `Wait` when too many do."""
        if not self.queue.acquire(blocking=False):
            raise Wait(_COME_BACK)
        try:
            if not self.inside.acquire(timeout=PATIENCE):
                raise Wait(_COME_BACK)
            try:
                yield
            finally:
                self.inside.release()
        finally:
            self.queue.release()


STRANGERS: Final = Room()
KNOWN: Final = Room()
