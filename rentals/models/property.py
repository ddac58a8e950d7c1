"""A flat, house or room that guests rent, with the rules that its stays follow by default."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.local_time import local_moment, zone_names
from rentals.models.names import NameField


def validate_zone(name: str) -> None:
    """Refuse a name that is not in the IANA time zone database."""
    if name not in zone_names():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Use a name such as Europe/Warsaw or America/New_York."),
            params={"name": name},
        )


class Property(models.Model):
    """Times are wall times in `timezone`; bookings store UTC instants computed from them."""

    name = NameField(max_length=120, help_text=lazy("What you call it, for example “Old Town 3”."))
    timezone = models.CharField(
        lazy("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_zone],
        help_text=lazy(
            "Where the property lies, for example Europe/Warsaw. Check-in and check-out times are in this zone."
        ),
    )
    check_in_time = models.TimeField(
        default=time(15), help_text=lazy("When a code starts working, unless the booking says otherwise.")
    )
    check_out_time = models.TimeField(
        default=time(11), help_text=lazy("When a code stops working, unless the booking says otherwise.")
    )
    issue_ahead_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MaxValueValidator(365)],
        help_text=lazy("How many days before check-in the code is put on the locks. A lock holds about 100 codes."),
    )
    early_minutes = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(24 * 60)],
        help_text=lazy("Let codes work this many minutes before check-in."),
    )
    late_minutes = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(24 * 60)],
        help_text=lazy("Let codes work this many minutes after check-out."),
    )
    code_length = models.PositiveSmallIntegerField(
        default=6,
        validators=[MinValueValidator(5), MaxValueValidator(8)],
        help_text=lazy("Digits in a new code, 5 to 8. Existing codes keep theirs."),
    )
    codes_from_phone = models.BooleanField(
        lazy("codes from the guest's phone"),
        default=False,
        db_default=False,
        help_text=lazy(
            "Make new codes of the last digits of the guest's phone, where these digits are allowed and free; "
            "else they are random, as usual. Easier to remember, and easier to guess: whoever knows the guest's number "
            "knows the code, and strangers try such digits early. Existing codes stay as they are."
        ),
    )
    is_active = models.BooleanField(
        lazy("active"),
        default=True,
        help_text=lazy(
            "Switch off to stop issuing codes here. A guest who is in the house keeps the code until check-out."
        ),
    )
    locks = models.ManyToManyField(
        "rentals.Lock",
        blank=True,
        related_name="properties",
        help_text=lazy("Every door that a guest must open, the building's entrance included."),
    )

    class Meta:
        verbose_name_plural = lazy("properties")
        ordering = ("name", "pk")
        constraints = (
            models.CheckConstraint(name="property_name_given", condition=~models.Q(name="")),
            models.CheckConstraint(name="property_timezone_given", condition=~models.Q(timezone="")),
            models.CheckConstraint(name="property_issue_ahead_sane", condition=models.Q(issue_ahead_days__lte=365)),
            models.CheckConstraint(
                name="property_buffers_sane",
                condition=models.Q(early_minutes__lte=24 * 60, late_minutes__lte=24 * 60),
            ),
            models.CheckConstraint(
                name="property_code_length_allowed", condition=models.Q(code_length__gte=5, code_length__lte=8)
            ),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save together with the changes that the bookings need because of it (see `rentals.signals`).

        Raises `ValidationError` for a time zone that does not exist: the stays of the property would have no times.
        """
        validate_zone(self.timezone)
        with transaction.atomic():
            stored = (
                type(self).objects.filter(pk=self.pk).values_list("timezone", flat=True).first() if self.pk else None
            )
            self._former_zone = ZoneInfo(stored or self.timezone)
            super().save(*args, **kwargs)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def check_in_on(self, day: date) -> datetime:
        """The UTC instant of check-in on a local day, right at both clock changes."""
        return local_moment(day, self.check_in_time, self.timezone)

    def check_out_on(self, day: date) -> datetime:
        """The UTC instant of check-out on a local day, right at both clock changes."""
        return local_moment(day, self.check_out_time, self.timezone)

    def apply_default_times(self, now: datetime) -> None:
        """Move the bookings that follow the default times to the present times, on the same local days. Days are days
        in the zone before this save, because in a distant zone the same instant may be another day.

        Stays that are over keep their history. A stay that began keeps its check-in, and its check-out follows, unless
        it would be past at once: that would lock out a guest who is in the house. This sends no signals: the caller
        announces all bookings of the property once, in the same transaction. So all of them are locked first, in the
        order of their ids, as in all code that locks several.
        """
        for booking in self.bookings.filter(check_out__gt=now).order_by("pk").select_for_update():
            if not booking.follows_property_times:
                continue
            moved = {"check_out": self.check_out_on(booking.check_out.astimezone(self._former_zone).date())}
            if booking.check_in > now:
                moved["check_in"] = self.check_in_on(booking.check_in.astimezone(self._former_zone).date())
            starts_at, ends_at = moved.get("check_in", booking.check_in), moved["check_out"]
            if booking.check_in <= now and ends_at <= now:
                continue
            if starts_at >= ends_at:
                continue  # a stay within one day cannot follow; it keeps the times it has
            # A feed that gives whole days means the new times too, so they must not look like a person's edit.
            for end in tuple(moved):
                if getattr(booking, f"feed_{end}") == getattr(booking, end):
                    moved[f"feed_{end}"] = moved[end]
            if any(getattr(booking, name) != moment for name, moment in moved.items()):
                self.bookings.filter(pk=booking.pk).update(**moved)
