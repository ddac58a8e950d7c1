"""Everything that a guest reads, in the language that is active (`speaking`), and moments as that language writes them.

All strings that are translated stand here, and in no template: so one look finds them (`make messages`), and a test
says which language lacks one. The host's own words are in `GuestText`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _

from pins.guests.diagnosis import Finding
from pins.guests.status import CodeStatus, DoorStatus
from pins.guests.timing import Kind
from rentals.languages import first_known
from rentals.models.booking import LANGUAGES

#: As each language calls itself, for the choice on the page.
OWN_NAMES: Final = {"en": "English", "pl": "Polski", "de": "Deutsch", "es": "Español", "fr": "Français"}
_KNOWN: Final = tuple(code for code, _name in LANGUAGES)


def language_of(*asked: str, browser: str = "") -> str:
    """The first of the languages that we speak: of those named, then of an Accept-Language header, then English."""
    return first_known(asked, browser, _KNOWN)


#: The languages of countries by the beginning of their telephone numbers, where one of ours is what nearly all speak.
_BY_NUMBER: Final = {
    "en": ("1", "353", "44", "61", "64"),
    "pl": ("48",),
    "de": ("423", "43", "49"),
    "es": (
        "34",
        "502",
        "503",
        "504",
        "505",
        "506",
        "507",
        "51",
        "52",
        "54",
        "56",
        "57",
        "58",
        "591",
        "593",
        "595",
        "598",
    ),
    "fr": ("33", "377"),
}


def language_of_number(phone: str) -> str:
    """The language that a guest with such a number most likely reads; "" where nobody can say. Only a guess, for those
    of whom nothing else is known."""
    digits = "".join(sign for sign in phone if sign in "+0123456789")
    whole = digits[1:] if digits.startswith("+") else digits[2:] if digits.startswith("00") else ""
    return next((language for language, begins in _BY_NUMBER.items() if whole.startswith(begins)), "")


def speaking(language: str) -> AbstractContextManager[None]:
    """Within it, texts and dates are in this language."""
    return translation.override("en-gb" if language == "en" else language)


# -- moments -----------------------------------------------------------------------------------------------------------


def day(moment: datetime, zone: ZoneInfo) -> str:
    """`Monday, 1 March 2027`."""
    local = moment.astimezone(zone)
    weekday = date_format(local, "l")
    if not (translation.get_language() or "").startswith(("en", "de")):
        weekday = weekday.lower()  # as these languages write it within a sentence
    return f"{weekday}, {date_format(local, 'DATE_FORMAT')}"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """`15:00`."""
    return f"{moment.astimezone(zone):%H:%M}"


def day_and_clock(moment: datetime, zone: ZoneInfo) -> str:
    """`Monday, 1 March 2027, 15:00`."""
    return f"{day(moment, zone)}, {clock(moment, zone)}"


def countdown(check_in: datetime, check_out: datetime, now: datetime) -> str:
    """How long it is until the stay begins, or ends; empty when it is over."""
    if now < check_in:
        return _("Your stay begins in %(span)s.") % {"span": timeuntil(check_in, now)}
    return _("Your stay ends in %(span)s.") % {"span": timeuntil(check_out, now)} if now < check_out else ""


# -- the page ----------------------------------------------------------------------------------------------------------


def labels() -> dict[str, str]:
    """Headings, buttons and other short texts of the page."""
    return {
        "skip": _("Skip to the content"),
        "language": _("Language"),
        "arrival": _("Arrival"),
        "departure": _("Departure"),
        "doors": _("Doors"),
        "code": _("Your door code"),
        "show_code": _("Show my code"),
        "hide_code": _("Hide the code"),
        "spare": _("Use this code now"),
        "how_to_enter": _("Enter it on the keypad beside the door and confirm it there."),
        "look_again": _("Look again"),
        "address": _("Address"),
        "map": _("Show on a map"),
        "finding_in": _("How to find and open the door"),
        "wifi": _("Wi-Fi"),
        "wifi_name": _("Network"),
        "wifi_password": _("Password"),
        "leaving": _("Before you leave"),
        "help": _("Does the door not open?"),
        "help_first": _("Press the button. We say what to try, and your host is told at once."),
        "cannot_get_in": _("I cannot get in"),
        "call_host": _("Call your host"),
        "try_this": _("What you can try now"),
        "host_told": _("Your host has been told."),
        "i_am_in": _("I am in now"),
        "back": _("Back to your page"),
        "check_out_now": _("Check out now"),
        "i_have_left": _("Yes, I have left"),
        "checked_out": _("You have checked out"),
        "thanks": _("Thank you. Your host knows that you are in."),
    }


def hello(first_name: str) -> str:
    return _("Hello %(name)s") % {"name": first_name} if first_name else _("Welcome")


def zone_note(zone: str) -> str:
    return _("All times are local times at the property (%(zone)s).") % {"zone": zone}


def leave_by(moment: str) -> str:
    return _("Please leave by %(moment)s.") % {"moment": moment}


def leave_first() -> str:
    """Before a guest ends the stay."""
    return _(
        "Have you left for good? Your code stops working, and you cannot come back in. Look around once more before "
        "you press the button."
    )


def left(moment: str, works_until: str) -> list[str]:
    """After that. `works_until`: empty where the code has ended."""
    said = _("You checked out on %(moment)s.") % {"moment": moment}
    if works_until:
        code = _("Your code works until %(moment)s.") % {"moment": works_until}
    else:
        code = _("Your code does not work any more.")
    return [said, code, _("Was it a mistake? Only your host can take it back. Please call or write to them.")]


def code_for(doors: Iterable[str]) -> str:
    """Which doors a code opens; empty where it opens all."""
    names = ", ".join(doors)
    return _("For %(doors)s") % {"doors": names} if names else ""


def code_works(starts: str, ends: str) -> str:
    return _("It works from %(starts)s to %(ends)s.") % {"starts": starts, "ends": ends}


def door(status: DoorStatus) -> str:
    """The status of a door in a word or two."""
    return {
        DoorStatus.PLANNED: _("Planned"),
        DoorStatus.BEING_SET: _("Being set"),
        DoorStatus.READY: _("Ready"),
        DoorStatus.ACTIVE: _("Active now"),
        DoorStatus.SPARE: _("Opens with a spare code"),
        DoorStatus.REPAIRED: _("Being repaired"),
        DoorStatus.ENDED: _("Ended"),
    }[status]


def code(status: CodeStatus, statuses: Iterable[DoorStatus], code_from: str) -> str:
    """The sentence at the top of the page: how things stand with the code."""
    found = set(statuses)
    if status is CodeStatus.ENDED:
        return _("Your stay is over.")
    if status is CodeStatus.NO_STAY:
        return _("This stay is not booked any more. Please ask your host.")
    if status is CodeStatus.NO_DOOR:
        return _("Your host will tell you how to get in.")
    if status is CodeStatus.NOT_RELEASED:
        return _("Your host still has to release your stay. Then your code is shown here.")
    if status is CodeStatus.AVAILABLE:
        return _("Your code is ready.")
    if status is CodeStatus.TOO_EARLY:
        return _("You can see your code here from %(moment)s.") % {"moment": code_from}
    if DoorStatus.REPAIRED in found:
        return _("We are working on one of the doors. Please look again in a few minutes.")
    return _("Your code is being put on the doors. Please look again in a few minutes.")


def not_shown() -> str:
    return _("Your code cannot be shown at this moment. Please try again in a few minutes.")


def finding(found: Finding, doors: Iterable[str]) -> str:
    """What was found, for the guest who stands outside."""
    names = {"doors": ", ".join(doors)}
    return {
        Finding.OVER: _("Your stay is over, so the code does not work any more."),
        Finding.NO_STAY: _("This stay is not booked any more. Please ask your host."),
        Finding.TOO_EARLY: _("It is too early: your code does not work yet. See below from when it does."),
        Finding.WRONG_CODE: _("A wrong code was entered at this door a moment ago: %(doors)s. Compare each digit.")
        % names,
        Finding.NOT_RELEASED: _("Your host still has to release your stay."),
        Finding.NO_DOOR: _("No door is set up for a code. Your host must let you in."),
        Finding.NOT_SET: _("Your code is not on this door yet: %(doors)s. We go on trying.") % names,
        Finding.NO_KEYPAD: _("There is no keypad on this door: %(doors)s. Your host must let you in.") % names,
        Finding.OFFLINE: _("This lock has no connection: %(doors)s. A code that is on it works all the same.") % names,
        Finding.BATTERY_LOW: _("The battery of this lock is low: %(doors)s. It may be slow.") % names,
        Finding.NOTHING_WRONG: _("Every door has your code, and it works at this moment. Please try once more."),
    }[found]


def what_to_try() -> tuple[str, ...]:
    """Good for every keypad."""
    return (
        _("Touch the keypad so that it lights up. Enter every digit slowly, then confirm."),
        _("After a mistake, wait ten seconds and begin anew."),
        _("While the lock turns, pull the door towards you, then push it."),
        _("Check that you stand before the right door."),
    )


def missing_page() -> tuple[str, str]:
    """Title and text for a link that shows nothing."""
    return (
        _("There is no page here"),
        _("The link is not complete, was replaced, or the stay is over. Please ask your host for the right one."),
    )


def too_often() -> tuple[str, str]:
    """Title and text for whoever asks too often."""
    return _("Please wait a moment"), _("This page was called very often. Try again in a minute.")


# -- messages ----------------------------------------------------------------------------------------------------------


def subject(kind: Kind) -> str:
    """Turnkey's own subject, a template."""
    return {
        Kind.LINK: _("Your stay at {{ property }}"),
        Kind.READY: _("Your door code for {{ property }} is ready"),
        Kind.CHANGED: _("Changed: your stay at {{ property }}"),
    }[kind]


def message() -> str:
    """Turnkey's own message, a template."""
    return _(
        "Hello {{ guest }},\n\n"
        "your stay at {{ property }} begins on {{ arrival_date }} at {{ arrival_time }} and ends on "
        "{{ departure_date }} at {{ departure_time }}.\n\n"
        "Your page, with the door code and everything about the doors:\n{{ link }}\n\n"
        "Your door code: {{ code }}\n"
        "Address: {{ address }}\n"
    )


def changed_first() -> str:
    """What stands before a message about a change."""
    return _("Something about your stay has changed. Please use this message instead of the earlier one.")


def changed_subject(own: str) -> str:
    """A host's own subject, for a change."""
    return _("Changed: %(subject)s") % {"subject": own}
