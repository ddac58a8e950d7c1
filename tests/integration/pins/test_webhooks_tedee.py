"""Events of Tedee wake a lock that waits, and are believed only as hints."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from limits import RateLimitItemPerMinute
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from pins.core.pin_state import State
from pins.models import LockState
from pins.tedee.errors import Cause
from rentals.inbound import rate_limits
from rentals.models import Booking, Lock, LockAccount
from rentals.models.tokens import new_token
from tests.support.house import House, pin_of
from tests.support.incidents import review
from tests.support.pages import Answer
from tests.support.waking import forget_wakes

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def send(account: LockAccount, body: object, content_type: str = "application/json", **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/webhooks/tedee/{account.webhook_token}/"
    return Client().generic("POST", path, raw, content_type, headers=headers)


def event(name: str, lock: Lock, **data: object) -> dict[str, object]:
    return {
        "event": name,
        "timestamp": timezone.now().isoformat(),
        "userIdentity": "somebody",
        "data": {"deviceId": lock.device_id, "deviceType": 2, "eventTime": timezone.now().isoformat(), **data},
    }


def connection(lock: Lock, is_connected: object, **data: object) -> dict[str, object]:
    return event("device-connection-changed", lock, isConnected=is_connected, **data)


def battery(lock: Lock, level: object, **data: object) -> dict[str, object]:
    return event("device-battery-level-changed", lock, batteryLevel=level, **data)


def told(answer: Answer) -> tuple[int, Any]:
    assert answer["Content-Type"] == "application/json"
    said = answer.json()
    return answer.status_code, said.get("status") or said["error"]


@pytest.fixture
def door(house: House) -> Lock:
    return house.lock()


@pytest.fixture
def waiting(house: House, clock: time_machine.Traveller, door: Lock) -> Booking:
    """A stay whose code waits, because the lock has been offline for a while."""
    booking = house.stay(house.flat(door), 2 * HOUR, DAY)
    house.cloud.set_connected(door.device_id, False)
    house.live(clock, 10 * MINUTE)
    # Wherever the last random pause ended: it rests for another while.
    LockState.objects.update(paused_until=timezone.now() + 4 * MINUTE)
    return booking


# -- a lock comes back ----------------------------------------------------------------------------------------------


def test_the_code_of_a_waiting_lock_is_set_right_after_the_event(
    house: House,
    door: Lock,
    waiting: Booking,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    house.settle()
    assert pin_of(waiting, door).state != State.SET

    house.cloud.set_connected(door.device_id, True)
    forget_wakes()
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert told(send(house.account, connection(door, True))) == (202, "woken")
    assert len(callbacks) == 1
    # It was asked for at once; that there is no broker here is no error: the work is due in the database.
    assert "broker_unreachable" in caplog.text
    house.settle()  # the clock stands still
    assert pin_of(waiting, door).state == State.SET
    assert len(house.ours(door)) == 1
    door.refresh_from_db()
    assert door.is_connected is True


def test_duplicates_are_harmless(house: House, door: Lock, waiting: Booking) -> None:
    """One event arrives once for each connected user."""
    house.cloud.set_connected(door.device_id, True)
    said = [told(send(house.account, connection(door, True))) for _ in range(3)]
    assert said == [(202, "woken"), (202, "stored"), (202, "stored")]
    house.settle()
    requests = house.requests
    assert told(send(house.account, connection(door, True))) == (202, "stored")
    house.settle()
    assert house.requests == requests
    assert len(house.ours(door)) == 1


def test_an_old_connected_event_costs_one_try(house: House, door: Lock, waiting: Booking) -> None:
    requests = house.requests
    assert told(send(house.account, connection(door, True))) == (202, "woken")
    house.settle()
    assert house.requests == requests + 1
    assert LockState.objects.get(lock=door).pause_cause == Cause.OFFLINE.value
    assert pin_of(waiting, door).state != State.SET


def test_disconnected_is_stored_and_wakes_nobody(house: House, door: Lock, waiting: Booking) -> None:
    paused = LockState.objects.get(lock=door).paused_until
    assert told(send(house.account, connection(door, False))) == (202, "stored")
    door.refresh_from_db()
    assert door.is_connected is False
    assert LockState.objects.get(lock=door).paused_until == paused


def test_a_lock_that_rests_for_another_reason_rests_on(house: House, door: Lock, waiting: Booking) -> None:
    LockState.objects.update(pause_cause=Cause.NO_ROOM.value)
    paused = LockState.objects.get(lock=door).paused_until
    assert told(send(house.account, connection(door, True))) == (202, "stored")
    assert LockState.objects.get(lock=door).paused_until == paused


def test_a_lock_that_never_had_work_is_stored_all_the_same(house: House, door: Lock) -> None:
    assert told(send(house.account, connection(door, True))) == (202, "stored")
    door.refresh_from_db()
    assert door.is_connected is True


# -- battery ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 57, 100])
def test_a_battery_level_is_stored(house: House, door: Lock, level: int) -> None:
    assert told(send(house.account, battery(door, level))) == (202, "stored")
    assert told(send(house.account, battery(door, level))) == (202, "stored")
    door.refresh_from_db()
    assert door.battery_level == level


@pytest.mark.parametrize("level", [-1, 101, 255, 10**30, None])
def test_a_level_that_is_no_percentage_is_ignored(house: House, door: Lock, level: object) -> None:
    assert told(send(house.account, battery(door, level))) == (202, "ignored")
    door.refresh_from_db()
    assert door.battery_level is None


def test_a_low_level_is_an_incident(house: House, door: Lock) -> None:
    send(house.account, battery(door, 12))
    assert review() == {"battery_low": "warning"}
    send(house.account, battery(door, 88))
    assert review() == {}


def test_events_are_no_edits_of_a_lock(
    house: House, door: Lock, waiting: Booking, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """A person's edit of a lock brings all its codes up to date; an observation must not."""
    forget_wakes()
    with django_capture_on_commit_callbacks() as callbacks:
        send(house.account, battery(door, 50))
        send(house.account, connection(door, False))
    assert callbacks == []


