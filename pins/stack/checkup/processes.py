"""What must run: broker, worker, beat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from config.broker import answers
from pins.models import Heartbeat
from pins.stack.checkup.findings import Finding, fail, ok

#: How long to wait for the answers of workers, in seconds: once more where a queue seems to have none, since a busy
#: machine takes its time.
_PATIENCE: Final = (2, 8)


def broker() -> Iterator[Finding]:
    if answers(settings.REDIS_URL):
        yield ok("broker", "answers")
    elif settings.REDIS_IS_EMBEDDED:
        yield fail("broker", "the embedded server does not run.", "Start everything: make run")
    else:
        yield fail("broker", "the server of REDIS_URL does not answer.", "Start Redis, or correct REDIS_URL.")


def worker() -> Iterator[Finding]:
    """Each queue has a worker that answers through the broker."""
    if not answers(settings.REDIS_URL):
        yield fail("worker", "cannot be asked while the broker is down.", "Fix the broker first.")
        return
    from config.celery import app

    queues = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    taken: set[str] = set()
    answered = 0
    for seconds in _PATIENCE:
        if queues <= taken:
            break
        replies = app.control.inspect(timeout=seconds).active_queues() or {}
        answered = len(replies)
        taken = {queue["name"] for queues_of_one in replies.values() for queue in queues_of_one}
    if not answered:
        yield fail("worker", "none answers.", "Start everything: make run; on a server: celery -A config worker")
        return
    for name in sorted(queues - taken):
        remedy = f"Start one more: celery -A config worker -Q {name}; without -Q a worker takes every queue."
        yield fail("worker", f"none takes what waits in the queue {name}.", remedy)
    yield ok("worker", f"{answered} answered")


def beat() -> Iterator[Finding]:
    """The sweep leaves a trace whenever beat sends it and a worker performs it."""
    last = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    remedy = "Start everything: make run; on a server: celery -A config beat"
    if last is None:
        remedy = f"If Turnkey has just started, wait {settings.SWEEP_SECONDS} s. {remedy}"
        yield fail("beat", "the sweep has never run.", remedy)
        return
    age = timezone.now() - last
    limit = timedelta(seconds=max(4 * settings.SWEEP_SECONDS, 60))
    text = f"the last sweep was {age.total_seconds():.0f} s ago"
    yield (
        ok("beat", text)
        if age <= limit
        else fail("beat", f"{text}; it is due every {settings.SWEEP_SECONDS} s.", remedy)
    )
