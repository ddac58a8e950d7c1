"""The simulated cloud over real sockets: keep-alive, dropped lines, hangs, many clients, and its command."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import load_command_class

from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.server import SimulatorServer
from tests.support.paths import ROOT

KEY = {"Authorization": "PersonalKey demo-key"}
PINS = "/my/lock/10001/pin"


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)


def make(faults: str = "", locks: int = 1, **knobs: float) -> Cloud:
    cloud = Cloud(CloudSettings(latency=(knobs.get("least", 0.0), knobs.get("most", 0.0))), faults=faults, seed=3)
    for number in range(locks):
        cloud.add_lock(f"Door {number + 1}")
    return cloud


@contextlib.contextmanager
def serve(cloud: Cloud) -> Iterator[httpx.Client]:
    with SimulatorServer(cloud) as server, httpx.Client(base_url=server.api_url, headers=KEY, timeout=10) as client:
        yield client


def guest(value: str = "481516") -> dict[str, str]:
    return {"alias": "Guest", "pin": value}


def test_a_whole_life_of_a_pin_on_one_kept_connection() -> None:
    cloud = make()
    with serve(cloud) as client:
        made = client.post(PINS, json=guest())
        assert (made.status_code, made.json()["result"]) == (201, {"id": 1})
        assert client.get(PINS, params={"listVersion": 2}).status_code == 304
        changed = client.put(f"{PINS}/1", json=guest("314159"))
        assert (changed.status_code, changed.content) == (204, b"")
        assert client.get(f"{PINS}/1").json()["result"]["pin"] == "314159"
        assert client.delete(f"{PINS}/1").status_code == 204
        ids = {answer.headers["X-Correlation-ID"] for answer in (made, changed)}
        assert len(ids) == 2
        pool = client._transport._pool  # type: ignore[attr-defined] # one connection is the point
        assert len(pool.connections) == 1
    assert cloud.pins(10001) == []


@pytest.mark.parametrize(("step", "left"), [("drop_applied", 1), ("drop_lost", 0)])
def test_a_dropped_line_sends_no_byte(step: str, left: int) -> None:
    cloud = make()
    cloud.script(10001, [step])
    with serve(cloud) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(PINS, json=guest())
        assert len(cloud.pins(10001)) == left
        assert client.get(PINS).status_code == 200


def test_a_hang_holds_the_line_but_not_the_device() -> None:
    cloud = make()
    cloud.script(10001, ["hang_applied"])
    with serve(cloud) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(PINS, json=guest(), timeout=0.3)
        assert len(cloud.pins(10001)) == 1
        assert client.get(PINS).status_code == 200
    assert cloud.collisions == []


def test_a_client_that_hangs_up_lets_its_thread_go() -> None:
    cloud = make()
    cloud.script(10001, ["hang_lost"])
    with SimulatorServer(cloud) as server:
        with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=server.api_url, headers=KEY) as client:
            client.post(PINS, json=guest(), timeout=0.2)
        eventually(lambda: not server.open_connections)


def test_stopping_does_not_wait_for_a_hanging_client() -> None:
    cloud = make()
    cloud.script(10001, ["hang_lost"])
    server = SimulatorServer(cloud).start()
    outcome: list[type[Exception]] = []

    def wait_forever() -> None:
        with httpx.Client(base_url=server.api_url, headers=KEY, timeout=60) as client:
            try:
                client.get(PINS)
            except httpx.TransportError as error:
                outcome.append(type(error))

    thread = threading.Thread(target=wait_forever)
    thread.start()
    eventually(lambda: cloud.journal.requests)
    began = time.monotonic()
    server.stop()
    thread.join(5)
    assert time.monotonic() - began < 2
    assert outcome == [httpx.RemoteProtocolError]
    server.stop()


def test_a_slow_answer_comes_a_byte_a_second() -> None:
    cloud = make()
    cloud.script(10001, ["slow_byte"])
    with SimulatorServer(cloud) as server, socket.create_connection(("127.0.0.1", server.port), 10) as line:
        line.sendall(f"GET /api/v37{PINS} HTTP/1.1\r\nHost: a\r\nAuthorization: PersonalKey demo-key\r\n\r\n".encode())
        began = time.monotonic()
        assert [line.recv(100) for _ in range(3)] == [b"H", b"T", b"T"]
        assert 1.5 < time.monotonic() - began < 6


def test_an_html_page_instead_of_the_envelope() -> None:
    cloud = make()
    cloud.script(10001, ["html_error", "html_404"])
    with serve(cloud) as client:
        for status in (502, 404):
            answer = client.get(PINS)
            assert answer.status_code == status
            assert answer.headers["Content-Type"].startswith("text/html")


def test_bodies_without_a_length_or_too_large_are_refused() -> None:
    with serve(make()) as client:
        assert client.post(PINS, content=iter([b"{}"])).status_code == 411
        assert client.post(PINS, content=b"x" * 70_000).status_code == 413
        assert client.get(PINS).status_code == 200


def test_thirty_two_clients_each_with_their_lock_collide_never_and_wait_together() -> None:
    cloud = make(locks=32, least=0.1, most=0.1)
    with SimulatorServer(cloud) as server:

        def live(number: int) -> list[int]:
            path = f"/my/lock/{10001 + number}/pin"
            with httpx.Client(base_url=server.api_url, headers=KEY, timeout=20) as client:
                statuses = [client.post(path, json=guest()).status_code]
                statuses.append(client.put(f"{path}/1", json=guest("314159")).status_code)
                statuses.append(client.get(f"{path}/1").status_code)
                statuses.append(client.delete(f"{path}/1").status_code)
            return statuses

        began = time.monotonic()
        with ThreadPoolExecutor(32) as pool:
            outcomes = list(pool.map(live, range(32)))
        took = time.monotonic() - began
    assert outcomes == [[201, 204, 200, 204]] * 32
    assert cloud.collisions == []
    assert 0.4 <= took < 10, "the locks worked one after the other"


def test_thirty_two_clients_at_one_lock_get_one_operation_at_a_time() -> None:
    cloud = make(least=0.05, most=0.05)
    with SimulatorServer(cloud) as server:

        def strike(number: int) -> int:
            with httpx.Client(base_url=server.api_url, headers=KEY, timeout=20) as client:
                return client.post(PINS, json=guest(f"4815{number:02d}")).status_code

        with ThreadPoolExecutor(32) as pool:
            statuses = list(pool.map(strike, range(32)))
    assert statuses.count(201) == len(cloud.pins(10001)) >= 1
    assert statuses.count(409) == len(cloud.collisions) == 32 - statuses.count(201)


def test_the_control_side_over_http() -> None:
    cloud = make()
    with SimulatorServer(cloud) as server, httpx.Client(base_url=server.url) as client:
        assert "Door 1" in client.get("/").text
        assert client.post("/control/locks/10001/plug", json={"connected": False}).status_code == 200
        assert client.get(f"/api/v37{PINS}", headers=KEY).status_code == 428
        assert client.get("/control/journal").json()["requests"][0]["fault"] == "unplugged"
        evil = client.post(
            "/control/locks/10001/plug", json={"connected": True}, headers={"Origin": "http://evil.test"}
        )
        assert evil.status_code == 403


# -- the command ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command; the address it prints. It must end at once on SIGTERM."""
    with start(*arguments) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith("Simulator listening on http://127.0.0.1:"), line or process.communicate()[1]
            yield process, line.rpartition(" ")[2]
        finally:
            process.kill()


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "lock_simulator", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_address_serves_and_stops_at_once(number: signal.Signals) -> None:
    with command("--port", "0", "--locks", "3", "--key", "another-key") as (process, url):
        answer = httpx.get(f"{url}/api/v37/my/lock", headers={"Authorization": "PersonalKey another-key"})
        assert [lock["id"] for lock in answer.json()["result"]] == [10001, 10002, 10003]
        began = time.monotonic()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
        assert time.monotonic() - began < 3
        assert process.returncode == 0
        assert errors == ""
        assert rest.endswith("Simulator stopped.\n")
        assert "another-key" not in rest


