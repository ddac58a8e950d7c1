"""Text of strangers, before it is stored as a name and before a terminal shows it. Pure.

A name may come from a calendar, a lock cloud, a table or a form. Control characters in it could move a terminal's
cursor, direction-changing ones could make it read as something else, and a line break could forge a line of a log.
"""

from __future__ import annotations

import re
from typing import Final

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
#: What separates words, or lines.
_BREAK: Final = re.compile("\r\n|[\r\n\t\x0b\x0c\x85\u2028\u2029]")
#: Control and bidi characters, zero-width spaces and lone surrogates, which no database accepts.
UNWANTED: Final = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x9f{_BIDI}\u200b\ufeff\ud800-\udfff]")
_SPACES: Final = re.compile(r"\s+")
#: Of these nothing is shown as it is. A terminal's own colours are added after this.
_UNSHOWN: Final = re.compile(f"[\x00-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ufeff\ud800-\udfff]")


def one_line(value: str, length: int) -> str:
    """Text for one line: no control or bidi characters, no line breaks, at most `length` characters."""
    if not value.isprintable():  # rare, so that the common text costs one look
        value = UNWANTED.sub("", _BREAK.sub(" ", value))
    if "  " in value or not value.isprintable():
        value = _SPACES.sub(" ", value)
    return value.strip()[:length].rstrip()


def shown(text: str) -> str:
    """The text for a terminal or a log: what would act instead of being read stands there as its number, `\\u001b`."""
    return text if text.isprintable() else _UNSHOWN.sub(_number, text)


def shown_lines(text: str) -> str:
    """The same for text of several lines, such as a traceback."""
    return "\n".join(shown(line.expandtabs()) for line in text.split("\n"))


def _number(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"  # also valid within JSON
