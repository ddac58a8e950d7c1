"""Incidents in plain words: what is wrong, and what a person can do about it; in the language that is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from pins.models import Incident
from rentals.phrases import mark
from rentals.wording import Badge, Tone


@dataclass(frozen=True, slots=True)
class IncidentText:
    """One incident for people."""

    what: str  # what is wrong, without a full stop
    remedy: str  # what a person can do, in sentences


#: What a person can do, in sentences, by `Incident.Kind`; each kind has an entry (see tests). In English.
REMEDIES: Final[dict[str, str]] = {
    "code_late": mark(
        "Open the stay: it says why, and when Turnkey tries again. If the guest comes first, let them in another way."
    ),
    "outcome_unknown": mark(
        "Answers of the lock get lost: check its bridge and Wi-Fi. Turnkey reads the lock before it writes again, so "
        "no code is set twice."
    ),
    "code_stays": mark(
        "Turnkey tries again by itself, unless the account is observe-only. To be sure today, remove the code in the "
        "Tedee app."
    ),
    "value_refused": mark("Press “New code” on the stay; if the code was already shown, press “Revoke” first."),
    "value_taken": mark(
        "Remove the other code in the Tedee app and press “Try again now” on the stay. Or press “Revoke” and "
        "“New code”, and tell the guest the new one."
    ),
    "code_changed": mark("Open the stay, show the new code and tell the guest."),
    "changed_in_app": mark(
        "Turnkey sets it again while the stay needs it, but fights nobody: after a second change within a day the stay "
        "waits for you. To remove the code for good, cancel the stay or press “Revoke”."
    ),
    "created_often": mark(
        "In the Tedee app, look at the codes of this lock: remove those that carry this stay's reference twice. "
        "Turnkey only reads the lock meanwhile; “Try again now” on the stay lets it send the code once more."
    ),
    "codes_pile_up": mark(
        "Turnkey sends no new code to this lock. In the Tedee app, compare its codes with the list on the lock's page, "
        "and remove those that no stay explains."
    ),
    "second_code": mark(
        "Its name and its times are not those that Turnkey sent, so Turnkey leaves it alone. The lock's page says what "
        "it is called. It opens the door: in the Tedee app, remove it, or give it other digits if somebody needs it."
    ),
    "stray_code": mark(
        "It may come from a restored backup. Open the lock's page. If nobody needs the code, remove it in the Tedee "
        "app."
    ),
    "battery_low": mark(
        "Charge or change the battery; the page of the lock says how full it is. An empty lock opens only with its key."
    ),
    "lock_offline": mark(
        "Check the bridge and its Wi-Fi, and the lock's battery. If the Tedee app shows it online, check its keypad."
    ),
    "no_keypad": mark(
        "Connect a keypad in the Tedee app, then fetch the locks of the account. Until then let guests in another way."
    ),
    "no_lock": mark(
        "Choose the locks of the property on its page: at least one that is switched on, has a keypad and takes codes. "
        "Until then let the guest in another way."
    ),
    "no_room": mark("In the Tedee app, remove codes that nobody needs."),
    "too_many_codes": mark(
        "Nearer arrivals come first. Lower “issue ahead days” of its properties, or raise the lock's room for codes if "
        "it has more."
    ),
    "no_permission": mark("In the Tedee app, let the account's user manage this lock."),
    "lock_unknown": mark(
        "See in the Tedee app whether the account's user still has the lock. If so, fetch the locks of its account."
    ),
    "zone_differs": mark(
        "Codes work at the property's times. If those are wrong, correct the property's time zone; else the lock's in "
        "the Tedee app."
    ),
    "spares_short": mark(
        "No guest is shut out because of it. Open the lock: it says whether it is offline, refuses codes or has too "
        "little room. Turnkey goes on by itself; or ask for fewer spare codes on the lock."
    ),
    "guest_shut_out": mark(
        "Call the guest, and let them in. The stay says what Turnkey found, and whether the guest got a spare code. It "
        "ends when the guest presses “I am in "
        "now”, or you press “The guest is in” on the stay."
    ),
    "guest_not_told": mark(
        "Open the stay: it says why. Correct the address under “Change the stay”, or send the guest the link yourself. "
        "Turnkey tries again until check-out. A text message that was perhaps taken is sent once more, ten minutes "
        "later."
    ),
    "stays_overlap": mark(
        "Both guests get a code. Move or cancel one of the stays, or block the days in the other channel."
    ),
    "stay_unclear": mark(
        "Say on the board, or on the calendar's page, whether it is a stay. A stay gets its code at once; until you "
        "decide there is none."
    ),
    "not_confirmed": mark("Ask the guest or the channel. Confirm the stay, then it gets its code; or cancel it."),
    "feed_held": mark(
        "Open the calendar, and keep or cancel the stays that it names. Nothing is cancelled until you decide."
    ),
    "feed_reset": mark("Copy a new export link from the channel into the calendar. Its stays are kept."),
    "feed_refused": mark(
        "Open its export link in a private browser window. If the calendar comes, the channel refuses programs: enter "
        "a User-Agent that it accepts under “Introduces itself as” on the calendar's page, or upload the calendar. If "
        "not, copy a new export link. Its stays are kept."
    ),
    "feed_failing": mark("Turnkey tries again by itself; its page says why. Its stays are kept."),
    "feed_unreadable": mark(
        "Look the row up at the channel, by its words and its day. If a guest comes, enter the stay by hand. Then, or "
        "if nobody comes, press “Not a stay” on the calendar's page."
    ),
    "feed_stale": mark("Its page says why. Its stays are kept; enter new stays by hand."),
    "dead_key": mark("Make a new key at portal.tedee.com and enter it in the lock account."),
    "no_write_scope": mark(
        "Make a new key at portal.tedee.com with the scope Device.ReadWrite, and enter it in the lock account."
    ),
    "no_activity": mark(
        "Codes work all the same; Turnkey only cannot say who arrived. Make a key with the scope DeviceActivity.Read "
        "at portal.tedee.com and enter it in the lock account, or switch “Read the activity” off there."
    ),
    "key_expires": mark(
        "Make a new key at portal.tedee.com and enter it in the lock account, whose page says when this one ends. If "
        "the user has several keys, one of the keys ends then: delete those that nobody needs."
    ),
    "connection_ended": mark(
        "Open the account: it says why. Press “Connect with Tedee” there and log in as its Tedee user; then all that "
        "is due goes on by itself."
    ),
    "connection_ends": mark(
        "It is renewed every hour or so, and that has not worked for days. Open the account: it says why. “Connect "
        "with Tedee” there makes a new one, without a break."
    ),
    "connection_fails": mark(
        "Turnkey tries again each minute by itself. Open the account: it says why. If Tedee refuses this Turnkey, "
        "check TEDEE_OAUTH_CLIENT_ID and TEDEE_OAUTH_CLIENT_SECRET."
    ),
    "budget_spent": mark(
        "The most urgent locks come first. If this happens often, divide the locks between several Tedee users."
    ),
    "logins_fail": mark(
        "They are slowed down, and nobody is locked out. The log names the addresses and the people (login_failed, "
        "login_refused). Let those people choose new passwords and switch on the second step; let the proxy or the "
        "firewall stop the addresses."
    ),
}

#: The same about the code of somebody who works there, where it is another.
_OF_STAFF: Final[dict[str, IncidentText]] = {
    "code_late": IncidentText(
        mark("The code of somebody who works there is not on the lock yet"),
        mark("Open the access: it says why, and when Turnkey tries again. Let them in another way until then."),
    ),
    "code_stays": IncidentText(
        mark("The code of somebody who works there is still on the lock after its end"), REMEDIES["code_stays"]
    ),
    "value_refused": IncidentText(
        mark("The lock refuses the code"), mark("Press “New code” on the access, and tell them.")
    ),
    "value_taken": IncidentText(
        mark("Another code on the lock has the same digits"),
        mark(
            "Remove the other code in the Tedee app and press “Try again now” on the access. Or press “New code” "
            "there, and tell them the new one."
        ),
    ),
    "code_changed": IncidentText(
        mark("The code of somebody who works there had to be changed"),
        mark("The digits were not free on this lock. Open the access, show the code of this lock and tell them."),
    ),
    "changed_in_app": IncidentText(
        mark("Somebody changed or removed our code in the Tedee app"),
        mark(
            "Turnkey sets it again, but fights nobody: after a second change within a day the code waits for you. To "
            "remove it for good, switch the access off."
        ),
    ),
    "created_often": IncidentText(
        mark("The code was sent several times, and its arrival is not confirmed"),
        mark(
            "In the Tedee app, look at the codes of this lock: remove those that carry the reference of this access "
            "twice. “Try again now” on the access lets Turnkey send the code once more."
        ),
    ),
}
_EDITED_AGAIN_OF_STAFF: Final = IncidentText(
    mark("Somebody changed our code in the Tedee app again, and it may not open"),
    mark(
        "Turnkey put it right once and leaves it as it is now. On the access, press “Try again now” to put it right "
        "once more. Or switch the access off."
    ),
)
#: For a code that somebody changed once more after it was put right: Turnkey leaves it alone.
_EDITED_AGAIN: Final = IncidentText(
    mark("Somebody changed our code in the Tedee app again, and it may not open"),
    mark(
        "Turnkey put it right once and leaves it as it is now. On the stay, press “Try again now” to put it right once "
        "more. Or cancel the stay."
    ),
)
#: By `Incident.Severity`. Urgent: a person must act now. The others need nobody at the moment.
SEVERITIES: Final = {
    "urgent": (mark("Urgent"), Tone.ACT),
    "warning": (mark("Warning"), Tone.TROUBLE),
    "notice": (mark("Notice"), Tone.TROUBLE),
}


def text_of(kind: str, *, staff: bool = False, edited_again: bool = False) -> IncidentText:
    """The text of an `Incident.Kind`; a general one for a kind that another release stored. `staff`: it is about the
    code of somebody who works there; `edited_again`: that waits because it was changed once more."""
    if edited_again:
        return _said(_EDITED_AGAIN_OF_STAFF if staff else _EDITED_AGAIN)
    if staff and kind in _OF_STAFF:
        return _said(_OF_STAFF[kind])
    if kind not in REMEDIES:
        return IncidentText(_("Something needs a look"), _("Open it: its page says more."))
    return IncidentText(str(Incident.Kind(kind).label), _(REMEDIES[kind]))


def _said(text: IncidentText) -> IncidentText:
    return IncidentText(_(text.what), _(text.remedy))


def severity_badge(severity: str) -> Badge:
    label, tone = SEVERITIES.get(severity, SEVERITIES["warning"])
    return Badge(_(label), tone)
