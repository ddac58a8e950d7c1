"""The requests of the simulated cloud that never reach a device: locks, one lock, sync, activity."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pins.simulator.cloud import Cloud
from pins.simulator.exchange import Exchange
from pins.simulator.messages import OperationResult, instant_text
from pins.simulator.rules import BodyRefusedError

MOST_ACTIVITY = 200  # Tedee API, "device activity"


def list_locks(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "get all locks": a plain array of the locks that the user may see."""
    accessories = _wants_accessories(exchange)
    locks = (lock for lock in cloud.locks_by_id.values() if not lock.forbidden)
    return OperationResult(200, [lock.as_json(accessories=accessories) for lock in locks])


def read_lock(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "get lock": 403 for a lock that is forbidden or not there."""
    lock = cloud.locks_by_id.get(exchange.lock_id or 0)
    if lock is None or lock.forbidden:
        return OperationResult(403, errors=("User doesn't have permission to the lock.",))
    return OperationResult(200, lock.as_json(accessories=_wants_accessories(exchange)))


def sync_locks(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "sync": the connection of many locks in one request, of all without an `id`; unknown ids are left out."""
    texts = [value for name, value in exchange.query if name.lower() == "id"]
    if any(not (text.isascii() and text.isdigit()) for text in texts):
        raise BodyRefusedError(["id must be a number."])
    wanted = {int(text) for text in texts}
    locks = (lock for lock in cloud.locks_by_id.values() if not lock.forbidden)
    return OperationResult(200, [lock.sync_json() for lock in locks if not wanted or lock.id in wanted])


def read_activity(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "device activity": newest first, only items older than `lastElemDate`."""
    device, elements = exchange.number("deviceId"), exchange.number("elements")
    if device is None:
        raise BodyRefusedError(["deviceId is required."])
    lock = cloud.locks_by_id.get(device)
    if lock is None or lock.forbidden:
        return OperationResult(403, errors=("User doesn't have permission to the device.",))
    before = _moment(exchange.parameter("lastElemDate"))
    items = []
    for item in reversed(cloud.activity):
        at = item["date"]
        if item["deviceId"] == device and isinstance(at, datetime) and (before is None or at < before):
            items.append(item | {"date": (instant_text(at) or "").removesuffix("Z")})
    return OperationResult(200, items[: min(elements if elements is not None else MOST_ACTIVITY, MOST_ACTIVITY)])


def _wants_accessories(exchange: Exchange) -> bool:
    return (exchange.parameter("IncludeAccessories") or "").lower() == "true"


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z?", text):
        raise BodyRefusedError(["lastElemDate is not a date."])
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as impossible:
        raise BodyRefusedError(["lastElemDate is not a date."]) from impossible
