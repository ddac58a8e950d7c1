"""Requests are text in UTF-8, whatever they say."""

from __future__ import annotations

from typing import Any, Final

from django.core.handlers.wsgi import WSGIRequest

_LONGEST_TYPE: Final = 256


class Utf8Request(WSGIRequest):
    """A request whose sender cannot choose how its form and query are read.

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

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """A type that is long or malformed says nothing: reading it could fail, or take seconds."""
        if len(meta.get("CONTENT_TYPE", "")) > _LONGEST_TYPE:
            meta["CONTENT_TYPE"] = ""
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except ValueError:  # also UnicodeError
            self.content_type, self.content_params = "", {}
