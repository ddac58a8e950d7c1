"""The connection of an account that a person made by logging in at Tedee (OAuth 2.0)."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import models
from django.utils.translation import gettext as _

from rentals.fields import EncryptedTextField


class AccountTokens(models.Model):
    """One row for each connected account. `pins.reconcile.tokens` is its only writer. All times are UTC.

    A renewal makes both tokens new, and the former ones are worth nothing then. So `version` counts renewals, and who
    stores something names the version that it was made from.
    """

    class Ended(models.TextChoices):
        """Why the connection is over, and only a person can make a new one."""

        REFUSED = "refused", "Tedee refused to renew it"
        LOST = "lost", "Tedee may have renewed it, but its answer was lost on the way"

    account = models.OneToOneField(
        "rentals.LockAccount", on_delete=models.CASCADE, primary_key=True, related_name="tokens"
    )
    connection = models.UUIDField(default=uuid.uuid4, help_text="Another one each time that a person connects.")
    connected_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    access_token = EncryptedTextField()
    access_until = models.DateTimeField(db_index=True)
    refresh_token = EncryptedTextField()
    refresh_until = models.DateTimeField(help_text="As Tedee said, or as TEDEE_OAUTH_REFRESH_DAYS has it.")
    obtained_at = models.DateTimeField(help_text="When these tokens came.")

    renewer = models.UUIDField(null=True, blank=True, help_text="Who renews them at this moment.")
    renewing_until = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When a renewal was first asked for whose answer is not known."
    )
    failures = models.PositiveIntegerField(default=0, help_text="Renewals in a row that brought nothing.")
    failing_since = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=24, blank=True, help_text="Why the last one brought nothing.")
    retry_at = models.DateTimeField(null=True, blank=True)
    ended = models.CharField(max_length=8, choices=Ended, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    #: What no list and no history shows.
    SECRETS: Final = ("access_token", "refresh_token")

    class Meta:
        constraints = (
            models.CheckConstraint(name="tokens_ended_known", condition=models.Q(ended__in=["", "refused", "lost"])),
        )

    def __str__(self) -> str:
        return _("Connection of account {number}").format(number=self.account_id)
