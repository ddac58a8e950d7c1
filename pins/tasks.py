"""Celery tasks: alarm clocks for work that the database knows about.

A task carries ids only, and may run twice, late, or never. Arguments are keywords and end in `**kwargs`, so that
messages of an older release are still understood during a deploy.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from celery import Task, shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from pins.desired import drift
from pins.guests import collecting as guests_collecting
from pins.guests import sending as guests_sending
from pins.incidents import slow_checks, sweep_checks
from pins.measures import counting, heartbeats, promise
from pins.models import LockState
from pins.notify import collecting, outbox, sending
from pins.reconcile import activity, clock_steps, connectivity, listing, run, tokens, wakes
from pins.reconcile.sweep import due_locks, ration
from pins.retention import forgetting, records

logger = logging.getLogger(__name__)

#: How a message is sent, and its id.
_Message: TypeAlias = tuple[Callable[[int], object], int]

#: Celery keeps a countdown in a worker's memory. Longer waits are left to the sweep, which finds them when due.
LONGEST_COUNTDOWN = timedelta(seconds=120)
SHORTEST_COUNTDOWN = timedelta(milliseconds=50)
SENDING_SECONDS = 60
#: Senders at one moment in a worker: a mail server that hangs must not occupy the threads that locks wait for.
_room_to_send = threading.BoundedSemaphore(settings.NOTIFY_MAX_IN_FLIGHT)
#: Collects the locks to wake until the end of a web request (`pins.actions.wake_together`).
woken_later: ContextVar[list[int] | None] = ContextVar("woken_later", default=None)


@shared_task(bind=True, max_retries=None)
def run_lock(self: Task[Any, Any], /, *, lock_id: int, **kwargs: Any) -> None:
    """Perform what is due on one lock, then set the alarm for the next try. After answers such as 408, 409 and 428 that
    is seconds away."""
    report = run.reconcile_lock(lock_id)
    if report.next_at is None:
        return
    now = timezone.now()
    wait = report.next_at - now
    if wait > LONGEST_COUNTDOWN:
        return
    # One alarm per lock: if an earlier one is set already, this one would only start a second chain of alarms.
    if report.alarm_at is not None and now < report.alarm_at <= report.next_at:
        return
    others = LockState.objects.exclude(dispatched_at__gt=now, dispatched_at__lte=report.next_at)
    if others.filter(lock_id=lock_id).update(dispatched_at=report.next_at):
        raise self.retry(countdown=max(wait, SHORTEST_COUNTDOWN).total_seconds())


@shared_task(bind=True)
def sweep(self: Task[Any, Any], /, **kwargs: Any) -> None:
    """Find all due work in the database and wake its locks, the most urgent first."""
    clock_steps.forget(timezone.now())
    with heartbeats.periodic(self, "sweep") as now:
        wake_locks(due_locks(now, ration(now)), now)
        sweep_checks.check(now)


@shared_task(bind=True)
def check_drift(self: Task[Any, Any], /, **kwargs: Any) -> None:
    """Find changes that no signal announced and put them right, as far as they are due this minute; then check what
    will cause trouble later."""
    with heartbeats.periodic(self, "check_drift"):
        wake_locks(drift.look(timezone.now()))
        slow_checks.check(timezone.now())


@shared_task(bind=True)
def measure(self: Task[Any, Any], /, **kwargs: Any) -> None:
    """Count for `/metrics`, and judge how the promise was kept for those who arrive."""
    with heartbeats.periodic(self, "measure") as now:
        counting.count(now)
        promise.record(now)


@shared_task
def watch_offline(**kwargs: Any) -> None:
    """Learn which offline locks are back."""
    wake_locks(connectivity.locks_back_online(timezone.now()))


@shared_task
def list_locks(**kwargs: Any) -> None:
    """Renew the access of connected accounts that ends soon. Read batteries and connections of the accounts whose
    moment of the hour has come, and when their keys end."""
    tokens.renew_due(timezone.now())
    wake_locks(listing.list_due_accounts(timezone.now()))


@shared_task
def read_activity(**kwargs: Any) -> None:
    """Learn from the locks who arrived, for accounts that ask for it."""
    activity.read_due(timezone.now())


@shared_task(bind=True)
def notify(self: Task[Any, Any], /, **kwargs: Any) -> None:
    """Put news into the outbox, and have it sent."""
    with heartbeats.periodic(self, "notify") as now:
        collecting.collect(now)
        try:
            guests_collecting.collect(now)
        finally:  # whatever becomes of guests, hosts are told
            ask_for_senders(len(_due_messages(now, settings.NOTIFY_MAX_IN_FLIGHT)))


@shared_task
def send_messages(**kwargs: Any) -> None:
    """Send what is due, one message after the other, for `SENDING_SECONDS`. A task that finds no room leaves: the
    others go on."""
    if not _room_to_send.acquire(blocking=False):
        return
    ends_at = time.monotonic() + SENDING_SECONDS
    tried: set[_Message] = set()  # a message that stays due, for whatever reason, is not tried again and again
    try:
        while time.monotonic() < ends_at and not run.stopping.is_set():
            most = settings.NOTIFY_MAX_IN_FLIGHT + len(tried)
            following = [one for one in _due_messages(timezone.now(), most) if one not in tried]
            if not following:
                return
            tried.add(following[0])
            send, message_id = following[0]
            send(message_id)
    finally:
        _room_to_send.release()


def _due_messages(now: datetime, limit: int) -> list[_Message]:
    """Messages that may be sent now, with how: those to guests first, since they cannot look at the board."""
    to_guests: list[_Message] = [(guests_sending.send, one) for one in guests_sending.due(now, limit)]
    return [*to_guests, *((sending.send, one) for one in sending.due(now, limit - len(to_guests)))][:limit]


@shared_task
def purge(**kwargs: Any) -> None:
    """Delete records that are long over."""
    now = timezone.now()
    messages, grants, incidents = outbox.purge(now), records.purge_grants(now), records.purge_incidents(now)
    looks = records.purge_looks(now)
    records.purge_tries(now)
    records.purge_guest_pages(now)
    records.purge_activity(now)
    promise.purge(now)
    stays = forgetting.forget_due(now)
    logger.info(
        "purged",
        extra={"messages": messages, "grants": grants, "incidents": incidents, "looks": looks, "stays": stays},
    )


@worker_shutting_down.connect
def _end_runs_early(**_: Any) -> None:
    """A warm shutdown waits for running tasks; let them end after the request under way."""
    run.stopping.set()


def ask_for_senders(count: int) -> bool:
    """Ask for so many tasks that empty the outbox. False: the broker is out of reach; the next `notify` asks again."""
    try:
        for _ in range(count):
            send_messages.delay()
    except OperationalError:
        logger.warning("broker_unreachable")
        return False
    return True


def wake_locks_on_commit(lock_ids: Iterable[int]) -> None:
    """Ask for a run of each lock as soon as the open transaction is committed; at once where none is open. However many
    changes a transaction makes, each lock is asked for once."""
    hooks = transaction.get_connection().run_on_commit
    together = next((hook for _, hook, _ in hooks if isinstance(hook, _WokenTogether)), None)
    if together is None:
        # Not kept anywhere else: when the savepoint in which it was registered is rolled back, Django drops it from
        # this list, and the next wake registers a new one. What joins it later lies within the same savepoint, or comes
        # after that was released. So nothing is lost; at most a lock is woken whose change was rolled back.
        together = _WokenTogether()
        together.lock_ids.update(dict.fromkeys(lock_ids))
        transaction.on_commit(together)
    else:
        together.lock_ids.update(dict.fromkeys(lock_ids))


class _WokenTogether:
    """The locks that one transaction wakes, each of them once, in the order of their first change."""

    def __init__(self) -> None:
        self.lock_ids: dict[int, None] = {}

    def __call__(self) -> None:
        wake_locks(self.lock_ids)


def wake_locks(lock_ids: Iterable[int], now: datetime | None = None) -> None:
    """Ask for a run of each lock, in the given order, unless a message to it is under way. A broker out of reach is no
    error: the sweep asks again."""
    later = woken_later.get()
    if later is not None:
        later.extend(lock_ids)
        return
    now = now or timezone.now()
    waiting = wakes.mark(lock_ids, now)
    try:
        while waiting:
            run_lock.delay(lock_id=waiting[0])
            del waiting[0]
    except OperationalError:
        logger.warning("broker_unreachable")
    finally:
        if waiting:
            wakes.withdraw(waiting, now)
