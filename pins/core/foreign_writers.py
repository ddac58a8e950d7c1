"""Who may have put a code of other people on a lock, as far as its name tells. Pure.

Two systems that make codes for the same guests on one lock are a trap: the guest gets two codes, one of them from a
system that knows nothing of changes in the other. Only Airbnb documents how its codes are named; the others are
recognised by words that people and tools use, and said to be a guess.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from rentals.phrases import phrase


class Writer(StrEnum):
    """By whom a code seems to be made."""

    AIRBNB = "airbnb"
    TEDEE_PORTAL = "tedee_portal"
    HOSPITABLE = "hospitable"
    TOOL = "tool"  # for a booking, by nobody whom we know
    PERSON = "person"

    @property
    def words(self) -> str:
        return NAMES[self]


#: Each in words, for people. Phrases, as the remedies are.
NAMES: Final[dict[Writer, str]] = {
    Writer.AIRBNB: "Airbnb",
    Writer.TEDEE_PORTAL: phrase("the Tedee portal"),
    Writer.HOSPITABLE: "Hospitable",
    Writer.TOOL: phrase("a booking tool, such as the Tedee portal or Hospitable"),
    Writer.PERSON: phrase("a person"),
}
#: Where its own codes are switched off.
REMEDIES: Final[dict[Writer, str]] = {
    Writer.AIRBNB: phrase("Disconnect the lock in the listing at Airbnb before Turnkey begins to write."),
    Writer.TEDEE_PORTAL: phrase(
        "Switch its automation off at portal.tedee.com, Short-term rentals, before Turnkey begins to write."
    ),
    Writer.HOSPITABLE: phrase("Disconnect the lock at Hospitable, Devices, before Turnkey begins to write."),
    Writer.TOOL: phrase("Find the tool, and switch its codes off before Turnkey begins to write."),
}

#: Check-in as month and day, first name, six letters: `07/24 Brian xNSAgd` (Airbnb Help Centre, article 3482).
_AIRBNB: Final = re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01]) \S.* [A-Za-z]{6}")
_AIRBNB_RESERVATION: Final = re.compile(r"\bHM[A-Z0-9]{8}\b")
#: Channel managers that the portal connects to (Tedee knowledge base, short-term rentals) count as the portal.
_PORTAL: Final = re.compile(r"\b(tedee|guesty|smoobu)\b", re.IGNORECASE)
_HOSPITABLE: Final = re.compile(r"\b(hospitable|smartbnb)\b", re.IGNORECASE)
_TOOL: Final = re.compile(
    r"\b(airbnb|booking|reservation|vrbo|check-?in|back-?up|hostaway|hostify|lodgify|ownerrez|beds24|seam|igms)\b"
    r"|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}\.?(\d{2,4})?\b",
    re.IGNORECASE,
)


def writer_of(name: str) -> Writer:
    """Who seems to have made the code of this name. `name`: as `pins.core.alias.foreign_name` writes it."""
    if _AIRBNB.fullmatch(name) or _AIRBNB_RESERVATION.search(name):
        return Writer.AIRBNB
    if _HOSPITABLE.search(name):
        return Writer.HOSPITABLE
    if _PORTAL.search(name):
        return Writer.TEDEE_PORTAL
    return Writer.TOOL if _TOOL.search(name) else Writer.PERSON


def counted_writers(names: Iterable[str]) -> tuple[tuple[Writer, int], ...]:
    """How many codes each writer seems to have, those with most first."""
    found = Counter(writer_of(name) for name in names)
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0].value)))
