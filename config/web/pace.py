"""How slow a client may be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: While something is under way on a connection, so many bytes must move within so many seconds: 500 bytes a second.
WINDOW: Final = 30.0
LEAST: Final = 15_000
#: Seconds for which a connection without a request is kept.
IDLE: Final = 15.0


@dataclass(slots=True)
class Pace:
    """What moved on one connection, in either direction, since its window began."""

    since: float
    moved: int = 0

    def is_too_slow(self, now: float, *, is_waiting: bool) -> bool:
        """Judge a window that is over, and begin the next. `is_waiting`: the client has to send or to receive; a
        window begins when it first has to. Ask every second or so."""
        if is_waiting and now - self.since < WINDOW:
            return False
        too_slow = is_waiting and self.moved < LEAST
        self.since, self.moved = now, 0
        return too_slow
