"""What can be done at the control side of the simulator; `control` lists the addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from pins.simulator import knobs
from pins.simulator.cloud import Cloud
from pins.simulator.rules import OPTIONAL_FIELDS, read_instant

Fields = dict[str, Any]
Wanted = TypeVar("Wanted")
_LOCK_ACTION = re.compile(r"/control/locks/([0-9]{1,12})/(plug|access|room|always|readd)")


class ControlRefusedError(ValueError):
    """A control request that cannot be carried out; the message says why."""


def _need(fields: Fields, name: str, kind: type[Wanted]) -> Wanted:
    value = fields.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ControlRefusedError(f"{name} is missing or of the wrong type")
    return value


def act(cloud: Cloud, path: str, fields: Fields) -> Fields:
    """Do what a POST to a control address asks. ControlRefusedError, ValueError or UnknownLockError if it cannot be."""
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
    elif action == "room":
        _set_room(cloud, lock_id, fields)
    elif action == "always":
        cloud.set_always(lock_id, None if fields.get("status") is None else _need(fields, "status", int))
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


def _set_room(cloud: Cloud, lock_id: int, fields: Fields) -> None:
    if "capacity" in fields:
        cloud.set_capacity(lock_id, _need(fields, "capacity", int))
    else:
        cloud.set_claims_full(lock_id, _need(fields, "claims_full", bool))


def _settings(cloud: Cloud, fields: Fields) -> Fields:
    with cloud.mutex:
        cloud.settings = knobs.changed(cloud.settings, fields)
    return {"ok": True, "settings": knobs.as_json(cloud.settings)}


def _keys(cloud: Cloud, fields: Fields) -> Fields:
    label = _need(fields, "label", str)
    if "key" in fields:
        scheme = _need(fields, "scheme", str) if "scheme" in fields else "PersonalKey"
        cloud.add_key(_need(fields, "key", str), label, scheme=scheme)
    if cloud.gate.labelled(label) is None:
        raise ControlRefusedError("there is no key with this label")
    if "revoked" in fields:
        cloud.set_key_revoked(label, _need(fields, "revoked", bool))
    if "can_write" in fields:
        cloud.set_key_writes(label, _need(fields, "can_write", bool))
    if "expiresAt" in fields:
        cloud.set_key_expiry(label, read_instant(fields["expiresAt"]))
    return {"ok": True}


def _oauth(cloud: Cloud, fields: Fields) -> Fields:
    with cloud.mutex:
        if "script" in fields:
            cloud.authority.add_script([str(step) for step in _need(fields, "script", list)])
        if _need(fields, "expire", bool) if "expire" in fields else False:
            cloud.authority.expire_access(cloud.gate, cloud.clock())
        if _need(fields, "revoke", bool) if "revoke" in fields else False:
            cloud.authority.revoke_all(cloud.gate)
        if "client_id" in fields:
            secret = _need(fields, "client_secret", str) if "client_secret" in fields else ""
            cloud.authority.clients[_need(fields, "client_id", str)] = secret
    return {"ok": True, "scriptLeft": len(cloud.authority.script)}


def _pin_fields(fields: Fields) -> Fields:
    """The attributes of a pin that a control request names."""
    named: Fields = {}
    for name, attribute in (("alias", "alias"), ("pin", "value")):
        if name in fields:
            named[attribute] = _need(fields, name, str)
    for name, attribute in OPTIONAL_FIELDS.items():
        if name in fields:
            named[attribute] = fields[name] if name == "weekDays" else read_instant(fields[name])
    return named


def _foreign_pin(cloud: Cloud, fields: Fields) -> Fields:
    return {"ok": True, "id": cloud.add_foreign_pin(_need(fields, "lock_id", int), **_pin_fields(fields)).id}


def _change_pin(cloud: Cloud, fields: Fields) -> Fields:
    lock_id, pin_id = _need(fields, "lock_id", int), _need(fields, "pin_id", int)
    if cloud.change_pin(lock_id, pin_id, **_pin_fields(fields)) is None:
        raise ControlRefusedError("this pin is not on the lock")
    return {"ok": True}


def _remove_pin(cloud: Cloud, fields: Fields) -> Fields:
    if not cloud.remove_pin(_need(fields, "lock_id", int), _need(fields, "pin_id", int)):
        raise ControlRefusedError("this pin is not on the lock")
    return {"ok": True}


def _activity(cloud: Cloud, fields: Fields) -> Fields:
    lock_id = cloud.lock(_need(fields, "lock_id", int)).id
    cloud.add_activity(lock_id, _need(fields, "event", int))
    return {"ok": True}


def _enter(cloud: Cloud, fields: Fields) -> Fields:
    lock_id = cloud.lock(_need(fields, "lock_id", int)).id
    return {"ok": True, "event": cloud.enter(lock_id, _need(fields, "pin", str))}


def _reset_journal(cloud: Cloud, _: Fields) -> Fields:
    with cloud.mutex:
        cloud.journal.reset()
    return {"ok": True}


_ACTIONS: dict[str, Callable[[Cloud, Fields], Fields]] = {
    "/control/faults": _set_faults,
    "/control/script": _script,
    "/control/keys": _keys,
    "/control/oauth": _oauth,
    "/control/settings": _settings,
    "/control/foreign-pin": _foreign_pin,
    "/control/change-pin": _change_pin,
    "/control/remove-pin": _remove_pin,
    "/control/activity": _activity,
    "/control/enter": _enter,
    "/control/reset-journal": _reset_journal,
}
