"""Whether two descriptions may speak of one guest. Pure.

Wrong in one direction a guest is handed somebody else's code; wrong in the other a guest gets a second code. Doubt
therefore speaks for "another guest" wherever a code would pass on.
"""

from __future__ import annotations

import unicodedata


def plain_name(name: str) -> str:
    """A name without case, accents, punctuation and doubled spaces, for comparing."""
    decomposed = unicodedata.normalize("NFKD", name)
    kept = (char if char.isalnum() else " " for char in decomposed if not unicodedata.combining(char))
    return " ".join("".join(kept).casefold().split())


def names_conflict(one: str, other: str) -> bool:
    """Both are given and neither is a shorter form of the other ("Jan" and "Jan Kowalski" may be one person)."""
    first, second = set(plain_name(one).split()), set(plain_name(other).split())
    return bool(first and second) and not (first <= second or second <= first)


def codes_conflict(one: str, other: str) -> bool:
    """Both reservation codes are given and differ."""
    return bool(one and other) and one.casefold() != other.casefold()


def same_code(one: str, other: str) -> bool:
    return bool(one) and one.casefold() == other.casefold()
