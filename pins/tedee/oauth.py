"""The authorization server of Tedee accounts: OAuth 2.0 with a code, PKCE and refresh tokens (RFC 6749, 7636, 9700).

    TedeeError
    ├── GrantRefused      the code or refresh token is worth nothing (any more)
    ├── ClientRefused     this Turnkey is refused: client id, secret, address or scopes are wrong
    ├── RateLimited, Unreachable     certain: nothing was renewed
    └── ServerFault, NetworkFault    the tokens may have been renewed, and we do not know the new ones

Answers are plain JSON, without Tedee's envelope. No token is in a `repr` or an exception.
"""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx

from pins.tedee.answers import Received, receive
from pins.tedee.client import fault_for
from pins.tedee.errors import Cause, RateLimited, RefusedError, ServerFault, TedeeError
from pins.tedee.transport import DeadlineTransport
from rentals.outbound.deadline import deadline

#: Seconds for one request to the token endpoint as a whole.
DEADLINE: Final = 15.0
#: Where the answer does not say how long the access token lives (Tedee API: one to four hours).
_ACCESS_SECONDS: Final = 3600.0
_LONGEST_TOKEN: Final = 16_000
#: Errors that say that the code or token is worth nothing (RFC 6749, 5.2; those of OpenID Connect ask for a person).
#: All others say something about us, and the token may be good: nobody should log in again for a wrong setting.
_ABOUT_THE_GRANT: Final = frozenset(
    {"invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required"}
)


class GrantRefused(RefusedError):
    """The code or the refresh token is not accepted."""

    cause = Cause.UNAUTHORIZED
    summary = "Tedee does not accept the connection of the account"


class ClientRefused(RefusedError):
    """The client id, its secret, the address of the way back or the scopes are not accepted."""

    cause = Cause.FORBIDDEN
    summary = "Tedee does not accept the client id or secret of this Turnkey"


@dataclass(frozen=True, slots=True)
class Registration:
    """How this Turnkey is known at Tedee."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)  # empty for a public client, which PKCE alone protects
    scopes: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code or a refresh token brought. Lifetimes count from `obtained_at` (UTC), when the request began."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)  # empty: none came
    obtained_at: datetime
    access_lives: timedelta
    refresh_lives: timedelta | None  # None: not said
    scopes: str = ""  # what was allowed; empty: not said, so all that was asked for (RFC 6749, 5.1)

    def may_write(self, asked: str) -> bool | None:
        """Whether the access may put codes on locks, where these scopes were asked for. None: they do not say."""
        granted = [one.rpartition("/")[2] for one in (self.scopes or asked).split()]
        if "Device.ReadWrite" in granted:
            return True
        return False if any(one.startswith("Device.") for one in granted) else None


def new_verifier() -> str:
    """A secret that stays here while the browser is away (RFC 7636, 4.1)."""
    return secrets.token_urlsafe(48)


def authorize_url(registration: Registration, *, back: str, state: str, verifier: str) -> str:
    """Where a person logs in and allows Turnkey what it asks for."""
    challenge = hashlib.sha256(verifier.encode("ascii")).digest()
    asked = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": back,
        "scope": registration.scopes,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in registration.authorize_url else "?"
    return f"{registration.authorize_url}{joint}{urlencode(asked)}"


def redeem(
    registration: Registration,
    code: str,
    *,
    verifier: str,
    back: str,
    now: datetime,
    transport: httpx.BaseTransport | None = None,
) -> Tokens:
    """The tokens for a code that the browser brought. Raises TedeeError."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    return _ask(registration, form, now, transport)


def renew(
    registration: Registration, refresh_token: str, *, now: datetime, transport: httpx.BaseTransport | None = None
) -> Tokens:
    """New tokens for a refresh token, which may be worth nothing afterwards. Raises TedeeError."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": registration.scopes}
    return _ask(registration, form, now, transport)


def _ask(
    registration: Registration, form: Mapping[str, str], now: datetime, transport: httpx.BaseTransport | None
) -> Tokens:
    sent = {**form, "client_id": registration.client_id}
    if registration.client_secret:
        sent["client_secret"] = registration.client_secret
    request = httpx.Request(
        "POST",
        registration.token_url,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Turnkey"},
        data=sent,
        extensions={"timeout": httpx.Timeout(DEADLINE, connect=5.0).as_dict()},
    )
    fault: TedeeError
    owned = transport is None
    carrier = transport or DeadlineTransport()
    try:
        with deadline(DEADLINE) as ends_at:
            response = carrier.handle_request(request)
            try:
                received = receive(response, ends_at)
            finally:
                response.close()
        return _understood(received, now)
    except httpx.HTTPError as error:
        fault = fault_for(error)
    finally:
        if owned:
            carrier.close()
    raise fault  # after the `except`, so that the foreign error, which may hold the request, is not its context


def _understood(received: Received, now: datetime) -> Tokens:
    said, status = received.body if isinstance(received.body, dict) else {}, received.status
    if status == 200:
        access, refresh = _token(said.get("access_token")), _token(said.get("refresh_token"))
        if not access:
            raise ServerFault(status, detail="The answer has no access token")
        access_lives = _lifetime(said.get("expires_in")) or timedelta(seconds=_ACCESS_SECONDS)
        scopes = said.get("scope")
        refresh_lives = _lifetime(said.get("refresh_token_expires_in"))
        return Tokens(access, refresh, now, access_lives, refresh_lives, scopes if isinstance(scopes, str) else "")
    if status == 429:
        raise RateLimited(status, retry_after=received.retry_after)
    named = said.get("error")
    if status in (400, 401, 403) and isinstance(named, str):
        raise (GrantRefused if named in _ABOUT_THE_GRANT else ClientRefused)(status)
    raise ServerFault(status, retry_after=received.retry_after)


def _token(value: object) -> str:
    """A token that a header can carry, else nothing."""
    usable = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
    return value if usable and isinstance(value, str) and len(value) <= _LONGEST_TOKEN else ""


def _lifetime(value: object) -> timedelta | None:
    """Seconds, as a number or as text: Azure AD B2C writes both. At most a year."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        seconds = 0.0
    return timedelta(seconds=min(seconds, 366 * 86_400)) if math.isfinite(seconds) and seconds > 0 else None
