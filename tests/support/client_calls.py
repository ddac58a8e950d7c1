"""Every call of the API client, and the client before a server that answers as it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pins.tedee.auth import PersonalKey
from pins.tedee.client import TedeeClient
from pins.tedee.messages import PinBody
from tests.support.scripted_server import Reply, Server

KEY = "k3y-canary-7781"
CODE = "739105"
BODY = PinBody(
    "Ann 03-08 Mar #7F3K2Q", CODE, datetime(2027, 3, 3, 14, tzinfo=UTC), datetime(2027, 3, 8, 10, tzinfo=UTC)
)


@contextmanager
def talking(*replies: Reply) -> Iterator[tuple[TedeeClient, Server]]:
    with Server(replies) as server, TedeeClient(server.url, PersonalKey(KEY), total_deadline=10.0) as client:
        yield client, server


CALLS: list[Callable[[TedeeClient], object]] = [
    lambda client: client.create_pin(12, BODY),
    lambda client: client.update_pin(12, 3, BODY),
    lambda client: client.delete_pin(12, 3),
    lambda client: client.list_pins(12),
    lambda client: client.get_pin(12, 3),
    lambda client: client.list_locks(),
    lambda client: client.sync_locks([12]),
    lambda client: client.activity(12),
    lambda client: client.personal_keys(),
]
