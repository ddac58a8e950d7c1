"""Plain words for what happens on the locks, on every screen and in every message, in the language that is active.

Asks no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core.pin_state import Blocked, State
from pins.tedee.errors import Cause
from rentals.phrases import mark
from rentals.wording import Badge, Tone


class Kind(StrEnum):
    """What a badge about a code, a stay or a lock stands for. Of a stay with several locks: the kind of the worst."""

    PLANNED = "planned"  # its time to be put on the lock has not come
    ON_ITS_WAY = "on_its_way"
    READY = "ready"
    BEING_CHANGED = "being_changed"
    TRYING_AGAIN = "trying_again"
    CHECKING = "checking"  # an answer was lost
    NO_ROOM = "no_room"  # the keypad is full
    NEEDS_YOU = "needs_you"
    OBSERVED = "observed"  # the account is observe-only: the code is worked out and not put on the lock
    LEFT_THERE = "left_there"  # observe-only, and a former code is still on the lock
    BEING_REMOVED = "being_removed"
    REMOVED = "removed"
    # Of a stay as a whole:
    NO_CODE = "no_code"
    NO_LOCK = "no_lock"
    PROPERTY_OFF = "property_off"
    REVOKED = "revoked"
    OVER = "over"
    # Of a lock, whatever its codes:
    NO_KEYPAD = "no_keypad"
    NO_BRIDGE = "no_bridge"
    LOCK_OFF = "lock_off"
    OFFLINE = "offline"
    RESTING = "resting"  # it, or its account, is not tried before a moment
    BATTERY_LOW = "battery_low"
    IN_ORDER = "in_order"


@dataclass(frozen=True)
class Standing:
    """What is stored about one PIN, as far as words need it. Times are UTC."""

    state: State
    wanted: bool
    admitted: bool
    issue_at: datetime
    ends_at: datetime
    trouble: str = ""  # a cause: why the last request did not succeed, or why the lock or its account rests
    observe_only: bool = False  # nothing is written to the lock


def observe_only(label: str = "") -> Badge:
    return Badge(label or _("Observe only"), Tone.WAITING, Kind.OBSERVED)


def needs_you() -> Badge:
    return Badge(_("Needs you"), Tone.ACT, Kind.NEEDS_YOU)


def planned() -> Badge:
    return Badge(_("Planned"), Tone.WAITING, Kind.PLANNED)


def being_changed() -> Badge:
    return Badge(_("Being changed"), Tone.BUSY, Kind.BEING_CHANGED)


def badge(standing: Standing, now: datetime) -> Badge:
    """The state of one PIN in words. The clock counts, too: a stored state may not have caught up with it yet."""
    over = not standing.wanted or standing.ends_at <= now
    state = standing.state
    if state is State.BLOCKED and not over:
        return needs_you()
    if state is State.REMOVED or (over and state in (State.SCHEDULED, State.BLOCKED)):
        return Badge(_("Removed"), Tone.OVER, Kind.REMOVED)
    if standing.observe_only and (over or state is State.REMOVING) and state is not State.IN_DOUBT:
        return Badge(_("Not removed"), Tone.TROUBLE, Kind.LEFT_THERE)
    if over or state is State.REMOVING:
        return Badge(_("Being removed"), Tone.TROUBLE if standing.trouble else Tone.BUSY, Kind.BEING_REMOVED)
    if state is State.SET:
        return Badge(_("Ready"), Tone.READY, Kind.READY)
    if not standing.admitted and not standing.observe_only:
        return Badge(_("Waits for room"), Tone.TROUBLE, Kind.NO_ROOM)
    if now < standing.issue_at and state is State.SCHEDULED:
        return planned()
    if standing.trouble in MUST_ACT:
        return needs_you()
    if state is State.IN_DOUBT:
        return Badge(_("Checking"), Tone.TROUBLE, Kind.CHECKING)
    if standing.observe_only:
        return observe_only()
    if standing.trouble:
        return Badge(_("Trying again"), Tone.TROUBLE, Kind.TRYING_AGAIN)
    if state is State.CHANGING:
        return being_changed()
    return Badge(_("On its way"), Tone.BUSY, Kind.ON_ITS_WAY)


#: Trouble that does not go away by itself.
MUST_ACT = frozenset(
    {Cause.UNAUTHORIZED.value, Cause.FORBIDDEN.value, Cause.NO_ROOM.value, "no_write_scope", "connection"}
)

_CAUSES = {
    Cause.OFFLINE.value: mark("The lock is offline"),
    Cause.BUSY.value: mark("The lock is busy with another request"),
    Cause.TIMEOUT.value: mark("The lock does not answer in time"),
    Cause.SERVER.value: mark("The Tedee cloud has a fault"),
    Cause.NETWORK.value: mark("The Tedee cloud cannot be reached"),
    Cause.RATE_LIMITED.value: mark("Tedee takes no more requests from this account for a while"),
    Cause.UNAUTHORIZED.value: mark("Tedee refuses the access key of the account"),
    Cause.FORBIDDEN.value: mark("The account may not manage this lock"),
    Cause.BAD_REQUEST.value: mark("The lock refused the code"),
    Cause.NOT_FOUND.value: mark("The code was no longer on the lock"),
    Cause.PIN_EXISTS.value: mark("The lock has a code with the same digits"),
    Cause.NO_ROOM.value: mark("The lock has no room for more codes"),
    Cause.RENEWAL.value: mark("The account's access to Tedee is being renewed"),
    "connection": mark("Tedee no longer accepts the connection of the account"),
    "no_write_scope": mark("The access key may read locks, but not change codes"),
    "budget": mark("No requests are left this hour; the most urgent locks come first"),
    "crash": mark("Turnkey was interrupted during a request to the lock"),
}
_UNKNOWN: Final = mark("The last try did not succeed")
_REMEDIES = {
    Cause.OFFLINE.value: mark("Check the bridge and its Wi-Fi, and the lock's battery."),
    Cause.UNAUTHORIZED.value: mark("Make a new key at portal.tedee.com and enter it in the lock account."),
    Cause.FORBIDDEN.value: mark("In the Tedee app, let the account's user manage this lock."),
    Cause.NO_ROOM.value: mark("In the Tedee app, remove codes that nobody needs any more."),
    "connection": mark("Open the lock account and press “Connect with Tedee”."),
    "no_write_scope": mark("Make a new key with the scope Device.ReadWrite, and enter it in the lock account."),
}
_LASTING = frozenset({Cause.OFFLINE.value, Cause.TIMEOUT.value, Cause.SERVER.value, Cause.NETWORK.value})


def reason(cause: str, since: str = "") -> str:
    """Why nothing goes on, in one sentence. `since`: when it began, in words; only said of causes that last."""
    text = _(_CAUSES.get(cause, _UNKNOWN))
    if since and cause in _LASTING:
        return _("{reason} (since {since}).").format(reason=text, since=since)
    return f"{text}."


def remedy(cause: str) -> str:
    """What a person can do about a cause; empty where it passes by itself."""
    text = _REMEDIES.get(cause, "")
    return _(text) if text else ""


def blocked_reason(blocked: str) -> str:
    """Why a person must act, and how. `blocked`: a value of `Blocked`."""
    if blocked == Blocked.VALUE_TAKEN:
        return _(
            "Another code on this lock has the same digits, and ours was already shown. Remove the other code in the "
            "Tedee app and press “Try again now”. Or press “Revoke” and then “New code”, and tell the guest."
        )
    if blocked == Blocked.CREATED_OFTEN:
        return _(
            "The code was sent to the lock several times, and nothing shows what became of it. Turnkey only reads the "
            "lock now, so that no more codes are made. Look at this lock's codes in the Tedee app. If ours is not "
            "there, press “Try again now”: Turnkey then sends it once more."
        )
    if blocked == Blocked.EDITED_AGAIN:
        return _(
            "Somebody changed this code in the Tedee app, Turnkey put it right, and it was changed again. It stays as "
            "it is now, and may not open when the guest comes. Press “Try again now” to put it right once more, or "
            "cancel the stay."
        )
    return _(
        "The lock refused the code more than once. Press “New code”; if the code was already shown, press “Revoke” "
        "first. If that does not help, check the lock in the Tedee app."
    )


def observe_only_note(locks: Sequence[str]) -> str:
    """What it means for guests that Turnkey only observes these locks. `locks`: their names."""
    names = ", ".join(_("“{name}”").format(name=name) for name in locks)
    what = ngettext(
        "Turnkey only observes {names}: it works out the codes and writes nothing to the lock.",
        "Turnkey only observes {names}: it works out the codes and writes nothing to the locks.",
        len(locks),
    ).format(names=names)
    instead = _("Let guests in as you did before, or untick “Observe only” on the page of the lock account.")
    return f"{what} {instead}"


def stays_there() -> str:
    """Beside a code that is left on a lock of an observe-only account."""
    return _(
        "Turnkey only observes this lock, so the code stays on it until it ends by itself. If it must be gone now, "
        "remove it in the Tedee app."
    )
