"""Incidents in plain words: what is wrong, and what a person can do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rentals.wording import Badge, Tone


@dataclass(frozen=True, slots=True)
class IncidentText:
    """One kind of incident for people."""

    what: str  # what is wrong, without a full stop
    remedy: str  # what a person can do, in sentences


#: By `Incident.Kind`; each kind has an entry (see tests).
TEXTS: Final[dict[str, IncidentText]] = {
    "code_late": IncidentText(
        "The code is not on the lock yet",
        "Open the stay: it says why, and when Turnkey tries again. If the guest comes first, let them in another way.",
    ),
    "outcome_unknown": IncidentText(
        "Nobody knows yet whether the code is on the lock",
        "Answers of the lock get lost: check its bridge and Wi-Fi. Turnkey reads the lock before it writes again, so "
        "no code is set twice.",
    ),
    "code_stays": IncidentText(
        "The code is still on the lock after check-out",
        "Turnkey tries again by itself, unless the account is observe-only. To be sure today, remove the code in the "
        "Tedee app.",
    ),
    "value_refused": IncidentText(
        "The lock refuses the code",
        "Press “New code” on the stay; if the code was already shown, press “Revoke” first.",
    ),
    "value_taken": IncidentText(
        "Another code on the lock has the same digits",
        "Remove the other code in the Tedee app and press “Try again now” on the stay. Or press “Revoke” and "
        "“New code”, and tell the guest the new one.",
    ),
    "code_changed": IncidentText(
        "The guest's code had to be changed", "Open the stay, show the new code and tell the guest."
    ),
    "changed_in_app": IncidentText(
        "Somebody changed or removed our code in the Tedee app",
        "Turnkey sets it again while the stay needs it. To remove it for good, cancel the stay or press “Revoke”.",
    ),
    "lock_offline": IncidentText(
        "The lock cannot be reached",
        "Check the bridge and its Wi-Fi, and the lock's battery. If the Tedee app shows it online, check its keypad.",
    ),
    "no_keypad": IncidentText(
        "The lock has no keypad, and guests are expected",
        "Connect a keypad in the Tedee app, then fetch the locks of the account. Until then let guests in another way.",
    ),
    "no_room": IncidentText("The lock has no room for more codes", "In the Tedee app, remove codes that nobody needs."),
    "too_many_codes": IncidentText(
        "More stays than the lock has room for",
        "Nearer arrivals come first. Lower “issue ahead days” of its properties, or raise the lock's room for codes if "
        "it has more.",
    ),
    "no_permission": IncidentText(
        "The account may not manage this lock", "In the Tedee app, let the account's user manage this lock."
    ),
    "lock_unknown": IncidentText("Tedee does not know this lock any more", "Fetch the locks of its account again."),
    "zone_differs": IncidentText(
        "Lock and property are in different time zones",
        "Codes work at the property's times. If those are wrong, correct the property's time zone; else the lock's in "
        "the Tedee app.",
    ),
    "stays_overlap": IncidentText(
        "Two stays of one property overlap",
        "Both guests get a code. Move or cancel one of the stays, or block the days in the other channel.",
    ),
    "feed_held": IncidentText(
        "A calendar waits for your decision",
        "Open the calendar, and keep or cancel the stays that it names. Nothing is cancelled until you decide.",
    ),
    "feed_reset": IncidentText(
        "The link of a calendar no longer exists",
        "Copy a new export link from the channel into the calendar. Its stays are kept.",
    ),
    "feed_failing": IncidentText(
        "A calendar cannot be read", "Turnkey tries again by itself; its page says why. Its stays are kept."
    ),
    "feed_stale": IncidentText(
        "A calendar could not be read for a day", "Its page says why. Its stays are kept; enter new stays by hand."
    ),
    "dead_key": IncidentText(
        "Tedee refuses the access key", "Make a new key at portal.tedee.com and enter it in the lock account."
    ),
    "budget_spent": IncidentText(
        "Not enough requests are left this hour for the locks that are due",
        "The most urgent locks come first. If this happens often, divide the locks between several Tedee users.",
    ),
}

#: By `Incident.Severity`. Urgent: a person must act now. The others need nobody at the moment.
SEVERITIES: Final[dict[str, Badge]] = {
    "urgent": Badge("Urgent", Tone.ACT),
    "warning": Badge("Warning", Tone.TROUBLE),
    "notice": Badge("Notice", Tone.TROUBLE),
}


def text_of(kind: str) -> IncidentText:
    """The text of an `Incident.Kind`; a general one for a kind that another release stored."""
    return TEXTS.get(kind, IncidentText("Something needs a look", "Open it: its page says more."))


def severity_badge(severity: str) -> Badge:
    return SEVERITIES.get(severity, SEVERITIES["warning"])
