"""The Celery application: `celery -A config worker`, `celery -A config beat`. Its settings are CELERY_* of Django's."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("turnkey")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_django_does(**_: Any) -> None:
    """Celery adds handlers of its own, which redact nothing, unless a receiver of this signal sets up logging."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
