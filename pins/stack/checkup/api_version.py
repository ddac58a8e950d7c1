"""How long the version of the API in TEDEE_API_URL will still answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from pins.stack.checkup.findings import Finding, fail, ok, warn

#: When the table was last compared with Tedee's pages about its API.
CHECKED: Final = "2026-11"
_REMEDY: Final = "Set TEDEE_API_URL to https://api.tedee.com/api/v37, or leave it out, and restart all processes."
_PROMISE: Final = "a version is supported 12 months after the next breaking one, then 6 months with a lower limit"


@dataclass(frozen=True)
class Version:
    """A version of the API, as Tedee's pages tell of it."""

    ends: date | None  # the first day without it; None: it is the current one


#: By number: v37, and v1.36 as Tedee wrote it until then (Tedee API, versions).
VERSIONS: Final = {
    30: Version(date(2025, 3, 1)),
    33: Version(date(2026, 7, 1)),
    36: Version(date(2027, 2, 1)),
    37: Version(None),
}


def api_version() -> Iterator[Finding]:
    """What Tedee's pages said about the configured version. They promise months, so the day may be another one."""
    yield judged(settings.TEDEE_API_URL, datetime.now(UTC).date())


def judged(url: str, today: date) -> Finding:
    """The finding about the version at the end of the path of `url`."""
    found = re.search(r"/v(?:1\.)?([0-9]+)/?$", urlsplit(url).path)
    named = found.group(0).strip("/") if found else "no version"
    version = VERSIONS.get(int(found.group(1))) if found else None
    checked = f"(checked {CHECKED})"
    if version is None:
        return warn("API version", f"TEDEE_API_URL names {named}, of which nothing is known {checked}.", _REMEDY)
    if version.ends is None:
        return ok("API version", f"{named} is the current one {checked}; {_PROMISE}")
    if today < version.ends:
        return warn("API version", f"{named} is deprecated and ends in {version.ends:%B %Y} {checked}.", _REMEDY)
    return fail("API version", f"{named} ended in {version.ends:%B %Y} {checked}.", _REMEDY)
