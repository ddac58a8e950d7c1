"""The Celery application: `celery -A config worker`, `celery -A config beat`. Its settings are CELERY_* of Django's."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("turnkey")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_django_does(**_: Any) -> None:
    """Celery adds handlers of its own, which redact nothing, unless a receiver of this signal sets up logging."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@task_prerun.connect
@task_postrun.connect
def _keep_good_connections(sender: Any = None, **_: Any) -> None:
    """Before and after a task do what Django does around a web page: close a connection that is too old or had an
    error, and have the next statement ask whether the connection still works (`CONN_HEALTH_CHECKS`). So a worker
    survives a restart of the database, and otherwise keeps one connection for each of its threads."""
    from django.db import connections

    if getattr(getattr(sender, "request", None), "is_eager", False):
        return  # in a test or a shell: the connection belongs to the caller, perhaps within a transaction
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
