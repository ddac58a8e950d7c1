"""The locks with which a simulated cloud begins: a number of ordinary ones, or those that a JSON file describes.

The file is a list such as
`[{"name": "Front door", "serial": "21120102-000001", "keypad": true, "bridge": true}]`; everything but the name
is optional: `serial`, `keypad` (true, false, or the device type 3 or 10), `bridge` (true, false), `connected`,
`battery` (0-100), `timezone`, `type` (2 or 4), `capacity`, `foreign_pins` (how many pins other people put there).
"""

from __future__ import annotations

import json
from pathlib import Path

from pins.simulator.cloud import Cloud

NAMES = ("Front door", "Garden flat", "Attic", "Courtyard", "River room", "Studio", "Loft", "Mill house")
FOREIGN_ALIASES = ("Cleaner", "Owner", "Neighbour", "Caretaker", "Plumber")
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "serial": (str,),
    "keypad": (bool, int),
    "bridge": (bool,),
    "connected": (bool,),
    "battery": (int,),
    "timezone": (str,),
    "type": (int,),
    "capacity": (int,),
    "foreign_pins": (int,),
}


class LocksFileError(ValueError):
    """The file of locks cannot be used; the message names the entry and the mistake."""


def ordinary_locks(number: int) -> list[dict[str, object]]:
    """Descriptions of locks with a keypad and a bridge; the same number gives the same locks."""
    described: list[dict[str, object]] = []
    for index in range(number):
        name = NAMES[index % len(NAMES)]
        round_ = index // len(NAMES)
        described.append({"name": f"{name} {round_ + 1}" if round_ else name, "serial": f"21120102-{index + 1:06d}"})
    return described


def read_locks_file(path: Path) -> list[dict[str, object]]:
    """The descriptions of a file, checked; LocksFileError otherwise."""
    try:
        entries = json.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise LocksFileError(f"cannot read {path}: {problem}") from problem
    if not isinstance(entries, list) or not entries:
        raise LocksFileError(f"{path} must hold a list of locks")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not entry.get("name"):
            raise LocksFileError(f"lock {number} in {path} needs a name")
        for field, value in entry.items():
            if type(value) not in _TYPES.get(field, ()):
                raise LocksFileError(f"lock {number} in {path}: {field!r} is unknown or of the wrong type")
    serials = [entry["serial"] for entry in entries if "serial" in entry]
    if len(serials) != len(set(serials)):
        raise LocksFileError(f"two locks in {path} share a serial number")
    return entries


def furnish(cloud: Cloud, described: list[dict[str, object]], foreign_pins: int = 0) -> int:
    """Add every described lock whose serial number the cloud does not know yet; returns how many were new."""
    known = {lock.serial_number for lock in cloud.locks()}
    added = 0
    for entry in described:
        if entry.get("serial") in known:
            continue
        keypad = entry.get("keypad", True)
        fields: dict[str, object] = {
            "keypad": {True: 3, False: None}[keypad] if isinstance(keypad, bool) else keypad,
            "bridge_id": 501 if entry.get("bridge", True) else None,
        }
        names = {"connected": "connected", "battery": "battery_level", "timezone": "time_zone", "type": "type"}
        names["capacity"] = "capacity"
        fields |= {name: entry[key] for key, name in names.items() if key in entry}
        serial = entry.get("serial")
        lock = cloud.add_lock(str(entry["name"]), str(serial) if serial else None, **fields)
        wanted = entry.get("foreign_pins", foreign_pins)
        for index in range(wanted if isinstance(wanted, int) else 0):
            cloud.add_foreign_pin(lock.id, FOREIGN_ALIASES[index % len(FOREIGN_ALIASES)])
        added += 1
    return added
