"""Many threads at the same moment, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


def at_once(jobs: list[Callable[[], Result]]) -> list[Result]:
    """Start all jobs at the same moment in threads of their own; an exception of any of them is raised."""
    barrier = threading.Barrier(len(jobs))

    def begin(job: Callable[[], Result]) -> Result:
        barrier.wait(timeout=30)
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(begin, job) for job in jobs]]
