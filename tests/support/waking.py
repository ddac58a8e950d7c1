"""Messages that wake locks, kept instead of sent, and delivered when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from pins import tasks


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The locks for which a run was asked for, in order; the messages lie here and are not delivered."""
    sent: list[int] = []
    monkeypatch.setattr(tasks.run_lock, "delay", lambda *, lock_id: sent.append(lock_id))
    return sent


def forget_wakes() -> None:
    """The transaction around a test does not end, so what its preparation woke would still be waiting for the end, and
    later wakes would join it."""
    connection.run_on_commit.clear()


@contextmanager
def collected_over_a_request() -> Iterator[list[int]]:
    """The locks that a web request would wake at its end (`pins.actions.wake_together`)."""
    woken: list[int] = []
    token = tasks.woken_later.set(woken)
    try:
        yield woken
    finally:
        tasks.woken_later.reset(token)
