"""Incidents in plain words: what is wrong, and what a person can do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rentals.wording import Badge, Tone


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
    "outcome_unknown": Trouble(
        "Nobody knows yet whether the code is on the lock",
        "Answers of the lock get lost: check its bridge and Wi-Fi. Turnkey looks before it acts; no code is set twice.",
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
        "Remove the other code in the Tedee app and press “Try again now” on the stay. Or “Revoke” ours and give the "
        "guest a new one.",
    ),
    "code_changed": Trouble("The guest's code had to be changed", "Show the new code on the stay and tell the guest."),
    "changed_in_app": Trouble(
        "Somebody changed or removed our code in the Tedee app",
        "Turnkey sets it again as the stay asks. To take it away for good, cancel the stay or press “Revoke” on it.",
    ),
    "lock_offline": Trouble(
        "The lock cannot be reached",
        "Check the bridge and its Wi-Fi, and the lock's battery. If the Tedee app shows it online, check its keypad.",
    ),
    "no_keypad": Trouble(
        "The lock has no keypad, and guests are expected",
        "Connect a keypad in the Tedee app, then fetch the locks of the account. Until then let guests in another way.",
    ),
    "no_room": Trouble("The lock has no room for more codes", "Remove codes that nobody needs in the Tedee app."),
    "too_many_codes": Trouble(
        "More stays than the lock has room for",
        "Nearer arrivals come first. Lower “issue ahead days” of its properties, or raise the lock's room for codes if "
        "it has more.",
    ),
    "no_permission": Trouble(
        "The account may not manage this lock", "In the Tedee app, let the account's user manage this lock."
    ),
    "lock_unknown": Trouble("Tedee does not know this lock any more", "Fetch the locks of its account again."),
    "zone_differs": Trouble(
        "Lock and property are in different time zones",
        "Codes work at the property's times. If those are wrong, correct the property's time zone; else the lock's in "
        "the Tedee app.",
    ),
    "stays_overlap": Trouble(
        "Two stays of one property overlap",
        "Both guests get a code. Move or cancel one of the stays, or block the days in the other channel.",
    ),
    "feed_held": Trouble(
        "A calendar waits for your decision",
        "Open the calendar and keep or cancel the stays that it names. Nothing is cancelled until you decide.",
    ),
    "feed_reset": Trouble(
        "The link of a calendar no longer exists",
        "Copy a new export link from the channel into the calendar. Its stays are kept.",
    ),
    "feed_failing": Trouble(
        "A calendar cannot be read", "It is tried again by itself; its page says why. Its stays are kept."
    ),
    "feed_stale": Trouble(
        "A calendar could not be read for a day", "Its page says why. Its stays are kept; enter new stays by hand."
    ),
    "dead_key": Trouble(
        "Tedee refuses the access key", "Make a new key at portal.tedee.com and enter it in the lock account."
    ),
    "budget_spent": Trouble(
        "Too few requests are left for the doors that are due",
        "The most urgent doors come first. If it happens often, share the locks out over several Tedee users.",
    ),
}

#: By `Incident.Severity`. Urgent asks a person to act now; the others go on, or end, by themselves for the moment.
SEVERITIES: Final[dict[str, Badge]] = {
    "urgent": Badge("Urgent", Tone.ACT),
    "warning": Badge("Warning", Tone.TROUBLE),
    "notice": Badge("Notice", Tone.TROUBLE),
}


def trouble(kind: str) -> Trouble:
    return TROUBLES.get(kind, Trouble("Something needs a look", "Open it: its page says more."))


def severity_badge(severity: str) -> Badge:
    return SEVERITIES.get(severity, SEVERITIES["warning"])
