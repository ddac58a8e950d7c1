"""When to try again after a failure, and whom the failure concerns. Decides, never sleeps."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pins.tedee.errors import Cause

DELAYS: dict[Cause, tuple[float, ...]] = {
    # The lock's own troubles, in seconds; the last delay repeats.
    Cause.BUSY: (0.5, 1, 2, 5, 15, 30),
    Cause.TIMEOUT: (0.5, 2, 6, 30, 120, 300),
    Cause.SERVER: (0.5, 2, 6, 30, 120, 300),
    Cause.NETWORK: (0.5, 2, 6, 30, 120, 300),
    Cause.OFFLINE: (2, 5, 15, 60, 120, 300),
    # Only a person can fix these. Slow probes notice when somebody did.
    Cause.UNAUTHORIZED: (300, 900, 3600),
    Cause.FORBIDDEN: (300, 900, 3600),
    # The server normally says how long; without that, a cautious guess.
    Cause.RATE_LIMITED: (60, 300, 900),
    # The next try differs from the last one (another value, a look first), so a short rest is enough at first.
    Cause.BAD_REQUEST: (1, 60, 900, 3600),
    Cause.NOT_FOUND: (0.5, 2, 6, 30, 120, 300),
    Cause.PIN_EXISTS: (0.5, 30, 120, 300),
    Cause.NO_ROOM: (60, 300, 900),
}
LONGEST_WAIT = timedelta(days=1)
SHORTEST_WAIT = timedelta(milliseconds=250)
REST_AFTER_HANG = timedelta(seconds=15)
MANY_FAILURES = 10
REST_AFTER_MANY = timedelta(minutes=3)  # 20 tries an hour
DEADLINE_IS_NEAR = timedelta(hours=1)

OUTAGE_LOCKS = 3
OUTAGE_SPAN = timedelta(seconds=60)
OUTAGE_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120))


class Scope(StrEnum):
    """What pauses after a failure."""

    LOCK = "lock"
    ACCOUNT = "account"
    PIN = "pin"


_SCOPES = {
    Cause.BUSY: Scope.LOCK,
    Cause.TIMEOUT: Scope.LOCK,
    Cause.OFFLINE: Scope.LOCK,
    Cause.SERVER: Scope.LOCK,
    Cause.NETWORK: Scope.LOCK,
    Cause.FORBIDDEN: Scope.LOCK,
    Cause.UNAUTHORIZED: Scope.ACCOUNT,
    Cause.RATE_LIMITED: Scope.ACCOUNT,
    Cause.BAD_REQUEST: Scope.PIN,
    Cause.NOT_FOUND: Scope.PIN,
    Cause.PIN_EXISTS: Scope.PIN,
    Cause.NO_ROOM: Scope.PIN,
}


def scope(cause: Cause) -> Scope:
    """Whose failure it is: the lock's, the whole account's, or only this PIN's."""
    return _SCOPES[cause]


def delay(
    cause: Cause,
    failures: int,
    *,
    until_deadline: timedelta | None,
    retry_after: float | None = None,
    hung: bool = False,
    alike: int | None = None,
    jitter: float,
) -> timedelta:
    """How long to rest before the next try, after `failures` consecutive failures including this one.

    1. The cause and `alike` choose a delay; `alike` says how many failures in a row had this same cause (`None`: all).
       It is multiplied by `jitter` (random, 0.5 to 1), so that locks which failed together do not return together.
       A lock that fails in another way each time is alive; long rests are for one that keeps saying the same.
    2. A server's `retry_after`, in seconds, replaces that; it is never shortened, but capped to a day.
    3. After ten failures in a row, whatever the causes, at most 20 tries an hour, unless the deadline is within the
       hour or past.
    4. After a hang at least 15 seconds: the server may still be working on the lost request.

    There is no last try: giving up would not help the guest at the door. Raises `ValueError` for another `jitter`.
    """
    if not 0.5 <= jitter <= 1:
        raise ValueError("Jitter is between 0.5 and 1.")
    if retry_after is None:
        steps = DELAYS[cause]
        repeats = failures if alike is None else alike
        wait = timedelta(seconds=steps[min(max(repeats, 1), len(steps)) - 1] * jitter)
    else:
        # `max` and `min` before the timedelta: an absurd number of seconds would overflow it.
        wait = timedelta(seconds=min(max(retry_after, 0.0), LONGEST_WAIT.total_seconds()))
    wait = max(wait, SHORTEST_WAIT)
    pressing = until_deadline is not None and until_deadline <= DEADLINE_IS_NEAR
    if failures >= MANY_FAILURES and not pressing:
        wait = max(wait, REST_AFTER_MANY)
    if hung:
        wait = max(wait, REST_AFTER_HANG)
    return wait


def outage(faults: Sequence[tuple[Hashable, datetime]], now: datetime) -> bool:
    """Whether recent network and server faults, as (lock, moment), look like the cloud's failure and not a lock's.

    Three different locks within a minute. Then the account pauses and a single request probes.
    """
    recent = {lock for lock, at in faults if now - at <= OUTAGE_SPAN}
    return len(recent) >= OUTAGE_LOCKS


def outage_delay(probes: int) -> timedelta:
    """How long the account rests before the next probe; `probes` counts those that have failed so far."""
    return OUTAGE_DELAYS[min(max(probes, 0), len(OUTAGE_DELAYS) - 1)]
