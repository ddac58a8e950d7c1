"""When to try again after a failure, and whom the failure concerns. Decides, never sleeps."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pins.tedee.errors import Cause

DELAYS: dict[Cause, tuple[float, ...]] = {
    # The lock's own troubles, in seconds; the last delay repeats. The first are short, because most troubles are over
    # at once and a lock that rests sets no codes. The last are long: this lock says the same again and again.
    Cause.BUSY: (0.25, 0.5, 1, 2, 5, 15, 30),
    Cause.TIMEOUT: (0.25, 0.25, 1, 6, 30, 120, 300),
    Cause.SERVER: (0.5, 2, 6, 30, 120, 300),
    Cause.NETWORK: (0.25, 0.25, 1, 6, 30, 120, 300),
    Cause.OFFLINE: (0.5, 2, 5, 15, 60, 120, 300),
    # Only a person can fix these. Slow probes notice when somebody did.
    Cause.UNAUTHORIZED: (300, 900, 3600),
    Cause.FORBIDDEN: (300, 900, 3600),
    # Renewed before the next request (`pins.core.tokens` says when).
    Cause.RENEWAL: (0.25,),
    # The server normally says how long; without that, a cautious guess.
    Cause.RATE_LIMITED: (60, 300, 900),
    # The next try differs from the last one (another value, a look first), so a short rest is enough at first.
    Cause.BAD_REQUEST: (1, 60, 900, 3600),
    Cause.NOT_FOUND: (0.5, 2, 6, 30, 120, 300),
    Cause.PIN_EXISTS: (0.5, 30, 120, 300),
    Cause.NO_ROOM: (60, 300, 900),
}
LONGEST_WAIT = timedelta(days=1)
#: Longer than the shortest countdown of a message (`pins.tasks`), so that a rest is never spent on asking again.
SHORTEST_WAIT = timedelta(milliseconds=125)
REST_AFTER_HANG = timedelta(seconds=15)
MANY_FAILURES = 10
REST_AFTER_MANY = timedelta(minutes=3)  # 20 tries an hour
DEADLINE_IS_NEAR = timedelta(hours=1)
#: While a guest waits at the door, the next try is no further away than this.
AT_THE_DOOR = timedelta(seconds=60)
#: After the first refused change of a lock that can be read: a second one, to be sure, before anybody is told.
CONFIRM_REFUSAL = timedelta(seconds=5)

OUTAGE_LOCKS = 3
OUTAGE_SPAN = timedelta(seconds=60)
OUTAGE_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120))

#: The causes for which a guest at the door shortens the rest. An offline lock is not asked more often than any: one
#: `sync` each minute notices that it is back. What only a person can fix, and a limit, stay as they are.
_HURRIED = frozenset({Cause.BUSY, Cause.TIMEOUT, Cause.SERVER, Cause.NETWORK})
#: Where the answer to a change was lost in this way, nobody is the wiser for waiting: looking tells what became of it.
_LOOKED_AT_ONCE = frozenset({Cause.TIMEOUT, Cause.NETWORK})


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
    Cause.RENEWAL: Scope.ACCOUNT,
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
    begun: bool = False,
    in_doubt: bool = False,
    jitter: float,
) -> timedelta:
    """How long to rest before the next try, after `failures` consecutive failures including this one.

    0. `in_doubt`: the answer to a change was lost (408, or the connection broke), and the next request only looks. The
       first time no rest at all; it counts as a failure all the same, so if looking fails alike, the lock rests.
    1. The cause and `alike` choose a delay; `alike` says how many failures in a row had this same cause (`None`: all).
       It is multiplied by `jitter` (random, 0.5 to 1), so that locks which failed together do not return together.
       A lock that fails in another way each time is alive; long rests are for one that keeps saying the same:

           409             0.25  0.5   1  2   5   15   30 s
           408, network    0.25  0.25  1  6  30  120  300 s   (0 where step 0 holds)
           5xx             0.5   2     6 30 120  300      s
           428             0.5   2     5 15  60  120  300 s

       With 408 for every fifth request, 409 for every tenth and 428 for every twentieth, a lock that needs 0.1 s for a
       request is idle for less than half of the time.
    2. A server's `retry_after`, in seconds, replaces that; it is never shortened, but capped to a day.
    3. After ten failures in a row, whatever the causes, at most 20 tries an hour, unless the deadline is within the
       hour or past.
    4. `begun`: the deadline is past and the guest waits at the door. Where the lock or the cloud fails by itself, at
       most a minute, however many failures there were. Only a server's `retry_after` still counts.
       A rest that began before the deadline lasts no longer than a minute beyond it.
    5. After a hang at least 15 seconds: the server may still be working on the lost request.

    There is no last try: giving up would not help the guest at the door. Raises `ValueError` for another `jitter`.
    """
    if not 0.5 <= jitter <= 1:
        raise ValueError("Jitter is between 0.5 and 1.")
    if retry_after is None:
        steps = DELAYS[cause]
        repeats = failures if alike is None else alike
        if in_doubt and not hung and cause in _LOOKED_AT_ONCE and repeats <= 1 and failures < MANY_FAILURES:
            return timedelta()
        wait = timedelta(seconds=steps[min(max(repeats, 1), len(steps)) - 1] * jitter)
    else:
        # `max` and `min` before the timedelta: an absurd number of seconds would overflow it.
        wait = timedelta(seconds=min(max(retry_after, 0.0), LONGEST_WAIT.total_seconds()))
    wait = max(wait, SHORTEST_WAIT)
    pressing = until_deadline is not None and until_deadline <= DEADLINE_IS_NEAR
    if failures >= MANY_FAILURES and not pressing:
        wait = max(wait, REST_AFTER_MANY)
    if cause in _HURRIED and retry_after is None:
        if begun:
            wait = min(wait, AT_THE_DOOR)
        elif until_deadline is not None and until_deadline > timedelta():
            wait = min(wait, until_deadline + AT_THE_DOOR)  # the guest may be at the door before the rest is over
    if hung:
        wait = max(wait, REST_AFTER_HANG)
    return wait


def outage(faults: Sequence[tuple[Hashable, datetime]], now: datetime) -> bool:
    """Whether network and server faults, as (lock, moment), look like the cloud's failure and not a lock's.

    Three different locks within a minute, and no answer to any lock of the account in between: a cloud that answers
    one of them is there. `faults`: since the last answer, and only of locks that were well before. Then the account
    pauses and one request probes.
    """
    recent = {lock for lock, at in faults if now - at <= OUTAGE_SPAN}
    return len(recent) >= OUTAGE_LOCKS


def outage_delay(probes: int, tried: int = 0, *, begun: bool = False) -> timedelta:
    """How long the account rests before the next probe. `probes` counts those that have failed so far, `tried` the
    different locks that failed in this outage: each lock is tried once soon, since it may be in order; then probes
    become rarer. `begun`: a guest waits at one of the account's doors, so at most a minute."""
    wait = OUTAGE_DELAYS[min(max(probes - tried, 0), len(OUTAGE_DELAYS) - 1)]
    return min(wait, AT_THE_DOOR) if begun else wait


def next_probe(due: Collection[int], faults: Mapping[int, datetime], last: int | None) -> int | None:
    """Which lock sends the one request that probes; `None` if none has work. `due`: the locks with work that do not
    rest; `faults`: when each of them last failed; `last`: whose probe failed last.

    The one that failed longest ago, those that did not fail at all first. So a lock that always fails cannot keep the
    probe for itself, and one in order has it next. Among equals in turn, by number, after the last.
    """

    def turn(lock: int) -> tuple[float, bool, int]:
        failed_at = faults.get(lock)
        return (failed_at.timestamp() if failed_at is not None else 0.0, last is not None and lock <= last, lock)

    return min(due, key=turn, default=None)


def scope_missing(refused: int, locks: int, *, others_differ: bool) -> bool:
    """Whether changes that are refused, while the lock can be read, are the key's fault and not one lock's.

    `refused`: so many changes of the account in a row, on so many different `locks`. `others_differ`: another lock of
    the account holds codes of ours, so the key may change it; or one that was refused nothing yet is about to try, and
    its answer tells more than another one of the only lock that refused.
    """
    return refused >= 2 and (locks >= 2 or not others_differ)
