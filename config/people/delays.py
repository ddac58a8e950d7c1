"""How long the next try at a person's password waits, by the failures of the last hour. Pure."""

from __future__ import annotations

from typing import Final

#: Mistyped passwords are usual; delays begin after so many.
FREE: Final = 10
#: Seconds. No longer, or failures of strangers would keep the person out.
LONGEST: Final = 30.0


def delay(failures: int) -> float:
    """Seconds, from one, doubled with each further failure. `failures`: of one name, from all addresses."""
    if failures < FREE:
        return 0.0
    return min(LONGEST, 2.0 ** min(failures - FREE, 10))


def left(failures: int, asked_at: float, now: float) -> float:
    """How long an address still waits that asked first at `asked_at` (seconds since 1970). Each address has a clock of
    its own, so that nobody can make another one wait longer than `LONGEST`."""
    return max(0.0, asked_at + delay(failures) - now)
