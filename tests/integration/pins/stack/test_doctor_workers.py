"""The doctor finds a queue that no worker takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from celery.contrib.testing.worker import start_worker
from pytest_django.fixtures import Settings

from config import environment
from config.celery import app
from config.queues import DOORS, QUEUES, SLOW
from pins.stack.checkup import processes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("taken", "missing"), [([DOORS, SLOW], []), ([DOORS], [SLOW]), ([SLOW], [DOORS])], ids=["all", "doors", "slow"]
)
def test_a_queue_without_a_worker_is_found(
    redis_url: str, settings: Settings, taken: list[str], missing: list[str]
) -> None:
    settings.REDIS_URL = redis_url
    settings.CELERY_BROKER_URL = environment.broker(redis_url)
    with _worker(taken):
        findings = list(processes.worker())
    assert [finding.text.rpartition(" ")[2].rstrip(".") for finding in findings[:-1]] == missing
    assert findings[-1].text == "1 answered"


@contextmanager
def _worker(queues: list[str]) -> Iterator[None]:
    """A worker in a thread of its own, for these queues only."""
    forget_pools: Callable[[], None] = app._after_fork  # type: ignore[attr-defined]
    forget_pools()  # they lead to another broker
    try:
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30, queues=queues):
            yield
    finally:
        forget_pools()
        # The worker has narrowed the queues of this process.
        app.amqp.queues.select([queue.name for queue in QUEUES])
