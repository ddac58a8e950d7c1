"""Settings, processes and URLs. The Celery application is imported here so that every shared task finds it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
