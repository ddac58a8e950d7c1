"""The simulated locks in a file, so that a second start finds the pins of the first.

The file holds PIN values in clear, for the simulated locks must know them: mode 0600, written beside and renamed.
Keys, faults, journal and activity are not part of it.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from pins.simulator.cloud_state import CloudState
from pins.simulator.devices import LateWrite, SimLock, SimPin
from pins.simulator.rules import PinBody

FORMAT = 1
_OF_THE_MOMENT = ("pins", "late", "occupied_by", "busy_until", "history", "settings_now", "on_change")
_PLAIN = tuple(item.name for item in fields(SimLock) if item.name not in _OF_THE_MOMENT)
_MOMENTS = ("start", "end", "day_start", "day_end")


class StateFileError(ValueError):
    """The state file cannot be read or written; the message names the file and what to do."""


def dump(cloud: CloudState) -> dict[str, object]:
    """The locks and their pins as a JSON document."""
    with cloud.mutex:
        return {
            "format": FORMAT,
            "next_lock_id": cloud.next_lock_id,
            "locks": [_lock_out(lock) for lock in cloud.locks_by_id.values()],
        }


def restore(cloud: CloudState, document: dict[str, object]) -> None:
    """Put the locks of a document into an empty cloud; KeyError, TypeError or ValueError if it is not one of ours."""
    if document["format"] != FORMAT:
        raise ValueError("unknown format")
    locks, next_id = document["locks"], document["next_lock_id"]
    if not isinstance(locks, list) or not isinstance(next_id, int):
        raise TypeError("locks must be a list and next_lock_id a number")
    restored = [_lock_in(entry) for entry in locks]
    with cloud.mutex:
        for lock in restored:
            cloud.adopt(lock)
        cloud.next_lock_id = max(cloud.next_lock_id, next_id)
        cloud.start_uids_at(1 + max((_highest_uid(lock) for lock in restored), default=0))


class StateFile:
    """Loads a cloud from a file and keeps the file up to date with every change."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def attach(self, cloud: CloudState) -> bool:
        """Load the file if there is one (True), then save on every change. StateFileError with what to do."""
        found = self.path.exists()
        if found:
            try:
                restore(cloud, json.loads(self.path.read_text()))
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
                raise StateFileError(
                    f"{self.path} is not a readable state of the simulator ({type(problem).__name__}); "
                    "move it away or name another file"
                ) from problem
        cloud.on_saved_change = self.save
        self.save(cloud)
        return found

    def save(self, cloud: CloudState) -> None:
        """Write the whole state; readers see the old or the new file, never half of one."""
        beside = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                json.dump(dump(cloud), out)
            beside.replace(self.path)
        except OSError as problem:
            raise StateFileError(f"cannot write {self.path}: {problem.strerror}; name another file") from problem


def _highest_uid(lock: SimLock) -> int:
    return max([pin.uid for pin in lock.pins.values()] + [write.target_uid or 0 for write in lock.late], default=0)


def _lock_out(lock: SimLock) -> dict[str, object]:
    pins = [
        {
            "id": pin.id,
            "uid": pin.uid,
            "foreign": pin.foreign,
            "alias_sent": pin.alias_sent,
            "body": _body_out(pin.body),
        }
        for pin in lock.pins.values()
    ]
    late = [
        {
            "due_at": write.due_at.isoformat(),
            "method": write.method,
            "target_uid": write.target_uid,
            "body": _body_out(write.body) if write.body else None,
        }
        for write in lock.late
    ]
    return {name: getattr(lock, name) for name in _PLAIN} | {"pins": pins, "late": late}


def _lock_in(entry: dict[str, object]) -> SimLock:
    raw_pins, raw_late = entry["pins"], entry["late"]
    if not isinstance(raw_pins, list) or not isinstance(raw_late, list):
        raise TypeError("pins and late must be lists")
    # A file of an older simulator lacks what was added since: that begins with its default.
    lock = SimLock(**{name: entry[name] for name in _PLAIN if name in entry})  # type: ignore[arg-type] # checked by use
    for raw in raw_pins:
        body = _body_in(raw["body"])
        lock.pins[raw["id"]] = SimPin(raw["id"], raw["uid"], body, raw["foreign"], raw.get("alias_sent", body.alias))
    for raw in raw_late:
        late_body = _body_in(raw["body"]) if raw["body"] else None
        # The request belongs to an earlier process: its number means nothing in this journal.
        lock.late.append(
            LateWrite(datetime.fromisoformat(raw["due_at"]), raw["method"], raw["target_uid"], late_body, 0)
        )
    return lock


def _body_out(body: PinBody) -> dict[str, object]:
    moments = {name: getattr(body, name) for name in _MOMENTS}
    plain = {"alias": body.alias, "value": body.value, "week_days": body.week_days, "absent": sorted(body.absent)}
    return plain | {name: moment.isoformat() if moment else None for name, moment in moments.items()}


def _body_in(raw: dict[str, Any]) -> PinBody:
    moments = {name: datetime.fromisoformat(text) if (text := raw[name]) else None for name in _MOMENTS}
    alias, value, days = raw["alias"], raw["value"], raw["week_days"]
    if not isinstance(alias, str) or not isinstance(value, str) or not isinstance(days, int | None):
        raise TypeError("a pin needs an alias and a value")
    return PinBody(alias, value, **moments, week_days=days, absent=frozenset(raw.get("absent", ())))
