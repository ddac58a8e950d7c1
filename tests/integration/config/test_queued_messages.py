"""An upgrade finds messages in the queue: whatever an older release sent is understood and done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import signals
from django.utils import timezone
from pytest_django import Settings

from config import environment
from config.celery import app
from pins.core.pin_state import State
from rentals.models import Booking, CalendarFeed, FeedState, Lock, LockAccount, Property
from tests.support.calendars import sample
from tests.support.house import KEY, pin_of
from tests.support.publishing import publisher
from tests.support.real_cloud import listening_cloud
from tests.support.scripted_server import Server, answer
from tests.support.waiting import until
from tests.support.workers import connected, worker

#: The names that stand in queues, schedules and other people's monitoring. They are never changed.
TASKS = {
    "pins.tasks.run_lock",
    "pins.tasks.sweep",
    "pins.tasks.check_drift",
    "pins.tasks.measure",
    "pins.tasks.watch_offline",
    "pins.tasks.list_locks",
    "pins.tasks.notify",
    "pins.tasks.send_messages",
    "pins.tasks.purge",
    "rentals.tasks.poll_feeds",
    "rentals.tasks.fetch_feed",
    "rentals.tasks.purge",
}


#: No older release sent these.
NEW_TASKS = {"config.people.tasks.mail_link", "config.people.tasks.review_logins", "pins.tasks.read_activity"}


def test_the_tasks_have_their_names() -> None:
    app.loader.import_default_modules()
    assert {name for name in app.tasks if not name.startswith("celery.")} == TASKS | NEW_TASKS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("further", [{}, {"unheard_of": {"by": "this release"}}], ids=["as ever", "unknown argument"])
def test_what_an_older_release_left_in_the_queue_is_done(
    redis_url: str, settings: Settings, further: dict[str, Any]
) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    settings.CELERY_BROKER_URL = environment.broker(redis_url)
    with listening_cloud(settings) as cloud, Server([answer(200, raw=sample("01"))]) as channel:
        made = cloud.add_lock("Front door")
        account = LockAccount.objects.create(name="Office", secret=KEY)
        door = Lock.objects.create(account=account, device_id=made.id, name="Front door")
        flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
        flat.locks.set([door])
        begins = timezone.now() + timedelta(days=2)
        stay = Booking.objects.create(property=flat, check_in=begins, check_out=begins + timedelta(days=3))
        feed = CalendarFeed.objects.create(property=flat, name="A", url=f"http://127.0.0.1:{channel.port}/a.ics")
        arguments: dict[str, dict[str, Any]] = {
            "pins.tasks.run_lock": {"lock_id": door.pk},
            "rentals.tasks.fetch_feed": {"feed_id": feed.pk},
        }

        with publisher(redis_url) as older:
            sent = {older.send_task(name, kwargs=arguments.get(name, {}) | further).id: name for name in sorted(TASKS)}
        with _outcomes() as outcomes, worker():
            until(lambda: sent.keys() <= outcomes.keys(), "every message is taken and done")

    assert {sent[one]: outcomes[one] for one in sent} == dict.fromkeys(TASKS, "done")
    assert pin_of(stay, door).state == State.SET
    assert FeedState.objects.get(feed=feed).last_good_at is not None


@contextmanager
def _outcomes() -> Iterator[dict[str, str]]:
    """What became of each message, by its id. A retry is no end: the same message comes again."""
    ended: dict[str, str] = {}

    def done(sender: Any, **_: Any) -> None:
        ended[sender.request.id] = "done"

    def failed(task_id: str, exception: BaseException, **_: Any) -> None:
        ended[task_id] = repr(exception)

    def unknown(id: str, name: str, **_: Any) -> None:  # noqa: A002 - the signal's word
        ended[id] = f"no task {name}"

    with (
        connected(signals.task_success, done),
        connected(signals.task_failure, failed),
        connected(signals.task_unknown, unknown),
    ):
        yield ended
