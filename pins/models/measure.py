"""What is counted: how the arrivals of the last weeks went, and counters for `/metrics`."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext as _

from pins.core.marks import Mark, Verdict


class ArrivalRecord(models.Model):
    """Whether the codes of one stay were confirmed 24 hours before check-in, 4 hours before, and at check-in.

    Written by `pins.measures.promise` alone, once for each mark after it passed. An empty verdict: the mark has not
    passed yet, or does not count (`pins.core.marks.judge`). The row outlives its booking, so that deleting a stay does
    not improve the record.
    """

    booking = models.OneToOneField(
        "rentals.Booking", on_delete=models.SET_NULL, null=True, blank=True, related_name="arrival_record"
    )
    property = models.ForeignKey("rentals.Property", on_delete=models.CASCADE, related_name="+")
    check_in = models.DateTimeField(help_text="As it was when the marks were judged. Another one begins anew.")
    day_before = models.CharField(max_length=8, blank=True, choices=[(one.value, one.value) for one in Verdict])
    hours_before = models.CharField(max_length=8, blank=True, choices=[(one.value, one.value) for one in Verdict])
    at_check_in = models.CharField(max_length=8, blank=True, choices=[(one.value, one.value) for one in Verdict])

    #: Where the verdict about each mark stands.
    COLUMNS: Final = {Mark.DAY: "day_before", Mark.HOURS: "hours_before", Mark.CHECK_IN: "at_check_in"}

    class Meta:
        indexes = (models.Index(fields=["check_in"], name="arrivalrecord_check_in"),)

    def __str__(self) -> str:
        return _("Arrival {number}").format(number=self.pk)


class Tally(models.Model):
    """A number that only grows, for `/metrics`: one row for each series. Written by `pins.measures.counting` and
    `pins.measures.promise`, together with the moment up to which they have counted."""

    name = models.CharField(max_length=40)
    label = models.CharField(max_length=80, blank=True, help_text="The values of the series' labels, with commas.")
    value = models.FloatField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(name="tally_once", fields=["name", "label"]),)

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip()
