"""The requests of the simulated cloud that never reach a device: locks, sync, bridges, activity, personal keys."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone

from pins.simulator.cloud import Cloud
from pins.simulator.exchange import Exchange
from pins.simulator.gate import Key
from pins.simulator.messages import OperationResult, instant_text
from pins.simulator.rules import BodyRefusedError
from pins.simulator.shown_locks import lock_json, sync_json

MOST_ACTIVITY = 200  # Tedee API, "device activity"


def list_locks(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "get all locks": a plain array of the locks that the user may see, or of one page of them."""
    accessories, settings = _wants_accessories(exchange), cloud.settings
    locks = [lock for lock in cloud.locks_by_id.values() if not lock.forbidden]
    if settings.page_base is not None:
        size = _at_least(exchange, "ItemsPerPage", 1, settings.page_size)
        page = _at_least(exchange, "Page", settings.page_base, settings.page_base) - settings.page_base
        locks = locks[page * size : (page + 1) * size]
    return OperationResult(200, [lock_json(lock, settings, accessories=accessories) for lock in locks])


def read_lock(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "get lock": 403 for a lock that is forbidden or not there."""
    lock = cloud.locks_by_id.get(exchange.lock_id or 0)
    if lock is None or lock.forbidden:
        return OperationResult(403, errors=("User doesn't have permission to the lock.",))
    return OperationResult(200, lock_json(lock, cloud.settings, accessories=_wants_accessories(exchange)))


def sync_locks(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "sync": the connection of many locks in one request, of all without an `id`; unknown ids are left out."""
    texts = [value for name, value in exchange.query if name.lower() == "id"]
    if any(not (text.isascii() and text.isdigit()) for text in texts):
        raise BodyRefusedError(["id must be a number."])
    wanted = {int(text) for text in texts}
    locks = (lock for lock in cloud.locks_by_id.values() if not lock.forbidden)
    shown = [sync_json(lock, cloud.settings) for lock in locks if not wanted or lock.id in wanted]
    return OperationResult(200, shown)


def read_activity(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "device activity": newest first, only items older than `lastElemDate`."""
    settings = cloud.settings
    device, elements = exchange.number("deviceId"), exchange.number("elements")
    if device is None:
        raise BodyRefusedError(["deviceId is required."])
    lock = cloud.locks_by_id.get(device)
    if lock is None or lock.forbidden or settings.activity_status != 200:
        status = settings.activity_status if lock is not None and not lock.forbidden else 403
        return OperationResult(status, errors=("User doesn't have permission to the device.",))
    before, listed = (
        _moment(exchange.parameter("lastElemDate")),
        cloud.clock() - timedelta(seconds=settings.activity_lag),
    )
    items: list[dict[str, object]] = []
    for item in reversed(cloud.activity):
        at = item["date"]
        if item["deviceId"] != device or not isinstance(at, datetime):
            continue
        if at <= listed and (before is None or at < before):
            line = item | {"date": _dated(at, settings.activity_dates)}
            items += [line, line | {"id": f"{item['id']}-again"}] if settings.activity_twice else [line]
    items = items[: settings.activity_keeps] if settings.activity_keeps else items
    return OperationResult(200, items[: min(elements if elements is not None else MOST_ACTIVITY, MOST_ACTIVITY)])


def _dated(at: datetime, form: str) -> object:
    """A moment in one of the forms of `CloudSettings.activity_dates`."""
    plain = (instant_text(at) or "").removesuffix("Z")
    return {
        "plain": plain,
        "utc": f"{plain}Z",
        "offset": at.astimezone(timezone(timedelta(hours=2))).isoformat(),
        "seconds": int(at.timestamp()),
        "milliseconds": int(at.timestamp() * 1000),
        "broken": "yesterday",
    }[form]


def list_bridges(cloud: Cloud, _: Exchange) -> OperationResult:
    """ "get all bridges": those to which a visible lock is connected."""
    visible = (lock.bridge_id for lock in cloud.locks_by_id.values() if not lock.forbidden)
    numbers = sorted({number for number in visible if number is not None})
    bridges = [{"id": number, "serialNumber": f"B-{number:06d}", "name": f"Bridge {number}"} for number in numbers]
    return OperationResult(200, bridges)


def read_personal_keys(cloud: Cloud, exchange: Exchange) -> OperationResult:
    """ "get all personal access keys" of the user: never a value."""
    user = exchange.key.user if exchange.key else None
    keys = [key for key in cloud.gate.keys if key.scheme == "PersonalKey" and key.user == user and not key.revoked]
    return OperationResult(200, [_key_json(key) for key in keys])


def _key_json(key: Key) -> dict[str, object]:
    scopes = ["Account.Read", "Device.ReadWrite" if key.can_write else "Device.Read"]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key.label)),
        "name": key.label,
        "scopes": scopes,
        "validTo": instant_text(key.expires_at),
    }


def _at_least(exchange: Exchange, name: str, least: int, usual: int) -> int:
    number = exchange.number(name)
    if number is not None and number < least:
        raise BodyRefusedError([f"{name} must be at least {least}."])
    return usual if number is None else number


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