# -- what does not concern us -----------------------------------------------------------------------------------------


def test_another_accounts_lock_is_not_touched(house: House, door: Lock, waiting: Booking) -> None:
    other = LockAccount.objects.create(name="Neighbour", secret="other-key")
    paused = LockState.objects.get(lock=door).paused_until
    assert told(send(other, connection(door, True))) == (202, "ignored")
    assert told(send(other, battery(door, 5))) == (202, "ignored")
    door.refresh_from_db()
    assert (door.is_connected, door.battery_level) == (None, None)
    assert LockState.objects.get(lock=door).paused_until == paused


@pytest.mark.parametrize(
    "body",
    [
        {"event": "lock-status-changed", "data": {"state": 6}},
        {"event": "bell-button-pressed"},
        {"event": "device-settings-changed", "data": None},
        {"event": "something-new", "data": [1, 2]},
        {"event": ""},
        {"event": "device-connection-changed", "data": {"deviceId": 987654321, "isConnected": True}},
        {"event": "device-connection-changed", "data": {"deviceId": 2**70, "isConnected": True}},
        {"event": "device-connection-changed", "data": {"deviceId": -1, "isConnected": True}},
        {"event": "device-battery-level-changed", "data": {"deviceId": 987654321, "batteryLevel": 5}},
    ],
)
def test_unknown_events_and_devices_are_accepted_and_ignored(house: House, body: object) -> None:
    assert told(send(house.account, body)) == (202, "ignored")


@pytest.mark.parametrize("kind", [1, 3, 10])
def test_a_bridge_or_keypad_with_the_same_number_is_not_the_lock(house: House, door: Lock, kind: int) -> None:
    assert told(send(house.account, battery(door, 5, deviceType=kind))) == (202, "ignored")
    door.refresh_from_db()
    assert door.battery_level is None


