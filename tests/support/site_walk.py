"""Every address of the site, taken from Django's resolver, and what no page may have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any, Final

from django.urls import get_resolver

#: What one placeholder may become several addresses by.
Choices = Mapping[str, tuple[str, ...]]

_NAMED_GROUP: Final = re.compile(r"\(\?P<(\w+)>[^)]*\)")
_PLACE: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def patterns() -> list[str]:
    """All of them, as `/stays/<booking_id>/<action>/`, each once."""
    found = dict.fromkeys(_walk(get_resolver(), "/"))
    return [_PLACE.sub(r"<\1>", _NAMED_GROUP.sub(r"<\1>", one).replace("^", "").replace("$", "")) for one in found]


def _walk(resolver: Any, before: str) -> Iterator[str]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from _walk(one, path)
        else:
            yield path


def model_of(pattern: str) -> str:
    """`rentals.booking` for a page of the admin about one of its rows, else nothing."""
    found = re.match(r"/admin/(\w+)/(\w+)/.*<(?:object_)?id>", pattern)
    return f"{found[1]}.{found[2]}" if found else ""


def spread(pattern: str, choices: Choices) -> list[str]:
    """The pattern once for each choice of a placeholder that has several: `/stays/<booking_id>/revoke/`, ..."""
    found = [pattern]
    for name, values in choices.items():
        found = (
            [one.replace(f"<{name}>", value) for one in found for value in values] if f"<{name}>" in pattern else found
        )
    return found


def fill(pattern: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], pattern)


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}>")


def inline_parts(page: str) -> list[str]:
    """Scripts, handlers and styles that stand within a page, where the content security policy stops them."""
    parser = _Inline()
    parser.feed(page)
    return parser.found