def test_a_second_start_of_the_command_finds_the_pins(tmp_path: Path) -> None:
    locks = tmp_path / "locks.json"
    locks.write_text(json.dumps([{"name": "Entrance", "serial": "A-1"}]))
    options = (
        "--port",
        "0",
        "--locks-file",
        str(locks),
        "--state",
        str(tmp_path / "state.json"),
        "--foreign-pins",
        "1",
    )
    seen: list[list[dict[str, Any]]] = []
    for _ in range(2):
        with command(*options) as (process, url):
            if not seen:
                assert httpx.post(f"{url}/api/v37{PINS}", headers=KEY, json=guest()).status_code == 201
            seen.append(httpx.get(f"{url}/control/locks").json()["locks"])
            process.kill()
            process.communicate()
    assert seen[0] == seen[1]
    assert [pin["alias"] for pin in seen[0][0]["pins"]] == ["Cleaner", "Guest"]


def test_the_command_takes_settings_and_keys() -> None:
    token = "-starts-with-a-dash"
    keys = ("--read-only", f"--bearer={token}", "--bearer-expires", "2099-01-01T00:00:00.000Z")
    settings = ("--set", "alias_shape=upper", "--set", "page_base=1", "--set", "page_size=2")
    with command("--port", "0", "--locks", "3", *keys, *settings) as (_, url):
        assert httpx.post(f"{url}/api/v37{PINS}", headers=KEY, json=guest()).status_code == 403
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.post(f"{url}/api/v37{PINS}", headers=bearer, json=guest()).status_code == 201
        assert httpx.get(f"{url}/api/v37{PINS}/1", headers=KEY).json()["result"]["alias"] == "GUEST"
        second = httpx.get(f"{url}/api/v37/my/lock/?Page=2", headers=KEY).json()["result"]
        assert [lock["id"] for lock in second] == [10003]
    with command("--port", "0", "--key-expires", "2020-01-01T00:00:00.000Z") as (_, url):
        assert httpx.get(f"{url}/api/v37/my/lock", headers=KEY).status_code == 401


def run_here(*arguments: str) -> tuple[object, str]:
    """What the command would end with as a process, and what it would write to its errors."""
    said = StringIO()
    with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as ended:
        load_command_class("pins", "lock_simulator").run_from_argv(["manage.py", "lock_simulator", *arguments])
    return ended.value.code, said.getvalue()


def test_the_command_tells_what_is_wrong() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong = {
            ("--port", port): f"Port {port} on 127.0.0.1 is in use",
            ("--port", "0", "--faults", "bsy=0.1"): "unknown fault 'bsy=0.1'",
            ("--port", "0", "--latency", "slow"): "is not a latency",
            ("--port", "0", "--set", "put=patches"): "it takes replaces, merges",
            ("--port", "0", "--key-expires", "soon"): "not an ISO 8601 moment",
            ("--port", "0", "--host", "0.0.0.0"): "--allow-remote",
            ("--port", "99999"): "0 to 65535",
            ("--port", "0", "--locks-file", "/nowhere.json"): "cannot read /nowhere.json",
        }
        for options, words in wrong.items():
            status, errors = run_here(*options)
            assert status == 1
            assert words in errors
            assert "Traceback" not in errors
        with start("--port", port) as process:  # and so does the process
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"Port {port} on 127.0.0.1 is in use" in errors
        assert "Traceback" not in errors
