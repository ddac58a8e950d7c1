"""Incidents in plain words: what is wrong, and what a person can do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of incident for people."""

    what: str
    remedy: str


#: By `Incident.Kind`; each kind has an entry (see tests).
TROUBLES: Final[dict[str, Trouble]] = {
    "code_late": Trouble(
        "The code is not on the lock yet",
        "Look at the stay: it says why and when it is tried again. If the guest comes first, let them in another way.",
    ),
    "code_stays": Trouble(
        "The code is still on the lock after check-out",
        "It is tried again by itself, unless the lock is only watched. To be sure today, remove it in the Tedee app.",
    ),
    "value_refused": Trouble(
        "The lock refuses the code",
        "Press “New code” on the stay; when the guest was told the code, “Revoke” first.",
    ),
    "value_taken": Trouble(
        "Another code on the lock has the same digits",
        "Remove the other code in the Tedee app and press “Try again now” on the stay.",
    ),
    "code_changed": Trouble("The guest's code had to be changed", "Show the new code on the stay and tell the guest."),
    "no_room": Trouble("The lock has no room for more codes", "Remove codes that nobody needs in the Tedee app."),
    "too_many_codes": Trouble(
        "More stays than the lock has room for",
        "Nearer arrivals come first. Lower “issue ahead days” of its properties, or give them another lock.",
    ),
    "no_permission": Trouble(
        "The account may not manage this lock", "In the Tedee app, let the account's user manage this lock."
    ),
    "lock_unknown": Trouble("Tedee does not know this lock any more", "Fetch the locks of its account again."),
    "feed_held": Trouble("Many stays vanished from a calendar", "Nothing is cancelled until you keep or cancel them."),
    "feed_reset": Trouble("The link of a calendar no longer exists", "Copy the channel's new export link into it."),
    "feed_failing": Trouble("A calendar cannot be read", "It is tried again by itself; its page says why."),
    "feed_stale": Trouble("A calendar could not be read for a day", "Its page says why. Enter new stays by hand."),
    "dead_key": Trouble(
        "Tedee refuses the access key", "Make a new key at portal.tedee.com and enter it in the lock account."
    ),
}


def trouble(kind: str) -> Trouble:
    return TROUBLES.get(kind, Trouble("Something needs a look", "Open it: its page says more."))
