"""From the bytes of a calendar to its content lines (RFC 5545, 3.1), tolerating what exporters really send."""

from __future__ import annotations

import codecs
import re

from rentals.calendars.events import FeedError, FeedFault
from rentals.phrases import phrase

#: The largest calendar that is read, in bytes after decompression.
MAX_BYTES = 5 * 1024 * 1024

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A fold may cut a character in two, so it is undone in the bytes, before anything is decoded.
# The count of CR is bounded, because megabytes of CR would keep the expression busy.
_FOLD = re.compile(rb"(?:\r{0,3}\n|\r)[ \t]")
_LINE_END = re.compile(rb"\r{0,3}\n|\r")
_CALENDAR = re.compile(rb"^BEGIN:VCALENDAR", re.IGNORECASE | re.MULTILINE)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def content_lines(body: bytes) -> list[str]:
    """The unfolded lines of a calendar, as text, without the empty ones.

    Takes CRLF, LF and CR, folds by space or tab, a byte order mark, NUL bytes, UTF-8, UTF-16 with its mark, and
    Windows-1252 for every line that is no UTF-8. Raises `FeedError` for what is too large or an HTML page.
    """
    if len(body) > MAX_BYTES:
        text = phrase("The calendar is larger than {most} MB.", most=MAX_BYTES // (1024 * 1024))
        raise FeedError(FeedFault.TOO_LARGE, text)
    raw = _bytes_of_text(body)
    begins = _CALENDAR.search(raw)
    if _HTML.search(raw, 0, begins.start() if begins else len(raw)):
        raise FeedError(
            FeedFault.NOT_A_CALENDAR,
            phrase("The address answered with a web page instead of a calendar. Check the link."),
        )
    raw = _LINE_END.sub(b"\n", _FOLD.sub(b"", raw))
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        # One Latin-1 name must not turn every other name of the calendar into rubbish.
        lines = [_decode(line) for line in raw.split(b"\n")]
    return [line for line in lines if line and not line.isspace()]


def _bytes_of_text(body: bytes) -> bytes:
    """UTF-8 (or unknown) bytes without byte order mark, NUL and leading space."""
    if body.startswith(_UTF16):
        body = body.decode("utf-16", errors="replace").encode("utf-8")
    return body.replace(b"\x00", b"").replace(codecs.BOM_UTF8, b"").lstrip()


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
