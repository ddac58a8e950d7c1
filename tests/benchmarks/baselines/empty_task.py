"""A Celery task that does nothing: what a message costs by itself.

`celery -A tests.benchmarks.baselines.empty_task worker -Q empty`, with Turnkey's own Celery settings, so that the
worker is of the same kind. Where the task begins, it writes the moment (seconds since 1970) as a line of the file
BENCH_STARTS.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import Celery

app = Celery("empty")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = None
app.conf.task_routes = None
app.conf.task_default_queue = "empty"


@app.task(name="empty")
def empty() -> None:
    began = time.time()
    with Path(os.environ["BENCH_STARTS"]).open("a", encoding="ascii") as file:
        file.write(f"{began}\n")
