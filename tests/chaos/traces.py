"""Searches bytes for secrets, in clear and in the forms in which programs carry text around."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import redis


def forms(secret: str) -> dict[str, re.Pattern[bytes]]:
    """How a secret could appear. Digits count only as a whole number: longer ones contain eight digits by chance."""
    plain = secret.encode()
    edge = (rb"(?<![0-9])", rb"(?![0-9])") if secret.isdigit() else (b"", b"")
    found = {
        "in clear": re.compile(edge[0] + re.escape(plain) + edge[1]),
        "as hex": re.compile(re.escape(plain.hex().encode()), re.IGNORECASE),
        "as UTF-16": re.compile(re.escape(secret.encode("utf-16-le"))),
    }
    for offset in range(3):  # a text inside a longer one is encoded in one of three ways
        encoded = base64.b64encode(b"\0" * offset + plain)
        # The first and last letters also depend on the neighbours of the secret.
        kept = encoded[-(-offset * 4 // 3) : (offset + len(plain)) * 4 // 3]
        either = re.escape(kept).replace(rb"\+", rb"[+-]").replace(rb"/", rb"[/_]")
        found[f"in base64, {offset} further"] = re.compile(either)
    return found


def find(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Where which secret appears, by their names: `code 3 in worker.log in clear`. Never quotes a secret."""
    return [
        f"{name} in {place} {form}"
        for name, secret in secrets.items()
        for form, pattern in forms(secret).items()
        for place, data in places.items()
        if pattern.search(data)
    ]


def read_all(paths: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths}


class Monitor:
    """Everything that clients tell a Redis server (MONITOR), while the `with` block lasts."""

    def __init__(self, socket_path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(socket_path))
        self._heard = bytearray()
        self._thread = threading.Thread(target=self._listen, name="redis monitor", daemon=True)

    def __enter__(self) -> Monitor:
        self._socket.sendall(b"MONITOR\r\n")
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=10)
        self._socket.close()

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            self._heard += data

    @property
    def heard(self) -> bytes:
        """What was said so far. Quotes and backslashes stand behind a backslash in it."""
        return bytes(self._heard)


def _content(client: Any, key: bytes) -> list[bytes]:
    """What a key holds; nothing when a worker emptied it since it was listed, which the monitor heard."""
    kind = client.type(key)
    if kind == b"none":
        return []
    if kind == b"string":
        return [client.get(key) or b""]
    if kind == b"hash":
        return [part for pair in client.hgetall(key).items() for part in pair]
    if kind == b"set":
        return list(client.smembers(key))
    if kind == b"zset":
        return list(client.zrange(key, 0, -1))
    assert kind == b"list", f"a kind of key that this search cannot read: {kind!r}"
    return list(client.lrange(key, 0, -1))


def dump(url: str) -> bytes:
    """Every key of a Redis server with all that it holds."""
    parts: list[bytes] = []
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            parts += [key, *_content(client, key)]
    return b"\n".join(parts)
