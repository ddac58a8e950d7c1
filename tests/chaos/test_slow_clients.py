"""Fifty clients that send or take a byte a second: the web server answers everybody else, without a proxy before it."""

from __future__ import annotations

import http.client
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.support import web_server

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(120)]

CLIENTS = 50
_HOST = "Host: localhost\r\n"
_FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def _post(path: str, kind: str, framing: str = "Content-Length: 5000") -> bytes:
    return f"POST {path} HTTP/1.1\r\n{_HOST}{kind}{framing}\r\n\r\n".encode()


#: What each of them sends at once; then it sends one byte a second.
BEGINNINGS = {
    "one byte": b"G",
    "header": f"GET /healthz HTTP/1.1\r\n{_HOST}X-Slow: ".encode(),
    "body for an unknown token": _post("/webhooks/ical/nobody-knows-this-one/", "Content-Type: text/calendar\r\n"),
    "body for an unknown address": _post("/webhooks/none", "Content-Type: text/calendar\r\n"),
    "body of a log-in": _post("/admin/login/", _FORM),
    "chunks": _post("/webhooks/tedee/nobody/", "", "Transfer-Encoding: chunked") + b"fff\r\n",
    "second request": f"GET /healthz HTTP/1.1\r\n{_HOST}\r\nGET /".encode(),
    # Nothing is taken of answers that fill the buffers of both ends.
    "many answers": f"GET /static/admin/js/vendor/jquery/jquery.js HTTP/1.1\r\n{_HOST}\r\n".encode() * 40,
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("slow")
    with web_server.running(web_server.environment(folder), Path(folder)) as found:
        yield found


@contextmanager
def slow_clients(port: int, beginning: bytes) -> Iterator[None]:
    over = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(_connect(port, beginning))) for _ in range(CLIENTS)]

        def drip() -> None:
            while not over.wait(1):
                for client in clients:
                    with suppress(OSError):  # closed by the server
                        client.send(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield
        finally:
            over.set()
            dripping.join()


def _connect(port: int, beginning: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(beginning)
    return client


def seconds_to_answer(port: int, path: str) -> float:
    """On a connection of its own."""
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        answer.read()
    assert answer.status == 200
    return time.monotonic() - began


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_the_others_are_answered_within_a_second(port: int, kind: str) -> None:
    seconds_to_answer(port, "/admin/login/")  # templates are read
    with slow_clients(port, BEGINNINGS[kind]):
        time.sleep(1.2)  # each has sent a byte of the slow part
        took = [seconds_to_answer(port, path) for path in ("/healthz", "/admin/login/") * 3]
    proofs.write_figures(
        f"slow-clients-{kind.replace(' ', '-')}",
        [f"{CLIENTS} connections; others: median {statistics.median(took):.3f} s, longest {max(took):.3f} s"],
    )
    assert max(took) < 1
