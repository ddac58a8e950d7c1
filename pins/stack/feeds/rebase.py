"""Moves a calendar in time and keeps every other byte. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta

# A logical line is a line and the folded ones after it (RFC 5545, 3.1); a file may end in the middle of one.
_LINE = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\r|\Z)")
_DATED = re.compile(
    rb"(?:DTSTART|DTEND|DTSTAMP|RECURRENCE-ID|EXDATE|RDATE|RRULE|CREATED|LAST-MODIFIED|DUE|COMPLETED)[;:]",
    re.IGNORECASE,
)
_FOLD = rb"(?:\r?\n[ \t])?"
#: Eight digits, alone or before a time; a fold may lie between any two of them.
_DAY = re.compile(rb"(?<![0-9])[0-9](?:" + _FOLD + rb"[0-9]){7}(?![0-9])")
_ZONE_BEGINS = re.compile(rb"BEGIN:VTIMEZONE\s*\Z", re.IGNORECASE)
_ZONE_ENDS = re.compile(rb"END:VTIMEZONE\s*\Z", re.IGNORECASE)


def rebase(body: bytes, days: int) -> bytes:
    """Every date of every event `days` later.

    Folds, line ends, damage and impossible dates stay as they are, and so do the dates in time zone definitions: they
    are rules, not appointments.
    """
    moved = []
    in_zone = False
    for match in _LINE.finditer(body):
        line = match[0]
        in_zone = (in_zone or bool(_ZONE_BEGINS.match(line))) and not _ZONE_ENDS.match(line)
        if not in_zone and _DATED.match(line):
            line = _DAY.sub(lambda found: _later(found[0], days), line)
        moved.append(line)
    return b"".join(moved)


def _later(written: bytes, days: int) -> bytes:
    """Replace the eight digits one by one, so that a fold between them stays."""
    digits = re.sub(rb"[^0-9]", b"", written).decode("ascii")
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return written  # there is no such day
    new = iter(f"{day:%Y%m%d}".zfill(8).encode("ascii"))
    return bytes(next(new) if chr(one).isdigit() else one for one in written)
