"""Celery tasks about people. Do not move them: queued messages and schedules name them by this path."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from people import throttle


@shared_task
def review_logins(**kwargs: Any) -> None:
    """See whether somebody still tries many passwords."""
    throttle.review(timezone.now())
