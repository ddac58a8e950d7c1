"""A worker keeps its connections to the database between tasks, and survives their end."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.support.embedded_server import EmbeddedServer
from tests.support.worker_processes import worker

THREADS = 4
TASKS = 40


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """A database of its own on the session's server; the worker makes it."""
    return postgres_url.rpartition("/")[0] + "/kept_connections"


def sessions(postgres_url: str) -> int:
    """How many connections were ever made to the database."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("SELECT pg_stat_clear_snapshot()")
        row = admin.execute("SELECT sessions FROM pg_stat_database WHERE datname = 'kept_connections'").fetchone()
        assert row is not None
        return int(row[0])


def end_all_connections(postgres_url: str) -> int:
    """What a restart of the server does to whoever is connected."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'kept_connections'"
        ).fetchall()
        return len(ended)


@pytest.mark.real_processes
@pytest.mark.timeout(240)
def test_connections_last_over_many_tasks_and_are_replaced_when_the_database_ended_them(
    postgres_url: str, database_url: str, tmp_path: Path
) -> None:
    with EmbeddedServer(tmp_path / "r.sock") as server:
        threads = {"TEDEE_MAX_IN_FLIGHT": str(THREADS)}
        with worker(tmp_path, database_url, server.url, **threads) as busy:
            busy.perform(THREADS, lock_id=1)
            before = sessions(postgres_url)
            busy.perform(TASKS, lock_id=1)
            assert sessions(postgres_url) - before <= THREADS

            assert end_all_connections(postgres_url) >= 1
            busy.perform(TASKS, lock_id=1)
            assert "Error" not in busy.log.read_text()
            assert end_all_connections(postgres_url) >= 1  # it is connected again
