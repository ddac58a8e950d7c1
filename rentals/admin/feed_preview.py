"""A preview of an import, and the way of its bytes from the preview to the confirmation.

Exactly the bytes that the person confirmed are imported. They travel through the person's own browser, compressed and
signed: nothing personal is left in the session or on the disk, and nobody can slip in another calendar. The signature
is valid for an hour, for one feed and one person.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.signing import BadSignature, TimestampSigner
from django.utils.translation import gettext as _

from rentals import calendar_terms as words
from rentals.calendars.events import FeedError, FeedFault
from rentals.calendars.ical.unfold import MAX_BYTES
from rentals.calendars.imports.summary import Action, Row, Summary
from rentals.phrases import mark, phrase
from rentals.wording import days, said

#: Bytes of the packed calendar: Django accepts forms of 2.5 MB, and this form has other fields too.
_LARGEST_CARRIED = 2_300_000
_VALID_SECONDS = 3600
SHOWN_ROWS = 300
_ACTIONS = {
    Action.NEW: mark("New stay"),
    Action.NEW_TENTATIVE: mark("New, not confirmed yet"),
    Action.ALSO_HERE: mark("Also listed here"),
    Action.DATES_CHANGED: mark("Dates changed"),
    Action.DATES_CHANGED_HERE: mark("Dates changed in this calendar"),
    Action.WAITS: mark("Waits for your decision"),
    Action.QUARANTINED: mark("Left out"),
    Action.ABSENT: mark("Not listed any more; to be confirmed"),
    Action.HELD: mark("Held"),
    Action.LEFT: mark("Left the calendar"),
}


class NotCarried(Exception):
    """What came back is not what was sent: altered, for another feed or person, or too old."""


@dataclass(frozen=True)
class Carried:
    """A calendar on its way through the browser."""

    body: bytes
    as_of: datetime  # UTC: when the content was asked for


@dataclass(frozen=True)
class PreviewRow:
    action: str
    dates: str
    verdict: str
    guest: str
    said: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """What an import would do."""

    counts: str
    rows: tuple[PreviewRow, ...]
    more_rows: int
    held: int
    held_reason: str
    unchanged: bool
    outdated: bool


def carry(body: bytes, as_of: datetime, *, feed_id: int, user_id: int) -> str | None:
    """Text for a hidden field; None where the calendar is too large to travel."""
    packed = base64.urlsafe_b64encode(zlib.compress(body, 9)).decode("ascii")
    if len(packed) > _LARGEST_CARRIED:
        return None
    return _signer(feed_id, user_id).sign(f"{as_of.isoformat()}|{packed}")


def uncarry(text: str, *, feed_id: int, user_id: int) -> Carried:
    """What `carry` packed. Raises `NotCarried`."""
    try:
        stamped = _signer(feed_id, user_id).unsign(text, max_age=_VALID_SECONDS)
    except BadSignature:  # also one that is too old
        raise NotCarried from None
    as_of, _bar, packed = stamped.partition("|")
    return Carried(zlib.decompress(base64.urlsafe_b64decode(packed)), datetime.fromisoformat(as_of))


def preview(summary: Summary) -> Preview:
    """A summary in words."""
    return Preview(
        counts=words.counts(summary.as_json()),
        rows=tuple(_row(row) for row in summary.rows[:SHOWN_ROWS]),
        more_rows=max(0, len(summary.rows) - SHOWN_ROWS),
        held=summary.held,
        held_reason=said(summary.held_reason),
        unchanged=summary.unchanged,
        outdated=summary.outdated,
    )


def _row(row: Row) -> PreviewRow:
    return PreviewRow(
        action=_(_ACTIONS[row.action]),
        dates=days(row.starts_on, row.ends_on),
        verdict=words.verdict_label(row.verdict),
        guest=row.guest_name,
        said=row.said,
        reason=said(row.reason),
    )


def uploaded(upload: UploadedFile[Any]) -> bytes:
    """The bytes of an uploaded calendar. Raises `FeedError` for one that is too large to be read at all."""
    if (upload.size or 0) > MAX_BYTES:
        raise FeedError(FeedFault.TOO_LARGE, phrase("The file is larger than 5 MB."))
    return bytes(upload.read(MAX_BYTES + 1))


def _signer(feed_id: int, user_id: int) -> TimestampSigner:
    return TimestampSigner(salt=f"rentals.feed-preview.{feed_id}.{user_id}")
