"""The simulated locks in a file, and the locks that a file describes."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pins.simulator.answering import answer
from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.fleet import LocksFileError, furnish, ordinary_locks, read_locks_file
from pins.simulator.messages import Request
from pins.simulator.state import StateFile, StateFileError

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
HEADERS = {"Authorization": "PersonalKey demo-key", "Content-Type": "application/json"}


def ask(cloud: Cloud, method: str, path: str, body: bytes = b"") -> int:
    return answer(cloud, Request(method, "/api/v37/my/lock/" + path, headers=HEADERS, body=body)).status


def test_a_second_start_finds_locks_pins_and_late_writes(tmp_path: Path) -> None:
    now = START
    path = tmp_path / "var" / "simulator.json"
    cloud = Cloud(CloudSettings(late_seconds=60), clock=lambda: now)
    assert not StateFile(path).attach(cloud)
    furnish(cloud, ordinary_locks(2), foreign_pins=1)
    period = b'"startDate": "2027-03-01T12:00:00.000Z", "endDate": "2027-03-05T10:00:00.500Z"'
    assert (
        ask(cloud, "POST", "10001/pin", b'{"alias": "Guest", "pin": "481516", "weekDays": 3, ' + period + b"}") == 201
    )
    cloud.script(10001, ["late"])
    assert ask(cloud, "DELETE", "10001/pin/2") == 408
    cloud.set_connected(10002, False)

    again = Cloud(CloudSettings(late_seconds=60), clock=lambda: now)
    assert StateFile(path).attach(again)
    assert again.pins(10001) == cloud.pins(10001)
    assert again.lock(10001).list_version == cloud.lock(10001).list_version
    assert not again.lock(10002).connected
    assert again.add_lock("New").id == 10003
    assert again.add_foreign_pin(10001).uid > max(pin.uid for pin in cloud.pins(10001))
    now += timedelta(seconds=61)
    assert [pin.id for pin in again.pins(10001)] == [1, 3]


def test_a_second_start_finds_how_locks_and_pins_differ(tmp_path: Path) -> None:
    now = START
    path = tmp_path / "simulator.json"
    settings = CloudSettings(late_seconds=60, alias_shape="upper", put="merges")
    cloud = Cloud(settings, clock=lambda: now)
    StateFile(path).attach(cloud)
    cloud.add_lock("Front door")
    assert ask(cloud, "POST", "10001/pin", b'{"alias": "Guest", "pin": "481516", "weekDays": 3}') == 201
    cloud.script(10001, ["late"])
    assert ask(cloud, "PUT", "10001/pin/1", b'{"alias": "Other", "pin": "314159"}') == 408
    cloud.set_claims_full(10001, True)
    cloud.set_always(10001, 409)

    again = Cloud(settings, clock=lambda: now)
    StateFile(path).attach(again)
    (pin,) = again.pins(10001)
    assert (pin.alias, pin.alias_sent) == ("GUEST", "Guest")
    assert (again.lock(10001).claims_full, again.lock(10001).always) == (True, 409)
    now += timedelta(seconds=61)
    (pin,) = again.pins(10001)
    assert (pin.alias, pin.alias_sent, pin.body.week_days) == ("OTHER", "Other", 3)


def test_a_file_of_an_older_simulator_is_read(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    cloud = Cloud()
    StateFile(path).attach(cloud)
    furnish(cloud, ordinary_locks(1), foreign_pins=1)
    document = json.loads(path.read_text())
    for lock in document["locks"]:
        del lock["claims_full"], lock["always"]
        for pin in lock["pins"]:
            del pin["alias_sent"], pin["body"]["absent"]
    path.write_text(json.dumps(document))
    again = Cloud()
    assert StateFile(path).attach(again)
    assert again.pins(10001) == cloud.pins(10001)


def test_the_state_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    cloud = Cloud()
    StateFile(path).attach(cloud)
    cloud.add_lock("Front door")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["locks"][0]["name"] == "Front door"
    assert [entry.name for entry in tmp_path.iterdir()] == ["simulator.json"]
    assert "demo-key" not in path.read_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "next_lock_id": 1, "locks": [{}]}'])
def test_a_broken_state_file_is_told_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(text)
    with pytest.raises(StateFileError, match="move it away"):
        StateFile(path).attach(Cloud())
    assert path.read_text() == text


def test_a_state_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateFileError, match="cannot write"):
        StateFile(tmp_path / "file" / "simulator.json").attach(Cloud())


def test_locks_are_described_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "locks.json"
    described = [
        {"name": "Entrance", "serial": "A-1", "keypad": 10, "battery": 40, "timezone": "Europe/Madrid", "capacity": 3},
        {"name": "No keypad", "serial": "A-2", "keypad": False, "bridge": False, "type": 4},
        {"name": "With others", "foreign_pins": 2, "connected": False},
    ]
    path.write_text(json.dumps(described))
    cloud = Cloud()
    assert furnish(cloud, read_locks_file(path)) == 3
    entrance, bare, shared = cloud.locks()
    assert (entrance.serial_number, entrance.keypad, entrance.battery_level) == ("A-1", 10, 40)
    assert (entrance.time_zone, entrance.capacity) == ("Europe/Madrid", 3)
    assert (bare.keypad, bare.bridge_id, bare.type) == (None, None, 4)
    assert [pin.alias for pin in shared.pins.values()] == ["Cleaner", "Owner"]
    assert not shared.connected


def test_furnishing_twice_adds_only_what_is_missing() -> None:
    cloud = Cloud()
    assert furnish(cloud, ordinary_locks(3)) == 3
    assert furnish(cloud, ordinary_locks(10)) == 7
    assert [lock.name for lock in cloud.locks()][-2:] == ["Front door 2", "Garden flat 2"]
    assert [lock.id for lock in cloud.locks()] == list(range(10001, 10011))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '[{"serial": "A"}]',
        '[{"name": "A", "colour": "red"}]',
        '[{"name": "A", "battery": "full"}]',
        '[{"name": "A", "serial": "1"}, {"name": "B", "serial": "1"}]',
    ],
)
def test_a_wrong_file_of_locks_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "locks.json"
    path.write_text(text)
    with pytest.raises(LocksFileError):
        read_locks_file(path)
