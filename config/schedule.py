"""The periodic tasks that the code owns.

django-celery-beat keeps the schedule in the database, where an operator may add entries of their own. Ours carry the
prefix `turnkey: `. At every start beat writes them from this table, and removes those that are no longer in it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from celery.schedules import crontab

PREFIX: Final = "turnkey: "


def beat_entries(
    *, sweep_seconds: int, feed_tick_seconds: int = 30, notify_seconds: int = 15
) -> dict[str, dict[str, Any]]:
    """The schedule in Celery's format, by name."""
    return {
        PREFIX + "sweep": _every("pins.tasks.sweep", sweep_seconds),
        PREFIX + "check drift": _every("pins.tasks.check_drift", 60),  # what is near, and a slice of the rest
        PREFIX + "measure": _every("pins.tasks.measure", 60),
        PREFIX + "watch offline locks": _every("pins.tasks.watch_offline", 30),
        PREFIX + "list locks": _every("pins.tasks.list_locks", 120),  # each account once an hour
        PREFIX + "read who came": _every("pins.tasks.read_activity", 60),  # of accounts that ask for it
        PREFIX + "fetch calendars": _every("rentals.tasks.poll_feeds", feed_tick_seconds),
        PREFIX + "tell the news": _every("pins.tasks.notify", notify_seconds),
        PREFIX + "review logins": _every("config.people.tasks.review_logins", 60),
        PREFIX + "purge old records": _nightly("pins.tasks.purge", minute=17),
        PREFIX + "purge old calendar items": _nightly("rentals.tasks.purge", minute=47),
    }


def _nightly(task: str, *, minute: int) -> dict[str, Any]:
    return {
        "task": task,
        "schedule": crontab(hour="3", minute=str(minute)),
        # `expires` is dropped by django-celery-beat; `expire_seconds` reaches the message.
        "options": {"expire_seconds": 6 * 3600},
    }


def _every(task: str, seconds: int) -> dict[str, Any]:
    """A tick that no worker took for a while expires, since the next ones do the same work. It does not expire at once:
    a busy machine may need seconds to take a message, and a sweep that always expires never runs."""
    return {
        "task": task,
        "schedule": timedelta(seconds=seconds),
        "options": {"expire_seconds": max(60, 2 * seconds)},
    }


def remove_stale_entries(current: set[str]) -> list[str]:
    """Delete our entries that are no longer in the table; an operator's entries are left alone. Returns their names."""
    from django_celery_beat.models import PeriodicTask, PeriodicTasks

    stale = PeriodicTask.objects.filter(name__startswith=PREFIX).exclude(name__in=current)
    gone = sorted(stale.values_list("name", flat=True))
    if gone:
        stale.delete()
        PeriodicTasks.update_changed()
    return gone
