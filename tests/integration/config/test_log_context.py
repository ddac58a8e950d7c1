"""JSON lines of a run say which task, lock and code they belong to; and messages say when they were sent."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from config import environment, log_context
from config.logging import JsonFormatter
from pins import tasks
from pins.core.pin_state import State
from pins.models import Heartbeat
from rentals.models import Booking, Lock, LockAccount, Property
from tests.support.house import KEY, pin_of
from tests.support.publishing import publisher
from tests.support.real_cloud import listening_cloud
from tests.support.waiting import until
from tests.support.workers import worker

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def json_lines() -> Iterator[list[dict[str, Any]]]:
    """The lines that a process with LOG_JSON=1 writes."""
    stream, lines = io.StringIO(), []  # type: ignore[var-annotated]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(), logging.getLogger("httpcore")]
    levels = [one.level for one in loggers]
    loggers[0].addHandler(handler)
    for one in loggers:
        one.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        loggers[0].removeHandler(handler)
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
        lines.extend(json.loads(line) for line in stream.getvalue().splitlines())


def test_lines_of_a_run_say_task_lock_and_code(redis_url: str, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = environment.broker(redis_url)
    with listening_cloud(settings) as cloud:
        made = cloud.add_lock("Front door")
        account = LockAccount.objects.create(name="Office", secret=KEY)
        door = Lock.objects.create(account=account, device_id=made.id, name="Front door")
        flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
        flat.locks.set([door])
        cloud.script(made.id, ["POST:busy"])
        # The worker sets up logging when it starts, and would take our handler away.
        with worker(), json_lines() as lines:
            begins = timezone.now() + timedelta(days=2)
            stay = Booking.objects.create(property=flat, check_in=begins, check_out=begins + timedelta(days=3))
            tasks.wake_locks([door.pk])
            until(lambda: pin_of(stay, door).state == State.SET, "the code is set, after one refusal")
    pin = pin_of(stay, door)
    (failed,) = [line for line in lines if line["event"] == "request_failed"]
    assert (failed["task"], failed["lock_id"], failed["pin_id"]) == ("pins.tasks.run_lock", str(door.pk), str(pin.pk))
    ours = [line for line in lines if line.get("task_id") == failed["task_id"]]
    # The HTTP library knows nothing of locks and codes.
    assert {(line["lock_id"], line["pin_id"]) for line in ours if line["logger"].startswith("httpcore")} == {
        (str(door.pk), str(pin.pk))
    }
    assert {line["lock_id"] for line in ours} == {str(door.pk)}
    assert all("pin_id" not in line for line in lines if "task_id" not in line)
    assert pin.grant.code not in json.dumps(lines)


def test_a_line_after_a_task_belongs_to_no_task(caplog: pytest.LogCaptureFixture) -> None:
    tasks.measure.apply(task_id="first").get()
    assert log_context.current() == {}
    log_context.note(pin_id=7)
    assert log_context.current() == {}


def test_the_time_in_the_queue_is_measured(redis_url: str, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = environment.broker(redis_url)
    with publisher(redis_url) as sender:
        sender.send_task("pins.tasks.sweep")
        sent, sent_at = time.monotonic(), timezone.now()
        until(lambda: time.monotonic() - sent > 0.3, "the message has waited")
        waited = time.monotonic() - sent
        with worker():
            until(lambda: Heartbeat.objects.filter(name="sweep", seconds__isnull=False).exists(), "the sweep is done")
    sweep = Heartbeat.objects.get(name="sweep")
    assert sweep.waited is not None
    assert waited <= sweep.waited <= waited + 30
    # Sending it was beat's sign of life.
    assert abs(Heartbeat.objects.get(name="beat").at - sent_at) < timedelta(seconds=5)


def test_a_message_of_an_older_release_says_nothing_of_its_wait() -> None:
    tasks.sweep.apply().get()
    assert Heartbeat.objects.get(name="sweep").waited is None
