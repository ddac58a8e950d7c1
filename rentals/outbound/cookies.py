"""Cookies of one chain of redirects (RFC 6265), forgotten when it ends. Pure.

Some channels set a cookie together with a redirect and refuse the next request without it. A cookie goes only to its
own site. `Secure` needs no attention: no chain leads from https down to http.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from rentals.outbound.addresses import literal

_LONGEST_COOKIE: Final = 4096  # RFC 6265, 6.1
_MOST_COOKIES: Final = 50
_PRINTABLE: Final = re.compile(r"[\x20-\x7e\x80-\xff]*")
#: Below the ending of a country, names so short or among these usually belong to strangers (co.uk, com.au, asso.fr).
_SHORT: Final = 3
_SHARED: Final = frozenset({"asso", "firm", "govt", "info", "name", "priv", "school"})


@dataclass(frozen=True)
class _Cookie:
    text: str = field(repr=False)  # name=value
    domain: str  # in lower case
    below: bool  # also for the hosts below that domain
    path: str = field(repr=False)

    def goes_to(self, host: str, path: str) -> bool:
        at_home = host == self.domain or (self.below and host.endswith(f".{self.domain}"))
        return at_home and _is_within(path, self.path)


class Cookies:
    """What one chain of redirects has set so far."""

    LONGEST_HEADER: Final = 8190  # of a request, as usual servers take it

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], _Cookie] = {}

    def keep(self, lines: Sequence[str], host: str, path: str, now: datetime) -> None:
        """Follow the Set-Cookie lines of one answer. `host` and `path` (without query) are those of its request."""
        host = host.lower()
        for line in lines:
            pair, *attributes = line.split(";")
            name, equals, value = (part.strip() for part in pair.partition("="))
            text = f"{name}={value}"
            if not (name and equals) or len(text) > _LONGEST_COOKIE or not _PRINTABLE.fullmatch(text):
                continue
            given = {key.strip().lower(): said.strip() for key, _, said in (one.partition("=") for one in attributes)}
            domain = given.get("domain", "").lower().removeprefix(".")
            if domain and host != domain and not (host.endswith(f".{domain}") and literal(host) is None):
                continue  # a foreign site's
            below = bool(domain) and literal(host) is None and not _is_shared(domain)
            home = given.get("path", "")
            cookie = _Cookie(text, domain if below else host, below, home if home.startswith("/") else _folder(path))
            key = (name, cookie.domain, cookie.path)
            self._kept.pop(key, None)
            if not _is_over(given, now) and len(self._kept) < _MOST_COOKIES:
                self._kept[key] = cookie

    def header(self, host: str, path: str) -> str:
        """What to send to this host and path (without query), "" for nothing. Longer paths first (RFC 6265, 5.4)."""
        ours = [one for one in self._kept.values() if one.goes_to(host.lower(), path)]
        said = ""
        for cookie in sorted(ours, key=lambda one: -len(one.path)):
            longer = f"{said}; {cookie.text}" if said else cookie.text
            said = longer if len(longer) <= self.LONGEST_HEADER else said
        return said


def _is_within(path: str, folder: str) -> bool:
    """RFC 6265, 5.1.4."""
    return path == folder or (path.startswith(folder) and (folder.endswith("/") or path[len(folder)] == "/"))


def _folder(path: str) -> str:
    """The path of a cookie that names none (RFC 6265, 5.1.4)."""
    return path[: path.rfind("/")] or "/"


def _is_shared(domain: str) -> bool:
    """Whether strangers may have hosts below it. Only its own host gets such a cookie back."""
    name, dot, ending = domain.rpartition(".")
    if not dot:
        return True
    return "." not in name and len(ending) == 2 and (len(name) <= _SHORT or name in _SHARED)


def _is_over(given: dict[str, str], now: datetime) -> bool:
    """Whether the server ends the cookie by this line. Max-Age counts before Expires (RFC 6265, 5.3)."""
    age = given.get("max-age", "")
    if re.fullmatch(r"-?[0-9]+", age):
        return age.startswith("-") or not age.strip("0")
    try:
        ends = parsedate_to_datetime(given.get("expires", ""))
        return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)) <= now
    except (ValueError, OverflowError):
        return False
