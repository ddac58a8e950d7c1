"""The product's Celery application with one more task, whose length a test chooses."""

from __future__ import annotations

import time
from pathlib import Path

from config.celery import app


@app.task(name="tests.slow")
def slow(*, seconds: float, diary: str) -> None:
    """Write a line when it begins and one when it ends."""
    with Path(diary).open("a") as file:
        file.write("begin\n")
    time.sleep(seconds)
    with Path(diary).open("a") as file:
        file.write("end\n")


__all__ = ["app"]
