"""One content line to name, parameters and value; and text made safe to keep and to show."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from icalendar.parser import Contentline, unescape_backslash

from rentals.plain_text import UNWANTED, one_line

UID_LENGTH = 255
SUMMARY_LENGTH = 255
DESCRIPTION_LENGTH = 4000
URL_LENGTH = 500
EXCERPT_LENGTH = 2000
_HEAD_LENGTH = 500

_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_OPEN_TZID = re.compile(r"([^:]*;TZID=)([^;\"]*:[^;\"]*):(\s*\d{8}(?:T\d{6}Z?)?\s*)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9-]+")

Params = Mapping[str, str]
_NONE: Params = MappingProxyType({})


def split(line: str) -> tuple[str, Params, str] | None:
    """Name in upper case, parameters and raw value of a content line; None when the line is not a content line."""
    head, colon, value = line.partition(":")
    if '"' in head:
        at = Contentline(line).value_separator_index()  # type: ignore[no-untyped-call]
        if at < 0:
            return None
        head, colon, value = line[:at], ":", line[at + 1 :]
    elif ":" in value and ";TZID=" in head.upper():
        head, value = _whole_tzid(line) or (head, value)
    if not colon:
        return None
    read = _head(head)
    return None if read is None else (*read, value)


def _head(head: str) -> tuple[str, Params] | None:
    """Name and parameters. Parameters of absurd length are not read."""
    if len(head) > _HEAD_LENGTH:
        head = head[:_HEAD_LENGTH].partition(";")[0]
    return _read_head(head)


def _whole_tzid(line: str) -> tuple[str, str] | None:
    """Head and value of a line whose TZID holds a colon without the quotes it needs: "TZID=GMT+02:00"."""
    found = _OPEN_TZID.fullmatch(line) if len(line) <= _HEAD_LENGTH else None
    return None if found is None else (f'{found[1]}"{found[2]}"', found[3])


@lru_cache(maxsize=1024)
def _read_head(head: str) -> tuple[str, Params] | None:
    """Cached, because a calendar repeats the same few heads thousands of times."""
    name, semicolon, _ = head.partition(";")
    name = name.strip().upper()
    if not _NAME.fullmatch(name):
        return None
    if not semicolon:
        return name, _NONE
    try:
        _, params, _ = Contentline(f"{head.rstrip('; ')}:").parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return name, _NONE
    return name, MappingProxyType(
        {str(key).upper(): value if isinstance(value, str) else ",".join(value) for key, value in params.items()}
    )


def text(value: str) -> str:
    """A TEXT value without its escapes (RFC 5545, 3.3.11), as written."""
    return unescape_backslash(value) if "\\" in value else value


def paragraphs(value: str, length: int) -> str:
    """Text that keeps its line breaks: no control or bidi characters, at most `length` characters."""
    if not value.isprintable():
        value = UNWANTED.sub("", _BREAK.sub("\n", value))
    return value.strip()[:length].rstrip()


def uid(value: str) -> str:
    """A UID as a key, case kept. One that is too long is keyed by its hash."""
    cleaned = one_line(value, len(value))
    if len(cleaned) <= UID_LENGTH:
        return cleaned
    return f"sha256:{hashlib.sha256(cleaned.encode()).hexdigest()}"
