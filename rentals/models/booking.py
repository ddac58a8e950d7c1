"""A stay of one guest in one property."""

from __future__ import annotations

import builtins
import re
from datetime import date, datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.models.names import NameField
from rentals.models.periods import During
from rentals.models.property import Property
from rentals.phrases import mark
from rentals.wording import days

#: In which guests are spoken to. The first is that of the source, and stands in where another is asked for.
LANGUAGES: Final = (
    ("en", lazy("English")),
    ("pl", lazy("Polish")),
    ("de", lazy("German")),
    ("es", lazy("Spanish")),
    ("fr", lazy("French")),
)


def validate_phone(typed: str) -> None:
    """Refuse what no telephone number can be. It is used in links and addresses, so only harmless signs pass."""
    digits = "".join(sign for sign in typed if sign not in " ()-./")
    if not re.fullmatch(r"\+?[0-9]{5,15}", digits, re.ASCII):
        raise ValidationError(_("Enter a telephone number such as +48 601 234 567."))


class BookingQuerySet(models.QuerySet["Booking"]):
    def during(self, since: datetime, until: datetime) -> BookingQuerySet:
        """Stays that begin by `until` and are not over at `since`."""
        return self.filter(During("check_in", "check_out", since, until))

    def with_overlaps(self) -> BookingQuerySet:
        """Annotate `overlaps`: another confirmed stay of the property shares a moment with this confirmed one."""
        others = Booking.objects.filter(
            property=OuterRef("property"),
            status=Booking.Status.CONFIRMED,
            check_in__lt=OuterRef("check_out"),
            check_out__gt=OuterRef("check_in"),
        ).exclude(pk=OuterRef("pk"))
        confirmed = Q(status=Booking.Status.CONFIRMED)
        return self.annotate(overlaps=ExpressionWrapper(confirmed & Exists(others), output_field=BooleanField()))


class Booking(models.Model):
    """`check_in` and `check_out` are UTC instants, half-open: the stay begins at the first and is over at the second.

    Overlapping confirmed stays are allowed, because channels do overbook and each guest at the door needs a code. They
    are flagged (`BookingQuerySet.with_overlaps`).
    """

    class Status(models.TextChoices):
        CONFIRMED = "confirmed", lazy("Confirmed")
        TENTATIVE = "tentative", lazy("Tentative (no code yet)")
        CANCELLED = "cancelled", lazy("Cancelled")

    property = models.ForeignKey(Property, on_delete=models.PROTECT, related_name="bookings")
    guest_name = NameField(
        max_length=120, blank=True, help_text=lazy("The first name becomes part of the code's name in the Tedee app.")
    )
    check_in = models.DateTimeField(db_index=True)
    check_out = models.DateTimeField(db_index=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.CONFIRMED)
    source = NameField(max_length=64, default="manual", help_text=lazy("Where the booking came from."))
    follows_property_times = models.BooleanField(
        lazy("uses the property's times"),
        default=False,
        help_text=lazy("The stay follows when the property's check-in or check-out time changes."),
    )

    # Personal data: never in a log or a list, and blanked when the stay is long over (`rentals.purging`).
    guest_email = models.EmailField(lazy("guest's e-mail"), blank=True, default="", db_default="")
    guest_phone = models.CharField(
        lazy("guest's phone"),
        max_length=32,
        blank=True,
        default="",
        db_default="",
        validators=[validate_phone],
        help_text=lazy("With the country's code, for example +48 601 234 567."),
    )
    guest_language = models.CharField(
        lazy("guest's language"),
        max_length=8,
        blank=True,
        default="",
        db_default="",
        choices=LANGUAGES,
        help_text=lazy("Of the guest's page and messages. Empty: that of the guest's browser."),
    )

    contact_from_feed = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=lazy("A calendar said once how to reach the guest. From then on that is a person's matter."),
    )

    needs_review = models.BooleanField(
        default=False, help_text=lazy("Its calendar was not certain, so a person should check this stay.")
    )
    # What the calendars last asked for. Where the stay differs, a person set the value, and a person's edit wins.
    feed_check_in = models.DateTimeField(null=True, blank=True, editable=False)
    feed_check_out = models.DateTimeField(null=True, blank=True, editable=False)
    feed_guest_name = NameField(max_length=120, blank=True, editable=False)
    feed_status = models.CharField(max_length=16, blank=True, editable=False)
    forget_guest = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=lazy("The guest's data is to be erased when the stay is over and its code is off every lock."),
    )

    #: What no list may be filtered by, and no column may show.
    PERSONAL: Final = ("guest_email", "guest_phone", "guest_language")

    objects = BookingQuerySet.as_manager()

    class Meta:
        ordering = ("check_in", "pk")
        permissions = (("forget_guest", mark("Can erase the data of guests")),)
        constraints = (
            models.CheckConstraint(name="booking_ends_after_start", condition=Q(check_out__gt=F("check_in"))),
            models.CheckConstraint(
                name="booking_status_known", condition=Q(status__in=["confirmed", "tentative", "cancelled"])
            ),
        )
        # PostgreSQL has one more, over the period itself: see `rentals.models.periods`.
        indexes = (
            models.Index(fields=["property", "check_in", "check_out"], name="booking_property_period"),
            models.Index(name="booking_to_forget", fields=["check_out"], condition=Q(forget_guest=True)),
            models.Index(
                name="booking_contact",
                fields=["check_out"],
                condition=~Q(guest_email="", guest_phone=""),
            ),
        )

    def __str__(self) -> str:
        guest = self.guest_name or _("Guest")
        return f"{guest}, {days(self.arrival_date, self.departure_date)}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save together with what the stay needs from the locks. Without the transaction, a crash between the two would
        leave a booking without a code until the next drift check.

        Raises:
            ValueError: a time without a zone (it would silently be read as UTC), or a stay shorter than a second.
        """
        moments: list[Any] = [self.check_in, self.check_out]  # whatever a caller assigned
        times = [moment for moment in moments if isinstance(moment, datetime)]
        if any(moment.tzinfo is None for moment in times):
            raise ValueError("Booking.check_in and check_out need a time zone. Give aware datetimes, such as UTC.")
        if len({moment.replace(microsecond=0) for moment in times}) < len(times):
            raise ValueError("Booking.check_out must be later than check_in, by a second at least.")
        with transaction.atomic():
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete. The codes of the stay are then removed from the locks."""
        with transaction.atomic():
            return super().delete(*args, **kwargs)

    def clean(self) -> None:
        super().clean()
        check_in: datetime | None = self.check_in  # a form leaves None where its field did not parse
        check_out: datetime | None = self.check_out
        if check_in is not None and check_out is not None and check_out <= check_in:
            raise ValidationError({"check_out": _("Check-out must be later than check-in.")})

    @builtins.property  # the field above has the name
    def arrival_date(self) -> date:
        """The local day of check-in at the property."""
        return self.check_in.astimezone(self.property.zone).date()

    @builtins.property  # the field above has the name
    def departure_date(self) -> date:
        """The local day of check-out at the property."""
        return self.check_out.astimezone(self.property.zone).date()
