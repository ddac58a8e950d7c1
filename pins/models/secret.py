"""The installation's own key, for fingerprints of values and for alias references."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.db import IntegrityError, models, transaction

from rentals.fields import EncryptedTextField


class InstallationKey(models.Model):
    """One row. Kept in the database, encrypted, because it must survive the rotation of the field keys and travel
    with a backup: fingerprints and references made with it live there too."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    secret = EncryptedTextField()

    class Meta:
        constraints = (models.CheckConstraint(name="installationkey_single", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return "Installation key"

    @classmethod
    def load(cls) -> bytes:
        """The key (32 bytes), made on first use. If several processes make one at once, one of them wins."""
        row = cls.objects.filter(pk=1).first()
        if row is None:
            try:
                with transaction.atomic():
                    row = cls.objects.create(pk=1, secret=secrets.token_hex(32))
            except IntegrityError:  # another process made it between our look and our insert
                row = cls.objects.get(pk=1)
        return bytes.fromhex(row.secret)

    @classmethod
    def fingerprint(cls, purpose: str, text: str, *, key: bytes | None = None) -> str:
        """A keyed digest (64 hex digits): comparable, not reversible without the key. A caller that makes many
        loads the key once and passes it."""
        return hmac.new(key or cls.load(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
