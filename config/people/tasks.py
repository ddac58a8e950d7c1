"""Celery tasks about people. Do not move them: queued messages and schedules name them by this path."""

from __future__ import annotations

import logging
from typing import Any

from celery import Task, shared_task
from django.contrib.auth.models import User
from django.utils import timezone

from config.people import bound, links, sessions, throttle

logger = logging.getLogger(__name__)

_TRIES = 4
_PAUSE = 20  # seconds, longer after each try


@shared_task
def review_logins(**kwargs: Any) -> None:
    """See whether somebody still tries many passwords, and forget sessions that are over."""
    throttle.review(timezone.now())
    sessions.forget_ended(timezone.now())


@shared_task(bind=True, max_retries=_TRIES - 1)
def mail_link(self: Task[Any, Any], /, *, user_id: int, language: str = "", **kwargs: Any) -> None:
    """Send a person the link to choose a password. It is made here: a message in the broker carries no secret. Nobody
    (0) gets nothing, so that asking costs the same for an unknown address. `language`: of the page where it was asked
    for; who chose one gets theirs."""
    user = User.objects.filter(pk=user_id, is_active=True).exclude(email="").first()
    if user is None or not links.can_be_mailed() or bound.is_bound(user.pk):
        return
    try:
        links.send(user, language)
    except OSError as error:
        if self.request.retries >= _TRIES - 1:
            logger.error("password_mail_failed", extra={"cause": type(error).__name__, "user_id": user_id})
            return
        raise self.retry(countdown=_PAUSE * (self.request.retries + 1)) from None
