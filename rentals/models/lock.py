"""Locks, and the Tedee accounts through which they are reached."""

from __future__ import annotations

from typing import Any, Final

from django.db import models, transaction
from django.utils.translation import gettext_lazy as lazy

from rentals.fields import EncryptedTextField
from rentals.models.names import NameField
from rentals.models.tokens import new_token, token_digest
from rentals.signals import account_released


def budget_key(account_id: int, rate_group: str) -> str:
    """The name under which requests of an account are counted: those of a group share one budget."""
    return f"group:{rate_group}" if rate_group else f"account:{account_id}"


class LockAccount(models.Model):
    """Credentials of one Tedee account. Several accounts of one Tedee user share a `rate_group`."""

    class Kind(models.TextChoices):
        PERSONAL_KEY = "personal_key", lazy("Personal access key")
        OAUTH = "oauth", lazy("Connection with Tedee (OAuth)")

    name = NameField(max_length=120, help_text=lazy("What you call this account, for example “Office Tedee”."))
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PERSONAL_KEY)
    secret = EncryptedTextField(
        lazy("access key"),
        help_text=lazy(
            "From portal.tedee.com, Personal Access Keys, with the scopes Device.Read and Device.ReadWrite."
        ),
    )
    rate_group = NameField(
        max_length=64,
        blank=True,
        help_text=lazy(
            "Tedee counts requests per user. Give all accounts of one user the same word here; otherwise leave "
            "it empty."
        ),
    )

    observe_only = models.BooleanField(
        lazy("observe only"),
        default=False,
        help_text=lazy(
            "Try Turnkey without touching a lock: it reads the locks and works out every code, but puts none on "
            "a lock, changes none and removes none. Guests cannot get in with these codes. Clear the tick to begin: "
            "then all that is due happens at once."
        ),
    )

    reads_activity = models.BooleanField(
        lazy("read the activity"),
        default=False,
        db_default=False,
        help_text=lazy(
            "Learn from the locks when guests arrive, and when they enter a wrong code. Costs some requests on "
            "days of arrival, never from those that doors need. The key needs the scope DeviceActivity.Read."
        ),
    )

    webhook_token = EncryptedTextField(blank=True, default="", editable=False)
    webhook_token_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001 - unique

    #: What no list or form needs.
    SECRETS: Final = ("secret", "webhook_token")

    class Meta:
        verbose_name = lazy("lock account")
        ordering = ("name", "pk")
        constraints = (
            models.CheckConstraint(name="lockaccount_name_given", condition=~models.Q(name="")),
            models.CheckConstraint(
                name="lockaccount_kind_known", condition=models.Q(kind__in=["personal_key", "oauth"])
            ),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save. A new account gets the secret token of the address to which Tedee may send its events. An account that
        is no longer observe-only is announced, so that what is due on its locks is done at once."""
        deferred, named = self.get_deferred_fields(), kwargs.get("update_fields")
        if "webhook_token" not in deferred:
            self.webhook_token = self.webhook_token or new_token()
            self.webhook_token_digest = token_digest(self.webhook_token)
        writes_it = "observe_only" not in deferred and (named is None or "observe_only" in named)
        with transaction.atomic():
            observed = writes_it and LockAccount.objects.filter(pk=self.pk, observe_only=True).exists()
            super().save(*args, **kwargs)
            if observed and not self.observe_only:
                account_released.send(sender=LockAccount, account_id=self.pk)

    @property
    def budget_key(self) -> str:
        """The name under which requests of this account are counted."""
        return budget_key(self.pk, self.rate_group)


class Lock(models.Model):
    """One physical lock, by whichever account it is seen. `device_id` changes when the lock is removed from the Tedee
    app and added again."""

    account = models.ForeignKey(LockAccount, on_delete=models.PROTECT, related_name="locks")
    device_id = models.PositiveBigIntegerField(
        lazy("device id"), unique=True, help_text=lazy("Tedee's number of the lock. `sync_locks` fills it in.")
    )
    name = NameField(max_length=120, help_text=lazy("Which door it is, for example “Entrance”."))
    serial_number = NameField(max_length=64, blank=True, help_text=lazy("Printed on the lock; never changes."))
    time_zone = models.CharField(max_length=64, blank=True, help_text=lazy("As set in the Tedee app."))
    is_active = models.BooleanField(
        lazy("active"),
        default=True,
        help_text=lazy("Switch off to take our codes off this lock and issue no more there."),
    )
    has_keypad = models.BooleanField(
        null=True, blank=True, help_text=lazy("Without a keypad nobody can enter a code. Unknown means: try.")
    )
    is_connected = models.BooleanField(
        lazy("connected"), null=True, blank=True, help_text=lazy("Reachable through its bridge. Unknown means: try.")
    )
    has_bridge = models.BooleanField(
        null=True, blank=True, help_text=lazy("Without a bridge no code can be set remotely.")
    )
    battery_level = models.PositiveSmallIntegerField(lazy("battery (%)"), null=True, blank=True)
    pin_capacity = models.PositiveSmallIntegerField(
        lazy("room for codes"), default=100, help_text=lazy("How many codes the keypad can hold, all codes counted.")
    )

    #: In per cent: below this somebody should change or charge the batteries.
    LOW_BATTERY: Final = 20
    #: In per cent: from this down on it must be done now.
    EMPTY_BATTERY: Final = 10

    class Meta:
        ordering = ("name", "pk")
        constraints = (
            models.CheckConstraint(name="lock_name_given", condition=~models.Q(name="")),
            models.UniqueConstraint(
                name="lock_serial_number_once", fields=["serial_number"], condition=~models.Q(serial_number="")
            ),
            models.CheckConstraint(
                name="lock_battery_is_percentage",
                condition=models.Q(battery_level__isnull=True) | models.Q(battery_level__lte=100),
            ),
        )
        indexes = (
            # Few of many: looked for every minute or more often.
            models.Index(name="lock_disconnected", fields=["id"], condition=models.Q(is_connected=False)),
            models.Index(name="lock_without_keypad", fields=["id"], condition=models.Q(has_keypad=False)),
            models.Index(name="lock_battery", fields=["battery_level"], condition=models.Q(is_active=True)),
        )

    def __str__(self) -> str:
        return self.name
