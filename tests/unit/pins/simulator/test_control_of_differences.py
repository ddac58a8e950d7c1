"""Settings, keys, locks and pins, changed through the control side and by the buttons of its page."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from pins.simulator import control
from pins.simulator.cloud import CloudSettings
from pins.simulator.messages import Request
from tests.support.small_cloud import ALIAS, CODE, PINS, SmallCloud

LOCAL = {"Host": "127.0.0.1:8765", "Content-Type": "application/json"}


def get(small: SmallCloud, path: str) -> bytes:
    return control.respond(small.cloud, Request("GET", path, headers=LOCAL)).body


def post(small: SmallCloud, path: str, fields: object) -> tuple[int, dict[str, Any]]:
    asked = Request("POST", path, headers=LOCAL, body=json.dumps(fields).encode())
    reply = control.respond(small.cloud, asked)
    return reply.status, json.loads(reply.body)


def test_settings_can_be_read_changed_and_put_back() -> None:
    small = SmallCloud()
    usual = json.loads(get(small, "/control/settings"))
    status, answer = post(small, "/control/settings", {"list_lag": 60, "put": "merges", "latency": [0.0, 0.1]})
    assert status == 200
    assert answer["settings"] == usual | {"list_lag": 60, "put": "merges", "latency": [0.0, 0.1]}
    assert small.cloud.settings.put == "merges"
    assert "list_lag=60" in get(small, "/").decode()
    assert post(small, "/control/settings", usual)[0] == 200
    assert small.cloud.settings == CloudSettings()


@pytest.mark.parametrize("wrong", [{"lag": 60}, {"list_lag": "long"}, {"put": "patches"}, {"list_lag": 1, "put": 0}])
def test_a_wrong_setting_changes_nothing(wrong: dict[str, object]) -> None:
    small = SmallCloud()
    status, answer = post(small, "/control/settings", wrong)
    assert status == 400
    assert list(wrong)[-1] in answer["error"]
    assert small.cloud.settings == CloudSettings()


def test_keys_of_both_schemes_their_end_and_what_they_may_do() -> None:
    small = SmallCloud()
    token = small.client_of("Bearer token")
    made = {"label": "app", "key": "token", "scheme": "Bearer", "expiresAt": "2027-03-01T13:00:00.000Z"}
    assert post(small, "/control/keys", made)[0] == 200
    assert token.get(PINS).status_code == 200
    assert post(small, "/control/keys", {"label": "app", "can_write": False})[0] == 200
    assert token.post(PINS, json={"alias": "A", "pin": CODE}).status_code == 403
    small.forward(3600)
    assert token.get(PINS).status_code == 401
    assert post(small, "/control/keys", {"label": "app", "expiresAt": None})[0] == 200
    assert token.get(PINS).status_code == 200
    for wrong in ({"label": "nobody", "can_write": False}, made | {"scheme": "Basic"}, made | {"expiresAt": "soon"}):
        assert post(small, "/control/keys", wrong)[0] == 400


def test_a_lock_that_claims_to_be_full_or_always_fails() -> None:
    small = SmallCloud()
    assert post(small, "/control/locks/10001/room", {"claims_full": True})[0] == 200
    assert small.create().status_code == 412
    post(small, "/control/locks/10001/room", {"claims_full": False})
    post(small, "/control/locks/10001/room", {"capacity": 0})
    assert small.create().status_code == 412
    assert post(small, "/control/locks/10001/always", {"status": 500})[0] == 200
    assert small.create().status_code == 500
    (lock,) = json.loads(get(small, "/control/locks"))["locks"]
    assert (lock["always"], lock["claimsFull"], lock["capacity"]) == (500, False, 0)
    assert "Answers every request with 500" in get(small, "/").decode()
    assert post(small, "/control/locks/10001/always", {"status": None})[0] == 200
    assert small.ids() == []
    assert post(small, "/control/locks/10001/always", {"status": 200})[0] == 400
    assert post(small, "/control/locks/10001/always", {"status": "500"})[0] == 400
    assert post(small, "/control/locks/10009/room", {"claims_full": True})[0] == 404


def test_pins_are_added_and_changed_by_hand() -> None:
    small = SmallCloud(alias_shape="upper")
    small.create(alias="Anna")
    days = {"weekDays": 48, "dayStartTime": "2021-10-01T10:00:00.000Z", "dayEndTime": "2021-10-01T12:00:00.000Z"}
    assert post(small, "/control/foreign-pin", {"lock_id": 10001, "alias": "Cleaner", **days}) == (
        200,
        {"ok": True, "id": 2},
    )
    change = {"lock_id": 10001, "pin_id": 1}
    assert post(small, "/control/change-pin", change | {"alias": ALIAS, "pin": "314159"})[0] == 200
    assert post(small, "/control/change-pin", change | {"endDate": "2027-03-08T10:00:00.000Z"})[0] == 200
    (pins,) = [lock["pins"] for lock in json.loads(get(small, "/control/locks"))["locks"]]
    ours, cleaner = pins
    assert (ours["alias"], ours["aliasSent"], ours["pin"]) == (ALIAS.upper(), "Anna", "314159")
    assert (ours["endDate"], ours["foreign"]) == ("2027-03-08T10:00:00.000Z", False)
    assert days.items() <= cleaner.items()
    assert "always, Fri Sat, 10:00 to 12:00" in get(small, "/").decode()
    for wrong in ({"pin_id": 9}, {"pin": "12345"}, {"alias": 5}, {"weekDays": "all"}, {"startDate": "today"}):
        assert post(small, "/control/change-pin", change | wrong)[0] == 400


def test_control_shows_the_truth_whatever_the_cloud_shows() -> None:
    small = SmallCloud(list_shows="nothing", seconds_cut=True, ids_as_text=True, lock_shape="v1.32")
    small.create(endDate="2027-03-08T10:00:00.000Z")
    (lock,) = json.loads(get(small, "/control/locks"))["locks"]
    assert (lock["id"], lock["deviceState"]["batteryLevel"]) == (10001, 87)
    assert [(pin["id"], pin["endDate"]) for pin in lock["pins"]] == [(1, "2027-03-08T10:00:00.000Z")]


def press(small: SmallCloud, label: str) -> int:
    """Do what the page's script does for the first button with this text."""
    page = get(small, "/").decode()
    found = re.search(rf'data-to="([^"]+)" data-body="([^"]+)"[^>]*>{label}</button>', page)
    assert found, f"no button {label}"
    return post(small, found[1], json.loads(html.unescape(found[2])))[0]


def test_the_buttons_of_the_page_do_what_they_say() -> None:
    small = SmallCloud()
    assert press(small, "Add a pin") == 200
    (pin,) = small.cloud.pins(10001)
    assert pin.foreign
    assert press(small, "Take no more pins") == 200
    assert "Takes no more pins" in get(small, "/").decode()
    assert press(small, "Add a pin") == 400
    assert press(small, "Take pins again") == 200
    assert press(small, "Delete") == 200
    assert small.cloud.pins(10001) == []
    assert press(small, "Pull the plug") == 200
    assert not small.cloud.lock(10001).connected
    assert press(small, "Plug in") == 200
