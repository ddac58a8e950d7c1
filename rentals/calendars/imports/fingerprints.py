"""Fingerprints of calendars: whether one says anything new since the last one.

Two of them: of the bytes, and of the bytes without the stamps that channels renew at every export (DTSTAMP, CREATED,
LAST-MODIFIED). What the outcome depends on besides the bytes is part of both: the feed's options, the property's
times, the version of our rules, and the day where a calendar holds recurring events.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rentals.calendars.events import Calendar
from rentals.models import CalendarFeed, FeedState

#: Raised with every change of the rules that may read the same bytes differently.
RULES: Final = 3

_STAMPS = re.compile(rb"^(?:DTSTAMP|CREATED|LAST-MODIFIED)[:;][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prints:
    """The fingerprints of one body, as hex digits. Those with a day hold only on that local day of the property."""

    context: str
    day: str
    body: bytes

    def agree(self, state: FeedState) -> bool:
        """Whether the outcome would be what it was."""
        if state.body_hash in (self._raw(""), self._raw(self.day)):
            return True
        return bool(state.content_hash) and state.content_hash == self._stampless()

    def raw_like(self, state: FeedState) -> str:
        """The print of the bytes to store when the content is unchanged: with the day if the stored one has it."""
        return self._raw(self.day) if state.body_hash == self._raw(self.day) else self._raw("")

    def columns(self, calendar: Calendar) -> dict[str, Any]:
        """What to store after an import."""
        if calendar.has_recurrences:
            return {"body_hash": self._raw(self.day), "content_hash": "", "whole_hash": self.whole}
        # If stamps decide between versions of an event, new stamps may decide differently.
        content = "" if calendar.has_versions else self._stampless()
        return {"body_hash": self._raw(""), "content_hash": content, "whole_hash": self.whole}

    @property
    def whole(self) -> str:
        """The print of the bytes without stamps and of nothing else: whether the channel said something new."""
        return whole_print(self.body)

    def _raw(self, day: str) -> str:
        return hashlib.sha256(f"{self.context}|{day}|".encode() + self.body).hexdigest()

    def _stampless(self) -> str:
        return hashlib.sha256(f"{self.context}|".encode() + _STAMPS.sub(b"", self.body)).hexdigest()


def whole_print(body: bytes) -> str:
    return hashlib.sha256(_STAMPS.sub(b"", body)).hexdigest()


def prints_of(feed: CalendarFeed, body: bytes, now: datetime) -> Prints:
    prop = feed.property
    context = "|".join(
        str(fact)
        for fact in (
            RULES,
            feed.channel,
            feed.blocked_items_are_stays,
            feed.longest_stay_nights,
            feed.end_dates,
            prop.timezone,
            prop.check_in_time,
            prop.check_out_time,
        )
    )
    return Prints(context, now.astimezone(prop.zone).date().isoformat(), body)
