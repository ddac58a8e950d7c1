"""Calendars that we publish: the stays of a property, for the host's own calendar."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

from rentals.fields import EncryptedTextField
from rentals.models.property import Property
from rentals.models.tokens import new_token, token_digest


class PublishedCalendar(models.Model):
    """A secret link to the stays and turnovers of one property. Whoever has it may read; codes are never in it."""

    property = models.ForeignKey(Property, on_delete=models.CASCADE, related_name="published_calendars")
    name = models.CharField(max_length=120, help_text="Who reads it, for example “Cleaners”.")
    token = EncryptedTextField(blank=True, default="", editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    is_active = models.BooleanField("active", default=True, help_text="Switch off to revoke the link.")
    shows_guest_names = models.BooleanField(default=False, help_text="Otherwise a stay reads “Guest”.")
    shows_turnovers = models.BooleanField(default=True, help_text="Also the gaps between stays, for cleaning.")

    #: What no list or form needs.
    SECRETS: Final = ("token",)

    class Meta:
        verbose_name = "published calendar"
        ordering = ("name", "pk")
        constraints = (models.CheckConstraint(name="publishedcalendar_name_given", condition=~models.Q(name="")),)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.token:
            self.token = new_token()
        self.token_digest = token_digest(self.token)
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "token", "token_digest"}
        super().save(*args, **kwargs)
