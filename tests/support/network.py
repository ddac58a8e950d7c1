"""The guard that keeps tests on this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class NetworkIsClosed(RuntimeError):
    """A test tried to leave this machine. Not an OSError: code under test must not take it for an outage."""


def _check(host: object) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in ("", "localhost"):
        return
    if name.endswith(".invalid"):
        # Reserved (RFC 2606): with such a name a test may ask for a host that does not exist.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        raise NetworkIsClosed(f"tests stay on this machine; {name!r} is elsewhere") from None
    if not (address.is_loopback or address.is_unspecified):
        raise NetworkIsClosed(f"tests stay on this machine; {address} is elsewhere")


@contextmanager
def closed_network() -> Iterator[None]:
    """Until the end of the block, connections and look-ups reach loopback addresses and unix sockets only."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            ipaddress.ip_address(host)  # a literal is not looked up anywhere
        except ValueError:
            _check(host)
        return getaddrinfo(host, *args, **kwargs)

    patched: list[tuple[Any, str, Any, Any]] = [
        (socket.socket, "connect", guarded_connect, connect),
        (socket.socket, "connect_ex", guarded_connect_ex, connect_ex),
        (socket, "getaddrinfo", guarded_getaddrinfo, getaddrinfo),
    ]
    for owner, name, guard, _ in patched:
        setattr(owner, name, guard)
    try:
        yield
    finally:
        for owner, name, _, original in patched:
            setattr(owner, name, original)
