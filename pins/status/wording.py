"""Plain words for what happens on the locks: for the admin and whatever else people read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pins.core.pin_state import Blocked, State
from pins.tedee.errors import Cause
from rentals.wording import Badge, Tone, counted


@dataclass(frozen=True)
class Standing:
    """What one PIN's stored facts say, as far as words need them. Times are UTC."""

    state: State
    wanted: bool
    admitted: bool
    issue_at: datetime
    ends_at: datetime
    trouble: str = ""  # a cause: why the last request did not succeed, or why lock or account rest
    watched: bool = False  # the lock's account is only watched: nothing is written to the lock


#: The lock's account is only watched: the code is worked out and not put on the lock.
WATCHED = Badge("Watching only", Tone.WAITING)
#: The same for a code that is on the lock from before, and should not be.
LEFT_THERE = Badge("Not removed", Tone.TROUBLE)


def badge(standing: Standing, now: datetime) -> Badge:
    """The state of one PIN in words. What the stored state has not caught up with yet, the clock tells."""
    over = not standing.wanted or standing.ends_at <= now
    state = standing.state
    if state is State.BLOCKED and not over:
        return Badge("Needs you", Tone.ACT)
    if state is State.REMOVED or (over and state in (State.SCHEDULED, State.BLOCKED)):
        return Badge("Removed", Tone.OVER)
    if standing.watched and (over or state is State.REMOVING) and state is not State.IN_DOUBT:
        return LEFT_THERE
    if over or state is State.REMOVING:
        return Badge("Being removed", Tone.TROUBLE if standing.trouble else Tone.BUSY)
    if state is State.SET:
        return Badge("Ready", Tone.READY)
    if not standing.admitted and not standing.watched:
        return Badge("Waits for room", Tone.TROUBLE)
    if now < standing.issue_at and state is State.SCHEDULED:
        return Badge("Planned", Tone.WAITING)
    if standing.trouble in MUST_ACT:
        return Badge("Needs you", Tone.ACT)
    if state is State.IN_DOUBT:
        return Badge("Checking", Tone.TROUBLE)
    if standing.watched:
        return WATCHED
    if standing.trouble:
        return Badge("Trying again", Tone.TROUBLE)
    if state is State.CHANGING:
        return Badge("Being changed", Tone.BUSY)
    return Badge("On its way", Tone.BUSY)


#: Trouble that does not go away by itself.
MUST_ACT = frozenset({Cause.UNAUTHORIZED.value, Cause.FORBIDDEN.value, Cause.NO_ROOM.value})

_CAUSES = {
    Cause.OFFLINE.value: "The lock is offline",
    Cause.BUSY.value: "The lock is busy with another request",
    Cause.TIMEOUT.value: "The lock does not answer in time",
    Cause.SERVER.value: "The Tedee cloud has a fault",
    Cause.NETWORK.value: "The Tedee cloud cannot be reached",
    Cause.RATE_LIMITED.value: "Tedee takes no more requests of this account for a while",
    Cause.UNAUTHORIZED.value: "Tedee refuses the access key of the account",
    Cause.FORBIDDEN.value: "The account may not manage this lock",
    Cause.BAD_REQUEST.value: "The lock refused the code",
    Cause.NOT_FOUND.value: "The code was no longer on the lock",
    Cause.PIN_EXISTS.value: "The lock has a code with the same digits",
    Cause.NO_ROOM.value: "The lock has no room for more codes",
    "budget": "The requests of this hour are used up; the most urgent doors come first",
    "crash": "Turnkey was interrupted while it spoke to the lock",
}
_REMEDIES = {
    Cause.OFFLINE.value: "Check the bridge and its Wi-Fi, and the lock's battery.",
    Cause.UNAUTHORIZED.value: "Make a new key at portal.tedee.com and enter it in the lock account.",
    Cause.FORBIDDEN.value: "In the Tedee app, let the account's user manage this lock.",
    Cause.NO_ROOM.value: "In the Tedee app, remove codes that nobody needs any more.",
}
_LASTING = frozenset({Cause.OFFLINE.value, Cause.TIMEOUT.value, Cause.SERVER.value, Cause.NETWORK.value})


def reason(cause: str, since: str = "") -> str:
    """Why it does not go on, one sentence; `since` is a time of day, for causes that last."""
    text = _CAUSES.get(cause, "The last try did not succeed")
    return f"{text} (since {since})." if since and cause in _LASTING else f"{text}."


def remedy(cause: str) -> str:
    """What a person can do about a cause; empty when it passes by itself."""
    return _REMEDIES.get(cause, "")


def blocked_reason(blocked: str) -> str:
    """Why a person must act, and how."""
    if blocked == Blocked.VALUE_TAKEN:
        return (
            "Another code on this lock has the same digits, and the guest was told ours. Remove the other code in the "
            "Tedee app and press “Try again now”. Or press “Revoke” and then “New code”, and tell the guest."
        )
    return (
        "The lock refused the code more than once. Press “New code”; when the guest was told the code, “Revoke” first. "
        "If that does not help, check the lock in the Tedee app."
    )


def only_watched(locks: Sequence[str]) -> str:
    """What it means for guests that Turnkey only watches these locks; they are named."""
    names = ", ".join(f"“{name}”" for name in locks)
    return (
        f"Turnkey only watches {names}: it works the codes out and writes nothing to the lock{'s' * (len(locks) > 1)}. "
        "Let guests in as you did before, or take the tick “Only watch” away on the page of the lock account."
    )


#: Beside a code that only watching leaves on a lock.
STAYS_THERE = (
    "Turnkey only watches this lock, so the code stays on it until it ends by itself. If it must be gone now, remove "
    "it in the Tedee app."
)


def doors(count: int) -> str:
    return counted(count, "lock")
