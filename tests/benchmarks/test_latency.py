"""How long a booking lies there, on an idle system, until its request leaves: beside what a Celery message costs.

From the commit of the booking to the arrival at the cloud, by the cloud's journal (milliseconds), against the time from
publishing an empty task to its first line, in a worker with the same settings. They take turns in one run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest
from celery import Celery

from tests.benchmarks import table
from tests.benchmarks.stays import furnish, many_stays, wait_until_settled
from tests.support.processes import READY_SECONDS, Stack
from tests.support.publishing import publisher

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.real_processes,
    pytest.mark.postgres,
    pytest.mark.timeout(900),
]

TURNS = 100 if table.FULL else 8
WARM = 5  # connections are made, code is read
LOCKS = 5


class EmptyTasks:
    """The baseline: a worker of its own, and whoever publishes to it."""

    def __init__(self, app: Celery, stack: Stack, folder: Path) -> None:
        self._app, self._stack, self._starts = app, stack, folder / "starts.txt"
        self._starts.touch()
        command = ["-m", "celery", "-A", "tests.benchmarks.baselines.empty_task", "worker", "-Q", "empty"]
        worker = stack.start_further("empty", *command, "-n", "empty@%h", settings={"BENCH_STARTS": str(self._starts)})
        stack.wait_for("the baseline's worker is ready", lambda: worker.said(r"\bready\."), READY_SECONDS)

    def seconds(self) -> float:
        """From publishing one to its start."""
        known = len(self._begun())
        published = time.time()
        self._app.send_task("empty", queue="empty")
        self._stack.wait_for("the empty task", lambda: len(self._begun()) > known, 30, every=0.2)
        return self._begun()[-1] - published

    def _begun(self) -> list[float]:
        return [float(line) for line in self._starts.read_text().splitlines()]


@contextmanager
def empty_tasks(stack: Stack, folder: Path) -> Iterator[EmptyTasks]:
    with publisher(stack.redis.url) as app:
        yield EmptyTasks(app, stack, folder)


def seconds_of_a_booking(stack: Stack, stay: dict[str, object]) -> float:
    """From the commit of a new booking to the request for its code."""
    seen = len(writes(stack))
    committed = float(stack.desk.ask("book_alone", stay=stay))
    stack.wait_for("the request", lambda: len(writes(stack)) > seen, 60, every=0.2)
    (left,) = writes(stack)[seen:]
    wait_until_settled(stack, 30)
    return left - committed


def writes(stack: Stack) -> list[float]:
    """When requests that set codes arrived at the cloud."""
    asked = [one for one in stack.journal()["requests"] if one["method"] == "POST"]
    return [datetime.fromisoformat(one["at"]).timestamp() for one in asked]


def test_from_booking_to_request(postgres_database_url: str, tmp_path: Path) -> None:
    settings = {"SWEEP_SECONDS": "60", "LATE_SECONDS": "600"}
    with (
        Stack(tmp_path, postgres_database_url, simulator=["--locks", str(LOCKS)], settings=settings) as stack,
        empty_tasks(stack, tmp_path) as empty,
    ):
        stays = many_stays(furnish(stack), -(-(TURNS + WARM) // LOCKS))
        ours, theirs = [], []
        for stay in stays[: TURNS + WARM]:
            theirs.append(empty.seconds())
            ours.append(seconds_of_a_booking(stack, stay))
    booking, task = median(ours[WARM:]), median(theirs[WARM:])
    table.record(
        table.LATENCY,
        booking / task,
        f"medians of {TURNS}: {1000 * booking:.1f} ms and {1000 * task:.1f} ms",
    )
