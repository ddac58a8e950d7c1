"""Clouds that differ from their documents, where the bytes on the line matter."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import httpx
import pytest

from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.server import SimulatorServer

PINS = "/api/v37/my/lock/10001/pin"


@dataclass(frozen=True)
class Line:
    """One kept connection, read byte by byte as no HTTP library would."""

    connection: socket.socket
    answers: BinaryIO

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: PersonalKey demo-key\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.connection.sendall(head.encode() + content)
        status = int(self.answers.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.answers.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, self.answers.read(int(headers.get("content-length", 0)))


@contextmanager
def line_to(settings: CloudSettings) -> Iterator[tuple[Cloud, Line]]:
    cloud = Cloud(settings)
    cloud.add_lock("Door")
    with SimulatorServer(cloud) as server, socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        yield cloud, Line(connection, connection.makefile("rb"))


@pytest.mark.parametrize("with_body", [True, False])
def test_204_and_304_may_carry_a_body_and_the_line_stays_in_step(with_body: bool) -> None:
    with line_to(CloudSettings(body_on_no_content=with_body)) as (_, line):
        assert line.ask("POST", PINS, {"alias": "Guest", "pin": "481516"})[0] == 201
        for method, path, body, status in (
            ("GET", f"{PINS}?listVersion=2", None, 304),
            ("PUT", f"{PINS}/1", {"alias": "Guest", "pin": "314159"}, 204),
            ("DELETE", f"{PINS}/1", None, 204),
        ):
            answered, headers, content = line.ask(method, path, body)
            assert answered == status
            if with_body:
                assert headers["content-length"] == str(len(content))
                assert json.loads(content) == {
                    "result": None,
                    "success": True,
                    "errorMessages": [],
                    "statusCode": status,
                }
            else:
                assert "content-length" not in headers
        assert line.ask("GET", PINS)[0] == 200


@pytest.mark.parametrize(("shape", "kind"), [("empty", None), ("problem", "application/problem+json; charset=utf-8")])
def test_errors_without_the_envelope_have_a_length_and_keep_the_line(shape: str, kind: str | None) -> None:
    settings = CloudSettings(error_body=shape)  # type: ignore[arg-type] # the parameters are of its values
    with line_to(settings) as (cloud, line):
        for always in (None, 500):
            cloud.set_always(10001, always)
            status, headers, content = line.ask("GET", f"{PINS}/9")
            assert status == (always or 404)
            assert headers.get("content-type") == (None if always else kind)
            assert headers["content-length"] == str(len(content))
        assert line.ask("GET", "/api/v37/my/lock")[0] == 200


def test_settings_change_while_the_server_runs() -> None:
    cloud = Cloud()
    cloud.add_lock("Door")
    key = {"Authorization": "PersonalKey demo-key"}
    with SimulatorServer(cloud) as server, httpx.Client(base_url=server.url) as client:
        cloud.add_foreign_pin(10001)
        assert client.post("/control/settings", json={"list_shows": "nothing"}).status_code == 200
        assert client.get(PINS, headers=key).json()["result"] == {"listVersion": 2, "pins": []}
        assert client.post("/control/settings", json={"list_shows": "all"}).status_code == 200
        assert len(client.get(PINS, headers=key).json()["result"]["pins"]) == 1
