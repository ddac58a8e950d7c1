"""Which connections of the pool are used again: whatever one request left behind must not be read by the next."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509

from pins.stack.background_server import BackgroundServer
from pins.tedee.auth import PersonalKey
from pins.tedee.client import TedeeClient
from pins.tedee.errors import TedeeError
from pins.tedee.messages import PinBody
from pins.tedee.transport import DeadlineTransport
from tests.support.certificates import self_signed, server_context
from tests.support.scripted_server import Reply, Server, answer, envelope, forbidden_body, good, packets

KEY = "k3y-canary-7781"
EMPTY = {"listVersion": 1, "pins": []}


@contextmanager
def talking(*replies: Reply) -> Iterator[tuple[TedeeClient, Server]]:
    with Server(replies) as server, TedeeClient(server.url, PersonalKey(KEY), total_deadline=10.0) as client:
        yield client, server


DOCUMENTED = json.dumps(envelope(None, 204)).encode()
GONE = json.dumps(envelope(None, 404)).encode()
ANOTHER_ANSWER = b"HTTP/1.1 404 X\r\nContent-Length: %d\r\n\r\n%s" % (len(GONE), GONE)
NO_CONTENT: dict[int, Callable[[TedeeClient], object]] = {
    204: lambda client: client.delete_pin(1, 2),
    304: lambda client: client.list_pins(1, 7),
}


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
@pytest.mark.parametrize("body", [DOCUMENTED, ANOTHER_ANSWER], ids=["envelope", "looks like an answer"])
def test_a_body_where_http_allows_none_is_not_the_next_answer(status: int, framing: str, body: bytes) -> None:
    with talking(packets(forbidden_body(status, body, framing)), good({"id": 3}, 201)) as (client, server):
        NO_CONTENT[status](client)
        assert client.create_pin(5, PinBody("Ann", "739105")).value == 3

    assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("status", [204, 304])
def test_nor_when_it_comes_after_its_head(status: int) -> None:
    head, _, body = forbidden_body(status, DOCUMENTED, "length").partition(b"\r\n\r\n")
    with talking(packets(head + b"\r\n\r\n", body), good(EMPTY)) as (client, server):
        NO_CONTENT[status](client)
        client.list_pins(5)
        client.list_pins(5)

    assert [request.connection for request in server.requests] == [1, 2, 2]


def test_nor_over_tls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    trust = DeadlineTransport(trust=ssl.create_default_context(cafile=str(certificate)))
    with (
        Server(
            [packets(forbidden_body(204, DOCUMENTED, "length")), good(EMPTY)], tls=server_context(certificate)
        ) as server,
        TedeeClient(server.url, PersonalKey(KEY), total_deadline=10.0, transport=trust) as client,
    ):
        client.delete_pin(1, 2)
        client.list_pins(5)

    assert [request.connection for request in server.requests] == [1, 2]


def test_threads_that_share_a_client_never_read_each_others_leftovers() -> None:
    failures: list[BaseException] = []
    with talking(packets(forbidden_body(204, ANOTHER_ANSWER, "none"))) as (client, server):

        def work() -> None:
            try:
                for number in range(20):
                    assert client.delete_pin(1, number).status == 204
            except BaseException as error:
                failures.append(error)
                raise

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failures == []
    assert len(server.requests) == 80


def test_other_connections_are_reused_and_a_stale_one_is_not() -> None:
    def close_after_answer(connection: socket.socket, stop: threading.Event) -> bool:
        good(EMPTY)(connection, stop)
        return False

    with talking(good(EMPTY), close_after_answer, good(EMPTY)) as (client, server):
        client.list_pins(1)
        client.list_pins(1)
        server._threads[1].join(5)
        client.list_pins(1)

    assert [request.connection for request in server.requests] == [1, 1, 2]


def test_a_plain_204_costs_a_connection_too() -> None:
    """A body without a length cannot be foreseen, so none is waited for."""
    with talking(answer(204)) as (client, server):
        client.delete_pin(1, 2)
        client.delete_pin(1, 3)

    assert [request.connection for request in server.requests] == [1, 2]


class _Plain(BaseHTTPRequestHandler):
    """A list for each GET, 204 for each DELETE, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    LIST = json.dumps(envelope(EMPTY, 200)).encode()

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(self.LIST), self.LIST))

    def do_DELETE(self) -> None:
        self.connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def test_no_thread_gets_a_connection_that_another_one_is_about_to_close() -> None:
    """Its request would be lost before it was sent, and nobody could say whether the lock has got it."""
    failures: list[Exception] = []
    with (
        BackgroundServer(_Plain) as server,
        TedeeClient(server.url, PersonalKey(KEY), total_deadline=10.0) as client,
    ):

        def work(number: int) -> None:
            try:
                for turn in range(200):
                    if (number + turn) % 2:
                        client.delete_pin(1, 2)
                    else:
                        client.list_pins(1)
            except TedeeError as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
