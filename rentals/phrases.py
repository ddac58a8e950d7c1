"""Sentences of pure modules for people of any language. Pure, without Django.

A module that knows no Django cannot ask which language is active. It marks its sentences here, where `make messages`
finds them, and whoever shows them asks `rentals.wording.said`. Modules that may import Django call `gettext` at once.
"""

from __future__ import annotations

import json
from typing import Any, Final


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


def phrase(text: str, /, **values: object) -> Phrase:
    """A sentence with something in it: `phrase("The row “{words}” has no end.", words=words)`."""
    return _made(text, "", 0, values)


def phrases(one: str, many: str, number: int, /, **values: object) -> Phrase:
    """A sentence that depends on a number, which stands in it as `{number}`: `phrases("{number} row", "{number} rows",
    rows)`."""
    return _made(one, many, number, {"number": number, **values})


def together(*texts: str) -> Phrase:
    """Sentences that stand one behind the other; empty ones are left out."""
    said = {f"text{number}": text for number, text in enumerate(texts) if text}
    alone = next(iter(said.values())) if len(said) == 1 else None
    if isinstance(alone, Phrase):
        return alone
    return _made(" ".join(f"{{{name}}}" for name in said), "", 0, dict(said))


# -- in a column ------------------------------------------------------------------------------------------------------

_BEGINS: Final = '{"one":'


def packed(text: str) -> str:
    """A sentence of ours for a column of text: itself where that is all, else what it was made of, as JSON."""
    plain = str(text)
    if not isinstance(text, Phrase):
        return json.dumps(_parts(_made("{text}", "", 0, {"text": plain}))) if plain.startswith(_BEGINS) else plain
    constant = not text.values and plain == text.one and not _has_places(plain)
    return plain if constant else json.dumps(_parts(text), ensure_ascii=False, separators=(",", ":"))


def unpacked(stored: str) -> str:
    """What `packed` stored. A text without values is a phrase as well, so only sentences of ours may lie there. One
    that an earlier release stored with values in it stays as it is."""
    if stored.startswith(_BEGINS):
        try:
            return _of_parts(json.loads(stored))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return stored
    return phrase(stored) if stored and not _has_places(stored) else stored


def _has_places(text: str) -> bool:
    return "{" in text or "}" in text


def _parts(text: Phrase) -> dict[str, Any]:
    parts: dict[str, Any] = {"one": text.one}
    if text.many:
        parts |= {"many": text.many, "number": text.number}
    values = {name: _parts(one) if isinstance(one, Phrase) else _plain(one) for name, one in text.values.items()}
    return parts | {"values": values} if values else parts


def _plain(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)


def _of_parts(parts: dict[str, Any]) -> Phrase:
    values = {name: _of_parts(one) if isinstance(one, dict) else one for name, one in parts.get("values", {}).items()}
    return _made(parts["one"], parts.get("many", ""), parts.get("number", 0), values)


def _made(one: str, many: str, number: int, values: dict[str, object]) -> Phrase:
    made = Phrase((many if many and number != 1 else one).format(**values))
    made.one, made.many, made.number, made.values = one, many, number, values
    return made
