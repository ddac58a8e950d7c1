"""Reads a SUMMARY by its first words: what kind of item it says it is, and what follows.

A word counts when it is the whole text or its head, that is when a separator or a phrase like "by ..." follows:
"Blocked by Guesty" is a block, Mr "Blockmann" and Ms "Closed-Door" are guests.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache

from rentals.calendars.classify.languages import VOCABULARIES
from rentals.calendars.classify.vocabulary import CHANNEL_NAMES, NAMELESS


class Kind(Enum):
    """What a word says."""

    STAY = "stay"
    BLOCK = "block"
    TENTATIVE = "tentative"
    MARKER = "marker"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Said:
    """A text by its head: the kind, and the rest as written (a name, a code, or "")."""

    kind: Kind
    rest: str = ""
    whole: bool = False  # nothing follows
    parted: bool = False  # a dash or a colon follows


#: Letters and marks that do not decompose: Polish l, Danish o, Croatian d, Turkish i, apostrophes and dashes.
_LETTERS = str.maketrans("\u0142\u00f8\u0111\u0131\u2019`\u2011\u2013\u2014", "lodi''---")
#: What may follow a word at the head of a text.
_SEPARATOR = r"\s*(?::|/|\||\(|\[|\{|;|,|#|\*|!|\.(?:\s|$)|…|\s-|-\s|-$|$)"
#: What may follow a block word and still belongs to the block.
_BLOCK_TAIL = (
    r"\s+(?:by|for|from|until|till|due|because|via|on|in|at|through|crew|team|works?|visit|service|season|dates?|days?|nights?|period|time|item|event|durch|von"
    r"|vom|wegen|bis|fur|im|par|pour|jusqu|du|pendant|por|para|hasta|ate|per|da|dal|pelo|pela|fino|door|voor|tot|wegens|przez|do"
    r"|z powodu|av|af|pga|til|\d+)\b"
)
#: These are surnames of guests, too: they need a clear separator.
_SURNAMES = frozenset(
    {"block", "hold", "held", "owner", "closing", "offline", "buffer", "putzen", "vask", "esto", "sulku"}
)
_BEFORE_NAME = re.compile(
    r"(?:by|for|from|of|für|von|vom|durch|pour|par|de|del|por|para|per|da|di|voor|door|van|dla|przez|od|pro|av|af|til)\s+",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^[\s:/|(\[{;,#*!.…\-\u2013\u2014\u2011]+")
_TRAILING = re.compile(r"[\s:/|)\]};,#*!….\-\u2013\u2014\u2011]+$")
#: Unicode categories: symbols, the marks that colour them, and the joiner between them.
_PICTURES = frozenset({"So", "Sk", "Mn", "Cf"})
_CLOSING = re.compile(r"[)\]}]+")
_PARTED = re.compile(r"\s*:|\s+-\s")
_CHANNEL_HEAD = re.compile(rf"(?:{CHANNEL_NAMES.replace('.', '[.]')})\s*(?:\((.*)\)|(?:\s-|:)\s*(.*))", re.IGNORECASE)


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """Text for comparing: no case, no diacritics, plain dashes and single spaces."""
    if text.isascii():
        folded = text.casefold()
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
        folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(folded.split())


@lru_cache(maxsize=16384)
def read(summary: str) -> Said:
    """What a SUMMARY says by its head."""
    summary = _without_pictures(summary)
    inner = _CHANNEL_HEAD.fullmatch(summary)
    if inner is not None:
        said = _head(inner[1] or inner[2] or "")
        if said.kind is not Kind.UNKNOWN or said.rest:
            return said
    said = _head(summary)
    if said.kind is Kind.STAY and said.rest:
        # "Reserved - Owner stay", "Booking (tentative)": the second word is the more exact one.
        more = _head(_TRAILING.sub("", _CLOSING.sub(" - ", said.rest)))
        if more.whole and more.kind in (Kind.BLOCK, Kind.TENTATIVE, Kind.CANCELLED):
            return more
        if more.parted and more.kind is Kind.TENTATIVE:  # "Reservation pending - Anna"
            return more
    return said


def _head(summary: str) -> Said:
    folded = fold(summary)
    words = folded.split(" ")
    for number in range(min(len(words), _longest()), 0, -1):
        for end in _ends(words[:number]):
            kind = _phrases().get(end)
            if kind is not None and _may_follow(kind, end, folded[len(end) :]):
                tail = folded[len(end) :]
                parted = _PARTED.match(tail) is not None
                return Said(kind, _rest(summary, end, kind), whole=not _TRAILING.sub("", tail), parted=parted)
    return Said(Kind.UNKNOWN, summary)


def _ends(words: list[str]) -> tuple[str, ...]:
    """A phrase as written, and without what is attached to its last word: "reserved:", "blocked(guesty)"."""
    phrase = " ".join(words)
    cut = re.match(r"[^:/|(\[{;,#*!….]+", words[-1])
    if cut is None or cut[0] == words[-1]:
        bare = phrase.rstrip("-").rstrip()
        return (phrase,) if bare == phrase else (phrase, bare)
    return (phrase, " ".join([*words[:-1], cut[0]]))


def _may_follow(kind: Kind, phrase: str, tail: str) -> bool:
    if phrase in _SURNAMES:
        return not tail.startswith(",") and re.match(rf"{_SEPARATOR}|\s+\d", tail) is not None
    if re.match(_SEPARATOR, tail):
        return True
    if kind is Kind.BLOCK:
        return re.match(_BLOCK_TAIL, tail) is not None
    return tail.startswith(" ")


def _rest(summary: str, phrase: str, kind: Kind) -> str:
    """What follows the phrase, as written. Folding may change lengths, so the words are counted instead."""
    words = summary.split()
    count = phrase.count(" ") + 1
    last = words[count - 1] if len(words) >= count else ""
    clinging = re.search(r"[:/|(\[{;,#*!….]", last)
    rest = " ".join(words[count:])
    if clinging is not None:
        rest = f"{last[clinging.end() :]} {rest}"
    between = rest.strip()
    if clinging is not None:
        between = f"- {between}"
    rest = _LEADING.sub("", rest.strip())
    if kind is not Kind.BLOCK:
        found = _BEFORE_NAME.match(rest)
        # "Reserved for Anna", but "Reserved - Da Silva": behind a separator it is part of the name
        if found is not None and not _LEADING.match(between):
            rest = rest[found.end() :]
    return rest.strip()


@cache
def _phrases() -> dict[str, Kind]:
    """Every phrase of every language, folded. Where languages differ, the more careful meaning counts."""
    found: dict[str, Kind] = {}
    for kind in (Kind.STAY, Kind.MARKER, Kind.TENTATIVE, Kind.BLOCK, Kind.CANCELLED):
        for vocabulary in VOCABULARIES.values():
            for phrase in str(getattr(vocabulary, kind.value)).split("|"):
                found[fold(phrase)] = kind
    return found


def names_nobody(text: str) -> bool:
    """Whether a text only says that the time is taken."""
    return fold(text) in _nameless()


@cache
def _nameless() -> frozenset[str]:
    return frozenset(fold(word) for word in NAMELESS.split("|"))


def _without_pictures(text: str) -> str:
    """Without the pictures that some hosts put before the words: "\U0001f512 Blocked"."""
    if text[:1].isascii():
        return text
    start = 0
    while start < len(text) and (text[start].isspace() or unicodedata.category(text[start]) in _PICTURES):
        start += 1
    return text[start:] if start < len(text) else text


@cache
def _longest() -> int:
    return max(phrase.count(" ") + 1 for phrase in _phrases())
