"""What every message that waits in a table has, whoever it is for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils.timezone import now as present
from django.utils.translation import gettext_lazy as lazy

#: How long a sender may have a message for itself. Longer than any takes: ten addresses at a slow mail server take five
#: minutes.
CLAIM: Final = timedelta(minutes=10)


class OutboxMessage(models.Model):
    """A message from the moment when it is decided until it was taken, or ended otherwise. Written by
    `pins.notify.tries`, by compare-and-set."""

    class State(models.TextChoices):
        WAITING = "waiting", lazy("Waiting")
        SENT = "sent", lazy("Sent")
        DROPPED = "dropped", lazy("Not needed any more")
        GIVEN_UP = "given_up", lazy("Given up")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="The same on every try.")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(default=present)
    next_try_at = models.DateTimeField(default=present)
    claim_token = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="A worker is sending it, until then at the latest."
    )
    attempts = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField(
        null=True, blank=True, help_text="A try began then, and nobody wrote down yet what came of it."
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was sent, dropped or given up.")
    last_error = models.CharField(max_length=200, blank=True, help_text="In words, without the address.")

    class Meta:
        abstract = True
        default_permissions: ClassVar[Sequence[str]] = ("view",)
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="%(class)s_state_known",
                condition=models.Q(state__in=["waiting", "sent", "dropped", "given_up"]),
            ),
        )
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(name="%(class)s_due", fields=["next_try_at"], condition=models.Q(state="waiting")),
        )
