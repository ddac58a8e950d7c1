"""The tests themselves cannot leave this machine."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import NetworkIsClosed


@pytest.mark.parametrize("address", ["192.0.2.1", "8.8.8.8", "2001:db8::1"])
def test_an_address_elsewhere_is_refused(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe, pytest.raises(NetworkIsClosed):
        probe.connect((address, 443))


def test_a_name_elsewhere_is_not_even_looked_up() -> None:
    with pytest.raises(NetworkIsClosed):
        socket.getaddrinfo("api.tedee.com", 443)


def test_a_name_that_cannot_exist_fails_as_it_would() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("locks.invalid", 443)


def test_this_machine_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
