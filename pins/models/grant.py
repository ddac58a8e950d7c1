"""The right of one holder to enter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.core.alias import new_reference
from pins.core.periods import NO_END, NO_START
from pins.models.secret import InstallationKey
from rentals.fields import EncryptedTextField
from rentals.models.names import NameField
from rentals.phrases import mark


class AccessGrant(models.Model):
    """One code for one holder on all locks that the holder needs, from `starts_at` until `ends_at` (UTC, half-open).

    Of a guest's stay (`booking`), of people who work there (`staff`, see `StaffAccess`), or a spare code (`backup`): of
    one lock and of nobody, until it is handed out and so belongs to a stay. Written by `pins.desired` alone. Survives
    all of them, because its PINs must still be taken off the locks.
    """

    class Kind(models.TextChoices):
        GUEST = "guest", lazy("Guest")
        STAFF = "staff", lazy("Staff")
        BACKUP = "backup", lazy("Spare")

    booking = models.ForeignKey(
        "rentals.Booking", on_delete=models.SET_NULL, null=True, blank=True, related_name="grants"
    )
    staff = models.ForeignKey(
        "pins.StaffAccess", on_delete=models.SET_NULL, null=True, blank=True, related_name="grants"
    )
    place = models.ForeignKey(
        "rentals.Property",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose gap between two stays it follows; none for other codes.",
    )
    part = models.CharField(max_length=8, blank=True, help_text="Which code of its access it is.")
    recurrence = models.CharField(
        max_length=24, blank=True, help_text="Weekdays and hours within its period; empty for all day on every day."
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.GUEST)
    holder_name = NameField(max_length=120, blank=True)
    reference = models.CharField(max_length=8, unique=True, editable=False)
    code = EncryptedTextField(blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    issue_at = models.DateTimeField(default=timezone.now, help_text="Not on the locks before this moment.")
    wanted = models.BooleanField(default=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    disclosed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the code was first shown to somebody. From then on its value is fixed."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    unnoticed = models.BooleanField(
        db_default=True,
        default=True,
        editable=False,
        help_text="Something was asked of its locks that `pins.notify.collecting` has not announced yet.",
    )

    #: What only a disclosure and the locks need.
    SECRETS: Final = ("code",)

    class Meta:
        verbose_name = lazy("door code")
        ordering = ("starts_at", "pk")
        permissions = (("reveal_code", mark("Can be shown the codes of guests")),)
        constraints = (
            models.CheckConstraint(
                name="grant_ends_after_start", condition=models.Q(ends_at__gt=models.F("starts_at"))
            ),
            models.CheckConstraint(name="grant_kind_known", condition=models.Q(kind__in=["guest", "staff", "backup"])),
            models.UniqueConstraint(
                name="grant_one_per_guest_stay", fields=["booking"], condition=models.Q(kind="guest")
            ),
        )
        # PostgreSQL has one more, over the period itself: see `rentals.models.periods`.
        indexes = (
            models.Index(name="grant_ends", fields=["ends_at"]),
            models.Index(name="grant_unnoticed", fields=["ends_at"], condition=models.Q(unnoticed=True)),
            models.Index(
                name="grant_orphan",
                fields=["kind"],
                condition=models.Q(booking__isnull=True, wanted=True),
            ),
        )

    def __str__(self) -> str:
        name = self.holder_name or _("Guest")
        return f"{name} #{self.reference}"

    @property
    def begins_at(self) -> datetime | None:
        """`None`: it works from the moment it is on a lock."""
        return self.starts_at if self.starts_at != NO_START else None

    @property
    def is_reserve(self) -> bool:
        """Whether it is a spare code that nobody has yet."""
        return self.kind == self.Kind.BACKUP and self.disclosed_at is None

    @property
    def stops_at(self) -> datetime | None:
        """`None`: it has no end."""
        return self.ends_at if self.ends_at != NO_END else None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new grant draws its alias reference, again if another grant has it. Raises `IntegrityError`, also if
        another transaction took the reference meanwhile."""
        if self.reference:
            super().save(*args, **kwargs)
            return
        for _try in range(20):
            self.reference = new_reference(InstallationKey.load())
            if not AccessGrant.objects.filter(reference=self.reference).exists():
                break
        try:
            with transaction.atomic():
                super().save(*args, **kwargs)
        except IntegrityError:
            self.reference = ""
            raise
