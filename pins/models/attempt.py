"""One request to the lock cloud, written down before it is sent."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy


class PinAttempt(models.Model):
    """Append-only. A row without an outcome belongs to a run that is under way, or died."""

    class Kind(models.TextChoices):
        POST = "post", pgettext_lazy("request to a lock", "Set")
        PUT = "put", pgettext_lazy("request to a lock", "Change")
        DELETE = "delete", pgettext_lazy("request to a lock", "Remove")
        LIST = "list", lazy("Look at the lock's list")
        GET = "get", lazy("Read back")

    class Outcome(models.TextChoices):
        OPEN = "", pgettext_lazy("request to a lock", "Under way")
        DONE = "done", pgettext_lazy("request to a lock", "Done")
        REFUSED = "refused", pgettext_lazy("request to a lock", "Refused")
        LOST = "lost", pgettext_lazy("request to a lock", "Answer lost")

    pin = models.ForeignKey("pins.Pin", on_delete=models.CASCADE, related_name="attempts", null=True, blank=True)
    lock = models.ForeignKey(
        "rentals.Lock",
        on_delete=models.CASCADE,
        related_name="audits",
        null=True,
        blank=True,
        help_text="Only for a look at the whole lock that no code asked for.",
    )
    op = models.CharField(max_length=6, choices=Kind)
    rev = models.PositiveIntegerField(default=0)
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    remote_id = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, default=Outcome.OPEN)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status")
    cause = models.CharField(max_length=24, blank=True)
    correlation_id = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ("started_at", "pk")
        indexes = (
            models.Index(fields=["pin", "started_at"], name="pinattempt_story"),
            models.Index(fields=["pin"], name="pinattempt_open", condition=models.Q(outcome="")),
            # Which were answered since the last count (pins.measures.counting).
            models.Index(fields=["finished_at"], name="pinattempt_finished"),
            models.Index(fields=["started_at"], name="pinattempt_look", condition=models.Q(pin__isnull=True)),
        )

    def __str__(self) -> str:
        return f"{self.get_op_display()}: {self.get_outcome_display()}"
