"""Beat's table: ours is rewritten from code, an operator's is left alone."""

from __future__ import annotations

import pytest
from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from config.celery import app
from config.schedule import PREFIX, beat_entries, remove_stale_entries

# The scheduler closes old connections, which would end the transaction around an ordinary test.
pytestmark = pytest.mark.django_db(transaction=True)


def write_schedule() -> None:
    """What beat does at its start."""
    scheduler = DatabaseScheduler(app=app)
    scheduler.setup_schedule()


def test_the_table_names_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    for entry in beat_entries(sweep_seconds=15).values():
        assert entry["task"] in app.tasks


def test_beat_writes_them_with_their_expiry() -> None:
    write_schedule()
    sweep = PeriodicTask.objects.get(name=PREFIX + "sweep")
    assert (sweep.task, sweep.enabled) == ("pins.tasks.sweep", True)
    # Without one, an outage of the worker would leave a queue of ticks that all find the same work.
    assert sweep.expire_seconds is not None
    assert settings.SWEEP_SECONDS <= sweep.expire_seconds <= 4 * settings.SWEEP_SECONDS
    assert sweep.interval is not None
    assert (sweep.interval.every, sweep.interval.period) == (settings.SWEEP_SECONDS, "seconds")
    assert set(settings.CELERY_BEAT_SCHEDULE) <= set(PeriodicTask.objects.values_list("name", flat=True))


def test_what_left_the_code_leaves_the_table_and_nothing_else_does() -> None:
    write_schedule()
    interval = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name=PREFIX + "of an older release", task="pins.tasks.old", interval=interval)
    PeriodicTask.objects.create(name="the operator's report", task="reports.daily", interval=interval)
    assert remove_stale_entries(set(settings.CELERY_BEAT_SCHEDULE)) == [PREFIX + "of an older release"]
    assert PeriodicTask.objects.filter(name="the operator's report").exists()
    assert PeriodicTask.objects.filter(name=PREFIX + "sweep").exists()
    assert remove_stale_entries(set(settings.CELERY_BEAT_SCHEDULE)) == []
