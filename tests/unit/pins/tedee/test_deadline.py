from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from pins.tedee import errors
from pins.tedee.auth import PersonalKey
from pins.tedee.client import TedeeClient
from pins.tedee.messages import PinBody
from pins.tedee.transport import DeadlineTransport
from tests.support.certificates import self_signed, server_context
from tests.support.scripted_server import Reply, Server, answer, dribble, good, hang

AUTH = PersonalKey("k3y")
BODY = PinBody("Ann", "739105")
DEADLINE = 0.6
SLACK = 1.0  # a loaded machine


@contextmanager
def cut_off() -> Iterator[None]:
    """The block fails as a hang, at the deadline: neither before it nor long after."""
    began = time.monotonic()
    with pytest.raises(errors.NetworkFault) as caught:
        yield
    assert caught.value.hung is True
    assert DEADLINE - 0.05 <= time.monotonic() - began <= DEADLINE + SLACK


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + b"X-Padding: " + b"x" * 50_000 + b"\r\n\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        hang(),
        dribble(HEADERS, 0.05),
        dribble(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.002),
    ],
    ids=["silence", "headers byte by byte", "endless interim answers"],
)
def test_a_slow_server_is_cut_off_at_the_total_deadline(reply: Reply) -> None:
    with Server([reply]) as server, TedeeClient(server.url, AUTH, total_deadline=DEADLINE) as client, cut_off():
        client.create_pin(12, BODY)


def test_a_body_that_dribbles_is_cut_off_at_the_total_deadline() -> None:
    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        return dribble(b" " * 100_000, 0.05)(connection, stop)

    with Server([reply]) as server, TedeeClient(server.url, AUTH, total_deadline=DEADLINE) as client, cut_off():
        client.list_pins(12)


def test_the_read_timeout_ends_a_silence_before_the_total_deadline() -> None:
    with Server([hang()]) as server:
        client = TedeeClient(server.url, AUTH, total_deadline=30.0, read_timeout=DEADLINE)
        with client, cut_off():
            client.create_pin(12, BODY)


def test_the_deadline_begins_anew_with_every_request_on_a_kept_connection() -> None:
    listing = good({"listVersion": 1, "pins": []})
    with Server([listing]) as server, TedeeClient(server.url, AUTH, total_deadline=DEADLINE) as client:
        ends_at = time.monotonic() + 2 * DEADLINE
        while time.monotonic() < ends_at:
            client.list_pins(12)

    assert {request.connection for request in server.requests} == {1}


def test_a_slow_neighbour_does_not_shorten_another_threads_request() -> None:
    def steady(connection: socket.socket, stop: threading.Event) -> bool:
        stop.wait(DEADLINE / 2)
        return answer(204)(connection, stop)

    outcomes: list[object] = []
    with Server([hang(), steady]) as server, TedeeClient(server.url, AUTH, total_deadline=DEADLINE) as client:

        def hung() -> None:
            with pytest.raises(errors.NetworkFault):
                client.delete_pin(1, 1)
            outcomes.append("hung")

        thread = threading.Thread(target=hung)
        thread.start()
        while not server.requests:
            time.sleep(0.005)
        outcomes.append(client.delete_pin(2, 1).status)
        thread.join()

    assert sorted(map(str, outcomes)) == ["204", "hung"]


def test_nothing_is_sent_when_the_deadline_has_passed() -> None:
    with Server([answer(204)]) as server, pytest.raises(errors.Unreachable):
        TedeeClient(server.url, AUTH, total_deadline=0.0).create_pin(12, BODY)

    assert server.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@contextmanager
def tls_server(certificate: Path, *replies: Reply) -> Iterator[Server]:
    with Server(replies, tls=server_context(certificate)) as server:
        yield server


def trusting(certificate: Path) -> DeadlineTransport:
    return DeadlineTransport(trust=ssl.create_default_context(cafile=str(certificate)))


def test_tls_works_and_a_dribble_inside_it_is_cut_off(certificate: Path) -> None:
    with (
        tls_server(certificate, good({"id": 3}, 201), dribble(HEADERS, 0.05)) as server,
        TedeeClient(server.url, AUTH, total_deadline=DEADLINE, transport=trusting(certificate)) as client,
    ):
        assert client.create_pin(12, BODY).value == 3
        with cut_off():
            client.create_pin(12, BODY)


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(certificate: Path) -> None:
    with tls_server(certificate, answer(204)) as server, pytest.raises(errors.Unreachable):
        TedeeClient(server.url, AUTH).create_pin(12, BODY)

    assert server.requests == []


def test_a_server_that_never_shakes_hands_is_unreachable_within_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        with TedeeClient(url, AUTH, total_deadline=DEADLINE) as client, pytest.raises(errors.Unreachable):
            client.create_pin(12, BODY)

    assert time.monotonic() - began <= DEADLINE + SLACK