@pytest.mark.parametrize("kind", [2, 4, 99, None, "Lock"])
def test_any_other_type_may_be_a_lock(house: House, door: Lock, kind: object) -> None:
    assert told(send(house.account, battery(door, 5, deviceType=kind))) == (202, "stored")


def test_a_connection_without_a_bridge_says_nothing(house: House, door: Lock) -> None:
    assert told(send(house.account, connection(door, None))) == (202, "ignored")


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b"9" * 6000 + b"x", b"<html></html>", b'"\\ud800']
)
def test_a_body_that_is_no_json_is_400(house: House, body: bytes) -> None:
    assert told(send(house.account, body)) == (400, "not_json")


@pytest.mark.parametrize("body", [[], "text", 7, None, {}, {"event": 5}, {"event": None}, {"event": ["x"]}])
def test_json_that_is_no_event_is_400(house: House, body: object) -> None:
    assert told(send(house.account, body)) == (400, "wrong_type")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("isConnected", "true"),
        ("isConnected", 1),
        ("isConnected", []),
        ("deviceId", "12"),
        ("deviceId", 1.5),
        ("deviceId", True),
        ("deviceId", None),
    ],
)
def test_a_known_event_with_a_wrong_type_is_400_and_names_the_field(
    house: House, door: Lock, field: str, value: object
) -> None:
    answer = send(house.account, connection(door, True) | {"data": {**_data(door), field: value}})
    assert told(answer) == (400, "wrong_type")
    assert field in answer.json()["detail"]
    door.refresh_from_db()
    assert door.is_connected is None


def _data(door: Lock) -> dict[str, object]:
    return {"deviceId": door.device_id, "isConnected": True}


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_a_known_event_without_data_is_400(house: House, data: object) -> None:
    assert told(send(house.account, {"event": "device-connection-changed", "data": data})) == (400, "wrong_type")


@pytest.mark.parametrize("level", ["50", 50.5, True, [50]])
def test_a_level_of_a_wrong_type_is_400(house: House, door: Lock, level: object) -> None:
    answer = send(house.account, battery(door, level))
    assert told(answer) == (400, "wrong_type")
    assert "batteryLevel" in answer.json()["detail"]


def test_a_large_body_is_413_and_a_form_is_415(house: House, door: Lock) -> None:
    assert told(send(house.account, b" " * (64 * 1024 + 1))) == (413, "too_large")
    packed = gzip.compress(b" " * (64 * 1024 + 1))
    assert told(send(house.account, packed, **{"Content-Encoding": "gzip"})) == (413, "too_large")
    assert told(send(house.account, b"a=b", "application/x-www-form-urlencoded")) == (415, "unsupported_media_type")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_405(house: House, method: str) -> None:
    answer = Client().generic(method, f"/webhooks/tedee/{house.account.webhook_token}/")
    assert (answer.status_code, answer["Allow"], answer["Content-Type"]) == (405, "POST", "application/json")


def test_an_unknown_token_is_404(house: House, door: Lock) -> None:
    for token in (new_token(), house.account.webhook_token[:-1], house.account.webhook_token.swapcase(), "x" * 3000):
        answer = Client().post(f"/webhooks/tedee/{token}/", connection(door, True), content_type="application/json")
        assert told(answer) == (404, "unknown_address")


def test_too_many_events_are_429_with_the_time_to_wait(
    house: House, door: Lock, settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = redis_url
    monkeypatch.setattr(rate_limits, "EVENTS", RateLimitItemPerMinute(2, namespace=new_token()))
    assert [send(house.account, battery(door, 5)).status_code for _ in range(3)] == [202, 202, 429]
    answer = send(house.account, battery(door, 5))
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert told(answer) == (429, "too_many_requests")


def test_the_token_is_in_no_log(house: House, door: Lock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(house.account, b"{")
    send(house.account, connection(door, True))
    Client().get(f"/webhooks/tedee/{house.account.webhook_token}")
    assert "Bad Request" in caplog.text
    assert house.account.webhook_token not in caplog.text
    assert not any(house.account.webhook_token in repr(record.__dict__) for record in caplog.records)
