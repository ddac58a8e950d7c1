"""What the tests of channels in the admin share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function that does the tasks that were sent to the broker."""
    from pins import tasks

    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.send_messages, "delay", lambda **arguments: asked.append(arguments))

    def work() -> None:
        while asked:
            tasks.send_messages(**asked.pop())

    return work
