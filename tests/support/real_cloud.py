"""A simulated cloud on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_django import Settings

from pins.reconcile import clients
from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from tests.support.house import KEY


@contextmanager
def listening_cloud(settings: Settings) -> Iterator[Cloud]:
    """A cloud where the settings look for Tedee, for the length of a `with` block."""
    cloud = Cloud(key=KEY)
    with SimulatorServer(cloud, "127.0.0.1", 0) as server:
        settings.TEDEE_API_URL = server.api_url
        yield cloud
        close_clients()


def close_clients() -> None:
    """A process keeps them open between runs; a test's cloud ends before the process does."""
    for *_, client in clients._clients.values():
        client.close()
    clients._clients.clear()
