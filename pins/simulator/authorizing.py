"""The pages and the token endpoint of the simulated authorization server.

GET  /oauth2/authorize    a page with two links, “Allow” and “Refuse”; either leads back to the client
POST /oauth2/token        grant_type authorization_code or refresh_token; plain JSON, without Tedee's envelope
"""

from __future__ import annotations

import base64
import binascii
import html
from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from pins.simulator.authority import Refusal, TokenRequest
from pins.simulator.cloud_state import CloudState
from pins.simulator.messages import Reply, Request, json_reply

AUTHORIZE: Final = "/oauth2/authorize"
TOKENS: Final = "/oauth2/token"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Simulated Tedee</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>Simulated Tedee</h1><p>“{client}” asks to read and change your locks.</p>
<p><a id="allow" href="{allow}">Allow</a></p><p><a id="refuse" href="{refuse}">Refuse</a></p></body></html>"""


def concerns(request: Request) -> bool:
    """Whether a request is for the authorization server."""
    return request.path in (AUTHORIZE, TOKENS)


def respond(cloud: CloudState, request: Request) -> Reply:
    """Answer one request; takes `token_latency` for tokens."""
    if request.path == AUTHORIZE:
        return _authorize(cloud, request) if request.method == "GET" else json_reply({"error": "invalid_request"}, 405)
    if request.method != "POST":
        return json_reply({"error": "invalid_request"}, 405)
    if cloud.settings.token_latency > 0:
        cloud.sleep(cloud.settings.token_latency)
    with cloud.mutex:
        return _token(cloud, request)


def _authorize(cloud: CloudState, request: Request) -> Reply:
    asked = dict(parse_qsl(request.query, keep_blank_values=True))
    client, back = asked.get("client_id", ""), asked.get("redirect_uri", "")
    if client not in cloud.authority.clients or urlsplit(back).scheme not in ("http", "https"):
        return _html("<h1>This client or its redirect_uri is not known.</h1>", 400)  # never a redirect
    state = {"state": asked["state"]} if "state" in asked else {}
    refusal = _what_is_wrong(asked)
    if refusal:
        return _lead_back(back, {"error": refusal, **state})
    decision = asked.get("decision")
    if decision == "allow":
        with cloud.mutex:
            code = cloud.authority.allow(client, back, asked["code_challenge"], cloud.clock())
        return _lead_back(back, {"code": code, **state})
    if decision == "refuse":
        return _lead_back(back, {"error": "access_denied", **state})
    links = {one: html.escape(f"{AUTHORIZE}?{urlencode({**asked, 'decision': one})}") for one in ("allow", "refuse")}
    return _html(_PAGE.format(client=html.escape(client), **links))


def _what_is_wrong(asked: dict[str, str]) -> str:
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
        return "invalid_request"
    return "" if asked.get("scope") else "invalid_scope"


def _lead_back(back: str, said: dict[str, str]) -> Reply:
    joint = "&" if "?" in back else "?"
    return Reply(302, (("Location", f"{back}{joint}{urlencode(said)}"), ("Cache-Control", "no-store")))


def _html(page: str, status: int = 200) -> Reply:
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))
    return Reply(status, headers, page.encode())


def _token(cloud: CloudState, request: Request) -> Reply:
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    script = cloud.authority.script
    step = script.popleft() if script else "ok"
    done = False
    if step in ("busy", "error", "cut"):
        reply = json_reply({"error": "temporarily_unavailable"}, {"busy": 429}.get(step, 500))
        if step == "busy":
            reply = replace(reply, headers=(*reply.headers, ("Retry-After", "7")))
    else:
        try:
            reply, done = json_reply(_tokens(cloud, request, form, step)), True
        except Refusal as refused:
            reply = json_reply({"error": str(refused)}, 401 if str(refused) == "invalid_client" else 400)
    cloud.authority.asked.append(TokenRequest(cloud.clock(), form.get("grant_type", ""), reply.status, done))
    delivery = {"lost": "drop", "cut": "drop", "late": "hang"}.get(step, "answer")
    headers = (*reply.headers, ("Cache-Control", "no-store"))
    return replace(reply, headers=headers, delivery=delivery)  # type: ignore[arg-type]


def _tokens(cloud: CloudState, request: Request, form: dict[str, str], step: str) -> dict[str, object]:
    settings, authority, now = cloud.settings, cloud.authority, cloud.clock()
    client, secret = _credentials(request, form)
    if step == "client" or authority.clients.get(client) != secret:
        raise Refusal("invalid_client")
    rotates, grant = settings.rotation == "rotates", form.get("grant_type")
    if step == "refuse":
        authority.end_of(form.get("refresh_token", ""), cloud.gate)
        raise Refusal("invalid_grant")
    if grant == "authorization_code":
        verifier = form.get("code_verifier", "")
        connection = authority.redeem(form.get("code", ""), client, form.get("redirect_uri", ""), verifier, now)
    elif grant == "refresh_token":
        refresh = form.get("refresh_token", "")
        connection = authority.use(refresh, client, now, cloud.gate, reuse=settings.reuse, rotates=rotates)
    else:
        raise Refusal("unsupported_grant_type")
    lives, refresh_lives = timedelta(seconds=settings.token_seconds), timedelta(seconds=settings.refresh_seconds)
    gives_refresh = rotates or grant == "authorization_code"
    access, fresh = authority.give(connection, cloud.gate, now, lives, refresh_lives if gives_refresh else None)
    said: dict[str, object] = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(settings.token_seconds),
    }
    if settings.scope_said:
        said["scope"] = settings.scope_said
    if fresh:
        said["refresh_token"] = fresh
        if settings.refresh_said:
            said["refresh_token_expires_in"] = int(settings.refresh_seconds)
    return said


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """The client's id and secret: within the form, or as Basic (RFC 6749, 2.3.1)."""
    kind, _, pair = request.header("Authorization").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise Refusal("invalid_client") from None
    return unquote(client), unquote(secret)
