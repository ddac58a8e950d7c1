"""What the templates of the guest's page get: texts in the guest's language, times on the property's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from pins.guests import leaving, reading, words
from pins.guests.reading import GuestStay
from pins.guests.status import CodeStatus, DoorStatus, code_status, door_status
from pins.models import GuestGuide
from rentals import departure
from rentals.fields import UndecryptableValue
from rentals.models import Booking

#: Opened only when the guest presses it; nothing of it is loaded.
_MAP: Final = "https://www.google.com/maps/search/?api=1&query="
_SIGNS: Final = {
    DoorStatus.PLANNED: "○",
    DoorStatus.BEING_SET: "↻",
    DoorStatus.READY: "✓",
    DoorStatus.ACTIVE: "✓",
    DoorStatus.SPARE: "✓",
    DoorStatus.REPAIRED: "!",
    DoorStatus.ENDED: "◦",
}


@dataclass(frozen=True)
class DoorLine:
    """One door on the page."""

    name: str
    status: DoorStatus
    sign: str  # beside the word, because many people cannot tell colours apart
    word: str


def context(stay: GuestStay, language: str, now: datetime) -> dict[str, Any]:
    """The context, without a code. Call it while the language is active (`words.speaking`)."""
    booking, guide, facts = stay.booking, stay.guide, stay.facts
    zone = booking.property.zone
    doors = [_line(one.name, door_status(facts, one, now)) for one in facts.doors]
    status = code_status(facts, now)
    own = reading.words_of(guide, language)
    left = _left(booking, facts.works_until, now)
    is_expected = not left and status not in (CodeStatus.NO_STAY, CodeStatus.ENDED)
    return {
        "language": language,
        "languages": words.OWN_NAMES,
        "labels": words.labels(),
        "title": booking.property.name,
        "hello": words.hello(booking.guest_name.partition(" ")[0]),
        "arrival": words.day_and_clock(booking.check_in, zone),
        "departure": words.day_and_clock(booking.check_out, zone),
        "countdown": words.countdown(booking.check_in, booking.check_out, now) if is_expected else "",
        "zone_note": words.zone_note(booking.property.timezone),
        "left": left,
        "may_leave": leaving.may_leave(stay, now),
        "seen": leaving.seen(booking),
        "leave_first": words.leave_first(),
        "status": words.code(status, (one.status for one in doors), words.day_and_clock(facts.code_from, zone)),
        "tone": "ready" if status is CodeStatus.AVAILABLE else "waiting",
        "may_show": status is CodeStatus.AVAILABLE,
        "may_look_again": status in (CodeStatus.NOT_READY, CodeStatus.NOT_RELEASED),
        "code_works": words.code_works(
            words.day_and_clock(facts.works_from, zone), words.day_and_clock(facts.works_until, zone)
        ),
        "may_ask": is_expected and now >= facts.code_from,
        "is_expected": is_expected,
        "doors": doors,
        # Where the stay is off, whoever has the link learns nothing about the flat any more.
        "guide": guide if is_expected else None,
        "wifi_password": _wifi_password(guide) if is_expected else "",
        "host_phone": guide.host_phone,
        "map": _MAP + quote(guide.address) if guide.address else "",
        "own": own if is_expected else None,
        "pictures": list(guide.pictures.defer("data")) if is_expected else [],
        "leave_by": words.leave_by(words.day_and_clock(booking.check_out, zone)) if is_expected else "",
    }


def _left(booking: Booking, works_until: datetime, now: datetime) -> list[str]:
    """What is said to a guest who checked out early: since when the stay is over, how long the code works, and whom to
    ask. Empty for others."""
    if booking.check_out > now:
        return []
    early = departure.of(booking)
    if early is None:
        return []
    zone = booking.property.zone
    works = words.day_and_clock(works_until, zone) if works_until > now else ""
    return words.left(words.day_and_clock(early.left_at, zone), works)


def _wifi_password(guide: GuestGuide) -> str:
    """Empty where no configured key opens it: the rest of the page opens doors."""
    try:
        return guide.wifi_password
    except UndecryptableValue:
        return ""


def _line(name: str, status: DoorStatus) -> DoorLine:
    return DoorLine(name, status, _SIGNS[status], words.door(status))
