"""Sentences of pure modules for people of any language. Pure, without Django.

A module that knows no Django cannot ask which language is active. It marks its sentences here, where `make messages`
finds them, and whoever shows them asks `rentals.wording.said`. Modules that may import Django call `gettext` at once.
"""

from __future__ import annotations

from typing import Final


class Phrase(str):
    """An English sentence that knows what it was made of, so that it can be said in another language.

    It is an ordinary `str` for whoever stores, compares or logs it. `one` and `many` are the marked texts, with their
    places as in `str.format`; of both the number chooses. `values` stand in the places; a phrase among them is
    translated, too.
    """

    __slots__ = ("many", "number", "one", "values")

    one: str
    many: str  # "": the sentence does not depend on a number
    number: int
    values: dict[str, object]


def mark(text: str) -> str:
    """Marks a constant sentence for translation."""
    return text


def phrase(text: str, **values: object) -> Phrase:
    """A sentence with something in it: `phrase("The row “{words}” has no end.", words=words)`."""
    return _made(text, "", 0, values)


def phrases(one: str, many: str, number: int, **values: object) -> Phrase:
    """A sentence that depends on a number, which stands in it as `{number}`: `phrases("{number} row", "{number} rows",
    rows)`."""
    return _made(one, many, number, {"number": number, **values})


def _made(one: str, many: str, number: int, values: dict[str, object]) -> Phrase:
    made = Phrase((many if many and number != 1 else one).format(**values))
    made.one, made.many, made.number, made.values = one, many, number, values
    return made


#: What `make messages` looks for in Python, beside the names of Django.
MARKERS: Final = ("mark", "phrase", "phrases")
