"""Answers that the web server gives by itself, to requests that no page sees: JSON for machines, else one sentence."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header
from waitress.task import ErrorTask
from waitress.utilities import Error

from rentals.phrases import mark

_COME_BACK: Final = 5  # seconds
_COOKIE: Final = re.compile(r"(?:^|;\s*)turnkey_language=([\w-]{2,10})(?:;|\Z)", re.ASCII)

#: By status: a word for programs (docs/webhooks.md), and what a person may do.
_SAYS: Final = {
    400: ("bad_request", mark("The request is malformed.")),
    408: ("too_slow", mark("The request did not arrive in time. Send it again.")),
    413: ("too_large", mark("The request is too large.")),
    429: ("too_many_requests", mark("Too many people log in at this moment.")),
    431: ("headers_too_large", mark("The header of the request is too large.")),
    500: ("internal_error", mark("The server has a fault. Nothing was changed; its log says more.")),
    501: (
        "not_implemented",
        mark("Send the body as it is, or in chunks; this server knows no other Transfer-Encoding."),
    ),
    503: ("unavailable", mark("Too much is sent at this moment. Nothing was changed; send the same again later.")),
}
_BAD_CHUNKS: Final = ("bad_chunks", mark("The chunks of the body are malformed (RFC 9112, 7.1)."))
_LOGIN_PAGE: Final = (
    "<!doctype html><html lang={language}><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>Turnkey</title><h1>{heading}</h1><p>{text}</p>"
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
        if error.code in (429, 503):
            self.response_headers.append(("Retry-After", str(_COME_BACK)))
        with translation.override(language := _language_of(self.request)):
            if error.code == 429:
                kind, body = "text/html", _login_page(language)
            elif self.request.path.startswith("/webhooks/"):
                kind, body = "application/json", json.dumps({"error": word, "detail": detail})
            else:
                kind, body = "text/plain", _(detail)
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", f"{kind}; charset=utf-8"), ("Cache-Control", "no-store")]
        self.response_headers.append(("Content-Security-Policy", "default-src 'none'"))
        self.set_close_on_finish()
        content = body.encode()
        self.content_length = len(content)
        self.write(content)


def _login_page(language: str) -> str:
    text = _("This try was not looked at. Wait {number} seconds, then go back and try again.").format(number=_COME_BACK)
    return _LOGIN_PAGE.format(language=language, heading=_("Too many people log in at this moment"), text=text)


def _language_of(request: Any) -> str:
    """As the pages choose it (`config.people.language`), from a few bytes of a head that nobody has judged yet."""
    cookie = _COOKIE.search(request.headers.get("COOKIE", ""))
    asked = [cookie[1]] if cookie else []
    asked += [name for name, _weight in parse_accept_lang_header(request.headers.get("ACCEPT_LANGUAGE", "")[:200])]
    for one in asked:
        try:
            return translation.get_supported_language_variant(one)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
