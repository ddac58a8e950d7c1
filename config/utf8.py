"""Requests are text in UTF-8, whatever they say."""

from __future__ import annotations

from django.core.handlers.wsgi import WSGIRequest


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
