"""What it saves that a worker keeps its connections between tasks.

The task is the cheapest of all, a message that finds nothing to do: two statements. `make bench` measures with 2,000;
in the test suite with fewer.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.benchmarks import table
from tests.support.embedded_server import EmbeddedServer
from tests.support.worker_processes import worker

TASKS = 2000 if table.FULL else 200
WAYS = {"closed after each task": "0", "kept": "600"}


def cost(folder: Path, database_url: str, keep_seconds: str) -> tuple[float, float]:
    """Milliseconds of processor time and of waiting for each task."""
    folder.mkdir()
    with (
        EmbeddedServer(folder / "r.sock") as server,
        worker(folder, database_url, server.url, TEDEE_MAX_IN_FLIGHT="4", DATABASE_KEEP_SECONDS=keep_seconds) as busy,
    ):
        busy.perform(20, lock_id=1)
        used, begun = busy.cpu_seconds(), time.monotonic()
        busy.perform(TASKS, lock_id=1)
        return 1000 * (busy.cpu_seconds() - used) / TASKS, 1000 * (time.monotonic() - begun) / TASKS


@pytest.mark.benchmark
@pytest.mark.real_processes
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["PostgreSQL", "SQLite"])
def test_cost_of_connections(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if kind == "SQLite":
        url = f"sqlite:///{tmp_path / 'turnkey.sqlite3'}"
    else:
        server: str = request.getfixturevalue("postgres_url")
        url = server.rpartition("/")[0] + "/connections_bench"
    found = {way: cost(tmp_path / seconds, url, seconds) for way, seconds in WAYS.items()}
    (closed, closed_wall), (kept, kept_wall) = (found[way] for way in WAYS)
    table.record(
        table.CONNECTIONS[kind],
        kept / closed,
        f"kept {kept:.2f} ms of processor time, {kept_wall:.2f} ms a task; closed {closed:.2f} and {closed_wall:.2f}",
    )
