"""Another process that sends messages to the workers."""

from __future__ import annotations

from celery import Celery
from django.conf import settings

from config import environment


def publisher(redis_url: str) -> Celery:
    """A publisher with the product's settings and another broker; it knows of no task."""
    app = Celery("publisher", broker=environment.broker(redis_url), set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    app.conf.task_publish_retry = settings.CELERY_TASK_PUBLISH_RETRY
    app.conf.task_default_queue = settings.CELERY_TASK_DEFAULT_QUEUE
    app.conf.task_ignore_result = True
    return app
