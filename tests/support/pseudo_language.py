"""A language for tests: each text comes back between ⟦ and ⟧, without what is put into its places. So whatever a page
shows outside of these signs was never translated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import models
from django.utils.translation import trans_real

_CONTEXT: Final = "\x04"
#: What stands in the place of another text: not of the text itself.
_PLACE: Final = re.compile(r"(%%|%\(\w+\)\w|%[sdr]|\{\{ \w+ \}\}|\{\w*\})")
_READ: Final = frozenset({"aria-label", "title", "placeholder", "alt", "data-label"})
_NOT_READ: Final = frozenset({"script", "style", "code", "textarea"})
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


#: What the filter `yesno` takes apart.
_CHOICE: Final = re.compile(r"[^,]+,[^ ,][^,]*(,[^ ,][^,]*)?")
#: Where a new text begins, whatever came before.
_BLOCKS: Final = re.compile(
    r"button|caption|d[dlt]|div|fieldset|form|h\d|label|legend|li|option|p|section|summary|t[dhr]|table|title|ul"
)


def pseudo(text: str) -> str:
    """The text as this language has it."""
    plain = text.rpartition(_CONTEXT)[2]
    if _CHOICE.fullmatch(plain):
        return ",".join(f"⟦{one}⟧" for one in plain.split(","))
    pieces = _PLACE.split(plain)
    return "".join(one if at % 2 or not _WORD.search(one) else f"⟦{one}⟧" for at, one in enumerate(pieces))


class Pseudo:
    """What Django takes for the catalogs of a language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def to_language(self) -> str:
        return self._language

    def language(self) -> str:
        return self._language

    def gettext(self, text: str) -> str:
        return pseudo(text) if text else ""

    def ngettext(self, one: str, many: str, number: int) -> str:
        return pseudo(one if number == 1 else many)


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """In place of this language. Dates and numbers stay as it writes them."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setitem(vars(trans_real)["_translations"], language, Pseudo(language))
        yield


class _Reader(HTMLParser):
    """Collects what a person reads or hears outside of the signs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._depth = 0
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._depth = 0 if _BLOCKS.fullmatch(tag) else self._depth
        is_same = given.get("translate") == "no" or ("lang" in given and tag != "html")
        if is_same or tag in _NOT_READ or tag in self._hidden[-1:]:
            self._hidden.append(tag)
        for name, value in attrs:
            is_button = name == "value" and tag == "input" and given.get("type") in ("submit", "button", "reset")
            if value and not self._hidden and (name in _READ or is_button):
                self.found.append(_outside(value, 0)[0])

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag == self._hidden[-1]:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            text, self._depth = _outside(data, self._depth)
            self.found.append(text)


def _outside(text: str, depth: int) -> tuple[str, int]:
    kept = []
    for sign in text:
        depth = max(0, depth + (sign == "⟦") - (sign == "⟧"))
        kept.append(" " if depth > 0 or sign == "⟧" else sign)
    return " ".join("".join(kept).split()), depth


def untranslated(page: str) -> list[str]:
    """Texts with words that stand outside of the signs."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [one for one in reader.found if _WORD.search(one)]


_KINDS: Final = (models.CharField, models.TextField, models.JSONField)


def stored_texts(labels: Iterable[str]) -> list[str]:
    """Every text in the tables of these apps, the longest first: what people or calendars wrote. Without our own keys,
    which are words of pages as well."""
    found: set[str] = set()
    for label in labels:
        for model in apps.get_app_config(label).get_models():
            fields = [one for one in model._meta.fields if isinstance(one, _KINDS) and not one.choices]
            # Django keeps in `object_repr` how the person saw the row.
            names = [one.name for one in fields if one.name != "object_repr"]
            for row in model._base_manager.values_list(*names) if names else []:
                for value in row:
                    found |= (
                        {value}
                        if isinstance(value, str)
                        else {one for one in _texts(value) if not one.islower() or " " in one}
                    )
    written = (" ".join(one.split()) for one in found if _WORD.search(one))
    return sorted(written, key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
