"""What the list of a lock said when, for a cloud whose lists lag behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

KEPT_LISTS = 200  # states of one lock


@dataclass(frozen=True)
class ListState:
    """The list from `at` (UTC) until the next state."""

    at: datetime
    version: int
    pins: tuple[tuple[int, str], ...]  # id and alias


class ListHistory:
    """The latest states of one lock's list; the oldest are forgotten."""

    def __init__(self) -> None:
        self._states: deque[ListState] = deque(maxlen=KEPT_LISTS)

    def note(self, at: datetime, version: int, pins: Iterable[tuple[int, str]]) -> None:
        """Remember what the list says from `at` on."""
        self._states.append(ListState(at, version, tuple(pins)))

    def at(self, moment: datetime) -> ListState | None:
        """What the list said at a moment, or the oldest that is known; None if nothing is."""
        oldest = self._states[0] if self._states else None
        return next((state for state in reversed(self._states) if state.at <= moment), oldest)
