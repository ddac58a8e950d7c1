"""The traces of periodic work: when it last began, how long it took, how long its message had waited.

Every message carries when it was sent (`SENT_AT`, a header: an older release ignores it). The clocks of the sender's
and the worker's machine may differ by some seconds, so a wait below zero counts as none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from celery import Task
from celery.signals import before_task_publish
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from pins.models import Heartbeat

logger = logging.getLogger(__name__)

#: A header of each message: when it was sent, in seconds since 1970.
SENT_AT: Final = "turnkey_sent_at"
#: The schedule sends this task only; nobody else does.
_SENT_BY_BEAT: Final = "pins.tasks.sweep"


@before_task_publish.connect
def _note_sending(sender: str | None = None, headers: MutableMapping[str, Any] | None = None, **_: Any) -> None:
    """Stamp the message. A sweep's message is also the sign of life of beat, whether the broker takes it or not."""
    now = timezone.now()
    if headers is not None:
        headers[SENT_AT] = now.timestamp()
    if sender == _SENT_BY_BEAT:
        try:
            _record("beat", at=now)
        except DatabaseError:  # the message must be sent all the same: a worker may reach the database
            logger.warning("heartbeat_not_stored")
            if not connection.in_atomic_block:
                connection.close()  # the next message opens another one


@contextmanager
def periodic(task: Task[Any, Any], name: str) -> Iterator[datetime]:
    """Do the work of a periodic task, and leave its traces under `name`. Yields the moment it began (UTC).

    Work that ends in an exception keeps the duration of the one before: only the moment it began is news.
    """
    now, began = timezone.now(), time.monotonic()
    sent_at = getattr(task.request, SENT_AT, None)
    waited = max(0.0, now.timestamp() - sent_at) if isinstance(sent_at, int | float) else None
    _record(name, at=now, waited=waited)
    yield now
    Heartbeat.objects.filter(name=name).update(seconds=time.monotonic() - began)


def _record(name: str, **fields: Any) -> None:
    if not Heartbeat.objects.filter(name=name).update(**fields):
        Heartbeat.objects.update_or_create(name=name, defaults=fields)
