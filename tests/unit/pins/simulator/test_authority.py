"""The simulated authorization server keeps to the documents that it stands for."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from pins.simulator.answering import answer
from pins.simulator.authority import CLIENT_ID, CLIENT_SECRET
from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.control import respond
from pins.simulator.messages import Reply, Request

BACK = "https://codes.example.com/back/"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-x"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def cloud_of(clock: Clock, **settings: Any) -> Cloud:
    return Cloud(CloudSettings(**settings), clock=clock, sleep=lambda _: None)


def ask(cloud: Cloud, **form: str) -> tuple[int, dict[str, Any]]:
    sent = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **form}
    reply = answer(cloud, Request("POST", "/oauth2/token", body=urlencode(sent).encode()))
    return reply.status, json.loads(reply.body)


def authorize(cloud: Cloud, **changed: str) -> Reply:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": BACK, "scope": "x", "state": "s"}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256", "decision": "allow"} | changed
    return answer(cloud, Request("GET", "/oauth2/authorize", urlencode(asked)))


def said(reply: Reply) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(dict(reply.headers)["Location"]).query))


def code_of(cloud: Cloud) -> str:
    return said(authorize(cloud))["code"]


def connect(cloud: Cloud) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code_of(cloud), "redirect_uri": BACK, "code_verifier": VERIFIER}
    status, tokens = ask(cloud, **form)
    assert status == 200
    return tokens


def renew(cloud: Cloud, refresh: str) -> tuple[int, dict[str, Any]]:
    return ask(cloud, grant_type="refresh_token", refresh_token=refresh)


def accepts(cloud: Cloud, access: str) -> bool:
    headers = {"Authorization": f"Bearer {access}"}
    return answer(cloud, Request("GET", "/api/v37/my/lock", headers=headers)).status == 200


def test_a_code_is_good_once_for_its_client_address_and_verifier(clock: Clock) -> None:
    cloud = cloud_of(clock)
    right = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    for wrong in ({"redirect_uri": "https://other"}, {"code_verifier": "other"}, {"code": "other"}):
        assert ask(cloud, **{**right, "code": code_of(cloud), **wrong})[1] == {"error": "invalid_grant"}
    code = code_of(cloud)
    assert ask(cloud, **right, code=code)[0] == 200
    assert ask(cloud, **right, code=code)[0] == 400
    late = code_of(cloud)
    clock.now += timedelta(minutes=5)
    assert ask(cloud, **right, code=late)[0] == 400


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"decision": "refuse"}, "access_denied"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_refusals_lead_back_with_the_state(clock: Clock, changed: dict[str, str], error: str) -> None:
    assert said(authorize(cloud_of(clock), **changed)) == {"error": error, "state": "s"}


@pytest.mark.parametrize("changed", [{"client_id": "stranger"}, {"redirect_uri": "javascript:alert(1)"}])
def test_an_unknown_client_or_address_is_led_nowhere(clock: Clock, changed: dict[str, str]) -> None:
    reply = authorize(cloud_of(clock), **changed)
    assert reply.status == 400
    assert "Location" not in dict(reply.headers)


def test_tokens_end_and_rotate_and_a_second_use_ends_the_connection(clock: Clock) -> None:
    cloud = cloud_of(clock, token_seconds=600.0)
    first = connect(cloud)
    assert accepts(cloud, first["access_token"])
    clock.now += timedelta(seconds=600)
    assert not accepts(cloud, first["access_token"])
    second = renew(cloud, first["refresh_token"])[1]
    assert second["refresh_token"] != first["refresh_token"]
    assert accepts(cloud, second["access_token"])
    assert renew(cloud, first["refresh_token"]) == (400, {"error": "invalid_grant"})
    assert not accepts(cloud, second["access_token"])
    assert renew(cloud, second["refresh_token"])[0] == 400


def test_other_servers_forgive_or_refuse_a_second_use_or_do_not_rotate(clock: Clock) -> None:
    for reuse, status in (("accepted", 200), ("refused", 400)):
        cloud = cloud_of(clock, reuse=reuse)
        first = connect(cloud)
        second = renew(cloud, first["refresh_token"])[1]
        assert renew(cloud, first["refresh_token"])[0] == status
        assert accepts(cloud, second["access_token"])
    cloud = cloud_of(clock, rotation="keeps")
    first = connect(cloud)
    assert "refresh_token" not in renew(cloud, first["refresh_token"])[1]
    assert renew(cloud, first["refresh_token"])[0] == 200


def test_a_refresh_token_that_is_not_used_ends(clock: Clock) -> None:
    cloud = cloud_of(clock)
    first = connect(cloud)
    assert first["refresh_token_expires_in"] == 14 * 86_400
    clock.now += timedelta(days=14)
    assert renew(cloud, first["refresh_token"])[0] == 400


def test_a_wrong_secret_or_grant_is_told(clock: Clock) -> None:
    cloud = cloud_of(clock)
    assert ask(cloud, client_secret="wrong", grant_type="refresh_token") == (401, {"error": "invalid_client"})
    assert ask(cloud, grant_type="password") == (400, {"error": "unsupported_grant_type"})
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    body = urlencode({"grant_type": "refresh_token", "refresh_token": connect(cloud)["refresh_token"]}).encode()
    headers = {"Authorization": f"Basic {basic}"}
    assert answer(cloud, Request("POST", "/oauth2/token", headers=headers, body=body)).status == 200


def test_the_control_side_scripts_ends_and_shows_without_a_token(clock: Clock) -> None:
    cloud = cloud_of(clock)
    first = connect(cloud)

    def control(**fields: object) -> Reply:
        headers = {"Host": "127.0.0.1", "Content-Type": "application/json"}
        return respond(cloud, Request("POST", "/control/oauth", headers=headers, body=json.dumps(fields).encode()))

    assert control(script=["busy", "nonsense"]).status == 400
    cloud.authority.script.clear()
    assert control(script=["busy", "lost"], expire=True).status == 200
    assert not accepts(cloud, first["access_token"])
    assert renew(cloud, first["refresh_token"])[0] == 429
    assert renew(cloud, first["refresh_token"])[0] == 200  # done, though nobody receives it
    assert control(revoke=True, client_id="mine", client_secret="ours").status == 200
    assert cloud.authority.clients["mine"] == "ours"
    shown = respond(cloud, Request("GET", "/control/oauth", headers={"Host": "127.0.0.1"})).body.decode()
    assert [one["status"] for one in json.loads(shown)["requests"]] == [200, 429, 200]
    assert first["refresh_token"] not in shown
