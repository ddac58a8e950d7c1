"""Who was shown a code."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class PinReveal(models.Model):
    """A person was shown the code of a grant. Append-only, kept as long as the grant, and without the code.

    The name is stored too: it must still say who it was when the account is gone.
    """

    grant = models.ForeignKey("pins.AccessGrant", on_delete=models.CASCADE, related_name="reveals")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    user_name = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)
    remote_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = "code shown"
        verbose_name_plural = "codes shown"
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Disclosure {self.pk}"
