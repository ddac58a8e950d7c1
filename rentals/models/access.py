"""Restrictions of people to some properties."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.models.property import Property


class PropertyAccess(models.Model):
    """A person with such a row sees these properties and what belongs to them, and nothing of the others. A person
    without one sees all; so do superusers, with or without one."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="property_access")
    properties = models.ManyToManyField(
        Property,
        blank=True,
        related_name="accesses",
        help_text=lazy(
            "This person sees only these properties, with their bookings, calendars, locks and codes. With none "
            "chosen, this person sees nothing at all."
        ),
    )

    class Meta:
        verbose_name = lazy("restriction to some properties")
        verbose_name_plural = lazy("restrictions to some properties")

    def __str__(self) -> str:
        return _("Restriction of {person}").format(person=self.user)
