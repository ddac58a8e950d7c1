"""The head of a request before waitress reads it. Pure.

Two of waitress's patterns take time that grows with the square of what they read: the address of a first line that
does not end as it should (16 kB: half a minute), and spaces before a value. All connections share one thread, so one
such request would stop the site.
"""

from __future__ import annotations

import re
from typing import Final

#: Lines of a head. Browsers send some thirty, and each proxy adds a few.
MOST_LINES: Final = 100

_FIRST_LINE: Final = re.compile(rb"[^ ]+ [^ ]+(?: HTTP/[0-9]\.[0-9])?")
_SPACES: Final = re.compile(rb"(\r\n[^:\r\n]+:)[ \t]+")


def wrong(head: bytes) -> str:
    """Why it cannot be read; "" when it can."""
    if not _FIRST_LINE.fullmatch(head.partition(b"\r\n")[0].rstrip()):
        return "The first line is not a method, an address and a version"
    if b"\r\n " in head or b"\r\n\t" in head:
        return "A header goes on in the next line (RFC 9112, 5.2)"
    return ""


def tidy(head: bytes) -> bytes:
    """Without the spaces before values: they mean nothing (RFC 9110, 5.5)."""
    return _SPACES.sub(rb"\1", head)
