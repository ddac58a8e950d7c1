"""Texts of hosts with a few variables, `{{ guest }}`: no logic, no attributes, nothing else than these names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rentals.phrases import phrase

LINK, CODE = "link", "code"
#: What may stand between the braces.
VARIABLES: Final = (
    *("guest", "property", "arrival_date", "arrival_time", "departure_date", "departure_time"),
    *("locks", "address", "door_instructions", "wifi_name", "wifi_password", LINK, CODE),
)
_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_LEFT_OVER: Final = re.compile(r"\{\{|\}\}|\{%|%\}")


def problems(text: str, *, needs_link: bool, may_have_code: bool) -> list[str]:
    """What is wrong with a template, one sentence each (phrases)."""
    names = [match[1] for match in _VARIABLE.finditer(text)]
    known = ", ".join(VARIABLES)
    found: list[str] = [
        phrase("“{variable}” is not known. Use one of: {known}.", variable=f"{{{{ {name} }}}}", known=known)
        for name in dict.fromkeys(names)
        if name not in VARIABLES
    ]
    if _LEFT_OVER.search(_VARIABLE.sub("", text)):
        found.append(phrase("A brace is left open. Write variables like this: {example}", example="{{ guest }}"))
    if CODE in names and not may_have_code:
        found.append(
            phrase(
                "{code} needs “Code in the message”. Tick it, or leave {code} out: the link shows the code.",
                code="{{ code }}",
            )
        )
    if needs_link and LINK not in names:
        found.append(phrase("Put {link} into the text: it is how the guest reaches the page.", link="{{ link }}"))
    return found


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in. A line whose variables are all empty is left out, so that no “Wi-Fi:”
    stays behind; so is a name that is not known."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        names = [match[1] for match in _VARIABLE.finditer(line)]
        if names and not any(values.get(name) for name in names):
            continue
        lines.append(_VARIABLE.sub(lambda match: values.get(match[1], ""), line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
