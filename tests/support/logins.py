"""Tries to log in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from django.contrib.auth import hashers
from django.test import Client

LOGIN = "/admin/login/"
PASSWORD = "a long enough pass-phrase"


def forget_counts(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def log_in(client: Client, name: str, password: str, address: str = "192.0.2.1", **more: Any) -> Any:
    return client.post(LOGIN, {"username": name, "password": password, **more}, REMOTE_ADDR=address)


def is_in(response: Any) -> bool:
    return bool(response.status_code == 302 and response.wsgi_request.user.is_authenticated)


class Counting(hashers.MD5PasswordHasher):
    """Quick, and counts how often a password is hashed."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).hashed += 1
        return super().encode(password, salt)


@contextmanager
def counted() -> Iterator[list[int]]:
    """Yields a list that holds, after the block, how often a password was hashed in it."""
    before, found = Counting.hashed, [0]
    yield found
    found[0] = Counting.hashed - before
