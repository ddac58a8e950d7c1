"""Events that Tedee sends: `POST /webhooks/tedee/<token>/`. A lock that is back online is woken at once.

Events are hints: they are not signed, and may come twice, late or never, so nothing is concluded from one alone. An old
"connected" after a newer "disconnected" costs one try, which the lock answers with 428. An old "disconnected" is
corrected when connectivity is read the next time. Therefore the time of an event is not kept. See docs/webhooks.md.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeGuard

from django.db import transaction
from django.http import HttpRequest

from pins import tasks
from pins.reconcile import connectivity
from rentals.inbound import http, rate_limits
from rentals.inbound.http import Refused
from rentals.models import Lock, LockAccount

MOST_BYTES: Final = 64 * 1024
MEDIA_TYPES: Final = frozenset({"", "application/json", "text/json", "text/plain"})
#: Device types that are not locks: bridge, keypads (Tedee API, device types). An unknown type may be a future lock.
NOT_LOCKS: Final = frozenset({1, 3, 10})
_LARGEST_ID: Final = 2**63 - 1

_IGNORED: Final = {"status": "ignored"}


@http.hook
def tedee_event(request: HttpRequest, token: str) -> dict[str, Any]:
    """Take one event. Unknown events and devices are accepted and ignored, so that Tedee keeps sending."""
    accounts = LockAccount.objects.only("webhook_token")
    account = http.find(accounts, "webhook_token", token, request)
    http.limit(rate_limits.EVENTS, f"account:{account.pk}")
    event = _event(http.read_body(request, MOST_BYTES, MEDIA_TYPES))
    take = _TAKERS.get(event["event"])
    if take is None:
        return dict(_IGNORED)
    data = event.get("data")
    if not isinstance(data, dict):
        raise _wrong("data", "an object")
    lock = _lock(account, data)
    return dict(_IGNORED) if lock is None else take(lock, data)


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "not_json", "The body is not JSON.") from None
    if not isinstance(event, dict):
        raise Refused(400, "wrong_type", "The body must be one JSON object: one event.")
    if not isinstance(event.get("event"), str):
        raise _wrong("event", "a text")
    return event


def _lock(account: LockAccount, data: dict[str, Any]) -> Lock | None:
    """The lock that an event is about, if it is one of this account."""
    device_id = data.get("deviceId")
    if not _is_integer(device_id):
        raise _wrong("data.deviceId", "an integer")
    kind = data.get("deviceType")
    if (_is_integer(kind) and kind in NOT_LOCKS) or not 0 <= device_id <= _LARGEST_ID:
        return None
    return Lock.objects.filter(account=account, device_id=device_id).first()


def _connection_changed(lock: Lock, data: dict[str, Any]) -> dict[str, Any]:
    is_connected = data.get("isConnected")
    if is_connected is None:  # it has lost its bridge, or never had one: there is nothing to act on
        return dict(_IGNORED)
    if not isinstance(is_connected, bool):
        raise _wrong("data.isConnected", "true or false")
    with transaction.atomic():
        if connectivity.connection_reported(lock, is_connected):
            tasks.wake_locks_on_commit([lock.pk])
            return {"status": "woken"}
    return {"status": "stored"}


def _battery_changed(lock: Lock, data: dict[str, Any]) -> dict[str, Any]:
    level = data.get("batteryLevel")
    if level is None:
        return dict(_IGNORED)
    if not _is_integer(level):
        raise _wrong("data.batteryLevel", "an integer")
    if not 0 <= level <= 100:
        return dict(_IGNORED)
    # Never Lock.save(): this is an observation, not a person's edit that the codes would have to follow.
    Lock.objects.filter(pk=lock.pk).update(battery_level=level)
    return {"status": "stored"}


_TAKERS: Final = {
    "device-connection-changed": _connection_changed,
    "device-battery-level-changed": _battery_changed,
}


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(field: str, wanted: str) -> Refused:
    return Refused(400, "wrong_type", f"{field} must be {wanted}.")
