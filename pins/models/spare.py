"""How many spare codes a lock should have."""

from __future__ import annotations

from typing import Final

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy


class SparePool(models.Model):
    """The spare codes of one lock: `AccessGrant` of kind `backup` with one PIN there. Locks without a row have none.

    A row stays when its size becomes 0: stays may have its codes, and they follow those stays.
    """

    #: More would be a place for each guest, and no reserve.
    MOST: Final = 5

    lock = models.OneToOneField("rentals.Lock", on_delete=models.CASCADE, related_name="spare_pool")
    size = models.PositiveSmallIntegerField(
        lazy("spare codes"),
        default=0,
        validators=[MaxValueValidator(MOST)],
        help_text=format_lazy(
            lazy(
                "So many codes wait on this lock, known to nobody, for a guest whose own code fails: 0 to {most}. "
                "Each takes a place on the keypad, and only where 20 others are free."
            ),
            most=MOST,
        ),
    )
    check_at = models.DateTimeField(default=timezone.now, editable=False, help_text="When it is compared again.")
    short_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when fewer are ready than there should be."
    )

    class Meta:
        verbose_name = lazy("spare codes of a lock")
        verbose_name_plural = lazy("spare codes")
        default_permissions = ("view",)  # whoever may change the lock sets the size
        constraints = (models.CheckConstraint(name="sparepool_size", condition=models.Q(size__lte=5)),)
        indexes = (models.Index(name="sparepool_due", fields=["check_at"]),)

    def __str__(self) -> str:
        return _("Spare codes of {lock}").format(lock=self.lock)
