"""Whether two descriptions may speak of one guest. Pure.

A mistake in one direction gives a guest somebody else's code; in the other, a guest gets a second code. So in doubt
it is another guest, wherever a code would pass on.
"""

from __future__ import annotations

import hashlib
import unicodedata


def plain_name(name: str) -> str:
    """A name without case, accents, punctuation and doubled spaces, for comparing."""
    return " ".join(bare_words(name)).casefold()


def bare_words(name: str) -> list[str]:
    """The words of a name without accents and punctuation, in their order."""
    decomposed = unicodedata.normalize("NFKD", name)
    kept = (char if char.isalnum() else " " for char in decomposed if not unicodedata.combining(char))
    return "".join(kept).split()


def trace_of(name: str, code: str) -> str:
    """What is kept of a guest whose stay a person deleted: twelve bits of the name and twelve of the reservation code.

    Enough to notice that somebody else has the days now, too little to find out who it was: thousands of names share
    each value.
    """
    return f"{_bits(plain_name(name))}-{_bits(code.strip().casefold())}"


def is_traced_by_code(trace: str, code: str) -> bool | None:
    """Whether the code may be the one that left the trace; None where either is missing."""
    return _agree(trace.partition("-")[2], _bits(code.strip().casefold()))


def is_traced(trace: str, name: str, code: str) -> bool | None:
    """Whether the guest may be the one who left the trace: by code, else by name; None when neither can tell."""
    by_code = is_traced_by_code(trace, code)
    return by_code if by_code is not None else _agree(trace.partition("-")[0], _bits(plain_name(name)))


def _bits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:3] if text else ""


def _agree(kept: str, seen: str) -> bool | None:
    return kept == seen if kept and seen else None


def codes_conflict(one: str, other: str) -> bool:
    """Whether both reservation codes are given and differ."""
    return bool(one and other) and one.casefold() != other.casefold()


def same_code(one: str, other: str) -> bool:
    return bool(one) and one.casefold() == other.casefold()
