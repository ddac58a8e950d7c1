"""A guest left before the end of the stay."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy


class EarlyDeparture(models.Model):
    """Somebody pressed “check out now”: the stay ends at `left_at`. What it was before is kept, so that it can be taken
    back. It counts as long as the stay still ends then (`rentals.departure.of`). Times are UTC."""

    booking = models.OneToOneField("rentals.Booking", on_delete=models.CASCADE, related_name="early_departure")
    left_at = models.DateTimeField(help_text=lazy("The end that the stay has since."))
    planned_end = models.DateTimeField(help_text=lazy("The end that it had before."))
    followed_calendar = models.BooleanField(help_text=lazy("The former end was that of its calendar."))
    followed_times = models.BooleanField(help_text=lazy("The stay followed the property's times."))
    by_guest = models.BooleanField(help_text=lazy("The guest pressed it, on their own page."))
    announced = models.BooleanField(default=False, help_text=lazy("Whoever wants to hear of it was told."))

    class Meta:
        verbose_name = lazy("early departure")
        default_permissions = ("view",)
        indexes = (
            # Few of many: looked for every few seconds.
            models.Index(name="departure_unannounced", fields=["left_at"], condition=models.Q(announced=False)),
        )

    def __str__(self) -> str:
        return _("Stay {number} ended early").format(number=self.booking_id)
