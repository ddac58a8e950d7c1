"""Pages for people without an account, under an address that is a secret."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse

#: Nothing but our own style and pictures; no script, no frame, no other host.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def kept_private(response: HttpResponse) -> HttpResponse:
    """Kept nowhere and passed on nowhere: whoever knows the address may read."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    response["Content-Security-Policy"] = _POLICY
    return response
