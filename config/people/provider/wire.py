"""What is asked of the provider over the network: where its pages are, its keys, and a token for a code.

The address is the operator's choice (`OIDC_ISSUER`), so it may be in the own network. Each request has a deadline as a
whole. Addresses and keys are kept in the process for an hour; a token with an unknown key asks for the keys again, at
most once a minute.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rentals.outbound import client
from rentals.outbound.addresses import is_public_or_private
from rentals.outbound.errors import OutboundError
from rentals.outbound.network import Network

_LIMITS: Final = client.Limits(seconds=8.0, connect_seconds=4.0, body_bytes=512 * 1024, redirects=2)
_KEPT_SECONDS: Final = 3600.0
_KEYS_AGAIN_SECONDS: Final = 60.0


class ProviderError(Exception):
    """The provider cannot be asked, or answers what nobody can use. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider publishes about itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    takes_basic: bool  # the secret goes as a header (RFC 6749, 2.3.1), otherwise within the form


@dataclass(slots=True)
class _Kept:
    provider: Provider
    keys: KeySet
    at: float  # of the monotonic clock


_kept: dict[str, _Kept] = {}
_mutex = threading.Lock()


def forget() -> None:
    """Ask again next time."""
    with _mutex:
        _kept.clear()


def provider() -> Provider:
    """Raises ProviderError."""
    return _load(_KEPT_SECONDS).provider


def keys(*, fresh: bool = False) -> KeySet:
    """`fresh`: as good as now. Raises ProviderError."""
    return _load(_KEYS_AGAIN_SECONDS if fresh else _KEPT_SECONDS).keys


def _load(most_seconds: float) -> _Kept:
    issuer = settings.OIDC_ISSUER
    with _mutex:
        kept = _kept.get(issuer)
    if kept is not None and time.monotonic() - kept.at < most_seconds:
        return kept
    found = _discovered(issuer)
    kept = _Kept(found, _keys_at(found.jwks), time.monotonic())
    with _mutex:
        _kept[issuer] = kept
    return kept


def _discovered(issuer: str) -> Provider:
    said = _json(_get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    if said.get("issuer") != issuer:  # otherwise tokens of another provider would be believed (Discovery, 4.3)
        raise ProviderError("The provider calls itself otherwise than OIDC_ISSUER. Write it exactly as it does.")
    places = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(one, str) and one for one in places):
        raise ProviderError("The provider does not publish where to log in.")
    authorization, token, jwks = map(str, places)
    if issuer.startswith("https:") and not all(str(one).startswith("https:") for one in places):
        raise ProviderError("The provider names an address that is not https.")
    methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Provider(issuer, authorization, token, jwks, takes_basic="client_secret_basic" in methods)


def _keys_at(address: str) -> KeySet:
    said = _json(_get(address))
    try:
        return KeySet.import_key_set({"keys": [one for one in said["keys"] if one.get("use", "sig") == "sig"]})
    except (JoseError, KeyError, TypeError, ValueError, AttributeError):
        raise ProviderError("The keys of the provider cannot be read.") from None


@sensitive_variables()
def id_token(found: Provider, code: str, verifier: str, back: str) -> str:
    """The token for a code that the browser brought. `back`: the address to which it was sent. Raises ProviderError."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "client_id": settings.OIDC_CLIENT_ID,
        "code_verifier": verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if found.takes_basic:
        pair = f"{quote(settings.OIDC_CLIENT_ID, safe='')}:{quote(settings.OIDC_CLIENT_SECRET, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    else:
        form["client_secret"] = settings.OIDC_CLIENT_SECRET
    body = urlencode(form).encode("ascii")
    try:
        answer = client.post(found.token, body, headers=headers, limits=_LIMITS, network=_network(), read_answer=True)
    except OutboundError as error:
        raise ProviderError(str(error)) from None
    if answer.status != 200:
        raise ProviderError(f"The provider gives no token for the code (HTTP {answer.status}).")
    token = _json(answer.body).get("id_token")
    if not isinstance(token, str):
        raise ProviderError("The provider answers without an ID token.")
    return token


def _get(address: str) -> bytes:
    try:
        answer = client.get(address, headers={"Accept": "application/json"}, limits=_LIMITS, network=_network())
    except OutboundError as error:
        raise ProviderError(str(error)) from None
    if answer.status != 200:
        raise ProviderError(f"The provider answers with HTTP {answer.status}.")
    return answer.body


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ProviderError("The provider does not answer in JSON.")
    return said


def _network() -> Network:
    """Also the own network, since a person who may set the environment chose the address."""
    return Network(may_reach=is_public_or_private, plain_http=settings.OIDC_ISSUER.startswith("http:"))
