"""The client against a cloud that differs from its documents, one difference after the other and all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any

import pytest

from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from pins.simulator.settings import CloudSettings
from pins.tedee import errors
from pins.tedee.auth import PersonalKey
from pins.tedee.client import TedeeClient
from pins.tedee.messages import ListedPin, PinBody, Recurrence, RemotePin

BEGINS, ENDS = datetime(2027, 3, 3, 14, tzinfo=UTC), datetime(2027, 3, 8, 10, tzinfo=UTC)
ANN = PinBody("Ann 03-08 Mar #7F3K2Q", "739105", BEGINS, ENDS)
CLEANER = PinBody("Cleaner #7F3K2R", "481516", None, None, Recurrence(31, time(8), time(16)))
DIFFERENCES: dict[str, dict[str, Any]] = {
    "as documented": {},
    "numbers as text": {"ids_as_text": True},
    "null for an empty list": {"pins_null_when_empty": True},
    "dates without seconds": {"seconds_cut": True},
    "hours shown where none are": {"default_hours_shown": True},
    "a body with 204 and 304": {"body_on_no_content": True},
    "an update that merges": {"put": "merges"},
    "older locks": {"lock_shape": "v1.32"},
    "pages from 0": {"page_base": 0, "page_size": 1},
    "pages from 1": {"page_base": 1, "page_size": 1},
}
DIFFERENCES["everything at once"] = {name: value for one in DIFFERENCES.values() for name, value in one.items()}


@contextmanager
def talking(**settings: Any) -> Iterator[tuple[TedeeClient, Cloud, int]]:
    clock = datetime(2027, 3, 1, tzinfo=UTC)
    cloud = Cloud(CloudSettings(**settings), key="k3y", clock=lambda: clock)
    lock, *_ = [cloud.add_lock(name, battery_level=71) for name in ("Front door", "Gate", "Garden")]
    with (
        SimulatorServer(cloud, "127.0.0.1", 0) as server,
        TedeeClient(server.api_url, PersonalKey("k3y"), total_deadline=10.0) as client,
    ):
        yield client, cloud, lock.id


def as_read(pin_id: int, body: PinBody) -> RemotePin:
    return RemotePin(pin_id, body.alias, body.code, body.starts_at, body.ends_at, body.recurrence)


@pytest.mark.parametrize("settings", DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_pin_lives_its_life(settings: dict[str, Any]) -> None:
    with talking(**settings) as (client, cloud, lock):
        empty = client.list_pins(lock).value
        assert empty is not None
        assert empty.pins == ()
        first, second = client.create_pin(lock, ANN).value, client.create_pin(lock, CLEANER).value
        listing = client.list_pins(lock).value
        assert listing is not None
        assert listing.pins == (ListedPin(first, ANN.alias), ListedPin(second, CLEANER.alias))
        assert client.list_pins(lock, listing.version).value is None
        assert client.get_pin(lock, first).value == as_read(first, ANN)
        assert client.get_pin(lock, second).value == as_read(second, CLEANER)
        client.update_pin(lock, second, PinBody(CLEANER.alias, "234289"))
        assert client.get_pin(lock, second).value == as_read(second, PinBody(CLEANER.alias, "234289"))
        client.delete_pin(lock, first)
        assert [pin.id for pin in cloud.pins(lock)] == [second]


@pytest.mark.parametrize("settings", DIFFERENCES.values(), ids=DIFFERENCES)
def test_every_lock_is_found(settings: dict[str, Any]) -> None:
    with talking(**settings) as (client, _, _):
        found = client.list_locks()

    assert sorted(lock.name for lock in found.value) == ["Front door", "Garden", "Gate"]
    assert {lock.battery_level for lock in found.value} == {71}
    assert found.requests == 2 or "page_base" in settings


@pytest.mark.parametrize("shape", ["envelope", "empty", "problem"])
def test_refusals_are_told_apart_in_every_shape(shape: str) -> None:
    with talking(error_body=shape) as (client, cloud, lock):
        gone = errors.PinNotFound if shape == "envelope" else errors.ServerFault
        with pytest.raises(gone) as missing:
            client.delete_pin(lock, 99)
        assert missing.value.status == 404
        cloud.set_connected(lock, False)
        with pytest.raises(errors.DeviceOffline):
            client.list_pins(lock)
        cloud.set_forbidden(lock, True)
        with pytest.raises(errors.Forbidden):
            client.list_pins(lock)
        cloud.set_key_revoked("demo", True)
        with pytest.raises(errors.Unauthorized):
            client.list_pins(lock)


def test_an_alias_that_is_too_long_is_the_alias_fault() -> None:
    with talking(max_alias=10) as (client, _, lock), pytest.raises(errors.BadRequest) as refused:
        client.create_pin(lock, ANN)

    assert refused.value.about == "alias"


def test_the_keys_of_the_account_are_listed() -> None:
    with talking() as (client, _, _):
        assert [key.valid_to for key in client.personal_keys().value] == [None]
