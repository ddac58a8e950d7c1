"""The second step of logging in, who people are elsewhere, and the language that they read."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from rentals.fields import EncryptedTextField
from rentals.models.names import NameField


class ProviderAccount(models.Model):
    """By which name an OpenID Connect provider knows a person. The e-mail address may change, this does not."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="provider_accounts")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField(default=timezone.now)
    also_here = models.BooleanField(
        default=False, help_text="The person may also log in past the provider, with a password or a passkey."
    )

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(name="provideraccount_once", fields=["issuer", "subject"]),)

    def __str__(self) -> str:
        return f"Account {self.pk}"


class Passkey(models.Model):
    """A public key of a person's device, and what we call the device. Nothing here lets anybody in."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys")
    name = NameField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, help_text="Of the id by which the device offers it.")
    credential = models.TextField(help_text="Id and public key, in base64.")
    uses = models.PositiveBigIntegerField(default=0, help_text="As the device counts; 0: it does not.")
    added_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Passkey {self.pk}"


class SecondStep(models.Model):
    """A person's app that shows a new code every half minute (RFC 6238), and codes for the day when it is lost.

    The key is encrypted like door codes: a thief of the database alone gets no further.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_step")
    key = EncryptedTextField()
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is asked for.")
    last_period = models.BigIntegerField(default=0, help_text="Of the last code; each one is taken once.")
    spare_codes = models.JSONField(default=list, help_text="Digests of the codes for a lost phone, each for one use.")

    SECRETS = ("key",)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Second step {self.pk}"


class Preference(models.Model):
    """What a person chose for themselves."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference")
    language = models.CharField(max_length=10, help_text="One of LANGUAGES.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Preference {self.pk}"
