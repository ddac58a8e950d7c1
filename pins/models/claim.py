"""Which code values are taken on which lock."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from pins.models.secret import InstallationKey


class ValueClaim(models.Model):
    """A code value of ours on a lock, from the moment it is chosen until its removal is certain.

    The database forbids two unreleased claims of one value on one lock, so two guests can never be given one code
    for one door, whatever runs at the same time. Released claims stay a while: recent values are not used again.
    """

    lock = models.ForeignKey("rentals.Lock", on_delete=models.CASCADE, related_name="value_claims")
    grant = models.ForeignKey("pins.AccessGrant", on_delete=models.CASCADE, related_name="claims")
    digest = models.CharField(max_length=64)
    claimed_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="valueclaim_once_per_lock", fields=["lock", "digest"], condition=models.Q(released_at__isnull=True)
            ),
        )
        indexes = (models.Index(fields=["lock", "digest"], name="valueclaim_lookup"),)

    def __str__(self) -> str:
        return _("Claim {number}").format(number=self.pk)

    @staticmethod
    def digest_of(value: str, *, key: bytes | None = None) -> str:
        return InstallationKey.fingerprint("value", value, key=key)
