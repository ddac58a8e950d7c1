"""Whether two names may be one person's. Pure.

Channels and hosts write one guest in many ways: "O. Brink", "Brink, Odalys", "Ms Odalys Brínk".
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import permutations
from typing import Final

from rentals.calendars.decide.identity import bare_words

#: Forms of address and the like, which say nothing about who somebody is. Without accents.
_TITLE_WORDS: Final = (
    "mr|mrs|ms|miss|mx|sir|madam|dr|prof|professor|doctor|herr|frau|hr|fr|fam|familie|family|mme|mlle|monsieur"
    "|madame|mademoiselle|sr|sra|srta|senor|senora|senorita|sig|signor|signora|signorina|sgra|dott|dottssa|dhr|mevr"
    "|mevrouw|meneer|mw|heer|pan|pani|panstwo|slecna|jr|ing|mag|dipl|phd|md|herre|fru|and|und|et|en"
)
_TITLES: Final = frozenset(_TITLE_WORDS.split("|"))
#: Letters that do not decompose, as people write them without the right keyboard.
_LETTERS: Final = str.maketrans(
    {
        "\u0142": "l",  # Polish
        "\u00f8": "o",  # Danish
        "\u0111": "d",  # Croatian
        "\u0131": "i",  # Turkish
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u00fe": "th",
    }
)
_APOSTROPHES: Final = str.maketrans("", "", "'`\u2019\u00b4\u02bc")
#: How umlauts are written without accents.
_UMLAUTS: Final = (("aa", "a"), ("ae", "a"), ("oe", "o"), ("ue", "u"))
#: Into how many words one may be written: "van der Berg", "Vanderberg". Each order of them is tried.
_MOST_PIECES: Final = 4


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name without case, accents and titles, in no order. Titles stay where nothing else is there."""
    words = bare_words(name.casefold().translate(_APOSTROPHES).translate(_LETTERS))
    return tuple(sorted(word for word in words if word not in _TITLES) or sorted(words))


def same_name(one: str, other: str) -> bool:
    """Whether both have the same words, in whatever order, with whatever title and accents; or no words at all."""
    first, second = words_of(one), words_of(other)
    return _is_written_apart(first, second) or _is_written_apart(_folded(first), _folded(second))


def names_differ(one: str, other: str) -> bool:
    """Whether both are given and cannot be one person's: neither is a short form of the other.

    A short form leaves words out ("Jan" for "Jan Kowalski") or writes an initial for them ("J. Kowalski"); of initials
    alone nobody is known.
    """
    first, second = words_of(one), words_of(other)
    if not first or not second or _fits(first, second):
        return False
    return not _fits(_folded(first), _folded(second))


def _fits(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    if _is_written_apart(first, second):
        return True
    shorter, longer = sorted((first, second), key=len)
    return _is_short_form(shorter, longer)


def _is_written_apart(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether both are the same words, or become so without the spaces: "Mei-Ling Chen" and "Chen Meiling"."""
    if first == second:
        return True
    if sorted("".join(first)) != sorted("".join(second)):
        return False
    common = Counter(first) & Counter(second)
    one, other = (tuple((Counter(words) - common).elements()) for words in (first, second))
    if max(len(one), len(other)) > _MOST_PIECES:
        return False
    return not {"".join(order) for order in permutations(one)}.isdisjoint(map("".join, permutations(other)))


def _is_short_form(words: tuple[str, ...], of: tuple[str, ...]) -> bool:
    """Whether each word has its own in the other name, at least one of them in full."""
    in_full = [word for word in words if len(word) > 1 and word in of]
    if not in_full:
        return False
    left = list(of)
    for word in in_full:
        if word in left:
            left.remove(word)
    rest = [word for word in words if word not in in_full]
    for word in rest:
        found = next((one for one in left if _is_initial(word, one)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _is_initial(one: str, other: str) -> bool:
    return one[0] == other[0] and (len(one) == 1 or len(other) == 1)


def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    """With umlauts as single letters: "Mueller" and "Müller" both become "muller", "Aase" and "Åse" both "ase"."""
    return tuple(sorted(_single(word) for word in words))


def _single(word: str) -> str:
    for double, single in _UMLAUTS:
        word = word.replace(double, single)
    return word
