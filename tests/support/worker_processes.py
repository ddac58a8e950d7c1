"""A worker process of our own, which does nothing but what a test publishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from django.conf import settings

from pins.stack.lifetime import end_with_parent
from tests.support import migrated
from tests.support.paths import ROOT
from tests.support.publishing import publisher
from tests.support.waiting import until


def cpu_seconds(pid: int) -> float:
    """Processor time that a process used so far (`/proc/PID/stat`, fields 14 and 15)."""
    facts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


class Worker:
    """`celery -A config worker` with the database and broker that it was given."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, redis_url: str) -> None:
        self.log = log
        self._process, self._redis_url = process, redis_url

    def perform(self, count: int, **kwargs: int) -> None:
        """Publish so many `run_lock` and wait until all are acknowledged, which a worker does after the task."""
        with publisher(self._redis_url) as app, redis.Redis.from_url(self._redis_url) as broker:
            for _ in range(count):
                app.send_task("pins.tasks.run_lock", kwargs=kwargs)
            queue = settings.CELERY_TASK_DEFAULT_QUEUE
            until(lambda: not broker.llen(queue) and not broker.hlen("unacked"), f"{count} tasks", 120)

    def cpu_seconds(self) -> float:
        """Processor time that it used so far."""
        return cpu_seconds(self._process.pid)


@contextmanager
def worker(folder: Path, database_url: str, redis_url: str, **environment: str) -> Iterator[Worker]:
    """A worker that is ready, on a migrated database."""
    own = os.environ | {"DATABASE_URL": database_url, "REDIS_URL": redis_url, **environment}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    migrated.put_at(database_url, lambda: subprocess.run(migrate, cwd=ROOT, env=own, check=True, timeout=120))
    log = folder / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", "worker"],
            cwd=ROOT,
            env=own,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - system calls only
        )
    try:
        until(lambda: " ready." in log.read_text() or process.poll() is not None, "the worker is ready", 60)
        assert process.poll() is None, log.read_text()[-3000:]
        yield Worker(process, log, redis_url)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
