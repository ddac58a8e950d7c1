"""What a request may make Django do before a page sees it, whichever web server hands it over."""

from __future__ import annotations

from typing import Any, Final

from django.core.handlers.wsgi import WSGIRequest
from django.http import parse_cookie
from django.utils.functional import cached_property

_LONGEST_TYPE: Final = 256


class GuardedRequest(WSGIRequest):
    """A request in UTF-8 whatever it says, whose cookies are read in linear time.

    Django takes the charset of the Content-Type for both, while it makes the request and so before it could answer:
    `charset=hex`, or `charset=utf-16` and a query of a thousand parts, would be a fault of the server. Browsers send
    UTF-8, and bodies of calendars and events are read as bytes.
    """

    @property
    def encoding(self) -> None:
        return None

    @encoding.setter
    def encoding(self, value: object) -> None:
        pass

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]  # noqa: N802 - Django's name
        """Without those that hold a backslash: they are not ours. Before Python 3.11.10 and 3.12.6 reading one takes
        time that grows with the square of its length (CVE-2024-7592): 60 kB of a stranger cost seconds."""
        said = self.environ.get("HTTP_COOKIE", "").encode("latin-1").decode("utf-8", "replace")
        return parse_cookie(";".join(one for one in said.split(";") if "\\" not in one))

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """A type that is long or malformed says nothing: reading it could fail, or take seconds."""
        if len(meta.get("CONTENT_TYPE", "")) > _LONGEST_TYPE:
            meta["CONTENT_TYPE"] = ""
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except ValueError:  # also UnicodeError
            self.content_type, self.content_params = "", {}
