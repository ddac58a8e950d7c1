"""Has this machine's clock stepped forward? Its other clock, which nobody sets, counts what has really passed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

#: Less than this is how clocks run, or how long a moment was kept before it was used.
TOLERANCE: Final = timedelta(minutes=1)

#: What both clocks said when this process last asked about a subject, in seconds.
_last: dict[str, tuple[float, float]] = {}


def elapsed() -> float:
    """Seconds since this machine was started, also those for which it slept, where the system counts them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def stepped_ahead(subject: str, now: datetime) -> timedelta:
    """By how much the clock has stepped forward since this process last asked about the subject: nothing, or more than
    `TOLERANCE`. The first answer is always nothing."""
    wall, passed = now.timestamp(), elapsed()
    before = _last.get(subject)
    _last[subject] = wall, passed
    ahead = timedelta(seconds=(wall - before[0]) - (passed - before[1])) if before is not None else timedelta()
    return ahead if ahead > TOLERANCE else timedelta()
