"""The client of the authorization server: what is sent, and what answers mean."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from pins.tedee import oauth
from pins.tedee.errors import NetworkFault, RateLimited, ServerFault, TedeeError, Unreachable

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
CANARY = "t0ken-canary-4411"
US = oauth.Registration("https://login.test/authorize", "https://login.test/token", "us", "our-secret", "offline a/b")


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(answer)


def renew(status: int, body: Any, headers: dict[str, str] | None = None) -> oauth.Tokens:
    transport = answering(lambda _: httpx.Response(status, json=body, headers=headers))
    return oauth.renew(US, CANARY, now=NOW, transport=transport)


def good(**more: object) -> dict[str, object]:
    return {"access_token": "aaa", "refresh_token": "rrr", "token_type": "Bearer", "expires_in": 3600, **more}


def test_the_address_at_tedee_has_the_challenge_and_not_the_verifier() -> None:
    """The example of RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    url = oauth.authorize_url(US, back="https://x.test/back/", state="s&s", verifier=verifier)
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "us",
        "redirect_uri": "https://x.test/back/",
        "scope": "offline a/b",
        "state": "s&s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    assert 43 <= len(oauth.new_verifier()) <= 128


@pytest.mark.parametrize("secret", ["our-secret", ""])
def test_what_is_sent_for_a_code(secret: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=good())

    us = oauth.Registration(US.authorize_url, US.token_url, "us", secret, US.scopes)
    found = oauth.redeem(us, "c0de", verifier="v", back="https://x.test/b", now=NOW, transport=answering(answer))
    sent = dict(parse_qsl(seen[0].content.decode()))
    form = {"grant_type": "authorization_code", "code": "c0de", "redirect_uri": "https://x.test/b", "client_id": "us"}
    assert sent == form | {"code_verifier": "v"} | ({"client_secret": secret} if secret else {})
    assert seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert (found.access, found.refresh, found.access_lives) == ("aaa", "rrr", timedelta(hours=1))


@pytest.mark.parametrize(
    ("body", "access", "refresh"),
    [
        (good(), 3600, None),
        (good(expires_in="7200", refresh_token_expires_in=1_209_600), 7200, 1_209_600),
        (good(expires_in=None), 3600, None),
        (good(expires_in="soon", refresh_token_expires_in="x"), 3600, None),
        (good(expires_in=True, refresh_token_expires_in=float(-5)), 3600, None),
        (good(expires_in=1e300), 366 * 86_400, None),
    ],
)
def test_lifetimes_as_servers_write_them(body: dict[str, object], access: int, refresh: int | None) -> None:
    found = renew(200, body)
    assert found.access_lives.total_seconds() == access
    assert (found.refresh_lives.total_seconds() if found.refresh_lives else None) == refresh


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": CANARY}, oauth.GrantRefused),
        (401, {"error": "interaction_required"}, oauth.GrantRefused),
        (401, {"error": "invalid_client"}, oauth.ClientRefused),
        (400, {"error": "invalid_scope"}, oauth.ClientRefused),
        (400, {"error": "invalid_request"}, oauth.ClientRefused),
        (400, {"message": CANARY}, ServerFault),
        (403, "<html>", ServerFault),
        (429, {}, RateLimited),
        (500, {"error": "invalid_grant"}, ServerFault),
        (200, {"refresh_token": "r"}, ServerFault),
        (200, {"access_token": "two words"}, ServerFault),
        (200, {"access_token": ["a"]}, ServerFault),
        (200, [CANARY], ServerFault),
        (302, good(), ServerFault),
    ],
)
def test_what_answers_mean(status: int, body: object, error: type[TedeeError]) -> None:
    with pytest.raises(error) as caught:
        renew(status, body, {"Retry-After": "9"} if status == 429 else None)
    assert type(caught.value) is error
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.retry_after == (9 if status == 429 else None)


@pytest.mark.parametrize(
    ("foreign", "error"),
    [(httpx.ConnectError, Unreachable), (httpx.ReadTimeout, NetworkFault), (httpx.RemoteProtocolError, NetworkFault)],
)
def test_only_what_was_certainly_not_sent_is_certain(foreign: type[httpx.TransportError], error: type) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise foreign(CANARY, request=request)

    with pytest.raises(error) as caught:
        oauth.renew(US, CANARY, now=NOW, transport=answering(fail))
    assert caught.value.__context__ is None
    assert CANARY not in repr(caught.value)


def test_a_refresh_token_that_no_header_carries_counts_as_none_and_no_secret_is_in_a_repr() -> None:
    found = renew(200, good(access_token=CANARY, refresh_token="with space"))
    assert found.refresh == ""
    assert CANARY not in repr(found)
    assert "our-secret" not in repr(US)
