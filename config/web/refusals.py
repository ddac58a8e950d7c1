"""Answers that the web server gives by itself, to requests that no page sees: JSON for machines, else one sentence."""

from __future__ import annotations

import json
from typing import Final

from waitress.task import ErrorTask
from waitress.utilities import Error

_COME_BACK: Final = 5  # seconds

#: By status: a word for programs (docs/webhooks.md), and what a person may do.
_SAYS: Final = {
    400: ("bad_request", "The request is malformed."),
    408: ("too_slow", "The request did not arrive in time. Send it again."),
    413: ("too_large", "The request is too large."),
    429: ("too_many_requests", "Too many people log in at this moment."),
    431: ("headers_too_large", "The header of the request is too large."),
    500: ("internal_error", "The server has a fault. Nothing was changed; its log says more."),
    501: ("not_implemented", "Send the body as it is, or in chunks; this server knows no other Transfer-Encoding."),
    503: ("unavailable", "Too much is sent at this moment. Nothing was changed; send the same again later."),
}
_BAD_CHUNKS: Final = ("bad_chunks", "The chunks of the body are malformed (RFC 9112, 7.1).")
_LOGIN_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Turnkey</title>"
    "<h1>Too many people log in at this moment</h1>"
    f"<p>This try was not looked at. Wait {_COME_BACK} seconds, then go back and try again.</p>"
)


class RequestTimeout(Error):
    code = 408
    reason = "Request Timeout"


class TooManyLogins(Error):
    code = 429
    reason = "Too Many Requests"


class TooMuch(Error):
    code = 503
    reason = "Service Unavailable"


class Refusal(ErrorTask):
    def execute(self) -> None:
        error = self.request.error
        word, detail = _SAYS.get(error.code, _SAYS[400])
        if error.code == 400 and self.request.chunked:
            word, detail = _BAD_CHUNKS
        kind, body = "text/plain", detail
        if error.code in (429, 503):
            self.response_headers.append(("Retry-After", str(_COME_BACK)))
        if error.code == 429:
            kind, body = "text/html", _LOGIN_PAGE
        elif self.request.path.startswith("/webhooks/"):
            kind, body = "application/json", json.dumps({"error": word, "detail": detail})
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", f"{kind}; charset=utf-8"), ("Cache-Control", "no-store")]
        self.response_headers.append(("Content-Security-Policy", "default-src 'none'"))
        self.set_close_on_finish()
        content = body.encode()
        self.content_length = len(content)
        self.write(content)
