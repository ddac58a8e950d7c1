"""The periodic tick and the tasks that send."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone

from pins import tasks
from pins.notify import collecting
from rentals.models import Lock
from tests.support.notifications import letters, open_for

pytestmark = pytest.mark.django_db


class TestTasks:
    def test_the_tick_notices_and_the_senders_send(self, door: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.send_messages, "delay", lambda **arguments: asked.append(arguments))
        letters()
        open_for(door)
        tasks.notify()
        assert asked == [{}]  # no argument at all, so nothing secret in the broker
        tasks.send_messages()
        tasks.send_messages()
        assert len(mail.outbox) == 1

    def test_senders_leave_room_for_locks(self, door: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        letters()
        open_for(door)
        collecting.collect(timezone.now())
        for _ in range(settings.NOTIFY_MAX_IN_FLIGHT):
            assert tasks._room_to_send.acquire(blocking=False)
        try:
            tasks.send_messages()
            assert mail.outbox == []
        finally:
            for _ in range(settings.NOTIFY_MAX_IN_FLIGHT):
                tasks._room_to_send.release()
        tasks.send_messages()
        assert len(mail.outbox) == 1
