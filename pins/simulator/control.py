"""The control side of the simulator: JSON for tests and a page for people.

It asks for no key, so it answers to loopback names only and refuses requests from other web pages.

    GET  /                          the page; `/?part=locks` only what it refreshes
    GET  /control/locks             every lock with its pins, values in clear
    GET  /control/journal?since=N   requests, changes, counts
    POST /control/faults            {"text": "busy=0.1"}
    POST /control/script            {"lock_id": 10001, "steps": ["POST:late", "ok"]}
    GET  /control/settings          every setting of the cloud (see `settings`)
    POST /control/settings          {"list_lag": 60, "put": "merges"}
    POST /control/keys              {"label": "demo", "revoked": true} or {"label": "second", "key": "..."}; further
                                    "scheme": "Bearer", "can_write": false, "expiresAt": "2027-03-03T14:00:00.000Z"
    GET  /control/oauth             requests for tokens
    POST /control/oauth             {"script": ["lost", "refuse"], "expire": true, "revoke": true,
                                    "client_id": "mine", "client_secret": "..."}; all of them optional
    POST /control/foreign-pin       {"lock_id": 10001, "alias": "Cleaner", "pin": "481516"?, "endDate": ...?}
    POST /control/change-pin        {"lock_id": 10001, "pin_id": 3, "alias": "Renamed"} or any field of a pin
    POST /control/remove-pin        {"lock_id": 10001, "pin_id": 3}
    POST /control/activity          {"lock_id": 10001, "event": 61}
    POST /control/enter             {"lock_id": 10001, "pin": "482915"}: somebody stands at the keypad
    POST /control/reset-journal
    POST /control/locks/ID/plug     {"connected": false}
    POST /control/locks/ID/access   {"forbidden": true}
    POST /control/locks/ID/room     {"claims_full": true} or {"capacity": 3}
    POST /control/locks/ID/always   {"status": 500}, or null for an end of it
    POST /control/locks/ID/readd    answers {"id": the new id}
"""

from __future__ import annotations

import ipaddress
import json
import secrets
from dataclasses import asdict
from urllib.parse import parse_qsl, urlsplit

from pins.simulator import knobs
from pins.simulator.cloud import Cloud, CloudSettings, UnknownLockError
from pins.simulator.control_actions import ControlRefusedError, Fields, act
from pins.simulator.devices import SimLock
from pins.simulator.messages import Reply, Request, instant_text, json_reply
from pins.simulator.page import locks_part, whole_page
from pins.simulator.shown_locks import lock_json
from pins.simulator.shown_pins import pin_json

_AS_DOCUMENTED = CloudSettings()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host, by its name or address; nothing is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def concerns(request: Request) -> bool:
    """Whether a request is for the control side rather than for the cloud."""
    return request.path == "/" or request.path.startswith("/control/")


def respond(cloud: Cloud, request: Request, *, any_host: bool = False) -> Reply:
    """Answer a control request. `any_host` lifts the loopback rule where the server was opened on purpose."""
    refused = _guard(request, any_host)
    if refused:
        return json_reply({"error": refused}, 403)
    try:
        if request.method == "GET":
            return _look(cloud, request)
        if request.method == "POST":
            return json_reply(act(cloud, request.path, _fields(request)))
    except UnknownLockError as unknown:
        return json_reply({"error": str(unknown)}, 404)
    except ValueError as wrong:
        return json_reply({"error": str(wrong)}, 400)
    return json_reply({"error": "use GET or POST"}, 405)


def _guard(request: Request, any_host: bool) -> str | None:
    """Why a request is refused, or None: another web page must neither read PINs here nor pull a plug."""
    host = request.header("Host")
    if not any_host and not is_loopback(urlsplit(f"//{host}").hostname or ""):
        return "the simulator's control side answers to loopback names only"
    origin = request.header("Origin")
    if origin and origin not in (f"http://{host}", f"https://{host}"):
        return "requests from other web pages are refused"
    if request.header("Sec-Fetch-Site") not in ("", "same-origin", "none"):
        return "requests from other web pages are refused"
    return None


def _look(cloud: Cloud, request: Request) -> Reply:
    query = dict(parse_qsl(request.query))
    if request.path == "/":
        nonce = secrets.token_urlsafe(12)
        page = locks_part(cloud) if query.get("part") == "locks" else whole_page(cloud, nonce)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", policy),
            ("Cache-Control", "no-store"),
        )
        return Reply(200, headers, page.encode("utf-8", "replace"))
    if request.path == "/control/locks":
        with cloud.mutex:
            locks = [whole_lock_json(cloud, lock) for lock in cloud.locks()]
            return json_reply({"now": instant_text(cloud.clock()), "locks": locks, "faults": cloud.desk.plan.as_text()})
    if request.path == "/control/settings":
        return json_reply(knobs.as_json(cloud.settings))
    if request.path == "/control/oauth":
        with cloud.mutex:
            return json_reply(
                {"requests": [asdict(one) | {"at": instant_text(one.at)} for one in cloud.authority.asked]}
            )
    if request.path == "/control/journal":
        since = query.get("since", "0")
        if not (since.isascii() and since.isdigit()):
            raise ControlRefusedError("since must be a number")
        with cloud.mutex:
            cloud.advance()
            return json_reply(cloud.journal.as_json(int(since)))
    return json_reply({"error": "there is no such control address"}, 404)


def whole_lock_json(cloud: Cloud, lock: SimLock) -> Fields:
    """Everything about one lock as it is, whatever the cloud shows of it; PIN values in clear."""
    pins = [
        pin_json(pin.id, pin.body, _AS_DOCUMENTED) | {"foreign": pin.foreign, "aliasSent": pin.alias_sent}
        for pin in lock.pins.values()
    ]
    return {
        **lock_json(lock, _AS_DOCUMENTED, accessories=True),
        "connected": lock.connected,
        "reachable": lock.reachable,
        "forbidden": lock.forbidden,
        "claimsFull": lock.claims_full,
        "always": lock.always,
        "keypad": lock.keypad,
        "batteryLevel": lock.battery_level,
        "capacity": lock.capacity,
        "listVersion": lock.list_version,
        "lateWrites": len(lock.late),
        "scriptLeft": cloud.desk.steps_left(lock.id),
        "occupied": lock.occupied_by is not None,
        "pins": pins,
    }


def _fields(request: Request) -> Fields:
    if not request.body.strip():
        return {}
    kind = request.header("Content-Type").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ControlRefusedError("send a JSON body with Content-Type application/json")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as broken:
        raise ControlRefusedError("the body is not JSON") from broken
    if not isinstance(document, dict):
        raise ControlRefusedError("the body must be a JSON object")
    return document
