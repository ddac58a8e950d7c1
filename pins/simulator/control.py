"""The control side of the simulator: JSON for tests and a page for people.

It asks for no key, so it answers to loopback names only and refuses requests from other web pages.

    GET  /                          the page; `/?part=locks` only what it refreshes
    GET  /control/locks             every lock with its pins, values in clear
    GET  /control/journal?since=N   requests, changes, counts
    POST /control/faults            {"text": "busy=0.1"}
    POST /control/script            {"lock_id": 10001, "steps": ["POST:late", "ok"]}
    POST /control/keys              {"label": "demo", "revoked": true} or {"label": "second", "key": "..."}
    POST /control/foreign-pin       {"lock_id": 10001, "alias": "Cleaner", "pin": "481516"?, "endDate": ...?}
    POST /control/remove-pin        {"lock_id": 10001, "pin_id": 3}
    POST /control/activity          {"lock_id": 10001, "event": 61}
    POST /control/reset-journal
    POST /control/locks/ID/plug     {"connected": false}
    POST /control/locks/ID/access   {"forbidden": true}
    POST /control/locks/ID/readd    answers {"id": the new id}
"""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from pins.simulator.cloud import Cloud, UnknownLockError
from pins.simulator.devices import SimLock
from pins.simulator.messages import Reply, Request, instant_text, json_reply
from pins.simulator.page import locks_part, whole_page
from pins.simulator.rules import read_instant

Fields = dict[str, object]
Wanted = TypeVar("Wanted")
_LOCK_ACTION = re.compile(r"/control/locks/([0-9]{1,12})/(plug|access|readd)")


class ControlRefusedError(ValueError):
    """A control request that cannot be carried out; the message says why."""


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
            return json_reply(_act(cloud, request.path, _fields(request)))
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
            locks = [lock_json(cloud, lock) for lock in cloud.locks()]
            return json_reply({"now": instant_text(cloud.clock()), "locks": locks, "faults": cloud.desk.plan.as_text()})
    if request.path == "/control/journal":
        since = query.get("since", "0")
        if not (since.isascii() and since.isdigit()):
            raise ControlRefusedError("since must be a number")
        with cloud.mutex:
            cloud.advance()
            return json_reply(cloud.journal.as_json(int(since)))
    return json_reply({"error": "there is no such control address"}, 404)


def lock_json(cloud: Cloud, lock: SimLock) -> Fields:
    """Everything about one lock, PIN values in clear."""
    pins = [pin.as_json() | {"foreign": pin.foreign} for pin in lock.pins.values()]
    return {
        **lock.as_json(accessories=True),
        "connected": lock.connected,
        "reachable": lock.reachable,
        "forbidden": lock.forbidden,
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


def _need(fields: Fields, name: str, kind: type[Wanted]) -> Wanted:
    value = fields.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ControlRefusedError(f"{name} is missing or of the wrong type")
    return value


def _act(cloud: Cloud, path: str, fields: Fields) -> Fields:
    on_lock = _LOCK_ACTION.fullmatch(path)
    if on_lock:
        return _act_on_lock(cloud, int(on_lock[1]), on_lock[2], fields)
    action = _ACTIONS.get(path)
    if action is None:
        raise ControlRefusedError("there is no such control address")
    return action(cloud, fields)


def _act_on_lock(cloud: Cloud, lock_id: int, action: str, fields: Fields) -> Fields:
    if action == "plug":
        cloud.set_connected(lock_id, _need(fields, "connected", bool))
    elif action == "access":
        cloud.set_forbidden(lock_id, _need(fields, "forbidden", bool))
    else:
        return {"ok": True, "id": cloud.readd_lock(lock_id)}
    return {"ok": True}


def _set_faults(cloud: Cloud, fields: Fields) -> Fields:
    cloud.set_faults(_need(fields, "text", str))
    return {"ok": True, "faults": cloud.desk.plan.as_text()}


def _script(cloud: Cloud, fields: Fields) -> Fields:
    lock_id, steps = cloud.lock(_need(fields, "lock_id", int)).id, _need(fields, "steps", list)
    cloud.script(lock_id, [str(step) for step in steps])
    return {"ok": True, "left": cloud.desk.steps_left(lock_id)}


def _keys(cloud: Cloud, fields: Fields) -> Fields:
    label = _need(fields, "label", str)
    if "key" in fields:
        cloud.add_key(_need(fields, "key", str), label)
    if "revoked" in fields and not cloud.set_key_revoked(label, _need(fields, "revoked", bool)):
        raise ControlRefusedError("there is no key with this label")
    return {"ok": True}


def _foreign_pin(cloud: Cloud, fields: Fields) -> Fields:
    lock_id = _need(fields, "lock_id", int)
    alias = _need(fields, "alias", str) if "alias" in fields else "Cleaner"
    value = _need(fields, "pin", str) if "pin" in fields else None
    start, end = read_instant(fields.get("startDate")), read_instant(fields.get("endDate"))
    return {"ok": True, "id": cloud.add_foreign_pin(lock_id, alias, value, start=start, end=end).id}


def _remove_pin(cloud: Cloud, fields: Fields) -> Fields:
    if not cloud.remove_pin(_need(fields, "lock_id", int), _need(fields, "pin_id", int)):
        raise ControlRefusedError("this pin is not on the lock")
    return {"ok": True}


def _activity(cloud: Cloud, fields: Fields) -> Fields:
    lock_id = cloud.lock(_need(fields, "lock_id", int)).id
    cloud.add_activity(lock_id, _need(fields, "event", int))
    return {"ok": True}


def _reset_journal(cloud: Cloud, _: Fields) -> Fields:
    with cloud.mutex:
        cloud.journal.reset()
    return {"ok": True}


_ACTIONS: dict[str, Callable[[Cloud, Fields], Fields]] = {
    "/control/faults": _set_faults,
    "/control/script": _script,
    "/control/keys": _keys,
    "/control/foreign-pin": _foreign_pin,
    "/control/remove-pin": _remove_pin,
    "/control/activity": _activity,
    "/control/reset-journal": _reset_journal,
}
