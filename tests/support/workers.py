"""A real worker of ours in a thread of the test, and Celery's signals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import signals
from celery.contrib.testing.worker import start_worker
from django.db import connections

from config.celery import app


@contextmanager
def worker() -> Iterator[None]:
    """A worker in a thread of its own, at the broker of the settings."""
    forget_pools: Callable[[], None] = app._after_fork  # type: ignore[attr-defined]
    forget_pools()  # they lead to another broker
    with connected(signals.task_postrun, lambda **_: connections.close_all()):
        try:
            with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
                yield
        finally:
            forget_pools()


@contextmanager
def connected(signal: Any, receiver: Any) -> Iterator[None]:
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)
