"""Secret parts of addresses: kept encrypted, found by their digest."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.db import models

from rentals.fields import EncryptedTextField


def new_token() -> str:
    """An unguessable part of a URL (256 bits)."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """The key that a token is found by. The database never compares the token itself, so its response time tells
    nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


class HasSecretAddress(models.Model):
    """A row with a public address of its own, whose last part is a secret token."""

    token = EncryptedTextField(blank=True, default="", editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with the token, which is made where there is none, and with its digest."""
        if not self.token:
            self.token = new_token()
        self.token_digest = token_digest(self.token)
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "token", "token_digest"}
        super().save(*args, **kwargs)
