"""A lock as "get lock", the list of locks and "sync" show it. Pure.

Sources: Tedee API, "lock" and its change log: up to v1.32 the state is called `lockProperties`, since v1.34 the shares
are called `accessDetails`.
"""

from __future__ import annotations

from pins.simulator.devices import SimLock
from pins.simulator.settings import CloudSettings


def lock_json(lock: SimLock, settings: CloudSettings, *, accessories: bool) -> dict[str, object]:
    """The lock as "get lock" shows it."""
    keypads = [] if lock.keypad is None else [_keypad_json(lock, lock.keypad)]
    return {
        "id": lock.id,
        "serialNumber": lock.serial_number,
        "name": lock.name,
        "type": lock.type,
        "timeZone": lock.time_zone,
        "connectedToId": lock.bridge_id,
        "created": "2024-01-15T09:00:00",
        "revision": lock.revision,
        "deviceRevision": lock.revision,
        "targetDeviceRevision": lock.revision,
        "isConnected": lock.is_connected,
        "accessLevel": 2,
        "accessDetails" if settings.lock_shape == "v37" else "shareDetails": None,
        "deviceSettings": {
            "autoLockEnabled": False,
            "pullSpringEnabled": True,
            "autoPullSpringEnabled": False,
            "pullSpringDuration": 5,
        },
        "softwareVersions": [{"softwareType": 0, "version": "2.4.1", "updateAvailable": False}],
        "accessories": keypads if accessories else None,
        **_state_json(lock, settings),
    }


def sync_json(lock: SimLock, settings: CloudSettings) -> dict[str, object]:
    """The lock as "sync" shows it."""
    return {
        "id": lock.id,
        "isConnected": lock.is_connected,
        "revision": lock.revision,
        **_state_json(lock, settings),
    }


def _state_json(lock: SimLock, settings: CloudSettings) -> dict[str, object]:
    name = "deviceState" if settings.lock_shape == "v37" else "lockProperties"
    if not lock.is_connected:
        return {name: None}
    state = {
        "state": 6,
        "isCharging": False,
        "batteryLevel": lock.battery_level,
        "stateChangeResult": 0,
        "lastStateChangedDate": "2026-01-01T06:02:04.197Z",
        "doorState": 0,  # no door sensor
    }
    return {name: state}


def _keypad_json(lock: SimLock, kind: int) -> dict[str, object]:
    return {
        "id": lock.id + 500_000,
        "serialNumber": f"K{lock.serial_number}",
        "name": f"Keypad {lock.name}",
        "deviceType": kind,
        "type": kind,
        "batteryLevel": lock.battery_level,
    }
