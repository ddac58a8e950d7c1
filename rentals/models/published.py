"""Calendars that we publish: the stays of a property, for the host's own calendar."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as lazy

from rentals.models.names import NameField
from rentals.models.property import Property
from rentals.models.tokens import HasSecretAddress


class PublishedCalendar(HasSecretAddress):
    """A secret link to the stays and turnovers of one property. Anybody who has it can read them. Codes are never in
    it."""

    property = models.ForeignKey(Property, on_delete=models.CASCADE, related_name="published_calendars")
    name = NameField(max_length=120, help_text=lazy("Who reads it, for example “Cleaners”."))
    is_active = models.BooleanField(lazy("active"), default=True, help_text=lazy("Switch off to revoke the link."))
    shows_guest_names = models.BooleanField(default=False, help_text=lazy("Otherwise a stay reads “Guest”."))
    shows_turnovers = models.BooleanField(default=True, help_text=lazy("Also the gaps between stays, for cleaning."))

    #: What no list or form needs.
    SECRETS: Final = ("token",)

    class Meta:
        verbose_name = lazy("published calendar")
        ordering = ("name", "pk")
        constraints = (models.CheckConstraint(name="publishedcalendar_name_given", condition=~models.Q(name="")),)

    def __str__(self) -> str:
        return self.name
