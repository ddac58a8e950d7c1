"""How much work of the receiving thread a connection may cause. Pure.

Bytes that come in large pieces cost next to nothing. In pieces of one byte, or in chunks of one byte, a megabyte costs
seconds of a processor, and all connections share the one thread that reads. So a connection whose reading took long
rests, and all that rest together get a fifth of a processor. Measured is the time of the processor, not the number of
pieces: that holds for tricks that nobody thought of yet.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

#: Bytes read at once while it is not known that a plain body comes: so one look at a connection takes a millisecond.
SMALL_PIECE: Final = 1024
#: Seconds of a processor that are no burden: for each byte, and for each complete request.
BYTE: Final = 25e-9
REQUEST: Final = 0.002
#: After so much work beyond that, a connection rests.
MOST: Final = 0.005
#: Of one processor, for all that rest.
SHARE: Final = 0.2


def burden(before: float, seconds: float, moved: int, *, is_complete: bool) -> float:
    """The burden of a connection after a look at it that took `seconds` of a processor."""
    after = before + max(0.0, seconds - moved * BYTE)
    return max(0.0, after - REQUEST) if is_complete else after


class Rests:
    """Which connections are not read for the moment. Times are of the monotonic clock."""

    def __init__(self) -> None:
        self._until: dict[Hashable, float] = {}

    def begin(self, one: Hashable, burden: float, now: float) -> None:
        """The more rest, the longer: together they get `SHARE`."""
        self._until = {other: until for other, until in self._until.items() if until > now}
        self._until[one] = now + burden * (len(self._until) + 1) / SHARE

    def holds(self, one: Hashable, now: float) -> bool:
        until = self._until.get(one)
        if until is not None and until <= now:
            del self._until[one]
            return False
        return until is not None

    def left(self, now: float) -> float:
        """Seconds until the first of them may be read; infinite if none rests."""
        return max(0.0, min(self._until.values(), default=float("inf")) - now)
