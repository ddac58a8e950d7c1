"""The control addresses and the page, asked without a socket."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pins.simulator import control
from pins.simulator.answering import answer
from pins.simulator.cloud import Cloud
from pins.simulator.messages import Reply, Request

LOCAL = {"Host": "127.0.0.1:8765", "Content-Type": "application/json"}


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud()
    made.add_lock("Front door")
    return made


def get(cloud: Cloud, path: str, query: str = "", **headers: str) -> Reply:
    return control.respond(cloud, Request("GET", path, query, LOCAL | headers))


def post(cloud: Cloud, path: str, fields: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
    body = b"" if fields is None else json.dumps(fields).encode()
    reply = control.respond(cloud, Request("POST", path, headers=LOCAL | headers, body=body))
    return reply.status, json.loads(reply.body)


def locks(cloud: Cloud) -> list[dict[str, Any]]:
    found = json.loads(get(cloud, "/control/locks").body)["locks"]
    assert isinstance(found, list)
    return found


def test_locks_are_shown_with_their_pins_in_clear(cloud: Cloud) -> None:
    cloud.add_foreign_pin(10001, "Cleaner", "271828")
    (lock,) = locks(cloud)
    assert (lock["id"], lock["connected"], lock["capacity"], lock["listVersion"]) == (10001, True, 100, 2)
    assert [(pin["alias"], pin["pin"], pin["foreign"]) for pin in lock["pins"]] == [("Cleaner", "271828", True)]


def test_the_plug_the_permission_and_the_identity_of_a_lock(cloud: Cloud) -> None:
    assert post(cloud, "/control/locks/10001/plug", {"connected": False}) == (200, {"ok": True})
    assert locks(cloud)[0]["connected"] is False
    post(cloud, "/control/locks/10001/access", {"forbidden": True})
    assert locks(cloud)[0]["forbidden"] is True
    assert post(cloud, "/control/locks/10001/readd") == (200, {"ok": True, "id": 10002})
    assert post(cloud, "/control/locks/10001/plug", {"connected": True})[0] == 404
    assert post(cloud, "/control/locks/10002/plug", {"connected": "yes"})[0] == 400


def test_faults_scripts_and_keys(cloud: Cloud) -> None:
    assert post(cloud, "/control/faults", {"text": "busy=0.25"})[1]["faults"] == "busy=0.25"
    status, answer = post(cloud, "/control/faults", {"text": "nonsense"})
    assert status == 400
    assert "timeout_applied" in answer["error"]
    assert post(cloud, "/control/script", {"lock_id": 10001, "steps": ["late", "ok"]})[1]["left"] == 2
    assert post(cloud, "/control/script", {"lock_id": 10001, "steps": ["?"]})[0] == 400
    assert post(cloud, "/control/script", {"lock_id": 4, "steps": ["ok"]})[0] == 404
    assert post(cloud, "/control/keys", {"label": "demo", "revoked": True})[0] == 200
    assert cloud.gate.keys[0].revoked
    assert post(cloud, "/control/keys", {"label": "second", "key": "other-key"})[0] == 200
    assert post(cloud, "/control/keys", {"label": "third", "revoked": True})[0] == 400


def test_foreign_pins_activity_and_the_journal(cloud: Cloud) -> None:
    made = {"lock_id": 10001, "alias": "Owner", "pin": "271828", "endDate": "2099-01-01T00:00:00.000Z"}
    assert post(cloud, "/control/foreign-pin", made) == (200, {"ok": True, "id": 1})
    assert post(cloud, "/control/foreign-pin", made)[0] == 400
    assert post(cloud, "/control/foreign-pin", {"lock_id": 10001})[1]["id"] == 2
    assert post(cloud, "/control/remove-pin", {"lock_id": 10001, "pin_id": 2})[0] == 200
    assert post(cloud, "/control/remove-pin", {"lock_id": 10001, "pin_id": 2})[0] == 400
    assert post(cloud, "/control/activity", {"lock_id": 10001, "event": 61})[0] == 200
    journal = json.loads(get(cloud, "/control/journal").body)
    assert [change["action"] for change in journal["changes"]] == ["created", "created", "deleted"]
    assert "271828" not in json.dumps(journal)
    last = journal["last_seq"]
    assert json.loads(get(cloud, "/control/journal", f"since={last}").body)["changes"] == []
    assert get(cloud, "/control/journal", "since=x").status == 400
    assert post(cloud, "/control/reset-journal")[0] == 200
    assert json.loads(get(cloud, "/control/journal").body)["changes"] == []


def test_unknown_addresses_methods_and_bodies_are_told(cloud: Cloud) -> None:
    assert post(cloud, "/control/nothing", {})[0] == 400
    assert get(cloud, "/control/nothing").status == 404
    assert control.respond(cloud, Request("DELETE", "/control/locks", headers=LOCAL)).status == 405
    form = LOCAL | {"Content-Type": "application/x-www-form-urlencoded"}
    asked = Request("POST", "/control/faults", headers=form, body=b"text=busy%3D1")
    assert control.respond(cloud, asked).status == 400
    assert post(cloud, "/control/faults", ["text"])[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": ""},
        {"Host": "10.0.0.7:8765"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_web_pages_can_neither_read_nor_act(cloud: Cloud, headers: dict[str, str]) -> None:
    assert post(cloud, "/control/locks/10001/plug", {"connected": False}, **headers)[0] == 403
    assert cloud.lock(10001).connected
    assert get(cloud, "/control/locks", **headers).status == 403
    assert get(cloud, "/", **headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8765", "Origin": "http://localhost:8765", "Sec-Fetch-Site": "same-origin"},
        {"Host": "[::1]:8765"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_its_own_page_and_this_machine_may(cloud: Cloud, headers: dict[str, str]) -> None:
    assert post(cloud, "/control/locks/10001/plug", {"connected": False}, **headers)[0] == 200


def test_a_host_opened_on_purpose_answers_to_its_name_but_not_to_other_pages(cloud: Cloud) -> None:
    asked = Request("GET", "/control/locks", headers={"Host": "simulator:8765"})
    assert control.respond(cloud, asked, any_host=True).status == 200
    foreign = Request("GET", "/", headers={"Host": "simulator:8765", "Origin": "http://evil.example"})
    assert control.respond(cloud, foreign, any_host=True).status == 403


def test_the_page_shows_locks_pins_and_requests_and_escapes_names(cloud: Cloud) -> None:
    cloud.add_lock("<script>alert(1)</script>", connected=False)
    cloud.add_lock("No bridge", bridge_id=None)
    cloud.add_lock("No keypad", keypad=None)
    cloud.add_foreign_pin(10001, "Cleaner & Co", "271828")
    headers = {"Authorization": "PersonalKey demo-key", "Content-Type": "application/json"}
    new_pin = b'{"alias": "Guest", "pin": "481516", "endDate": "2099-01-01T00:00:00.000Z"}'
    answer(cloud, Request("POST", "/api/v37/my/lock/10001/pin", headers=headers, body=new_pin))
    cloud.script(10001, ["drop_applied"])
    answer(cloud, Request("GET", "/api/v37/my/lock/10001/pin", headers=headers))
    reply = get(cloud, "/")
    page = reply.body.decode()
    assert reply.status == 200
    assert page.startswith("<!doctype html>")
    assert "&lt;script&gt;alert(1)" in page
    for text in (
        "Front door",
        "Cleaner &amp; Co",
        "271828",
        "set by hand",
        "481516",
        "open to 01 Jan 00:00",
        "Disconnected",
    ):
        assert text in page
    for text in (
        "No bridge",
        "No keypad: pins are refused",
        "Pull the plug",
        "Plug in",
        "2 of 100 pins",
        "line dropped",
    ):
        assert text in page
    assert "demo-key" not in page
    assert not re.search(r"(?:src|href)=", page)


def test_the_page_allows_only_its_own_script_and_style(cloud: Cloud) -> None:
    reply = get(cloud, "/")
    policy = dict(reply.headers)["Content-Security-Policy"]
    found = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert found
    page = reply.body.decode()
    assert page.count(f'nonce="{found[1]}"') == 2
    assert get(cloud, "/").body != reply.body


def test_the_page_refreshes_only_its_middle(cloud: Cloud) -> None:
    part = get(cloud, "/", "part=locks").body.decode()
    assert "Front door" in part
    assert "<html" not in part
    assert "No request yet" in part
